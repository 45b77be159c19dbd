"""Runs the kills: a week up to the stage, the fault, and the way back."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence

import psutil

from tests.faults import limits
from tests.faults.baseline import clean_weeks, compare
from tests.faults.kills import Kill
from tests.faults.stand import NotThere, Stand, until
from tests.faults.table import GRACE_S, Rows

Say = Callable[[str], None]


def kill_all(
    stand: Stand, rows: Rows, kills: Sequence[tuple[dt.date, Kill]], say: Say, *, watched: bool = True
) -> None:
    """One kill after another, each in a week of its own, and write down what became of them.

    Args:
        stand: the stack.
        rows: the matrix.
        kills: with the week that each is to hit.
        say: shows a line.
        watched: False for a stack without sensor and watchdog, which fills the column of vanilla Airflow.
    """
    clean = clean_weeks(
        stand.home / "pipeline.yaml",
        stand.sandbox_url,
        stand.home.parent / "clean",
        [week for week, _ in kills],
    )
    for week, kill in kills:
        seconds, how = _one(stand, week, kill)
        outputs = compare(
            stand.home.parent / "clean" / str(week), stand.stack.options.lake, week, clean[str(week)]
        )
        if not watched:
            text = how if seconds is None else f"{how}, {seconds:.0f} s"
            rows.put(kill.place, kill.fault, vanilla=text + (f"; {outputs}" if outputs else ""))
            say(f"    vanilla {kill.place} {kill.fault}: {text} {outputs}")
            continue
        row = rows.put(
            kill.place, kill.fault, timeout_s=kill.timeout_s, ours=how, seconds=seconds, outputs=outputs
        )
        say(f"{'ok ' if row.ok else 'BAD'} {kill.place} {kill.fault}: {how}, {seconds} s {outputs}")


def _one(stand: Stand, week: dt.date, kill: Kill) -> tuple[float | None, str]:
    """Seconds from the fault until the week is published and the component alive; and what was done."""
    stand.plan(week, kill.stage, f"hold {kill.hold_s}")
    run = stand.trigger(week)
    hit = stand.struck(week, kill.stage)
    told_before = len(stand.listener.alerts)
    began = time.monotonic()
    moment = time.time()
    kill.act(stand, psutil.Process(int(hit["pid"])))
    limit = kill.timeout_s + GRACE_S + 120
    try:
        until(lambda: stand.is_published(week), limit, f"publication of {week}")
        until(lambda: stand.beat(kill.component) > moment + stand.clock.seconds, limit, kill.component)
    except NotThere as error:
        stand.repair()
        return None, f"{error}"
    seconds = round(time.monotonic() - began, 1)
    stand.ended(run, limit)
    task = next(t for t in stand.tasks(run) if t["task_id"] == kill.stage)
    how = [stand.cure(run, task)] if task["try_number"] > 1 else []
    how += [text.rpartition("watchdog: ")[2] for _, text in stand.listener.alerts[told_before:]]
    how = [text for text in how if not text.startswith("resolved")]
    return seconds, "; ".join(how) or "goes on by itself"


def plan_weeks(kills: Sequence[Kill], skip: int) -> list[tuple[dt.date, Kill]]:
    """A week for each."""
    return list(zip(limits.weeks(len(kills), skip), kills, strict=True))
