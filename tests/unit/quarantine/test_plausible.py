"""What is implausible: beyond the range, or unlike its neighbours and the own season."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steadycast.quarantine.plausible import FLAG_DTYPES, implausible
from steadycast.settings import QuarantineSettings, Variable

SALES = Variable(name="sales", unit="EUR", minimum=0, maximum=1000)
TEMPERATURE = Variable(name="t", unit="degC", minimum=-60, maximum=60)
RULES = QuarantineSettings()


def daily(first="2013-01-01", last="2016-06-05", level=100.0, entity="a", variable="sales", **changes):
    dates = pd.date_range(first, last, unit="us")
    noise = np.random.default_rng(3).standard_normal(len(dates))
    values = pd.Series(level * (1 + 0.05 * noise), index=dates)
    for date, value in changes.get("at", {}).items():
        values[pd.Timestamp(date)] = value
    frame = pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": values.to_numpy()})
    return frame.astype({"entity": "str", "variable": "str"})


def flags(rows, variable=SALES, cadence="daily", **options):
    found = implausible(rows, variable, cadence, RULES, **options)
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: {"str": "str"}.get(kind, kind) for name, kind in FLAG_DTYPES.items()
    }
    return [(f"{row.date:%Y-%m-%d}", row.value, row.kind) for row in found.itertuples()]


def test_an_ordinary_series_has_no_flag():
    assert flags(daily()) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(1001.0, "outside range", id="above_the_range"),
        pytest.param(-1.0, "outside range", id="below_the_range"),
        pytest.param(700.0, "spike", id="seven_fold"),
        pytest.param(17.0, "spike", id="a_sixth"),
        pytest.param(990.0, "changed digits", id="ten_fold"),
        pytest.param(10.2, "changed digits", id="a_tenth"),
    ],
)
def test_an_implausible_value_is_named(value, kind):
    assert flags(daily(at={"2016-05-18": value})) == [("2016-05-18", value, kind)]


@pytest.mark.parametrize("value", [0.0, 3.0, 250.0], ids=["closed", "as_good_as_closed", "a_good_day"])
def test_what_may_happen_is_not_flagged(value):
    assert flags(daily(at={"2016-05-18": value})) == []


def test_the_newest_value_is_judged_by_those_before_it():
    assert flags(daily(at={"2016-06-05": 700.0})) == [("2016-06-05", 700.0, "spike")]


def test_what_comes_every_year_is_no_spike():
    festival = {f"{year}-05-{day}": 600.0 for year, day in ((2013, 14), (2014, 21), (2015, 16), (2016, 18))}
    assert flags(daily(at=festival)) == []


def test_a_spike_does_not_excuse_its_neighbour_of_the_week_after():
    at = {"2016-05-18": 700.0, "2016-05-25": 720.0}
    assert [day for day, _, _ in flags(daily(at=at))] == ["2016-05-18", "2016-05-25"]


def test_a_new_level_is_no_spike_for_long():
    rows = daily()
    late = rows["date"] >= "2016-03-01"
    rows["value"] = rows["value"].where(~late, rows["value"] * 6)
    judged = flags(rows, since=dt.date(2016, 4, 20))
    assert judged == []


def test_one_entity_is_not_judged_by_another():
    rows = pd.concat([daily(level=1.0, entity="kiosk"), daily(level=900.0, entity="mall", at={})])
    assert flags(rows[rows["value"] <= 1000]) == []


def test_dates_before_since_are_not_judged_but_help_to_judge():
    rows = daily(at={"2016-05-18": 700.0, "2015-05-18": 700.0, "2016-05-19": -5.0})
    assert flags(rows, since=dt.date(2016, 5, 19)) == [("2016-05-19", -5.0, "outside range")]


def test_values_that_can_be_negative_are_judged_by_differences():
    dates = pd.date_range("2013-01-01", "2016-06-05", unit="us")
    season = 10 - 12 * np.cos(2 * np.pi * dates.day_of_year.to_numpy() / 365.25)
    noise = np.random.default_rng(5).standard_normal(len(dates)) * 3
    rows = pd.DataFrame({"entity": "a", "date": dates, "variable": "t", "value": season + noise})
    rows = rows.astype({"entity": "str", "variable": "str"})
    assert flags(rows, TEMPERATURE) == []
    rows.loc[rows["date"] == "2016-01-20", "value"] = 55.0
    assert [day for day, _, _ in flags(rows, TEMPERATURE)] == ["2016-01-20"]


def test_weekly_and_monthly_sources_have_their_own_neighbours():
    rows = daily(at={"2016-05-02": 700.0})
    weekly = rows[rows["date"].dt.day_of_week == 0]
    assert flags(weekly, cadence="weekly") == [("2016-05-02", 700.0, "spike")]
    monthly = daily(first="2000-01-01", at={"2016-05-01": 700.0})
    monthly = monthly[monthly["date"].dt.day == 1]
    assert flags(monthly, cadence="monthly") == [("2016-05-01", 700.0, "spike")]


def test_a_short_history_knows_nothing_but_the_range():
    rows = daily(first="2016-05-20", at={"2016-05-25": 700.0, "2016-05-26": 2000.0})
    assert flags(rows) == [("2016-05-26", 2000.0, "outside range")]


@pytest.mark.real_data
def test_slipped_points_in_real_entries_are_found_and_real_days_seldom_flagged():
    folder = os.environ.get("STEADYCAST_REAL_DATA")
    if not folder:
        pytest.skip("STEADYCAST_REAL_DATA names no folder")
    wide = pd.read_csv(Path(folder) / "cta_L_entries_daily_147.csv.gz", parse_dates=["date"])
    wide = wide[wide["date"] >= "2010-01-01"].iloc[:, :31]
    rows = wide.melt("date", var_name="entity", value_name="value").dropna().assign(variable="sales")
    rows = rows.astype({"entity": "str", "variable": "str", "date": "datetime64[us]"})
    entries = Variable(name="sales", unit="thousand entries", minimum=0, maximum=60)
    clean = implausible(rows, entries, "daily", RULES)
    assert len(clean) / len(rows) < 0.001
    rng = np.random.default_rng(20160606)
    busy = rows.index[(rows["value"] > 1) & (rows["value"] < 6) & (rows["date"] >= "2016-01-01")]
    hit = rng.choice(busy, 200, replace=False)
    typed = rows["value"].copy()
    typed.loc[hit] = typed.loc[hit] * np.where(rng.random(200) < 0.5, 10, 0.1)
    found = implausible(rows.assign(value=typed), entries, "daily", RULES)
    wanted = rows.loc[hit, ["entity", "date", "value"]].merge(found, on=["entity", "date"], how="left")
    assert wanted["kind"].notna().mean() > 0.93
    assert ((wanted["proposed"] - wanted["value_x"]).abs() < 1e-6).mean() > 0.75
