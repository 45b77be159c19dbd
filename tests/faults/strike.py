"""Puts a planned fault into a stage, once: the plan is a file, and who renames it first is struck.

Runs in the stages' own processes (see ``site/sitecustomize.py``); imports neither Airflow nor a stage.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from steadycast.progress import Progress, silent
from tests.faults.hangs import HANGS

VARIABLE = "STEADYCAST_FAULTS"
"""Environment variable that names the folder of the plans; without it nothing is struck."""

HOLD = "hold"
LONGEST_HOLD_S = 80.0


def plan(folder: Path, key: str, fault: str) -> None:
    """Plan a fault: a name of HANGS, or HOLD for a stage that goes on when it is released."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{key}"
    draft.write_text(fault)
    draft.rename(folder / f"{key}.plan")


def struck(folder: Path, key: str) -> dict[str, float] | None:
    """When (``at``, seconds since 1970) and in which process (``pid``) the plan struck; None if not yet."""
    try:
        told: dict[str, float] = json.loads((folder / f"{key}.hit").read_text())
    except OSError:
        return None
    return told


def release(folder: Path, key: str) -> None:
    """Let the stage go on that is held."""
    (folder / f"{key}.go").touch()


def strike(key: str, progress: Progress = silent) -> None:
    """Do what is planned for the key, if something is; a stage that is held tells its progress."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    plan_file = Path(folder) / f"{key}.plan"
    mine = plan_file.with_suffix(f".taken-{os.getpid()}")
    try:
        plan_file.rename(mine)
    except FileNotFoundError:
        return
    fault = mine.read_text()
    draft = mine.with_suffix(".draft")
    draft.write_text(json.dumps({"at": time.time(), "pid": os.getpid()}))
    draft.rename(plan_file.with_suffix(".hit"))
    print(f"fault {fault} put into {key}", flush=True)  # noqa: T201 for the task's log
    if fault == HOLD:
        end = time.monotonic() + LONGEST_HOLD_S
        while not plan_file.with_suffix(".go").exists() and time.monotonic() < end:
            progress("held", 0, 0)
            time.sleep(0.5)
    else:
        HANGS[fault].begin()
