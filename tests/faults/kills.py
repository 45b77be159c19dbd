"""The kills' rows: one after another, each in the middle of a week's run, since they hit the whole stack."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.faults import limits
from tests.faults.stand import Stand

COMPONENTS = ("scheduler", "dag-processor", "triggerer", "api-server")
LOCKED_S = 60.0
FULL_S = 20.0
"""Longer than a try of the stage takes, shorter than all its retries with their pauses."""

Act = Callable[[Stand, psutil.Process], None]


@dataclass(frozen=True)
class Kill:
    """One way to break the stack while a stage runs.

    Args:
        place: what is hit.
        fault: in words.
        act: does it; gets the process that runs the stage.
        timeout_s: the limit of ours, or of Airflow as configured here, that sees it.
        component: has to be alive again before the row counts as recovered.
        stage_waits: the stage goes on when the component is alive again, else during the fault.
    """

    place: str
    fault: str
    act: Act
    timeout_s: float
    component: str = "scheduler"
    stage_waits: bool = True


def _signal(component: str, number: int) -> Act:
    def act(stand: Stand, _: psutil.Process) -> None:
        os.kill(stand.pid(component), number)

    return act


def _task(_: Stand, task: psutil.Process) -> None:
    task.kill()


def _worker(_: Stand, task: psutil.Process) -> None:
    """What supervises the task is LocalExecutor's worker; the task itself goes on as an orphan."""
    parent = task.parent()
    assert parent is not None
    parent.kill()


def _worker_stopped(_: Stand, task: psutil.Process) -> None:
    parent = task.parent()
    assert parent is not None
    parent.suspend()
    task.suspend()


def _machine(stand: Stand, _: psutil.Process) -> None:
    """All processes at once, then what a boot does: start the stack."""
    everything = stand.processes()
    for process in everything:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(everything, timeout=10)
    stand.power_on()


def _database(stand: Stand, _: psutil.Process) -> None:
    file = stand.stack.options.airflow_home / "airflow.db"
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(LOCKED_S)
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def _disk(stand: Stand, _: psutil.Process) -> None:
    with full(stand.stack.options.lake):
        time.sleep(FULL_S)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """No byte is left on the file system of the folder, which has to be a small one of its own."""
    assert folder.is_mount(), f"{folder} is no file system of its own"
    filler = folder / ".filler"
    with filler.open("wb", buffering=0) as handle, contextlib.suppress(OSError):
        while handle.write(b"0" * 65536):
            continue
    try:
        yield
    finally:
        filler.unlink()


def _clock(seconds: float) -> Act:
    def act(stand: Stand, _: psutil.Process) -> None:
        stand.clock.jump(seconds)

    return act


def _signals() -> list[Kill]:
    """Each of Airflow's components killed, and stopped so that it lives but does nothing."""
    killed, stopped = 30, limits.WATCHDOG["heartbeat_age_s"] + 3 * limits.WATCHDOG["interval_s"] + 30
    rows = []
    for name in COMPONENTS:
        rows.append(Kill(name, "kill -9", _signal(name, signal.SIGKILL), killed, component=name))
        rows.append(Kill(name, "SIGSTOP", _signal(name, signal.SIGSTOP), stopped, component=name))
    return rows


KILLS: list[Kill] = [
    Kill("task", "kill -9", _task, 30),
    Kill("worker (the task's supervisor)", "kill -9", _worker, 90),
    Kill("worker (the task's supervisor)", "SIGSTOP, its task too", _worker_stopped, 90),
    *_signals(),
    Kill("machine", "kill -9 of everything, start again", _machine, 90),
    Kill("database", f"locked for {LOCKED_S:.0f} s", _database, 90, stage_waits=False),
    Kill("lake", f"disk full for {FULL_S:.0f} s", _disk, 60, stage_waits=False),
    Kill("clock", "jumps an hour ahead", _clock(3600), 60),
    Kill("clock", "jumps back by two hours", _clock(-7200), 60),
]
