"""The weekly canary inside Airflow: one event in the outbox, the deliverer does the rest."""

from __future__ import annotations

import datetime as dt
from typing import Any

from steadycast_runtime.places import lake, settings

WEEKLY: dict[str, Any] = {
    "schedule": "0 9 * * 4",
    "start_date": dt.datetime(2016, 1, 1, tzinfo=dt.UTC),
    "catchup": False,
    "max_active_runs": 1,
}
"""Schedule of the DAG: Thursday mornings, when somebody is there and no forecast is due."""


def send() -> str:
    """Put today's canary into the outbox; a retry on the same day changes nothing."""
    from steadycast.alerts import Outbox, canary

    now = dt.datetime.now(dt.UTC)
    event = canary.message(now.date(), settings().alerts.canary.answer_within_h)
    return Outbox(lake()).put(event, now)
