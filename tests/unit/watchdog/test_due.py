import datetime as dt

import pytest

from steadycast.settings import ScheduleSettings
from watchdog.due import due_week

CHICAGO = {"cron": "30 6 * * 1", "timezone": "America/Chicago", "first_week": dt.date(2016, 6, 6)}
DEMO = {"first_week": dt.date(2016, 6, 6), "last_week": dt.date(2016, 8, 22)}


@pytest.mark.parametrize(
    ("settings", "now", "week"),
    [
        pytest.param(CHICAGO, "2016-06-13T11:29:59+00:00", "2016-06-06", id="a_second_before"),
        pytest.param(CHICAGO, "2016-06-13T11:30:00+00:00", "2016-06-13", id="summer_time"),
        pytest.param(CHICAGO, "2016-12-05T12:29:00+00:00", "2016-11-28", id="winter_time_before"),
        pytest.param(CHICAGO, "2016-12-05T12:30:00+00:00", "2016-12-05", id="winter_time"),
        pytest.param(CHICAGO, "2016-06-19T23:00:00+00:00", "2016-06-13", id="sunday"),
        pytest.param(CHICAGO, "2016-06-06T11:00:00+00:00", None, id="before_the_first_week"),
        pytest.param(DEMO, "2016-08-28T23:00:00+00:00", "2016-08-22", id="the_last_week"),
        pytest.param(DEMO, "2016-08-29T06:00:00+00:00", None, id="after_the_last_week"),
        pytest.param(DEMO, "2026-11-25T19:00:00+00:00", None, id="demo_years_later"),
    ],
)
def test_due_is_the_week_that_started_last(settings, now, week):
    due = due_week(ScheduleSettings(**settings), dt.datetime.fromisoformat(now))
    assert (str(due.week) if due else None) == week


def test_start_is_told_in_utc():
    due = due_week(ScheduleSettings(**CHICAGO), dt.datetime(2016, 6, 15, tzinfo=dt.UTC))
    assert due.at == dt.datetime(2016, 6, 13, 11, 30, tzinfo=dt.UTC)
