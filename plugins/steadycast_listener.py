"""Hears of failed runs where they are decided, for the case that the DAG's callback never runs.

The callback runs in the DAG processor; while that is dead, nobody would hear. This listener is called by the
scheduler, which must not wait for anything: it starts a process and forgets it. That process gives the
callback a minute, and tells the same event under the same key if nothing was said.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

log = logging.getLogger(__name__)

PATIENCE_S = float(os.environ.get("STEADYCAST_LISTENER_PATIENCE_S") or 60)
"""Seconds that the callback has to tell it first."""
_started: list[subprocess.Popen[bytes]] = []


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """A run has failed, by its tasks, by a person, or because it took too long."""
    try:
        command = command_of(dag_run, msg)
        _started[:] = [process for process in _started if process.poll() is None]
        _started.append(
            subprocess.Popen(  # noqa: S603 our own interpreter and module
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )  # fmt: skip
    except Exception as error:
        # the scheduler goes on whatever happens here
        log.warning("the failure of %s could not be passed on: %s", dag_run.run_id, error)


def command_of(dag_run: Any, msg: str) -> list[str]:  # noqa: ANN401 a row of Airflow's database
    """What the process is started with."""
    command = [sys.executable, "-m", "steadycast.alerts", "failed", dag_run.dag_id, dag_run.run_id]
    command += ["--site", conf.get("api", "base_url", fallback=""), "--wait", str(PATIENCE_S)]
    command += ["--why", msg or ""]
    try:
        week = dt.date.fromisoformat(dag_run.partition_key or "")
    except ValueError:
        return command
    return [*command, "--week", str(week)]
