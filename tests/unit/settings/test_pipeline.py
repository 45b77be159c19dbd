import pytest

from steadycast.settings import Settings

from .conftest import small_with


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        pytest.param(
            "schedule.first_week",
            "2016-06-08",
            "2016-06-08 is a Wednesday, but a week is named by its Monday; write 2016-06-06 or 2016-06-13",
            id="first_week_on_wednesday",
        ),
        pytest.param(
            "schedule.last_week", "2016-07-03", "write 2016-06-27 or 2016-07-04", id="last_on_sunday"
        ),
        pytest.param(
            "schedule.last_week", "2016-05-30", "before first_week 2016-06-06", id="last_before_first"
        ),
        pytest.param("schedule.first_week", 20160606, "write a date as 2016-06-06", id="date_as_number"),
        pytest.param("schedule.first_week", "06.06.2016", "write a date as 2016-06-06", id="german_date"),
        pytest.param("schedule.cron", "0 6 * * *", "e.g. '0 6 * * 1' for Mondays 06:00", id="daily"),
        pytest.param("schedule.cron", "0 6 * * 0", "once a week on a Monday", id="sunday"),
        pytest.param("schedule.cron", "@weekly", "once a week on a Monday", id="weekly_is_sunday_midnight"),
        pytest.param("schedule.cron", "0 6,18 * * 1", "once a week on a Monday", id="twice_on_monday"),
        pytest.param("schedule.cron", "0 24 * * 1", "once a week on a Monday", id="hour_24"),
        pytest.param("schedule.cron", "0 6 1 * 1", "once a week on a Monday", id="also_the_first_of_month"),
        pytest.param("schedule.timezone", "Chicago", "timezone 'Chicago' is unknown", id="unknown_timezone"),
        pytest.param("schedule.timezone", "../etc/passwd", "is unknown", id="timezone_that_is_a_path"),
        pytest.param("schedule.timezone", "", "is unknown", id="empty_timezone"),
        pytest.param("forecast.holidays", "us", "write US", id="holidays_in_small_letters"),
        pytest.param("forecast.holidays", "USA", "two capital letters", id="three_letters"),
        pytest.param(
            "forecast.holidays", False, "YAML reads this text as false; put it in quotes", id="norway"
        ),
        pytest.param("forecast.horizon_weeks", 0, "greater than 0", id="no_horizon"),
        pytest.param("check_forecast.max_change_ratio", -1, "greater than 0", id="negative_ratio"),
        pytest.param("publish.sql_table", "t; drop table x", "sql_table", id="sql_in_the_table_name"),
        pytest.param("sources", [], "sources", id="no_source"),
    ],
)
def test_a_bad_value_is_refused_with_the_next_step(problems, place, value, says):
    found = problems({place: value})
    assert any(problem.startswith(place) and says in problem for problem in found), found


@pytest.mark.parametrize("cron", ["0 6 * * 1", "30 23 * * MON", " 5  7 * *  1 "])
def test_weekly_crons_on_a_monday_are_accepted(problems, cron):
    assert problems({"schedule.cron": cron}) == []


def test_one_week_may_be_first_and_last(problems):
    assert problems({"schedule.last_week": "2016-06-06"}) == []


def test_schema_and_table_name_a_sql_table(problems):
    assert problems({"publish": {"sql_connection": "warehouse", "sql_table": "demand.forecast"}}) == []


def test_each_pair_of_twins_is_listed_once():
    both_ways = {"sources.2.twin": "weather_a"}
    assert Settings.model_validate(small_with(both_ways)).twins() == (("weather_a", "weather_b"),)


def test_asking_for_a_source_that_is_not_there_raises_key_error():
    with pytest.raises(KeyError, match="fuel"):
        Settings.model_validate(small_with({})).source("fuel")
