"""Runs with a task that hangs where no signal and no time limit of Python reaches it."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import time
from pathlib import Path

from airflow.sdk import dag, get_current_context, task
from steadycast_sensors import StallSensor

from steadycast.settings import RecoverySettings

LEFT = Path(os.environ["STEADYCAST_LAKE"].removeprefix("file://")) / "tries.txt"
QUICK = RecoverySettings(
    progress_timeout_s=8, attempt_timeout_s=60, queue_timeout_s=60, scheduled_timeout_s=60,
    relaunches_per_task=2, relaunches_per_run=4, poll_every_s=2,
)  # fmt: skip


def begin() -> int:
    """Leave a line for the test, and report as a stage does; returns the number of this try."""
    context = get_current_context()
    ti = context["ti"]
    with LEFT.open("a") as lines:
        lines.write(f"{context['run_id']} {ti.task_id} {ti.map_index}\n")
    context["task_state_store"].set("progress", {"what": "began", "done": 0, "total": 0})
    mine = f"{context['run_id']} {ti.task_id} {ti.map_index}"
    return LEFT.read_text().splitlines().count(mine)


def hang_in_c() -> None:
    """Lock a C mutex twice with the GIL held: no thread of Python, no signal handler runs any more."""
    libc = ctypes.PyDLL(None)
    mutex = ctypes.create_string_buffer(64)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


@dag(schedule=None, catchup=False, default_args={"retries": 1, "retry_delay": dt.timedelta(seconds=1)})
def hangs_once():
    @task
    def stage(part: str) -> str:
        if part == "second" and begin() == 1:
            hang_in_c()
        return part

    @task
    def after() -> None:
        begin()

    StallSensor(task_id="watch", recovery=QUICK)
    stage.expand(part=["first", "second"]) >> after()


@dag(schedule=None, catchup=False, default_args={"retries": 1, "retry_delay": dt.timedelta(seconds=1)})
def hangs_always():
    @task
    def stage() -> None:
        begin()
        hang_in_c()

    @task
    def after() -> None:
        begin()

    StallSensor(task_id="watch", recovery=QUICK)
    stage() >> after()


@dag(schedule=None, catchup=False)
def healthy():
    @task(retries=1, retry_delay=dt.timedelta(seconds=1))
    def stage() -> None:
        if begin() == 1:
            raise RuntimeError("the first try fails, and waiting for the second is no stall")
        time.sleep(1)

    StallSensor(task_id="watch", recovery=QUICK)
    stage()


hangs_once()
hangs_always()
healthy()
