import pandas as pd
import pytest

from steadycast.settings import Variable
from steadycast.weekly import to_weekly


def days(values, start="2016-06-06", entity="a", variable="rides"):
    dates = pd.date_range(start, periods=len(values), unit="us")
    rows = pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": values})
    return rows.astype({"entity": "str", "variable": "str", "value": "float64"}).dropna()


def weekly(rows, rule, **options):
    out = to_weekly(rows, Variable(name="rides", unit="rides per day", weekly=rule), **options)
    return list(zip(out["entity"], out["week"].astype(str), out["value"], strict=True))


@pytest.mark.parametrize(
    ("rule", "value"), [("sum", 28.0), ("mean", 4.0), ("min", 1.0), ("max", 7.0), ("last", 6.0)]
)
def test_seven_days_become_one_week_by_the_rule(rule, value):
    assert weekly(days([1, 2, 3, 4, 5, 7, 6]), rule) == [("a", "2016-06-06", value)]


@pytest.mark.parametrize(
    ("rule", "reported", "there"),
    [
        pytest.param("sum", 6, False, id="a_sum_needs_all_seven"),
        pytest.param("mean", 4, True, id="a_mean_of_most_days_stands"),
        pytest.param("mean", 3, False, id="a_mean_of_few_days_does_not"),
        pytest.param("last", 1, True, id="the_last_needs_one"),
    ],
)
def test_a_week_without_enough_days_has_no_value(rule, reported, there):
    assert bool(weekly(days([5.0] * reported), rule)) is there


def test_a_missing_day_in_the_middle_spoils_a_sum_and_only_that_week():
    rows = days([1.0] * 3 + [None] + [1.0] * 10)
    assert weekly(rows, "sum") == [("a", "2016-06-13", 7.0)]


def test_sunday_belongs_to_the_week_of_the_monday_before():
    assert weekly(days([9.0], start="2016-06-12"), "last") == [("a", "2016-06-06", 9.0)]


def test_the_last_value_is_by_date_not_by_row():
    assert weekly(days([1, 2, 3, 4]).iloc[::-1], "last") == [("a", "2016-06-06", 4.0)]


def test_entities_and_other_variables_are_kept_apart():
    rows = pd.concat([days([1.0] * 7), days([2.0] * 7, entity="b"), days([50.0] * 7, variable="rain")])
    assert weekly(rows, "sum") == [("a", "2016-06-06", 7.0), ("b", "2016-06-06", 14.0)]


@pytest.mark.parametrize("cadence", ["weekly", "monthly"])
def test_one_date_of_a_slower_source_is_the_whole_week(cadence):
    assert weekly(days([9.0], start="2016-06-08"), "sum", cadence=cadence) == [("a", "2016-06-06", 9.0)]


def test_nothing_gives_an_empty_table_of_the_same_columns():
    out = to_weekly(days([]), Variable(name="rides", unit="rides", weekly="sum"))
    assert {column: str(dtype) for column, dtype in out.dtypes.items()} == {
        "entity": "str",
        "week": "datetime64[us]",
        "value": "float64",
    }
