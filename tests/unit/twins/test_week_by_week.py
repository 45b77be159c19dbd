"""Who is off, who is believed instead, and how it begins and ends: weeks of two providers in a real lake."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import compare_sources, twins
from steadycast.findings import Finding
from steadycast.lake import open_lake
from tests.twin_sources import settings

FIRST_DAY = pd.Timestamp("2012-01-02")
ONSET = pd.Timestamp("2016-05-30")
WEEKS = [dt.date(2016, 5, 30) + dt.timedelta(weeks=i) for i in range(6)]
WANTED = settings(tolerance={"warm": 3.0})


def truth(until, variable="warm", entity="m"):
    """Four years of a season with weather on it, the same values whenever they are asked for."""
    dates = pd.date_range(FIRST_DAY, pd.Timestamp("2016-12-31"), unit="us")
    noise = np.random.default_rng(7).normal(0, 4, len(dates))
    values = 50 - 25 * np.cos(2 * np.pi * dates.day_of_year / 365.25) + noise
    frame = pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": values})
    frame = frame.astype({"entity": "str", "variable": "str"})
    return frame[frame["date"] < pd.Timestamp(until)].reset_index(drop=True)


def beside(frame):
    """The same weather at the other provider: two degrees colder as a habit, and some reading noise."""
    noise = np.random.default_rng(8).normal(0, 0.5, len(frame))
    return frame.assign(value=frame["value"] - 2 + noise)


class Weeks:
    """Runs the comparison of weeks; what a provider says is given per week."""

    def __init__(self, folder, wanted=WANTED):
        self.lake = open_lake(str(folder))
        self.settings = wanted
        self.segments = {}

    def run(self, as_of, **tables):
        for name, frame in tables.items():
            moment = dt.datetime.combine(as_of, dt.time(), dt.UTC)
            observations = self.lake.observations(name)
            segment = observations.append(frame, moment).segment
            observations.accept(segment, by="test")
            mine = self.segments.setdefault(name, {})
            mine[as_of] = segment
            known = [segment for week, segment in sorted(mine.items()) if week <= as_of]
            path = f"runs/{as_of}/validate/{name}.json"
            self.lake.write_json(path, {"verdict": "pass", "segments": known})
        self.found = compare_sources.compare(self.lake, self.settings, as_of=as_of)[0]
        return self.found.report["variables"]["warm"]

    def spans(self, as_of):
        return twins.spans.of_week(self.lake, as_of)

    def told(self, as_of) -> list[Finding]:
        earlier = twins.spans.before(self.lake, as_of)
        return twins.telling.findings(self.spans(as_of), earlier, self.settings, as_of=as_of)


@pytest.fixture
def weeks(tmp_path):
    return Weeks(tmp_path)


def wrong(frame, since=ONSET, until=None, by=14.0):
    there = (frame["date"] >= since) & (frame["date"] < (until or pd.Timestamp("2100-01-01")))
    return frame.assign(value=frame["value"] + by * there)


def month_of_nonsense(weeks, side="a"):
    """Right until the first week, wrong for three weeks, then right again without mending the past."""
    end = pd.Timestamp(WEEKS[4])
    for as_of in WEEKS:
        tables = {"a": truth(as_of), "b": beside(truth(as_of))}
        tables[side] = wrong(tables[side], until=end - pd.Timedelta(days=7), by=25.0)
        yield as_of, weeks.run(as_of, **tables)


def test_a_usual_difference_is_no_disagreement(weeks):
    told = weeks.run(WEEKS[0], a=truth(WEEKS[0]), b=beside(truth(WEEKS[0])))
    assert (told["verdict"], told["serves"]) == ("agree", "a")
    [usual] = twins.of_week(weeks.lake, WEEKS[0]).usual["bias"]
    assert usual == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(("side", "serves"), [("a", "b"), ("b", "a")])
def test_the_one_that_is_unlike_itself_is_off_and_the_other_serves(weeks, side, serves):
    verdicts = [
        told["verdict"] for _, (_, told) in zip(range(3), month_of_nonsense(weeks, side), strict=False)
    ]
    assert verdicts == ["agree", f"{side} off", f"{side} off"]
    [span] = weeks.spans(WEEKS[2])
    assert (span.off, span.start, span.open, span.since) == (side, "2016-05-30", True, "2016-06-06")
    assert span.bias == pytest.approx(25.0, abs=1.0)


def test_begin_is_told_once_it_goes_on_under_the_same_key_and_its_end_is_told_once(weeks):
    found = {as_of: weeks.told(as_of) for as_of, _ in month_of_nonsense(weeks)}
    keys = [[finding.key for finding in found[as_of]] for as_of in WEEKS]
    same = "divergence/a/2016-06-06"
    assert keys == [[], [same], [same], [same], [f"{same}/end"], []]
    begun = found[WEEKS[1]][0]
    assert begun.title == "a is off since 2016-05-30; b is used"
    assert "warm of m +25" in begun.text
    assert "ends by itself" in begun.text
    assert found[WEEKS[4]][0].title == "a and b agree again; a is used again"


def test_days_that_were_wrong_stay_replaced_until_the_provider_mends_them(weeks):
    for _ in month_of_nonsense(weeks):
        pass
    [span] = weeks.spans(WEEKS[5])
    assert (span.open, span.start, span.end) == (False, "2016-05-30", "2016-06-19")
    later = WEEKS[5] + dt.timedelta(weeks=12)
    weeks.run(later, a=wrong(truth(later), until=pd.Timestamp("2016-06-20"), by=25.0), b=beside(truth(later)))
    assert [(s.start, s.end) for s in weeks.spans(later)] == [("2016-05-30", "2016-06-19")]
    mended = later + dt.timedelta(weeks=1)
    weeks.run(mended, a=truth(mended), b=beside(truth(mended)))
    assert weeks.spans(mended) == []


def test_a_rerun_of_an_old_week_gives_the_old_answer(weeks):
    for _ in month_of_nonsense(weeks):
        pass
    old = WEEKS[1]
    mine = {p: weeks.lake.read_bytes(p) for p in weeks.lake.list("") if str(old) in p}
    compare_sources.compare(weeks.lake, weeks.settings, as_of=old)
    assert {p: weeks.lake.read_bytes(p) for p in weeks.lake.list("") if str(old) in p} == mine
    assert len(mine) > 3


def test_who_changed_its_own_past_is_off_however_plausible_the_new_values_are(weeks):
    first, second = WEEKS[0], WEEKS[1]
    weeks.run(first, a=truth(first), b=beside(truth(first)))
    # the values of another year: the right season, the wrong weather
    old = truth(second)
    other = old["value"].shift(365)
    rewritten = old.assign(value=old["value"].where(old["date"] < pd.Timestamp("2016-05-01"), other))
    told = weeks.run(second, a=rewritten, b=beside(old))
    assert told["verdict"] == "a off"
    assert "after it had agreed on them" in told["sentence"]


def test_a_value_that_does_not_move_any_more_is_off(weeks):
    as_of = WEEKS[2]
    stuck = truth(as_of)
    day = stuck["date"] >= pd.Timestamp("2016-05-02")
    stuck.loc[day, "value"] = stuck.loc[~day, "value"].iloc[-1]
    told = weeks.run(as_of, a=stuck, b=beside(truth(as_of)))
    assert told["verdict"] == "a off"
    assert any("repeats the same value" in why for why in weeks.spans(as_of)[0].why)


def test_without_earlier_years_and_a_rewriting_it_is_undecided_and_said_so(weeks):
    as_of = WEEKS[2]
    young = truth(as_of)
    young = young[young["date"] >= pd.Timestamp("2016-01-01")]
    told = weeks.run(as_of, a=wrong(young), b=beside(young))
    assert (told["verdict"], told["disagree"], told["serves"]) == ("undecided", True, "a")
    assert told["sentence"].endswith("which of them is off is undecided")
    [finding] = weeks.told(as_of)
    assert "nobody can tell which is off" in finding.title


def test_a_third_provider_decides_what_two_can_not(tmp_path):
    wanted = settings(tolerance={"warm": 3.0})
    third = wanted.source("b").model_copy(update={"name": "c", "twin": "a"})
    weeks = Weeks(tmp_path, wanted.model_copy(update={"sources": (*wanted.sources, third)}))
    as_of = WEEKS[2]
    right = truth(as_of)
    right = right[right["date"] >= pd.Timestamp("2016-01-01")]
    told = weeks.run(as_of, a=wrong(right), b=beside(right), c=right.assign(value=right["value"] + 1))
    assert (told["verdict"], told["serves"]) == ("a off", "b")
    assert "c agrees with b" in told["sentence"]


def test_from_two_years_on_the_habit_is_that_of_the_season(weeks):
    as_of = WEEKS[0]
    frame = truth(as_of)
    summer = frame["date"].dt.month.between(4, 9)
    weeks.run(as_of, a=frame, b=frame.assign(value=frame["value"] - 6.0 * summer))
    assert twins.of_week(weeks.lake, as_of).usual["bias"].tolist() == pytest.approx([6.0])


def test_a_fault_in_the_history_does_not_make_the_next_one_normal(weeks):
    as_of = WEEKS[2]
    faulty = wrong(truth(as_of), since=pd.Timestamp("2016-01-10"), until=pd.Timestamp("2016-01-31"), by=40.0)
    told = weeks.run(as_of, a=wrong(faulty, by=20.0), b=beside(truth(as_of)))
    assert told["verdict"] == "a off"
    assert weeks.found.measured["day_limit"].max() < 5


def test_a_provider_that_falls_silent_ends_nothing(weeks):
    for as_of, _ in zip(WEEKS[:3], month_of_nonsense(weeks), strict=False):
        last = as_of
    silent = wrong(truth(last), by=25.0)
    weeks.run(WEEKS[3], a=silent[silent["date"] >= "2016-04-01"], b=beside(truth(WEEKS[3])))
    assert [span.open for span in weeks.spans(WEEKS[3])] == [True]
    assert [finding.key for finding in weeks.told(WEEKS[3])] == ["divergence/a/2016-06-06"]


def test_the_gate_and_the_picture_are_there(weeks):
    for as_of, _ in zip(WEEKS[:2], month_of_nonsense(weeks), strict=False):
        week = as_of
    report = weeks.lake.read_json(compare_sources.run(weeks.lake, weeks.settings, as_of=week))
    assert report["verdict"] == "warn"
    assert report["warnings"][0].startswith("a is off since 2016-05-30 on warm of m")
    assert weeks.lake.read_bytes(report["pairs"][0]["picture"]).startswith(b"\x89PNG")
    pages = [p for p in weeks.lake.list(report["docs"]) if p.endswith(".html")]
    assert any("what is normal for the two" in weeks.lake.read_bytes(path).decode() for path in pages)
