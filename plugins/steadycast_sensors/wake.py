"""Starts the watch of a run again when a person has cleared some of its tasks after its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

if TYPE_CHECKING:
    from steadycast_sensors.rest import RunApi

log = logging.getLogger(__name__)

WATCH = "watch"
"""Task id of the StallSensor in each DAG."""


def wake_watch(context: Mapping[str, Any]) -> bool:
    """Called at the start of each task: clear the run's watch if it has ended. Never fails the task.

    The watch ends with the run's other tasks. Whoever then clears one of them in the web UI does not think of
    the watch, and would get a run that nobody watches.

    Returns: whether it was cleared.
    """
    ti = context["ti"]
    try:
        found = RuntimeTaskInstance.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=[WATCH])
        # skipped: it has no connection and would only be skipped again
        if found.get(ti.run_id, {}).get(WATCH) not in {"success", "failed"}:
            return False
        from steadycast_runtime.connections import source_connection

        from steadycast_sensors.rest import RunApi
        from steadycast_sensors.stall import CONNECTION

        asyncio.run(_clear(RunApi(source_connection(CONNECTION), ti.dag_id, ti.run_id), ti.task_id))
    except Exception as error:
        log.warning("the watch of this run could not be started again: %s", error)
        return False
    log.info("The watch of this run had ended; it starts again")
    return True


async def _clear(api: RunApi, task: str) -> None:
    try:
        await api.clear(WATCH, -1, only_running=False, note=f"Started again by {task}")
    finally:
        await api.close()
