"""Stages for ``test_child.py``; their child process imports them by name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

from steadycast.errors import ModelError
from steadycast.lake import Lake
from steadycast.progress import Progress


class _NeedsTwo(Exception):
    """Can be pickled but not unpickled: its arguments are not those of ``__init__``."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def run(lake: Lake, what: str, *, progress: Progress) -> str:
    """Do what is asked."""
    progress(what, 1, 2)
    if what == "works":
        return lake.write_bytes("made.txt", str(os.getpid()).encode())
    if what == "fails":
        raise ModelError("the panel has no value", remedy="look at impute")
    if what == "fails in its own words":
        raise _NeedsTwo("a", "b")
    if what == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "crashes":
        ctypes.string_at(0)
    if what == "exits":
        os._exit(7)
    if what == "hangs in C":
        Path(lake.link("pid")).write_text(str(os.getpid()))
        mutex, libc = ctypes.create_string_buffer(64), ctypes.PyDLL(None)
        libc.pthread_mutex_lock(mutex)
        libc.pthread_mutex_lock(mutex)
    while what == "reports for ever":
        time.sleep(0.05)
        progress(what, 1, 0)
    raise AssertionError(what)
