"""What slow sources had said when a week began."""

import datetime as dt

import pandas as pd
import pytest

from steadycast.settings import LocalFileSource
from steadycast.timing import known_at_start, overdue_weeks, weeks_of


def source(cadence, lag):
    return LocalFileSource.model_validate(
        {
            "name": "prices",
            "kind": "local_file",
            "path": "prices.csv",
            "variables": [{"name": "price", "unit": "USD", "weekly": "last"}],
            "cadence": cadence,
            "expected_lag_days": lag,
            "layout": {"entity": "US"},
        }
    )


def known(observed, cadence, lag, first, last, entities=("US",)):
    rows = pd.DataFrame(observed, columns=["entity", "date", "value"])
    rows["date"] = pd.to_datetime(rows["date"]).astype("datetime64[us]")
    rows = rows.astype({"entity": "str", "value": "float64"})
    weeks = weeks_of(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    found = known_at_start(rows, source(cadence, lag), weeks, list(entities))
    found["overdue"] = overdue_weeks(found, source(cadence, lag))
    return found.sort_values(["entity", "week"], ignore_index=True)


def test_a_month_is_seen_from_the_week_on_in_which_it_was_out():
    found = known(
        [("US", "2016-04-01", 4.0), ("US", "2016-05-01", 5.0)], "monthly", 35, "2016-05-30", "2016-06-13"
    )
    # 1 May and 35 days is Sunday 5 June: Monday 6 June is the first to know it
    assert found["value"].tolist() == [4.0, 5.0]


def test_a_value_that_is_out_on_the_monday_itself_is_seen():
    assert known([("US", "2016-06-03", 2.0)], "weekly", 3, "2016-06-06", "2016-06-13")["value"].tolist() == [
        2.0
    ]


def test_a_value_that_is_out_on_the_tuesday_is_not_seen():
    found = known([("US", "2016-06-03", 2.0)], "weekly", 4, "2016-06-06", "2016-06-20")
    assert found["value"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("cadence", "lag", "date", "weeks_not_overdue"),
    [
        pytest.param("weekly", 4, "2016-05-27", 1, id="next_friday_is_out_a_week_later"),
        pytest.param("monthly", 47, "2016-05-01", 5, id="next_month_is_out_a_month_later"),
    ],
)
def test_a_value_is_overdue_from_the_week_on_in_which_its_successor_should_be_there(
    cadence, lag, date, weeks_not_overdue
):
    found = known([("US", date, 1.0)], cadence, lag, "2016-05-30", "2016-09-05")
    seen = found[found["value"].notna()]
    assert seen["overdue"].iloc[:weeks_not_overdue].eq(0).all()
    assert seen["overdue"].iloc[weeks_not_overdue:].tolist()[:3] == [1.0, 2.0, 3.0]


def test_one_entity_never_lends_to_another():
    found = known([("a", "2016-05-01", 1.0)], "weekly", 0, "2016-05-02", "2016-05-16", entities=("a", "b"))
    assert found.loc[found["entity"] == "b", "value"].isna().all()
    assert found.loc[found["entity"] == "a", "value"].tolist() == [1.0, 1.0]


def test_before_the_first_value_nothing_is_known_and_nothing_is_overdue():
    found = known([("US", "2016-05-20", 1.0)], "weekly", 0, "2016-05-09", "2016-05-30")
    assert found["value"].isna().tolist() == [True, True, False]
    assert found["overdue"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("first", "last", "mondays"),
    [
        pytest.param("2015-12-30", "2016-01-11", ["2015-12-28", "2016-01-04"], id="year_end"),
        pytest.param("2016-02-29", "2016-03-07", ["2016-02-29"], id="leap_day"),
        pytest.param("2016-03-11", "2016-03-21", ["2016-03-07", "2016-03-14"], id="clocks_go_forward"),
        pytest.param("2016-06-06", "2016-06-06", [], id="no_week"),
    ],
)
def test_weeks_are_mondays_up_to_but_not_including_the_last(first, last, mondays):
    found = weeks_of(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert [str(day.date()) for day in found] == mondays
