"""Runs with tasks that hang where no signal and no time limit of Python reaches them; others are well."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import time
from pathlib import Path

from airflow.sdk import PartitionedAtRuntime, dag, get_current_context, task
from steadycast_sensors import StallSensor, when_ready

from steadycast.settings import RecoverySettings

LAKE = Path(os.environ["STEADYCAST_LAKE"].removeprefix("file://"))
# the limits are short, but not so short that a busy machine's pauses count as stalls
RECOVERY = RecoverySettings(
    progress_timeout_s=10, attempt_timeout_s=300, queue_timeout_s=120, scheduled_timeout_s=120,
    relaunches_per_task=2, poll_every_s=2,
    stages={"without_worker": {"scheduled_timeout_s": 8}},
)  # fmt: skip
DEFAULTS = {"retries": 1, "retry_delay": dt.timedelta(seconds=1)}


def begin() -> int:
    """Leave a line for the test, and show progress; returns the number of this try."""
    ti = get_current_context()["ti"]
    mine = f"{ti.dag_id} {ti.task_id} {ti.map_index}"
    with (LAKE / "tries.txt").open("a") as lines:
        lines.write(f"{mine}\n")
    report("began")
    return (LAKE / "tries.txt").read_text().splitlines().count(mine)


def report(what: str) -> None:
    """Show progress as a stage does."""
    told = {"what": what, "done": 0, "total": 0}
    get_current_context()["task_state_store"].set("progress", told)


def hang_in_c() -> None:
    """Lock a C mutex twice with Python's own lock held: no thread and no signal handler runs any more."""
    libc, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(64)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


@dag(schedule=None, catchup=False, default_args=DEFAULTS)
def hangs_once() -> None:
    @task
    def stage(part: str) -> str:
        if begin() == 1 and part == "second":
            hang_in_c()
        return part

    @task
    def after() -> None:
        begin()

    StallSensor(task_id="watch", recovery=RECOVERY)
    stage.expand(part=["first", "second"]) >> after()


@dag(schedule=None, catchup=False, default_args=DEFAULTS)
def hangs_always() -> None:
    @task
    def stage() -> None:
        begin()
        hang_in_c()

    @task
    def after() -> None:
        begin()

    StallSensor(task_id="watch", recovery=RECOVERY)
    stage() >> after()


@dag(schedule=None, catchup=False, default_args=DEFAULTS)
def gets_no_worker() -> None:
    @task(pool="closed")
    def without_worker() -> None:
        begin()

    StallSensor(task_id="watch", recovery=RECOVERY)
    without_worker()


@dag(schedule=None, catchup=False, default_args=DEFAULTS)
def healthy() -> None:
    @task
    def stage() -> None:
        if begin() == 1:
            raise RuntimeError("the first try fails, and waiting for the second is no stall")
        for _ in range(15):
            time.sleep(1)
            get_current_context()["task_state_store"].set(
                "progress", {"what": "works", "done": 0, "total": 0}
            )

    StallSensor(task_id="watch", recovery=RECOVERY)
    stage()


@dag(schedule=PartitionedAtRuntime(), catchup=False, default_args=DEFAULTS)
def waits() -> None:
    @when_ready
    def ingest(source: str) -> str:
        begin()
        return source

    StallSensor(task_id="watch", recovery=RECOVERY)
    ingest.expand(source=["sales"])


hangs_once()
hangs_always()
gets_no_worker()
healthy()
waits()
