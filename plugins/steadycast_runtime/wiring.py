"""What the DAG files share: task defaults, the weekly schedule, assets, names of mapped tasks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pendulum
from airflow.sdk import Asset, CronPartitionTimetable, Param

from steadycast.settings import Settings
from steadycast_runtime.retry import RETRY_BY_ERROR, SOON

PUBLICATION = Asset("forecast_published", uri="steadycast://published", group="steadycast")
ACTUALS = Asset("actuals_accepted", uri="steadycast://actuals", group="steadycast")

SOURCE_LABEL = "{{ source_label | default(task.op_kwargs['source']) }}"
"""Name of a mapped task in the UI: its source, with a remark when the run goes on without it."""

TAGS = ["forecast", "tier-1"]


def minutes(number: int) -> dt.timedelta:
    """That many minutes."""
    return dt.timedelta(minutes=number)


def defaults(settings: Settings) -> dict[str, Any]:
    """Arguments of every task. A stage takes seconds to a minute; ten minutes mean that it hangs."""
    return {
        "owner": settings.owner,
        "retries": 2,
        # the policy sees errors; a task that was killed raises none and comes again after this delay
        "retry_delay": SOON,
        "retry_policy": RETRY_BY_ERROR,
        "execution_timeout": minutes(10),
    }


def weekly(settings: Settings) -> dict[str, Any]:
    """Arguments of a DAG with one run per week, whose partition key is the week's Monday.

    Without catch-up: switched on in the middle of a week, it makes this week's forecast and no older one;
    those are a backfill's business.
    """
    times = settings.schedule
    first = times.first_week
    end = None
    if times.last_week:
        day = times.last_week
        end = pendulum.datetime(day.year, day.month, day.day, 23, 59, 59, tz=times.timezone)
    return {
        "schedule": CronPartitionTimetable(times.cron, timezone=times.timezone, key_format="%Y-%m-%d"),
        "start_date": pendulum.datetime(first.year, first.month, first.day, tz=times.timezone),
        "end_date": end,
        "catchup": False,
        "max_active_runs": 1,
        "default_args": defaults(settings),
        "tags": TAGS,
        "params": {
            "repoll": Param(False, type="boolean", description="Poll the sources of a published week again")
        },
    }
