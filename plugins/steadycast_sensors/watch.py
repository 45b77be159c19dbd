"""The watch over one run: what its tasks do, which of them hang, and what is done about it."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from steadycast.settings import RecoverySettings
from steadycast.stalls import Attempt, Verdict, judge
from steadycast_sensors.rest import ApiRefusal, RunApi, moment
from steadycast_sensors.steady import SteadyTime

ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
RELAUNCHES = "relaunches"
"""Key of the watching task's state store: one record per relaunch, also of earlier triggers of this run."""

Tell = Callable[[Verdict, int, str | None], Awaitable[None]]
"""Told of each relaunch and of each bound that is reached, with the relaunches of the task so far and the
run's partition key."""


class Log(Protocol):
    """What the watch writes to."""

    def info(self, message: str, *arguments: object) -> None: ...  # noqa: D102
    def warning(self, message: str, *arguments: object) -> None: ...  # noqa: D102


class Watch:
    """Looks at one run, and relaunches what hangs.

    Args:
        api: the run.
        own: id of the task that watches; its state store keeps the relaunches.
        settings: limits and bounds.
        tell: told of what was done.
        log: the watching task's log.
    """

    def __init__(self, api: RunApi, own: str, settings: RecoverySettings, tell: Tell, log: Log) -> None:
        self._api = api
        self._own = own
        self._settings = settings
        self._tell = tell
        self._log = log
        self._time = SteadyTime()
        self._run: dict[str, Any] | None = None
        self._usual_s: dict[str, list[float]] = {}
        self._relaunches: list[dict[str, Any]] = []
        self._shown = ""

    async def look(self) -> None:
        """Look once, and act.

        Raises:
            ApiFailure: Airflow did not answer; the next look does what this one could not.
        """
        if self._run is None:
            self._run = await self._remember()
        self._time.begin(dt.datetime.now(dt.UTC), time.monotonic())
        records = [r for r in await self._api.task_instances() if r["task_id"] != self._own]
        attempts = [await self._attempt(record) for record in records]
        self._time.done()
        self._show(attempts)
        counts = Counter((r["task"], r["map_index"]) for r in self._relaunches)
        for verdict in judge(attempts, self._time.now, self._settings, self._usual_s, counts):
            if verdict.kind == "stalled":
                await self._relaunch(verdict)
            elif verdict.kind == "bound":
                await self._give_up(verdict)

    async def _remember(self) -> dict[str, Any]:
        """What earlier triggers of this run have done, and how long the tasks took in earlier runs."""
        self._usual_s = await self._api.usual_s(self._settings.usual_after_runs)
        run = await self._api.run()
        kept = await self._api.stored(self._own, -1, RELAUNCHES)
        # a person who clears the finished run starts it anew, and its relaunches count anew
        self._relaunches = [r for r in (kept or {}).get("value", []) if r["run_started"] == run["start_date"]]
        await self._tell_again(run.get("partition_key"))
        return run

    async def _tell_again(self, partition_key: str | None) -> None:
        """An earlier trigger may have died after a relaunch and before its news; twice told is known once."""
        counts: Counter[tuple[str, int]] = Counter()
        for done in self._relaunches:
            attempt = Attempt(done["task"], "running", done["map_index"], done["try"])
            counts[attempt.key] += 1
            await self._tell(Verdict(attempt, "stalled", done["reason"]), counts[attempt.key], partition_key)

    async def _attempt(self, record: Mapping[str, Any]) -> Attempt:
        task, map_index, state = record["task_id"], int(record["map_index"]), record["state"]
        started_at = self._time.of(moment(record["start_date"]))
        queued_at = self._time.of(moment(record["queued_when"]))
        progress_at = None
        if state == "running":
            # a task that was deferred, or waited for an answer, keeps its first start, but is queued anew;
            # the process that goes on with it tells when it began, which on a busy machine is not at once
            told = await self._api.stored(task, map_index, "progress") or {"updated_at": None, "value": None}
            progress_at = self._time.of(moment(told["updated_at"]))
            since = told["value"].get("since") if isinstance(told["value"], dict) else None
            known = [t for t in (started_at, queued_at, self._time.of(moment(since))) if t is not None]
            started_at = max(known, default=None)
        return Attempt(
            task, state, map_index, int(record["try_number"]),
            scheduled_at=self._time.of(moment(record["scheduled_when"])),
            queued_at=queued_at,
            started_at=started_at, progress_at=progress_at,
        )  # fmt: skip

    async def _relaunch(self, verdict: Verdict) -> None:
        attempt = verdict.attempt
        done = {
            "task": attempt.task,
            "map_index": attempt.map_index,
            "try": attempt.try_number,
            "reason": verdict.reason,
            "at": dt.datetime.now(dt.UTC).isoformat(),
            "run_started": self._run["start_date"] if self._run else None,
        }
        # counted before it is done: if this process dies in between, the bound holds all the same
        await self._keep([*self._relaunches, done])
        try:
            # one that ends at this moment is left alone; but `only_running` would not find a queued one
            cleared = await self._api.clear(
                attempt.task, attempt.map_index, only_running=attempt.state == "running",
                note=f"Relaunched: {verdict.reason}",
            )  # fmt: skip
        except ApiRefusal:
            # SQLite's one writer may be busy; without an answer it might have been done, and counts
            await self._keep(self._relaunches[:-1])
            raise
        if not cleared:
            self._log.info("%s; it has ended by itself in the meantime", verdict.reason)
            await self._keep(self._relaunches[:-1])
            return
        count = sum((r["task"], r["map_index"]) == attempt.key for r in self._relaunches)
        self._log.warning(
            "%s: relaunched, %s of %s times", verdict.reason, count, self._settings.relaunches_per_task
        )
        await self._tell(verdict, count, self._key)

    async def _give_up(self, verdict: Verdict) -> None:
        attempt = verdict.attempt
        count = sum((r["task"], r["map_index"]) == attempt.key for r in self._relaunches)
        # told first, so that the reason is there when the run's callback asks for it
        await self._tell(verdict, count, self._key)
        await self._api.fail(attempt.task, attempt.map_index, note=f"Given up: {verdict.reason}")
        self._log.warning("%s: given up, the run fails", verdict.reason)

    @property
    def _key(self) -> str | None:
        return self._run.get("partition_key") if self._run else None

    async def _keep(self, relaunches: list[dict[str, Any]]) -> None:
        await self._api.store(self._own, RELAUNCHES, relaunches)
        self._relaunches = relaunches

    def _show(self, attempts: Iterable[Attempt]) -> None:
        """Log what the run does, when it is something else than before."""
        attempts = list(attempts)
        busy = [f"{a.label} {a.state}" for a in attempts if a.state is not None and a.state not in ENDED]
        shown = f"{sum(a.state in ENDED for a in attempts)} of {len(attempts)} tasks have ended; " + (
            ", ".join(busy) or "none runs"
        )
        if shown != self._shown:
            self._log.info(shown)
            self._shown = shown
