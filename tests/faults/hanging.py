"""The hangs' rows: each stage with each hang, many weeks at once, one hang per stage and week."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults import limits
from tests.faults.baseline import clean_weeks, compare
from tests.faults.hangs import HANGS
from tests.faults.stand import VANILLA, Run, Stand, until
from tests.faults.strike import plan, struck
from tests.faults.table import Rows

Say = Callable[[str], None]
Plans = dict[tuple[dt.date, str], str]
"""Week and stage: name of the hang."""
Stages = dict[str, str]
"""Of one week: stage and name of the hang."""
RUN_S = 900


def square(part: int) -> Plans:
    """Which hang is put into which week's stage, for one of four parts.

    Twelve weeks meet the hangs in the first four stages and twelve others in the last four, each week with
    another hang in each stage, so that over the weeks each stage meets each hang once. A part is six weeks.
    """
    names = list(HANGS)
    stages = limits.STAGES[:4] if part <= 2 else limits.STAGES[4:]
    weeks = limits.weeks(len(names) // 2, (part - 1) * len(names) // 2)
    return {
        (week, stage): names[(limits.number(week) + n) % len(names)]
        for week in weeks
        for n, stage in enumerate(stages)
    }


def hang(stand: Stand, rows: Rows, plans: Plans, say: Say) -> None:
    """Run the weeks with the planned hangs in their stages, and write down what became of them."""
    for (week, stage), name in plans.items():
        stand.plan(week, stage, name)
    weeks = sorted({week for week, _ in plans})
    clean = clean_weeks(stand.home / "pipeline.yaml", stand.sandbox_url, stand.home.parent / "clean", weeks)
    runs = {week: stand.trigger(week) for week in weeks}
    deadline = time.monotonic() + RUN_S
    while runs:
        for week in [w for w, run in runs.items() if time.monotonic() > deadline or stand.has_ended(run)]:
            mine = {stage: name for (at, stage), name in plans.items() if at == week}
            _record(stand, rows, week, runs.pop(week), mine, clean[str(week)], say)
        time.sleep(1)


def _record(
    stand: Stand, rows: Rows, week: dt.date, run: Run, stages: Stages, clean: dict[str, str], say: Say
) -> None:
    tasks = stand.tasks(run)
    outputs = compare(stand.home.parent / "clean" / str(week), stand.stack.options.lake, week, clean)
    for stage, name in stages.items():
        task = _of(tasks, stage)
        row = rows.put(
            stage, HANGS[name].words, timeout_s=limits.RECOVERY["progress_timeout_s"],
            ours=stand.cure(run, task), seconds=_recovered(stand, week, stage, task), outputs=outputs,
        )  # fmt: skip
        say(f"{row.verdict} {week} {stage}: {row.fault}: {row.ours}, {row.seconds} s {outputs}")


def _recovered(stand: Stand, week: dt.date, stage: str, task: dict[str, Any]) -> float | None:
    hit = struck(stand.faults, limits.key(week, stage))
    if hit is None or task["state"] != "success":
        return None
    return round(dt.datetime.fromisoformat(task["end_date"]).timestamp() - hit["at"], 1)


def _of(tasks: Sequence[dict[str, Any]], stage: str) -> dict[str, Any]:
    """The stage's task instance that was struck: of mapped ones the fundamental source's, which is first."""
    return next(t for t in tasks if t["task_id"] == stage and t["map_index"] in (-1, 0))


def vanilla(stand: Stand, rows: Rows, stages: Sequence[str], say: Say) -> None:
    """Put the same hangs into a DAG that nobody watches, with the same retries and ``execution_timeout``."""
    keys = {f"vanilla.{stage}.{name}": (stage, name) for stage in stages for name in HANGS}
    for key, (_, name) in keys.items():
        plan(stand.faults, key, name)
    body = {"logical_date": None, "conf": {"keys": list(keys)}}
    started = stand.api.call("POST", f"/dags/{VANILLA}/dagRuns", json=body)
    run = Run.of(started)
    until(lambda: all(struck(stand.faults, key) for key in keys), 300, "hang of each vanilla task")
    deadline = time.time() + limits.EXECUTION_S + 60
    until(
        lambda: time.time() > deadline or all(t["state"] == "success" for t in _mapped(stand, run)),
        limits.EXECUTION_S + 120, "end", 2,
    )  # fmt: skip
    states = {t["rendered_map_index"]: t for t in _mapped(stand, run)}
    for key, (stage, name) in keys.items():
        hit, task = struck(stand.faults, key), states[key]
        assert hit is not None
        if task["state"] == "success":
            took = dt.datetime.fromisoformat(task["end_date"]).timestamp() - hit["at"]
            text = f"execution_timeout and retry: {took:.0f} s"
        else:
            text = f"still {task['state']} after {time.time() - hit['at']:.0f} s"
        rows.put(stage, HANGS[name].words, vanilla=text)
        say(f"    vanilla {key}: {text}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(hit["pid"]), signal.SIGKILL)
    stand.api.call("PATCH", f"/dags/{VANILLA}/dagRuns/{run.id}", json={"state": "failed"})


def _mapped(stand: Stand, run: Any) -> list[dict[str, Any]]:
    return [t for t in stand.tasks(run) if t["task_id"] == "stage" and t["map_index"] >= 0]
