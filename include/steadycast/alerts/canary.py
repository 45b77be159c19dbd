"""The weekly message that has to come back. Its silence is an alarm on the other channels.

It is answered by a reaction in Slack, by a robot's inbox (an address whose content holds the canary's code),
or with ``python -m steadycast.alerts confirm CODE``. The answer closes the canary in the outbox.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from steadycast.alerts.episodes import Episode, episodes
from steadycast.alerts.event import Event
from steadycast.alerts.ledger import Attempt, Ledger
from steadycast.settings import CanarySettings

KIND: Final = "canary"
SILENT: Final = "canary_silent"
MISSING: Final = "canary_missing"


def code_of(key: str) -> str:
    """The code that identifies a canary when it comes back."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


def message(day: dt.date, within_h: float) -> Event:
    """The canary of a day."""
    key = f"{KIND}/{day}"
    return Event(
        KIND, "info", key, f"Canary of {day}: please react to this message",
        f"It proves that alerts arrive. Code {code_of(key)}. Without an answer within {within_h:g} hours the "
        "other channels raise the alarm.",
        next=f"react with any emoji; elsewhere: python -m steadycast.alerts confirm {code_of(key)}",
    )  # fmt: skip


def waiting(ledger: Ledger) -> list[tuple[Event, Attempt]]:
    """Canaries that have been delivered and not been answered, with the attempt that delivered them."""
    delivered = {
        name: d.delivered for d in ledger.deliveries.values() if d.delivered for name in d.message.events
    }
    return [
        (episode.newest.event, delivered[episode.events[0].id])
        for episode in _canaries(ledger)
        if episode.closed is None and episode.events[0].id in delivered
    ]


def answered(event: Event, how: str) -> Event:
    """The end of a canary: it came back."""
    return replace(event, title=f"{event.title}: it came back", text=how, next="", resolves=True)


def alarms(ledger: Ledger, rules: CanarySettings, now: dt.datetime) -> list[Event]:
    """What has to be told: canaries without an answer, and that none came at all; and their ends.

    Args:
        ledger: events and deliveries.
        rules: how long is too long.
        now: the moment; aware.
    """
    found: list[Event] = []
    patience = dt.timedelta(hours=rules.answer_within_h)
    silent = {event.key: attempt for event, attempt in waiting(ledger) if now - attempt.at > patience}
    canaries = _canaries(ledger)
    for episode in canaries:
        key = episode.newest.event.key
        alarm = _silent(key, silent[key]) if key in silent else None
        if alarm is not None:
            found.append(alarm)
        elif episode.closed is not None:
            found.append(replace(_silent(key, None), title="the canary came back after all", resolves=True))
    if canaries:
        newest = max(episode.since for episode in canaries)
        late = now - newest > dt.timedelta(days=rules.missing_after_days)
        found.append(
            Event(
                MISSING, "failure", MISSING,
                "no canary was sent" if late else "a canary was sent again",
                f"The last one is of {newest:%Y-%m-%d}. The DAG alert_canary sends one each week.",
                next="see whether the scheduler lives and alert_canary is switched on", resolves=not late,
            )
        )  # fmt: skip
    return found


def check(ledger: Ledger, ask: Callable[[Event, Attempt], str | None]) -> list[Event]:
    """The canaries that have been answered, as events that close them.

    Args:
        ledger: events and deliveries.
        ask: says how one was answered, None if it was not.
    """
    found = ((event, ask(event, attempt)) for event, attempt in waiting(ledger))
    return [answered(event, how) for event, how in found if how is not None]


def _silent(key: str, attempt: Attempt | None) -> Event:
    where = attempt.channel if attempt else "its channel"
    return Event(
        SILENT, "failure", f"{SILENT}/{key}", f"the canary on {where} has not come back",
        f"Nobody has answered the weekly message ({key}) on {where}: alerts may not reach anybody there.",
        next=f"look whether it is there, and answer it or mend {where}; then run `make alert-test`",
    )  # fmt: skip


def _canaries(ledger: Ledger) -> Sequence[Episode]:
    return episodes(posted for posted in ledger.posted if posted.event.kind == KIND)
