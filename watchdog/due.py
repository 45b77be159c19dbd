"""Which week's forecast is due, from the schedule of pipeline.yaml."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from steadycast.settings import ScheduleSettings


@dataclass(frozen=True)
class Due:
    """A week and the moment at which its run starts; ``at`` is aware."""

    week: dt.date
    at: dt.datetime


def due_week(schedule: ScheduleSettings, now: dt.datetime) -> Due | None:
    """The week whose run has started last, by the schedule; None before the first and after the last week.

    Args:
        schedule: cron of a Monday, its timezone, and the weeks that it covers.
        now: an aware moment.
    """
    zone = ZoneInfo(schedule.timezone)
    minute, hour = (int(part) for part in schedule.cron.split()[:2])
    today = now.astimezone(zone).date()
    monday = today - dt.timedelta(days=today.weekday())
    at = dt.datetime.combine(monday, dt.time(hour, minute), zone)
    if now < at:
        monday -= dt.timedelta(weeks=1)
        at = dt.datetime.combine(monday, dt.time(hour, minute), zone)
    if monday < schedule.first_week or (schedule.last_week and monday > schedule.last_week):
        return None
    return Due(monday, at.astimezone(dt.UTC))
