"""Lone values, far from season and level."""

import numpy as np
import pandas as pd
import pytest

from steadycast.expectations import spikes
from steadycast.settings import LocalFileSource

RNG = np.random.default_rng(3)
DAYS = pd.date_range("2013-01-01", "2016-06-05", unit="us")


def source(cadence="daily", minimum=None, **limits):
    variable = {"name": "x", "unit": "u", **({} if minimum is None else {"minimum": minimum})}
    return LocalFileSource.model_validate(
        {
            "name": "s",
            "kind": "local_file",
            "path": "s.csv",
            "variables": [variable],
            "layout": {"entity_field": "e"},
            "cadence": cadence,
            "expectations": limits,
        }
    )


def rows(values, entity="a", dates=DAYS):
    return pd.DataFrame({"entity": entity, "date": dates, "variable": "x", "value": values}).astype(
        {"entity": "str", "variable": "str", "value": "float64"}
    )


def told(table, since="2016-05-30", **settings):
    """Entity, date and value of the spikes among the newest rows."""
    fresh = table[table["date"] >= since]
    found = spikes.judged(table, fresh, source(**settings))
    assert len(found) == len(fresh)
    found = found[found["spike"] == 1]
    return list(zip(found["entity"], found["date"].dt.strftime("%m-%d"), found["value"], strict=True))


def degrees():
    """Winters far below zero, in degC."""
    return -5 + 20 * np.sin((DAYS.day_of_year.to_numpy() - 100) / 58.1) + RNG.normal(0, 2, len(DAYS))


def sales():
    """A trend, weekdays, and a Christmas that triples sales in each year."""
    base = 100 + np.arange(len(DAYS)) / 20 + 20 * (DAYS.day_of_week.to_numpy() < 5)
    christmas = np.where((DAYS.month == 12) & (DAYS.day.isin(range(20, 25))), 5.0, 1.0)
    return base * christmas * RNG.lognormal(0, 0.05, len(DAYS))


def with_one(values, value, day="2016-06-02"):
    changed = np.array(values)
    changed[DAYS.get_loc(day)] = value
    return changed


def test_a_slipped_decimal_point_is_a_spike():
    assert told(rows(with_one(sales(), 1700.0)), minimum=0) == [("a", "06-02", 1700.0)]
    assert told(rows(with_one(sales(), 17.0)), minimum=0) == [("a", "06-02", 17.0)]


@pytest.mark.parametrize("value", [95.0, -80.0])
def test_values_below_zero_are_measured_by_differences(value):
    assert told(rows(with_one(degrees(), value))) == [("a", "06-02", value)]


def test_ordinary_values_are_none():
    assert told(rows(degrees()), since="2016-01-01") == []
    assert told(rows(sales()), since="2016-01-01", minimum=0) == []


def test_a_holiday_of_every_year_is_none():
    assert told(rows(sales()), since="2015-12-01", minimum=0) == []


def test_a_lasting_change_of_level_is_none():
    shifted = sales()
    shifted[-7:] *= 9
    assert told(rows(shifted), minimum=0) == []


def test_what_all_entities_do_is_a_common_event():
    table = [rows(with_one(sales(), 1700.0 + k), entity=f"e{k}") for k in range(5)]
    table += [rows(sales(), entity=f"f{k}") for k in range(5)]
    assert told(pd.concat(table, ignore_index=True), minimum=0) == []


def test_a_closed_shop_is_none():
    assert told(rows(with_one(sales(), 0.0)), minimum=0) == []


def test_a_day_of_rain_in_a_dry_series_is_none_and_ten_times_the_most_is_one():
    rain = (RNG.random(len(DAYS)) < 0.08) * RNG.exponential(0.4, len(DAYS))
    most = rain.max()
    assert told(rows(with_one(rain, most)), minimum=0) == []
    assert told(rows(with_one(rain, 10 * most)), minimum=0) in ([], [("a", "06-02", 10 * most)])


def test_a_value_outside_its_range_is_left_to_the_range_check():
    assert told(rows(with_one(sales(), -5.0)), minimum=0) == []


def test_a_short_history_judges_nobody():
    short = rows(RNG.normal(5, 1, 12), dates=DAYS[-12:])
    short.loc[8, "value"] = 500.0
    assert told(short) == []


def test_months_with_a_trend_are_judged_by_their_own_steps():
    months = pd.date_range("2006-01-01", "2016-05-01", freq="MS", unit="us")
    values = 200 + 0.4 * np.arange(len(months)) + RNG.normal(0, 0.05, len(months))
    assert told(rows(values, dates=months), since="2015-01-01", cadence="monthly", minimum=0) == []
    values[-1] = 24.9
    assert len(told(rows(values, dates=months), since="2016-05-01", cadence="monthly", minimum=0)) == 1
