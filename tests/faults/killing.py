"""Runs the kills: a week up to the stage, the fault, and the way back."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence

import psutil

from tests.faults import limits
from tests.faults.baseline import clean_weeks, compare
from tests.faults.kills import Kill
from tests.faults.stand import NotThere, Run, Stand, until
from tests.faults.strike import HOLD
from tests.faults.table import GRACE_S, Rows

Say = Callable[[str], None]
Plans = Mapping[dt.date, Mapping[str, Kill]]
STAGES = ("impute", "infer", "check_forecast", "publish")
"""Not training, which runs in a process of its own below the task's."""


def kill_all(stand: Stand, rows: Rows, plans: Plans, say: Say, *, watched: bool = True) -> None:
    """One kill after another, each while a stage of a week runs, and write down what became of them.

    Args:
        stand: the stack.
        rows: the matrix.
        plans: week: which kill in which of its stages, in their order.
        say: shows a line.
        watched: False for a stack without sensor and watchdog, which fills the column of vanilla Airflow.
    """
    clean = clean_weeks(stand.home / "pipeline.yaml", stand.sandbox_url, stand.home.parent / "clean", plans)
    for week, stages in plans.items():
        for stage in stages:
            stand.plan(week, stage, HOLD)
        run = stand.trigger(week)
        found = {kill: _one(stand, week, stage, kill, run, say) for stage, kill in stages.items()}
        with contextlib.suppress(NotThere):
            stand.ended(stand.now(run), 180)
        outputs = compare(
            stand.home.parent / "clean" / str(week), stand.stack.options.lake, week, clean[str(week)]
        )
        for kill, (seconds, how) in found.items():
            if not watched:
                text = how if seconds is None else f"{how}: {seconds:.0f} s"
                rows.put(kill.place, kill.fault, vanilla=text)
                continue
            row = rows.put(
                kill.place, kill.fault, timeout_s=kill.timeout_s, ours=how, seconds=seconds, outputs=outputs
            )
            say(f"{row.verdict} {row.place} {row.fault} {outputs}")


def _one(stand: Stand, week: dt.date, stage: str, kill: Kill, run: Run, say: Say) -> tuple[float | None, str]:
    """Seconds from the fault until the stage has succeeded and the component is alive; what was done."""
    try:
        hit = stand.struck(week, stage)
        told_before = len(stand.listener.alerts)
        began, shift = time.time(), stand.clock.seconds
        if not kill.stage_waits:
            stand.release(week, stage)
        kill.act(stand, psutil.Process(int(hit["pid"])))
        moved = stand.clock.seconds - shift
        limit = kill.timeout_s + GRACE_S
        until(lambda: stand.beat(kill.component) > began + moved, limit, kill.component)
        stand.release(week, stage)
        until(lambda: stand.succeeded(stand.now(run), stage), limit, f"end of {stage}")
    except (NotThere, psutil.NoSuchProcess) as error:
        say(f"    {kill.place} {kill.fault}: {error}")
        stand.repair()
        stand.release(week, stage)
        return None, str(error)
    seconds = round(time.time() - began, 1)
    task = next(t for t in stand.tasks(stand.now(run)) if t["task_id"] == stage)
    how = [stand.cure(run, task)] if task["try_number"] > 1 else []
    how += [text.rpartition("watchdog: ")[2] for _, text in stand.listener.alerts[told_before:]]
    how = [text for text in how if not text.startswith("resolved")]
    text = "; ".join(how) or "the stage goes on"
    say(f"    {kill.place} {kill.fault} during {stage}: {text}, {seconds} s")
    return seconds, text


def plan_weeks(kills: Sequence[Kill], skip: int = 0) -> Plans:
    """Four kills a week, each in a stage of its own."""
    weeks = limits.weeks(-(-len(kills) // len(STAGES)), skip)
    groups = [kills[n : n + len(STAGES)] for n in range(0, len(kills), len(STAGES))]
    return {week: dict(zip(STAGES, group, strict=False)) for week, group in zip(weeks, groups, strict=True)}
