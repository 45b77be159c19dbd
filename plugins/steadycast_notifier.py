"""How a run ended goes to the outbox of the alerts, and from there to people: this sends nothing itself.

A callback is killed after 20 s and keeps the callbacks behind it waiting, so it writes to the lake and to
nothing else. The deliverer (``python -m steadycast.alerts deliver``) does the rest.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from airflow.sdk import BaseNotifier
from steadycast_runtime.places import lake
from steadycast_runtime.week import week_of

from steadycast.errors import SteadycastError

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class RunNotifier(BaseNotifier):
    """DAG-level callback for success and failure."""

    template_fields = ()

    def notify(self, context: Context) -> None:
        """Put what happened into the outbox; whatever goes wrong is one line in the log."""
        try:
            put(context, dt.datetime.now(dt.UTC))
        except Exception as error:
            log.warning("the outbox was not told how the run ended: %s", error)


def put(context: Mapping[str, Any], at: dt.datetime) -> list[str]:
    """Tell how the run ended and what its stages found; returns the paths in the outbox.

    Args:
        context: of the callback.
        at: now; aware.
    """
    from steadycast.alerts import runs, telling

    dag_id, run_id, run = context["dag"].dag_id, context["run_id"], context.get("dag_run")
    site = conf.get("api", "base_url", fallback="")
    store = lake()
    why = ""
    try:
        as_of = week_of(run.partition_key if run else None)
    except SteadycastError as error:
        as_of, why = None, f"{error.what}. {error.remedy}"
    if context.get("reason") == "success":
        events = runs.run_ended_well(store, dag_id, run_id, as_of=as_of, site=site)
    else:
        ti = context.get("ti")
        where = f"task {ti.task_id}" if ti is not None else "the run"
        why = why or f"{where} ended without a word ({context.get('reason')}): it was killed."
        events = [runs.run_failed(store, dag_id, run_id, as_of=as_of, site=site, why=why)]
    paths = telling.tell(store, events, at)
    if as_of is not None:
        link = runs.run_link(site, dag_id, run_id) or None
        paths += telling.tell_week(store, as_of, at, link)
    return paths
