"""A plan of promotions from its file to the forecast, over all stages, Monday by Monday."""

from __future__ import annotations

import datetime as dt
import shutil

import numpy as np
import pandas as pd
import pytest

from steadycast import (
    check_forecast,
    compare_sources,
    impute,
    infer,
    ingest,
    schema,
    train,
    validate,
    what_if,
)
from steadycast.errors import SourceUnreachable
from steadycast.lake import open_lake
from steadycast.settings import Settings
from steadycast.what_if import Move

SHOPS = {"north": 900.0, "south": 400.0, "east": 150.0, "west": 60.0}
START, FIRST = dt.date(2013, 1, 7), dt.date(2016, 5, 30)
SECOND, THIRD = FIRST + dt.timedelta(weeks=1), FIRST + dt.timedelta(weeks=2)
MOVED = dt.date(2016, 6, 20)
"""A week whose promotion is decided between the first and the second Monday."""


def settings(folder):
    files = {"kind": "local_file", "layout": {"entity_field": "shop", "date_field": "day"}}
    return Settings.model_validate(
        {
            "title": "Four shops",
            "schedule": {"first_week": FIRST},
            "target": {"source": "sales", "variable": "sold", "unit": "EUR per week"},
            "sources": [
                {
                    "name": "sales", "role": "fundamental", "path": str(folder / "sales.csv"), **files,
                    "variables": [{"name": "sold", "unit": "EUR", "minimum": 0, "weekly": "sum"}],
                    "entities": sorted(SHOPS), "history_start": START,
                },
                {
                    "name": "plan", "path": str(folder / "plan.csv"), "internal": True, **files,
                    "variables": [{"name": "budget", "unit": "EUR", "minimum": 0, "weekly": "mean"}],
                    "cadence": "weekly", "ahead_weeks": 4, "planned": True, "history_start": START,
                    "expected_lag_days": 0,
                },
            ],
            "forecast": {"ahead": {"plan": ["budget"]}, "signs": {"plan.budget": "+"}, "holidays": "DE"},
        }
    )  # fmt: skip


def budget(shop, monday):
    """EUR per week, in a quarter of the weeks by chance."""
    seed = [sorted(SHOPS).index(shop), monday.toordinal()]
    return 50.0 if np.random.default_rng(seed).random() < 0.25 else 0.0


def mondays(last):
    return [day.date() for day in pd.date_range(START, last, freq="7D")]


def write(folder, as_of):
    """The files as they are on a Monday: sales until then, the plan four weeks farther."""
    sold, planned = ["shop,day,sold"], ["shop,day,budget"]
    for shop, level in SHOPS.items():
        for monday in mondays(as_of - dt.timedelta(weeks=1)):
            noise = np.random.default_rng([7, len(shop), monday.toordinal()]).standard_normal(7)
            promoted = 1.3 if budget(shop, monday) else 1.0
            season = 1 + 0.1 * np.sin(2 * np.pi * monday.timetuple().tm_yday / 365.25)
            for day, chance in enumerate(noise):
                value = level / 7 * promoted * season * (1 + 0.03 * chance)
                sold.append(f"{shop},{monday + dt.timedelta(days=day)},{value:.2f}")
        for monday in mondays(as_of + dt.timedelta(weeks=3)):
            planned.append(f"{shop},{monday},{told(shop, monday, as_of)}")
    (folder / "sales.csv").write_text("\n".join(sold) + "\n")
    (folder / "plan.csv").write_text("\n".join(planned) + "\n")


def told(shop, monday, as_of):
    """What the plan says of a week on a Monday."""
    promoted = monday == MOVED and as_of > FIRST
    return 50.0 if promoted else 0.0 if monday == MOVED else budget(shop, monday)


def week(folder, as_of, lost=()):
    """All stages of a week; sources that are lost give nothing."""
    lake, chosen = open_lake(str(folder / "lake")), settings(folder)
    write(folder, as_of)
    for source in chosen.sources:
        if source.name in lost:
            (folder / f"{source.name}.csv").unlink()
        try:
            ingest.run(lake, source, as_of=as_of, retrieved_at=moment(as_of), connection=None)
        except SourceUnreachable as error:
            ingest.absent(lake, source, as_of=as_of, reason=error.what)
        validate.run(lake, source, as_of=as_of)
    compare_sources.run(lake, chosen, as_of=as_of)
    panel = impute.run(lake, chosen, as_of=as_of)
    card = train.run(lake, chosen, panel, as_of=as_of, git_commit="test")
    infer.run(lake, chosen, panel, card, as_of=as_of)
    check_forecast.run(lake, chosen, f"runs/{as_of}/infer/forecast.parquet", as_of=as_of)
    return lake


def moment(as_of):
    return dt.datetime.combine(as_of, dt.time(6), dt.UTC)


def points(lake, as_of):
    frame = lake.read_frame(f"runs/{as_of}/infer/forecast.parquet")
    return frame.set_index([schema.ENTITY, schema.WEEK])[schema.POINT].unstack()


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory):
    """The folder after two Mondays; not to be changed."""
    folder = tmp_path_factory.mktemp("shops")
    week(folder, FIRST)
    week(folder, SECOND)
    return folder


@pytest.fixture
def folder(two_weeks, tmp_path):
    shutil.copytree(two_weeks, tmp_path / "shops")
    return tmp_path / "shops"


def test_the_planned_weeks_are_forecast_higher_and_the_forecast_is_not_degraded(two_weeks):
    lake = open_lake(str(two_weeks / "lake"))
    verdict = lake.read_json(f"runs/{FIRST}/validate/plan.json")
    assert (verdict["verdict"], verdict["failures"]) == ("pass", [])
    made = points(lake, FIRST)
    for shop, level in SHOPS.items():
        for monday in made.columns:
            promoted = told(shop, monday.date(), FIRST) > 0
            season = 1 + 0.1 * np.sin(2 * np.pi * monday.day_of_year / 365.25)
            assert made.loc[shop, monday] == pytest.approx(
                level * season * (1.3 if promoted else 1.0), rel=0.12
            )
    assert lake.read_json(f"runs/{FIRST}/impute/degraded.json")["degraded"] is False


def test_a_promotion_decided_since_last_monday_lifts_its_week_and_is_told_as_data(two_weeks):
    lake = open_lake(str(two_weeks / "lake"))
    before, after = (points(lake, monday)[pd.Timestamp(MOVED)] for monday in (FIRST, SECOND))
    assert (after / before).min() > 1.12
    frame = lake.read_frame(f"runs/{SECOND}/infer/change.parquet")
    moved = frame[frame["week"] == pd.Timestamp(MOVED)]
    assert (moved["data"] > 0.7 * (moved["after"] - moved["before"])).all()
    groups = lake.read_frame(f"runs/{SECOND}/infer/contributions.parquet")["group"]
    assert "plan.budget" in set(groups)


def test_what_the_first_monday_knew_stays_what_it_knew(two_weeks):
    lake = open_lake(str(two_weeks / "lake"))
    panel = lake.read_frame(f"runs/{SECOND}/impute/panel.parquet")
    mine = panel[(panel["week"] == pd.Timestamp(MOVED)) & (panel["entity"] == "north")]
    known = mine.set_index("variable")["value"]
    # horizon 4 was the first Monday's, horizon 3 is the second's
    assert known["budget@4"] == 0.0
    assert known["budget@3"] == 50.0


def test_a_lost_plan_serves_as_it_was_said_and_the_readers_are_told(folder):
    lake = week(folder, THIRD, lost=("plan",))
    degraded = lake.read_json(f"runs/{THIRD}/impute/degraded.json")
    assert "what it had said of the weeks to come still serves for budget" in degraded["reasons"][0]
    last = THIRD + dt.timedelta(weeks=3)
    assert f"plan says nothing of budget of east, north, south and 1 more in the weeks of {last}" in str(
        degraded["reasons"]
    )
    made = points(lake, THIRD)
    assert made.notna().all().all()
    assert (made[pd.Timestamp(MOVED)] / points(lake, FIRST)[pd.Timestamp(MOVED)]).min() > 1.1


def test_what_if_the_promotion_were_called_off(two_weeks):
    lake = open_lake(str(two_weeks / "lake"))
    move = Move("plan.budget", "to", 0.0, first=MOVED, last=MOVED, entities=("north",))
    found = what_if.of_week(lake, settings(two_weeks), SECOND, [move])
    less = (found.after[schema.POINT] / found.before[schema.POINT]).where(
        (found.before[schema.ENTITY] == "north") & (found.before[schema.WEEK] == pd.Timestamp(MOVED))
    )
    assert less.min() < 0.9
    others = found.before[schema.WEEK] != pd.Timestamp(MOVED)
    pd.testing.assert_frame_equal(found.after[others], found.before[others])


def test_a_week_run_again_gives_the_same_bytes(folder):
    lake = open_lake(str(folder / "lake"))
    paths = [f"runs/{SECOND}/impute/panel.parquet", f"runs/{SECOND}/infer/forecast.parquet"]
    before = [lake.read_bytes(path) for path in paths]
    week(folder, SECOND)
    assert [lake.read_bytes(path) for path in paths] == before
