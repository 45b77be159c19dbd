"""Finds and ends every process of a stack, also when its process manager is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from steadycast_local.environment import MARKER

PATIENCE_S = 5.0


def of_stack(home: Path, session: int | None = None) -> list[psutil.Process]:
    """All living processes of this home's stack.

    A process belongs to it if its environment carries our marker, if it is in the session that the
    process manager opened (some programs overwrite their environment to set their title), or if it
    descends from one that does.

    Args:
        home: the stack's home.
        session: id of the session that the process manager opened, if known.
    """
    spared = _self_and_ancestors()
    found = {
        p.pid: p
        for p in psutil.process_iter()
        if p.pid not in spared and (_carries_marker(p, home) or _in_session(p.pid, session))
    }
    for process in list(found.values()):
        for child in _children(process):
            if child.pid not in spared:
                found[child.pid] = child
    return [p for p in found.values() if _alive(p)]


def end_all(home: Path, session: int | None = None) -> int:
    """End every process of the stack: SIGTERM, five seconds, SIGKILL, until none is left.

    Returns: how many there were.

    Raises:
        RuntimeError: processes are left that can not be ended.
    """
    ended: set[int] = set()
    for _ in range(5):  # a process may start another one between the look and the kill
        processes = of_stack(home, session)
        if not processes:
            return len(ended)
        ended.update(p.pid for p in processes)
        _end(processes)
    left = of_stack(home, session)
    if left:
        raise RuntimeError(f"these processes do not end: {', '.join(describe(p) for p in left)}")
    return len(ended)


def describe(process: psutil.Process) -> str:
    """Process id and command, for people."""
    try:
        return f"{process.pid} ({' '.join(process.cmdline())[:100]})"
    except psutil.Error:
        return str(process.pid)


def is_alive(pid: int, started: float) -> bool:
    """Is this very process alive, and not another one that got its number?"""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 2 and _alive(process)
    except psutil.Error:
        return False


def _end(processes: Iterable[psutil.Process]) -> None:
    processes = list(processes)
    for process in processes:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + PATIENCE_S
    while any(_alive(p) for p in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=PATIENCE_S)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _carries_marker(process: psutil.Process, home: Path) -> bool:
    try:
        return process.environ().get(MARKER) == str(home)
    except (psutil.Error, OSError):  # another user's process, or one that has just ended
        return False


def _in_session(pid: int, session: int | None) -> bool:
    try:
        return session is not None and os.getsid(pid) == session
    except (ProcessLookupError, PermissionError):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _self_and_ancestors() -> set[int]:
    me = psutil.Process()
    return {me.pid, *(p.pid for p in me.parents())}
