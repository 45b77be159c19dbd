"""The source audit inside Airflow: today's poll of a candidate, and its scorecard."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from steadycast_runtime.connections import source_connection
from steadycast_runtime.places import lake, settings

if TYPE_CHECKING:
    from steadycast.settings import Settings

log = logging.getLogger(__name__)


def daily(settings: Settings) -> dict[str, Any]:
    """Schedule of the DAG: each morning, or never while there is no candidate."""
    return {
        "schedule": "30 7 * * *" if settings.candidates else None,
        "start_date": dt.datetime(2016, 1, 1, tzinfo=dt.UTC),
        "catchup": False,
        "max_active_runs": 1,
    }


def poll(source: str) -> str:
    """Poll a candidate now; what goes wrong with the provider is kept as a result, not raised."""
    from steadycast import audit

    now, store = dt.datetime.now(dt.UTC), lake()
    candidate = audit.audited(settings(), source)
    path = audit.make(
        store, candidate, as_of=now.date(), at=now, connection=source_connection(candidate.connection)
    )
    told = store.read_json(path)
    log.info("%s: %s after %s s. %s", source, told["outcome"], told["latency_s"], told["what"])
    return source


def scorecard(source: str) -> str:
    """Write the candidate's scorecard anew."""
    from steadycast import audit

    store = lake()
    path = audit.run(store, settings(), source)
    log.info("%s\n%s", store.link(path), store.read_json(f"audits/{source}/scorecard.json")["recommendation"])
    return path
