"""What becomes of a poll with suspicious values: kept out, told, held until believed; over a real lake."""

from __future__ import annotations

import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest

from steadycast import findings, ingest, revisions, validate
from steadycast.lake import open_lake
from steadycast.lake.segments import place
from steadycast.revisions.__main__ import main
from steadycast.settings import LocalFileSource, RevisionSettings

FIRST = dt.date(2016, 5, 2)
DATES = pd.date_range("2015-06-01", "2016-08-28")


def truth():
    """Degrees Celsius around zero, one decimal."""
    noise = np.random.default_rng(11).normal(0, 3, len(DATES))
    return pd.Series((5 - 12 * np.cos(2 * np.pi * (DATES.day_of_year - 15) / 365.25) + noise).round(1), DATES)


class Air:
    """A source in a file that its owner rewrites, and the weekly stages on it."""

    def __init__(self, folder, role="optional", **rules):
        self.lake = open_lake(str(folder / "lake"))
        self.file = folder / "air.csv"
        self.source = LocalFileSource.model_validate(
            {
                "name": "air",
                "kind": "local_file",
                "path": str(self.file),
                "role": role,
                "variables": [{"name": "warm", "unit": "degC", "minimum": -40, "maximum": 120}],
                "entities": ["a"],
                "layout": {"entity": "a"},
                "history_start": "2015-06-01",
                "revisions": rules,
            }
        )

    def week(self, number, values):
        """Ingest and validate the week; the verdict."""
        as_of = monday(number)
        told = values[: pd.Timestamp(as_of) - pd.Timedelta(days=1)]
        rows = [f"{day:%Y-%m-%d},{value}" for day, value in told.items()]
        self.file.write_text("date,warm\n" + "\n".join(rows) + "\n")
        at = dt.datetime.combine(as_of, dt.time(6), dt.UTC)
        ingest.run(self.lake, self.source, as_of=as_of, retrieved_at=at, connection=None)
        return self.judge(number)

    def judge(self, number):
        return self.lake.read_json(validate.run(self.lake, self.source, as_of=monday(number)))

    def used(self, verdict):
        rows = self.lake.observations("air").read(segments=verdict["segments"])
        return rows.set_index("date")["value"]

    def report(self, number):
        return self.lake.read_json(revisions.path(monday(number), "air"))


def monday(number):
    return FIRST + dt.timedelta(weeks=number)


def days(start, end):
    return pd.date_range(start, end)


@pytest.fixture(scope="module")
def three_weeks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three_weeks")
    made = Air(folder)
    for number in range(3):
        assert made.week(number, truth())["verdict"] == "pass"
    return folder


@pytest.fixture
def air(three_weeks, tmp_path):
    """After three good weeks; each test goes on in a copy."""
    shutil.copytree(three_weeks, tmp_path, dirs_exist_ok=True)
    return Air(tmp_path)


def scaled():
    values = truth()
    values[days("2016-05-01", "2016-05-13")] = (1.5 * values[days("2016-05-01", "2016-05-13")]).round(1)
    return values


def fahrenheit(weeks=1):
    values = truth()
    start = pd.Timestamp(monday(3) - dt.timedelta(weeks=1))
    mine = days(start, start + pd.Timedelta(days=7 * weeks - 1))
    values[mine] = (1.8 * values[mine] + 62).round(1)
    return values


def test_known_values_beyond_usual_are_told_and_the_earlier_ones_stand(air):
    verdict = air.week(3, scaled())
    assert verdict["verdict"] == "warn"
    (said,) = [text for text in verdict["warnings"] if "scaled" in text]
    assert said.startswith(
        "air: warm of a is scaled (times 1.5) from 2016-05-01 to 2016-05-13: 13 values known"
    )
    assert said.endswith("the earlier values are kept")
    assert air.report(3)["held"] == 13
    pd.testing.assert_series_equal(
        air.used(verdict), truth()[:"2016-05-22"], check_names=False, check_freq=False, check_index_type=False
    )


def test_the_poll_stays_in_the_lake_as_it_was_told(air):
    verdict = air.week(3, scaled())
    own = air.lake.read_json(ingest.path(monday(3), "air"))["segment"]
    assert air.lake.observations("air").verdict(own) == "rejected"
    assert own not in verdict["segments"]
    told = air.lake.observations("air").read(segments=[own]).set_index("date")["value"]
    assert told["2016-05-10"] == scaled()["2016-05-10"]
    assert own in verdict["otherwise"]


def test_judged_again_it_gives_the_same_bytes(air):
    air.week(3, scaled())
    before = {path: air.lake.read_bytes(path) for path in air.lake.list("")}
    air.week(3, scaled())
    assert {path: air.lake.read_bytes(path) for path in air.lake.list("")} == before


def test_when_the_provider_takes_it_back_the_whole_poll_counts_and_nothing_of_the_other_one(air):
    air.week(3, scaled())
    verdict = air.week(3, truth())
    assert verdict["verdict"] == "pass"
    own = air.lake.read_json(ingest.path(monday(3), "air"))["segment"]
    assert verdict["segments"][-1] == own
    at = place(own).retrieved_at
    later = [s for s in air.lake.observations("air").segments() if place(s).retrieved_at > at]
    assert later == []


def test_it_is_told_every_week_under_the_same_key_and_stays_out(air):
    keys = []
    for number in (3, 4):
        verdict = air.week(number, scaled())
        assert air.used(verdict)["2016-05-10"] == truth()["2016-05-10"]
        (found,) = findings.read(air.lake, as_of=monday(number))
        keys.append(found.key)
    assert keys == ["revision/air/warm/scaled"] * 2


def test_new_values_of_an_optional_source_that_look_faulty_are_left_out(air):
    verdict = air.week(3, fahrenheit())
    assert verdict["verdict"] == "warn"
    assert air.used(verdict).index.max() == pd.Timestamp("2016-05-15")
    assert any(text.endswith("they are left out") for text in verdict["warnings"])


def test_new_values_stay_out_while_the_provider_tells_them_again(air):
    air.week(3, fahrenheit())
    verdict = air.week(4, fahrenheit())
    known = air.used(verdict)
    assert not known.index.isin(days("2016-05-16", "2016-05-22")).any()
    assert known.index.max() == pd.Timestamp("2016-05-29")
    assert any(
        "7 values that were left out in earlier weeks are told again" in t for t in verdict["warnings"]
    )
    # once they are mended they come in
    assert air.used(air.week(5, truth()))["2016-05-18"] == truth()["2016-05-18"]


def test_a_source_that_insists_is_believed(tmp_path):
    made = Air(tmp_path, believe_after_weeks=2)
    for number in range(3):
        made.week(number, truth())
    values = [made.used(made.week(number, scaled()))["2016-05-10"] for number in (3, 4, 5)]
    assert values == [truth()["2016-05-10"]] * 2 + [scaled()["2016-05-10"]]


def test_a_person_who_believes_the_source_is_obeyed(air, capsys):
    air.week(3, scaled())
    assert main(["believe", "air", "--lake", air.lake.url, "--week", str(monday(3)), "--by", "ana"]) == 0
    assert "13 value(s) had been kept out" in capsys.readouterr().out
    assert air.used(air.judge(3))["2016-05-10"] == scaled()["2016-05-10"]
    verdict = air.week(4, scaled())
    assert (verdict["verdict"], air.used(verdict)["2016-05-10"]) == ("pass", scaled()["2016-05-10"])


def test_the_list_says_what_was_revised(air, capsys):
    air.week(3, scaled())
    assert main(["list", "--lake", air.lake.url, "--week", str(monday(3))]) == 0
    assert "warm of a is scaled" in capsys.readouterr().out
    assert main(["list", "--lake", air.lake.url, "--week", str(monday(2))]) == 0
    assert "nothing was revised beyond usual" in capsys.readouterr().out


def test_a_fundamental_source_keeps_its_known_values_and_uses_its_new_ones(tmp_path):
    made = Air(tmp_path, role="fundamental")
    for number in range(3):
        made.week(number, truth())
    verdict = made.week(3, fahrenheit())
    assert made.used(verdict).index.max() == pd.Timestamp("2016-05-22")
    assert any(text.endswith("the values are used as told") for text in verdict["warnings"])
    verdict = made.week(4, scaled())
    assert made.used(verdict)["2016-05-10"] == truth()["2016-05-10"]


def test_rules_can_let_everything_in(tmp_path):
    made = Air(tmp_path, known_values="replace", new_values="use")
    assert made.source.revisions == RevisionSettings(known_values="replace", new_values="use")
    for number in range(3):
        made.week(number, truth())
    verdict = made.week(3, scaled())
    assert made.used(verdict)["2016-05-10"] == scaled()["2016-05-10"]
    other = made.lake.observations("air").read(segments=verdict["otherwise"]).set_index("date")["value"]
    assert other["2016-05-10"] == truth()["2016-05-10"]


def test_a_repair_of_a_value_that_stood_out_is_used(tmp_path):
    made = Air(tmp_path, role="fundamental")
    wrong = truth()
    wrong["2016-05-10"] = 112.0
    for number in range(3):
        made.week(number, wrong)
    verdict = made.week(3, truth())
    assert made.used(verdict)["2016-05-10"] == truth()["2016-05-10"]
    (found,) = findings.read(made.lake, as_of=monday(3))
    assert (found.severity, found.key) == ("info", "revision/air/warm/corrected")


def test_the_pages_of_the_gate_show_our_own_expectation(air):
    docs = air.week(3, scaled())["docs"]
    pages = [p for p in air.lake.list(docs) if "air_revisions" in p and "validations" in p]
    assert pages
    assert b"revised beyond its usual" in air.lake.read_bytes(pages[0])
