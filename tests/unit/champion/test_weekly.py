"""A quarter of shadow forecasts, scored and judged as the backtest does."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import champion, findings, schema, scores
from steadycast.lake import open_lake
from tests.forecast_tables import AS_OF, ENTITIES, LEVEL, forecast, settings

WEEKS = [AS_OF + dt.timedelta(weeks=n) for n in range(14)]
NOW = WEEKS[-1] + dt.timedelta(weeks=2)


def chosen(by="approval"):
    forecast_ = {"horizon_weeks": 2, "challengers": {"small": {"leaves": 4}}, "promotion": {"by": by}}
    return settings(forecast=forecast_)


def actuals() -> pd.DataFrame:
    mondays = pd.date_range(AS_OF, periods=17, freq="7D", unit="us")
    return pd.DataFrame(
        [{schema.ENTITY: e, schema.WEEK: week, schema.VALUE: LEVEL[e]} for e in ENTITIES for week in mondays]
    )


@pytest.fixture
def lake(tmp_path):
    """The champion is off by about 5 %, the challenger by half of it."""
    lake = open_lake(str(tmp_path / "lake"))
    for number, week in enumerate(WEEKS):
        off = 0.05 * (1 + 0.2 * np.sin(number))
        lake.write_json(f"runs/{week}/train/card.json", {"champion": "base"})
        for path, share in (
            (f"runs/{week}/infer/forecast.parquet", off),
            (champion.shadow_path(week, "small"), off / 2 * (1 + 0.05 * np.cos(number))),
        ):
            frame = forecast(week)
            frame[schema.POINT] = frame[schema.ENTITY].map(LEVEL) * (1 + share)
            lake.write_frame(path, frame)
    return lake


def stand(lake, weeks=WEEKS, by="approval", as_of=NOW):
    return champion.stand(lake, chosen(by), actuals(), weeks, as_of=as_of, season=scores.season)


def test_only_whole_pairs_of_the_champions_office_count(lake):
    lake.write_json(f"runs/{WEEKS[2]}/train/card.json", {"champion": "small"})
    lake.delete(champion.shadow_path(WEEKS[3], "small"))
    known = actuals()
    known = known[known[schema.WEEK] < pd.Timestamp(WEEKS[-1])]
    found = champion.losses(lake, known, WEEKS, champion="base", challenger="small")
    assert list(found[schema.ORIGIN].dt.date) == [w for w in WEEKS[:-2] if w not in (WEEKS[2], WEEKS[3])]
    assert found["champion"].iloc[0] == pytest.approx(0.05)
    assert found["challenger"].iloc[0] == pytest.approx(0.025 * 1.05)


def test_a_better_challenger_is_proposed_once_and_a_person_promotes_it(lake):
    report = stand(lake)
    assert (report["proposed"], report["promoted"]) == ("small", None)
    assert report["standings"]["small"]["gain"] == pytest.approx(0.5, abs=0.05)
    (found,) = findings.read(lake, as_of=NOW)
    assert found.title == "small is proposed as champion instead of base"
    assert stand(lake)["proposed"] == "small"  # the same week again
    later = NOW + dt.timedelta(weeks=1)
    assert stand(lake, as_of=later)["proposed"] is None
    told = champion.proposal(lake, NOW)
    text = champion.question(told, NOW, 120)
    assert "Shall **small** take the place of **base**" in text
    assert champion.answer(lake, chosen(), NOW, "keep", by="ana", reason="", at="x") is None
    assert champion.champion(lake, chosen(), later) == "base"
    event = champion.answer(lake, chosen(), NOW, "promote", by="ana", reason="yes", at="x")
    assert (event.week, event.by) == (later.isoformat(), "ana")
    assert champion.champion(lake, chosen(), later) == "small"


def test_the_rule_promotes_without_asking_and_once(lake):
    report = stand(lake, by="rule")
    assert report["promoted"] == "small"
    assert champion.proposal(lake, NOW) is None
    stand(lake, by="rule")
    (event,) = champion.events(lake)
    assert (event.by, event.champion, event.week) == ("rule", "small", str(NOW + dt.timedelta(weeks=1)))


def test_a_new_champion_begins_with_no_pairs_and_the_old_one_is_its_challenger(lake):
    stand(lake, by="rule")
    later = NOW + dt.timedelta(weeks=2)
    report = stand(lake, by="rule", as_of=later)
    assert report["champion"] == "small"
    assert report["standings"]["base"]["says"] == "base: 0 paired week(s), first judged after 13"


def test_few_weeks_propose_nobody(lake):
    report = stand(lake, weeks=WEEKS[:12])
    assert (report["proposed"], report["standings"]["small"]["verdict"]) == (None, "wait")
    assert findings.read(lake, as_of=NOW) == []
    assert champion.proposal(lake, NOW + dt.timedelta(weeks=9)) is None
