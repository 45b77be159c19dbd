"""Sends what the outbox holds: look, decide, send, write down, until some channel has taken it."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from steadycast.alerts import canary, choosing, mutes, retention, telling
from steadycast.alerts.event import Event
from steadycast.alerts.ledger import Attempt, Journal, Ledger
from steadycast.alerts.planning import Plan, plan
from steadycast.alerts.posting import Poster, Step
from steadycast.alerts.usable import Usable, usable
from steadycast.errors import ArtefactMissing, LakeError
from steadycast.lake import Lake
from steadycast.settings import Settings

log = logging.getLogger(__name__)

STATUS: Final = "alerts/deliverer.json"
STATUS_EVERY: Final = dt.timedelta(seconds=15)
STANDBY: Final = dt.timedelta(seconds=60)
"""Another deliverer whose last sign of life is younger is alive; two at once would tell things twice."""
CANARY_EVERY: Final = dt.timedelta(minutes=1)
TIDY_EVERY: Final = dt.timedelta(hours=6)

Clock = Callable[[], dt.datetime]


class Deliverer:
    """One deliverer.

    Args:
        lake: with the outbox.
        settings: the pipeline's.
        environ: holds the channels' connections.
        clock: the moment, aware; asked at each look, and when an attempt begins and ends.
    """

    def __init__(self, lake: Lake, settings: Settings, environ: Mapping[str, str], clock: Clock) -> None:
        self._lake, self._settings, self._clock = lake, settings, clock
        self._journal = Journal(lake)
        self._host, self._pid = socket.gethostname(), os.getpid()
        self._status_at: dt.datetime | None = None
        self._tidied_at: dt.datetime | None = None
        self._canary_at: dt.datetime | None = None
        self.usable: Usable = usable(settings, environ)
        self._posters = {
            name: Poster(lake, self._journal, settings, channel, clock)
            for name, channel in self.usable.channels.items()
        }

    def close(self) -> None:
        """End the processes that send, and let another deliverer begin at once."""
        for poster in self._posters.values():
            poster.close()
        try:
            status = self._lake.read_json(STATUS)
            if (status["host"], status["pid"]) == (self._host, self._pid):
                self._lake.write_json(STATUS, status | {"stopped": True})
        except (LakeError, KeyError) as error:
            log.warning("that this deliverer has ended could not be written down: %s", error)

    def look(self) -> Plan | None:
        """Send what is due; None if another deliverer is at work.

        Raises:
            LakeError: the lake does not answer. What was sent is written down at the next look, before
                anything else.
        """
        now = self._clock()
        if not self._mine(now):
            return None
        if self._status_at is None:
            self._tell(Plan((), (), (), 0, ()), {}, now)
        for poster in self._posters.values():
            poster.write_down()
        ledger = self._journal.read()
        found = self._plan(ledger, now)
        steps = self._steps(found, ledger, now)
        if steps:
            with ThreadPoolExecutor(len(steps)) as pool:
                list(pool.map(lambda name: self._posters[name].work(steps[name], found, ledger), steps))
            ledger = self._journal.read()
            now = self._clock()
            found = self._plan(ledger, now)
        if steps or self._status_at is None or now - self._status_at >= STATUS_EVERY:
            self._tell(found, choosing.health(ledger.deliveries.values(), self._settings.alerts), now)
        self._see_canary(ledger, now)
        self._tidy(ledger, now)
        return found

    def _see_canary(self, ledger: Ledger, now: dt.datetime) -> None:
        """Did the weekly message come back? Where only the log is, nobody is there to answer."""
        last = self._canary_at
        if not self.usable.left_out_log or (last is not None and now - last < CANARY_EVERY):
            return
        self._canary_at = now
        rules = self._settings.alerts.canary

        def ask(event: Event, attempt: Attempt) -> str | None:
            poster = self._posters.get(attempt.channel)
            return poster.came_back(event, attempt, rules.inbox_url) if poster else None

        telling.tell(self._lake, canary.check(ledger, ask), now)
        telling.tell(self._lake, canary.alarms(self._journal.read(), rules, now), now)

    def _plan(self, ledger: Ledger, now: dt.datetime) -> Plan:
        rules = self._settings.alerts
        quiet = [*rules.mutes, *mutes.every(self._lake)]
        return plan(ledger, rules, quiet, now, self._settings.schedule.timezone)

    def _steps(self, found: Plan, ledger: Ledger, now: dt.datetime) -> dict[str, list[Step]]:
        """What each channel has to do in this look, in order."""
        rules = self._settings.alerts
        states = choosing.health(ledger.deliveries.values(), rules)
        askable = {name: channel.askable for name, channel in self.usable.channels.items()}
        steps: dict[str, list[Step]] = {}
        probing: set[str] = set()
        for message in found.messages:
            begun = ledger.deliveries.get(message.id)
            attempts = begun.attempts if begun else ()
            choice = choosing.choose(message, attempts, states, rules, askable, now)
            if choice is None or (choice.probe and choice.channel in probing):
                continue
            if choice.probe:
                probing.add(choice.channel)
            steps.setdefault(choice.channel, []).append(Step(message, attempts, choice))
        return steps

    def _mine(self, now: dt.datetime) -> bool:
        try:
            other = self._lake.read_json(STATUS)
        except ArtefactMissing:
            return True
        if (other.get("host"), other.get("pid")) == (self._host, self._pid) or other.get("stopped"):
            return True
        if abs(now - dt.datetime.fromisoformat(other["at"])) > STANDBY:
            return True
        return other.get("host") == self._host and not _alive(int(other["pid"]))

    def _tell(self, found: Plan, states: Mapping[str, choosing.Health], now: dt.datetime) -> None:
        late = dt.timedelta(minutes=self._settings.alerts.deadline_min)
        overdue = [
            {"title": posted.event.title, "at": posted.at.isoformat()}
            for posted in found.unsent
            if now - posted.at > late
        ]
        channels: dict[str, Any] = {}
        for name in self.usable.channels:
            since = states[name].since if name in states else None
            channels[name] = f"failing since {since.isoformat()}" if since else "well"
        self._lake.write_json(
            STATUS,
            {
                "at": now.isoformat(), "host": self._host, "pid": self._pid, "stopped": False,
                "open": len(found.open), "unsent": len(found.unsent), "waiting": found.waiting,
                "overdue": overdue, "channels": channels, "left_out": self.usable.left_out,
            },
        )  # fmt: skip
        self._status_at = now

    def _tidy(self, ledger: Ledger, now: dt.datetime) -> None:
        if self._tidied_at is not None and now - self._tidied_at < TIDY_EVERY:
            return
        self._tidied_at = now
        self._journal.forget(
            *retention.over_and_old(ledger, now - dt.timedelta(days=self._settings.alerts.keep_days))
        )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
