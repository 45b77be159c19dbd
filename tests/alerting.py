"""A lake, settings and a deliverer for tests of the alerts; time is real, limits are short."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from steadycast.alerts import Event, Outbox
from steadycast.alerts.deliverer import Deliverer
from steadycast.alerts.ledger import Journal, Ledger
from steadycast.lake import Lake, open_lake
from steadycast.settings import Settings, load
from tests.forecast_tables import settings as small_settings
from tests.sandbox_server import REPO

WEEK = dt.date(2016, 6, 6)
CHANNELS = [
    {"name": "slack", "kind": "slack", "deadline_s": 2.5, "attempt_s": 10},
    {"name": "mail", "kind": "mail", "connection": "alert_mail", "deadline_s": 2.5, "attempt_s": 10},
    {"name": "sns", "kind": "sns", "connection": "alert_sns", "deadline_s": 5, "attempt_s": 10},
    {"name": "ses", "kind": "ses", "connection": "alert_ses", "deadline_s": 5, "attempt_s": 10},
    {"name": "webhook", "kind": "webhook", "connection": "alert_webhook", "deadline_s": 2.5, "attempt_s": 10},
    {"name": "log", "kind": "log"},
]
RULES = {"group_wait_s": 0, "backoff_s": 0.2, "backoff_most_s": 1, "every_s": 0.1, "channels": CHANNELS}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def event(number: int = 1, **changes: Any) -> Event:
    given = {
        "kind": "run_failed", "severity": "failure", "key": f"thing/{number:04}",
        "title": f"Thing {number:04}", "text": "it failed", "next": "mend it", "link": "http://site/run",
    }  # fmt: skip
    return Event(**(given | changes))


def rules(**changes: Any) -> dict[str, Any]:
    return RULES | changes


def patient(**deadline_s: float) -> list[dict[str, Any]]:
    """The channels; those named have so much time for a message."""
    return [
        channel | ({"deadline_s": deadline_s[channel["name"]]} if channel["name"] in deadline_s else {})
        for channel in CHANNELS
    ]


def hasty() -> list[dict[str, Any]]:
    """The channels, whose attempts are cut off after a second."""
    return [channel | ({"attempt_s": 1} if channel["kind"] != "log" else {}) for channel in CHANNELS]


class Post:
    """A lake with its outbox, and deliverers of it."""

    def __init__(self, folder: Path, environ: dict[str, str], **changes: Any) -> None:
        self.folder, self.environ = folder, environ
        self.file = folder / "pipeline.yaml"
        told = small_settings(alerts=rules(**changes)).model_dump(mode="json", exclude_none=True)
        self.file.write_text(yaml.safe_dump(told))
        self.settings: Settings = load(self.file)
        self.lake: Lake = open_lake(str(folder / "lake"))
        self.outbox = Outbox(self.lake)
        self._made: list[Deliverer] = []

    def put(self, *events: Event) -> None:
        for one in events:
            self.outbox.put(one, now())

    def deliverer(self, clock: Callable[[], dt.datetime] = now) -> Deliverer:
        made = Deliverer(self.lake, self.settings, self.environ, clock)
        self._made.append(made)
        return made

    def deliver(self, until: Callable[[], bool], timeout_s: float = 60) -> None:
        """Look again and again until it is so."""
        deliverer = self.deliverer()
        end = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < end, f"not in time; {self.attempts()}"
            deliverer.look()
            time.sleep(0.05)
        deliverer.close()

    def process(self) -> subprocess.Popen[bytes]:
        """The deliverer as it runs: a process of its own."""
        env = os.environ | self.environ
        env |= {
            "PYTHONPATH": str(REPO / "include"), "STEADYCAST_LAKE": self.lake.url,
            "STEADYCAST_SETTINGS": str(self.file),
        }  # fmt: skip
        command = [sys.executable, "-m", "steadycast.alerts", "deliver"]
        with (self.folder / "out.txt").open("ab") as out:
            return subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )

    def ledger(self) -> Ledger:
        return Journal(self.lake).read()

    def attempts(self) -> list[tuple[str, str | None, bool]]:
        """Channel, outcome and mark of each attempt, oldest first."""
        found = [a for d in self.ledger().deliveries.values() for a in d.attempts]
        return [(a.channel, a.outcome, a.maybe) for a in sorted(found, key=lambda a: a.at)]

    def all_told(self) -> bool:
        ledger = self.ledger()
        told = {name for d in ledger.deliveries.values() if d.delivered for name in d.message.events}
        return bool(ledger.posted) and {posted.id for posted in ledger.posted} <= told

    def close(self) -> None:
        for one in self._made:
            one.close()
