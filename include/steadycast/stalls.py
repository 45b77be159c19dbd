"""Which tasks of a run are stalled, and which may be relaunched: decisions only, no clock, no Airflow."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from steadycast.settings import RecoverySettings, StageLimits

LEAST_PART = 3
"""An attempt may take this part of ``attempt_timeout_s`` however short it usually is."""


@dataclass(frozen=True)
class Attempt:
    """What is known of a task instance; a time that is not known is None, the others carry a timezone."""

    task: str
    state: str | None
    map_index: int = -1
    try_number: int = 1
    scheduled_at: dt.datetime | None = None
    queued_at: dt.datetime | None = None
    started_at: dt.datetime | None = None
    progress_at: dt.datetime | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Task and map index, which stay the same over attempts."""
        return self.task, self.map_index

    @property
    def label(self) -> str:
        """The task as a reader knows it, e.g. ``train`` or ``ingest[2]``."""
        return self.task if self.map_index < 0 else f"{self.task}[{self.map_index}]"


@dataclass(frozen=True)
class Verdict:
    """``stalled`` may be relaunched; ``bound`` is stalled too, but was relaunched as often as allowed."""

    attempt: Attempt
    kind: Literal["healthy", "stalled", "bound"]
    reason: str = ""


def judge(
    attempts: Iterable[Attempt],
    now: dt.datetime,
    settings: RecoverySettings,
    usual_s: Mapping[str, Sequence[float]],
    relaunches: Mapping[tuple[str, int], int],
) -> list[Verdict]:
    """Judge all task instances of one run.

    Args:
        attempts: The task instances, without the one that watches.
        now: The time of the look.
        settings: Limits and bounds.
        usual_s: Task: seconds that its attempts took in earlier, successful runs.
        relaunches: Task and map index: times it was relaunched in this run.

    Returns:
        One verdict per task instance, in their order. Those found stalled here count against the bound of
        the run at once, so that one look can not relaunch more than is left.
    """
    attempts = list(attempts)
    # while others of the run are queued and begin, those behind them wait for their turn
    last_queued = max((a.queued_at for a in attempts if a.queued_at), default=None)
    last_begun = max((a.started_at for a in attempts if a.started_at), default=None)
    of_run = sum(relaunches.values())
    verdicts = []
    for attempt in attempts:
        limits = settings.limits(attempt.task)
        of_task = relaunches.get(attempt.key, 0)
        # what took too long on a busy machine needs more time there, not the same again
        longest_s = _longest(limits, settings, usual_s.get(attempt.task, ())) * 2**of_task
        reason = _running(attempt, now, limits, longest_s) or _waiting(
            attempt, now, limits, last_queued, last_begun
        )
        if reason is None:
            verdicts.append(Verdict(attempt, "healthy"))
        elif of_task >= settings.relaunches_per_task:
            verdicts.append(Verdict(attempt, "bound", f"{reason}; the task was relaunched {of_task} times"))
        elif of_run >= settings.relaunches_per_run:
            verdicts.append(Verdict(attempt, "bound", f"{reason}; the run had {of_run} relaunches"))
        else:
            of_run += 1
            verdicts.append(Verdict(attempt, "stalled", reason))
    return verdicts


def _longest(limits: StageLimits, settings: RecoverySettings, usual_s: Sequence[float]) -> float:
    if len(usual_s) < settings.usual_after_runs:
        return limits.attempt_timeout_s
    # a task of a second is no stalled one after three, nor is one of half a minute after two that shows
    # progress: a busy machine alone can do that
    least_s = max(limits.progress_timeout_s, limits.attempt_timeout_s / LEAST_PART)
    return max(limits.usual_factor * statistics.median(usual_s), least_s)


def _running(attempt: Attempt, now: dt.datetime, limits: StageLimits, longest_s: float) -> str | None:
    """Why a running attempt is stalled. Waiting on purpose (deferred, awaiting_input, ...) never is."""
    if attempt.state != "running" or attempt.started_at is None:
        return None
    # progress of an earlier try is older than the start of this one
    silent = _age(now, attempt.started_at, attempt.progress_at)
    if silent > limits.progress_timeout_s:
        return (
            f"{_try(attempt)} shows no progress for {silent:.0f} s (limit {limits.progress_timeout_s:.0f} s)"
        )
    age = _age(now, attempt.started_at)
    if age > longest_s:
        return f"{_try(attempt)} runs for {age:.0f} s (limit {longest_s:.0f} s)"
    return None


def _waiting(
    attempt: Attempt,
    now: dt.datetime,
    limits: StageLimits,
    last_queued: dt.datetime | None,
    last_begun: dt.datetime | None,
) -> str | None:
    """Why an attempt that waits for a worker is stalled."""
    if attempt.state == "queued" and attempt.queued_at is not None:
        # after a retry the time of queueing can still be that of the try before
        age = _age(now, attempt.queued_at, attempt.scheduled_at, last_begun)
        if age > limits.queue_timeout_s:
            return f"{_try(attempt)} is queued for {age:.0f} s (limit {limits.queue_timeout_s:.0f} s)"
    if attempt.state == "scheduled" and attempt.scheduled_at is not None:
        age = _age(now, attempt.scheduled_at, last_queued)
        if age > limits.scheduled_timeout_s:
            limit = limits.scheduled_timeout_s
            return f"{_try(attempt)} is scheduled but not queued for {age:.0f} s (limit {limit:.0f} s)"
    return None


def _try(attempt: Attempt) -> str:
    return f"{attempt.label}, try {attempt.try_number},"


def _age(now: dt.datetime, *times: dt.datetime | None) -> float:
    """Seconds since the newest of the times; a clock set back makes none of them negative."""
    return max(0.0, (now - max(time for time in times if time is not None)).total_seconds())
