"""A second watchdog on the stack, whose clock stands on a moment of our choice."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.faults.clock import Clock
from tests.faults.stand import Stand
from tests.sandbox_server import REPO


@contextlib.contextmanager
def watchdog_at(stand: Stand, moment: dt.datetime) -> Iterator[Clock]:
    """The watchdog as it is shipped, in a process of its own; it restarts nothing.

    Args:
        stand: what it looks at.
        moment: what its clock tells at its start; aware.
    """
    clock = Clock(stand.home / "shifted")
    clock.jump(moment.timestamp() - time.time())
    options = stand.stack.options
    environment = stand.stack.env | clock.environment | {
        "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "include")]),
        "STEADYCAST_WATCHDOG_AIRFLOW": options.url,
        "STEADYCAST_WATCHDOG_USER": "admin",
        "STEADYCAST_WATCHDOG_PASSWORD": stand.stack.credentials.password,
        "STEADYCAST_WATCHDOG_STATE": str(stand.home / "shifted/state"),
    }  # fmt: skip
    with (stand.home / "shifted/log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "watchdog"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield clock
        finally:
            process.terminate()
            process.wait(30)
