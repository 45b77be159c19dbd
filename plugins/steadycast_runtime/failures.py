"""Failure notes: what failed in a run and what to do next, kept in the lake for the alert.

The callback that alerts runs in the DAG processor and sees neither the task's error nor its log.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from steadycast.errors import SteadycastError

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from steadycast.lake import Lake

log = logging.getLogger(__name__)


def folder(as_of: dt.date, dag_id: str) -> str:
    """Where the notes of a DAG's run for that week are."""
    return f"runs/{as_of}/failures/{dag_id}/"


def place(as_of: dt.date, ti: RuntimeTaskInstanceProtocol) -> str:
    """Path of the note of the running task instance."""
    return place_of(as_of, ti.dag_id, ti.task_id, -1 if ti.map_index is None else ti.map_index)


def place_of(as_of: dt.date, dag_id: str, task_id: str, map_index: int) -> str:
    """Path of the note of one task instance; the map index is -1 if the task is not mapped."""
    mapped = f".{map_index}" if map_index >= 0 else ""
    return f"{folder(as_of, dag_id)}{task_id}{mapped}.json"


def describe(error: BaseException) -> dict[str, str]:
    """What happened and what to do next, for errors of ours and of others."""
    if isinstance(error, SteadycastError):
        return {"error": type(error).__name__, "what": error.what, "next": error.remedy}
    said = str(error).strip()
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    remedy = "read the task's log; clear the task to run it again"
    return {"error": type(error).__name__, "what": what, "next": remedy}


def note(lake: Lake, path: str, error: BaseException, task: str) -> None:
    """Keep the error for the alert. The error itself matters more: a lake that fails too is only logged.

    Args:
        lake: where to.
        path: from ``place``.
        error: what happened.
        task: the task as a reader knows it, e.g. ``ingest ridership``.
    """
    at = dt.datetime.now(dt.UTC).isoformat()
    try:
        lake.write_json(path, {**describe(error), "task": task, "at": at})
    except Exception as second:
        log.warning("the failure could not be noted at %s: %s", path, second)


def forget(lake: Lake, path: str) -> None:
    """Remove the note of an earlier try, now that the task has succeeded."""
    if lake.exists(path):
        lake.delete(path)
