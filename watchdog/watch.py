"""One look after another: see, decide, act, remember."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from pathlib import Path

from steadycast.errors import SteadycastError
from steadycast.settings import Settings
from watchdog import core
from watchdog.airflow import Airflow, Unreachable
from watchdog.alerts import Alerts
from watchdog.components import DELIVERER, HEARTBEATS
from watchdog.deadman import DeadMan
from watchdog.due import Due, due_week
from watchdog.manager import Manager, NotMended
from watchdog.memory import Memory, keep, recall
from watchdog.seen import Seen
from watchdog.store import NoFallback, Store
from watchdog.workers import BrokerSilent, Workers

log = logging.getLogger(__name__)
DAG = "weekly_forecast"


class Watch:
    """Sees with what it is given, and acts with it.

    Args:
        settings: the pipeline's.
        airflow: its REST API.
        store: the lake.
        alerts: the way to people.
        deadman: told about each look.
        manager: the process manager; None where components can not be restarted from here.
        memory: the file that it remembers in.
        workers: asked where tasks run under Celery.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        airflow: Airflow,
        store: Store,
        alerts: Alerts,
        deadman: DeadMan,
        manager: Manager | None,
        memory: Path,
        workers: Workers | None = None,
    ) -> None:
        self._settings, self._airflow, self._store = settings, airflow, store
        self._alerts, self._deadman, self._manager, self._file = alerts, deadman, manager, memory
        self._workers = workers

    def look(self, now: dt.datetime, up_s: float) -> Memory:
        """One look; returns what is remembered after it.

        Args:
            now: an aware moment.
            up_s: seconds since the watchdog started.
        """
        self._deadman.start(up_s)
        memory = recall(self._file)
        before = dict(memory.open)
        seen = self.see(now, up_s)
        actions, memory = core.decide(seen, self._settings.watchdog, memory, dag=DAG)
        # before acting: a restart that was begun counts, also if the watchdog dies with it
        keep(self._file, memory)
        texts = [text for action in actions if (text := self._act(action, memory))]
        for text in texts:
            self._alerts.note(text, now)
        if not self._alerts.has_path:
            self._store.tell(before, memory.open, now)
        memory.outbox = [text for text in [*memory.outbox, *texts] if not self._alerts.send(text)]
        keep(self._file, memory)
        self._deadman.end(up_s, well=not memory.open and not memory.failed)
        return memory

    def see(self, now: dt.datetime, up_s: float) -> Seen:
        """Look at everything; what does not answer is not known."""
        due = due_week(self._settings.schedule, now)
        seen = Seen(at=now, up_s=up_s, due=due)
        if self._manager is not None:
            try:
                seen = replace(seen, programs=self._manager.programs())
            except NotMended as error:
                log.error("%s", error)
        try:
            health = self._airflow.health()
            beats = {HEARTBEATS[k]: at for k, at in health.heartbeats.items() if k in HEARTBEATS}
            seen = replace(seen, heartbeats=beats, database=health.database, airflow_at=health.at)
        except Unreachable as error:
            seen = replace(seen, api=str(error))
        if self._workers is not None:
            try:
                seen = replace(seen, workers=self._workers.answering())
            except BrokerSilent as error:
                seen = replace(seen, broker=str(error))
        seen = self._see_alerts(seen)
        if seen.api is None:
            try:
                seen = replace(seen, running=self._airflow.running(DAG))
            except (Unreachable, KeyError, TypeError) as error:
                log.error("which runs go on is not known: %s", error)
        return seen if due is None else self._see_week(seen, due)

    def _see_alerts(self, seen: Seen) -> Seen:
        """Is somebody sending the alerts, and did they arrive?"""
        try:
            beat, overdue = self._store.alerts(self._settings, seen.at)
        except (SteadycastError, OSError) as error:
            log.error("whether alerts are sent is not known: %s", error)
            return seen
        if beat is None and DELIVERER not in seen.programs:
            return seen
        beats = {**seen.heartbeats, DELIVERER: beat}
        return replace(seen, heartbeats=beats, overdue=None if overdue is None else tuple(overdue))

    def _see_week(self, seen: Seen, due: Due) -> Seen:
        if seen.api is None:
            try:
                runs = self._airflow.run_states(DAG, due.week)
                seen = replace(seen, runs=runs, paused=self._airflow.paused(DAG))
            except (Unreachable, KeyError, TypeError) as error:
                log.error("the runs of %s are not known: %s", due.week, error)
        try:
            return replace(seen, published=self._store.verdict(due.week))
        except (SteadycastError, OSError) as error:
            return replace(seen, lake=str(error))

    def _act(self, action: core.Action, memory: Memory) -> str | None:
        """Do it; returns what people have to be told about it, if anything."""
        if isinstance(action, core.Tell):
            return action.text
        key = core.key_of(action)
        try:
            told = self._do(action)
        except (NotMended, Unreachable, NoFallback) as error:
            log.error("%s", error)
            known = key in memory.failed
            memory.failed[key] = str(error)
            return None if known else str(error)
        memory.failed.pop(key, None)
        return told

    def _do(self, action: core.Deed) -> str | None:
        if isinstance(action, core.Restart):
            if self._manager is not None:
                log.warning("restarting %s: %s", action.component, action.why)
                self._manager.restart(action.component)
            return None
        if isinstance(action, core.BeginAgain):
            begun = self._airflow.begin_again(DAG, action.run, action.why)
            return f"the run of week {action.week} was ended and begins again" if begun else None
        if isinstance(action, core.CreateRun):
            created = self._airflow.create_run(DAG, action.week)
            return f"the run of week {action.week} was created" if created else None
        return self._store.publish_fallback(action.week, action.reason)
