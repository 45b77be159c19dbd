"""What the watch did reaches people: an alert in the lake's outbox, and the reason for the run's message."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.configuration import conf
from steadycast_runtime import failures, lake, week_of

from steadycast.errors import SteadycastError

if TYPE_CHECKING:
    from steadycast.alerts import Event
    from steadycast.stalls import Verdict
    from steadycast_sensors.watch import Log

NEXT = (
    "the task's log ends where it hung; mend that, then clear the task in the web UI to let the run go on. "
    "The limits are under `recovery` in pipeline.yaml"
)


class TaskStalled(SteadycastError):
    """A task hung as often as it may be relaunched."""


class News:
    """Tells of relaunches and of tasks that are given up. What can not be told is in the log at least.

    Args:
        dag_id: the run's DAG.
        run_id: the run.
        log: the watching task's log.
    """

    def __init__(self, dag_id: str, run_id: str, log: Log) -> None:
        self._dag_id = dag_id
        self._run_id = run_id
        self._log = log

    async def tell(self, verdict: Verdict, count: int, partition_key: str | None) -> None:
        """Put it where alerts are sent from.

        Args:
            verdict: of the task that hangs.
            count: relaunches of the task in this run so far, this one included.
            partition_key: the run's week.
        """
        try:
            as_of = week_of(partition_key)
        except SteadycastError:
            as_of = None
        try:
            await asyncio.to_thread(self._put, verdict, count, as_of)
        except Exception as error:
            self._log.warning("no alert could be left in the lake: %s", error)

    def _put(self, verdict: Verdict, count: int, as_of: dt.date | None) -> None:
        from steadycast.alerts import Outbox

        store = lake()
        attempt = verdict.attempt
        if verdict.kind == "bound" and as_of is not None:
            place = failures.place_of(as_of, self._dag_id, attempt.task, attempt.map_index)
            failures.note(store, place, TaskStalled(verdict.reason, remedy=NEXT), task=attempt.label)
        Outbox(store).put(self.event(verdict, count, as_of), at=dt.datetime.now(dt.UTC))

    def event(self, verdict: Verdict, count: int, as_of: dt.date | None) -> Event:
        """The alert: a warning for a relaunch, a failure for a task that is given up."""
        from steadycast.alerts import Event, runs

        attempt = verdict.attempt
        bound = verdict.kind == "bound"
        done = "again and is given up" if bound else "and was relaunched"
        site = conf.get("api", "base_url", fallback="").rstrip("/")
        told = (
            "it was set to failed, and the run fails" if bound else f"it was relaunched, {_times(count)} now"
        )
        return Event(
            kind="task_given_up" if bound else "task_relaunched",
            severity="failure" if bound else "warning",
            # a task that is given up fails its run: one thing, which is told once
            key=runs.run_key(self._dag_id, str(as_of or self._run_id))
            if bound
            else f"stall/{self._dag_id}/{self._run_id}/{attempt.label}/{count}",
            title=f"{self._dag_id}: {attempt.label} hung {done}",
            text=f"{verdict.reason}; {told}.",
            next=NEXT if bound else "nothing, unless it comes again: then see the task's log",
            as_of=as_of,
            link=f"{site}/dags/{self._dag_id}/runs/{quote(self._run_id, safe='')}",
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
