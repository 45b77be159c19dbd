"""What was sent: one record before each attempt, one after it. Nothing is ever changed.

``alerts/deliveries/<message>/<number>-<channel>.attempt.json`` is written before the attempt, its receipt
beside it (``.receipt.json``) after it. An attempt without a receipt was cut off: nobody knows whether the
message arrived.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from steadycast.alerts.outbox import FOLDER as EVENTS
from steadycast.alerts.outbox import Outbox, Posted
from steadycast.lake import Lake

FOLDER: Final = "alerts/deliveries"
Purpose = Literal["news", "repeat", "resolved", "digest"]
Outcome = Literal["delivered", "busy", "unreachable", "unclear", "refused", "locked", "absent"]
"""``busy``: come again later. ``unreachable``: nothing was sent. ``unclear``: it may have arrived.
``refused``: this message will never be taken. ``locked``: credential or recipient are wrong.
``absent``: it was cut off, and the channel says that it has not arrived."""

_RECORD: Final = re.compile(rf"{FOLDER}/(?P<id>[^/]+)/(?P<number>\d+)-(?P<channel>\w+)\.(?P<what>\w+)\.json")


@dataclass(frozen=True)
class Message:
    """Events that are told together.

    Attributes:
        id: The same events for the same purpose have the same.
        purpose: Why it is sent.
        events: Ids of the events, oldest first.
        channels: Names of the channels, in order.
        due: When it could be sent first; aware.
        as_of: The week that all events belong to, if they do.
    """

    id: str
    purpose: Purpose
    events: tuple[str, ...]
    channels: tuple[str, ...]
    due: dt.datetime
    as_of: dt.date | None = None


def message_of(
    purpose: Purpose,
    events: Iterable[Posted],
    channels: tuple[str, ...],
    due: dt.datetime,
    *,
    again: str = "",
) -> Message:
    """A message with the id that follows from what it says.

    Args:
        purpose: why it is sent.
        events: what it tells, oldest first.
        channels: where it goes.
        due: from when on.
        again: what makes a repeat another message than the one before.
    """
    told = tuple(events)
    ids = tuple(posted.id for posted in told)
    digest = hashlib.sha256("\n".join([purpose, again, *ids]).encode()).hexdigest()[:12]
    weeks = {posted.event.as_of for posted in told}
    return Message(
        f"{due.astimezone(dt.UTC):%Y%m%dT%H%M%S}-{digest}", purpose, ids, channels, due,
        weeks.pop() if len(weeks) == 1 else None,
    )  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """One try to send a message.

    Attributes:
        number: Counts the attempts of the message, from 1.
        channel: Where.
        at: When it began; aware.
        maybe: It was marked as a possible duplicate.
        outcome: How it ended; None if nobody knows, because the deliverer was killed.
        ended: When; None as above.
        text: What the other side said.
        retry_after_s: Its wish, if it had one.
        answer: Further facts of the answer, e.g. Slack's ``ts`` and ``channel``.
        asked: The channel was asked since whether it has the message, and could not tell.
    """

    number: int
    channel: str
    at: dt.datetime
    maybe: bool = False
    outcome: Outcome | None = None
    ended: dt.datetime | None = None
    text: str = ""
    retry_after_s: float | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)
    asked: bool = False

    @property
    def unclear(self) -> bool:
        """May it have arrived without us knowing?"""
        return self.outcome in (None, "unclear")


@dataclass(frozen=True)
class Delivery:
    """A message and all attempts to send it, oldest first."""

    message: Message
    attempts: tuple[Attempt, ...]

    @property
    def delivered(self) -> Attempt | None:
        """The attempt that reached people."""
        return next((attempt for attempt in self.attempts if attempt.outcome == "delivered"), None)


@dataclass(frozen=True)
class Ledger:
    """Everything that is known: events by key and number, and deliveries by id."""

    posted: tuple[Posted, ...] = ()
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)


class Journal:
    """Reads the outbox and the records of deliveries, each file once; writes the records.

    Args:
        lake: where they are kept.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._outbox = Outbox(lake)
        self._events: dict[str, Posted] = {}
        self._records: dict[str, dict[str, Any]] = {}

    def read(self) -> Ledger:
        """All that is in the lake now."""
        paths = self._outbox.paths()
        self._events = {path: self._events.get(path) or self._outbox.read(path) for path in paths}
        found = [path for path in self._lake.list(FOLDER) if _RECORD.fullmatch(path)]
        self._records = {path: self._records.get(path) or self._lake.read_json(path) for path in found}
        return Ledger(tuple(self._events[path] for path in paths), _deliveries(self._records))

    def begin(self, message: Message, attempt: Attempt) -> bool:
        """Write down that an attempt begins; False if another deliverer is at it."""
        record = {
            "purpose": message.purpose, "events": message.events, "channels": message.channels,
            "due": message.due.isoformat(), "at": attempt.at.isoformat(),
            "as_of": message.as_of.isoformat() if message.as_of else None, "maybe": attempt.maybe,
        }  # fmt: skip
        path = f"{FOLDER}/{message.id}/{attempt.number:03}-{attempt.channel}.attempt.json"
        text = json.dumps(record, sort_keys=True, indent=2)
        return self._lake.write_bytes_if_absent(path, f"{text}\n".encode())

    def end(self, message: Message, attempt: Attempt) -> None:
        """Write down how an attempt ended. What was found out later about it replaces that."""
        path = f"{FOLDER}/{message.id}/{attempt.number:03}-{attempt.channel}.receipt.json"
        record = {
            "outcome": attempt.outcome, "text": attempt.text, "answer": dict(attempt.answer),
            "at": attempt.ended.isoformat() if attempt.ended else None,
            "retry_after_s": attempt.retry_after_s, "asked": attempt.asked,
        }  # fmt: skip
        self._lake.write_json(path, record)
        self._records.pop(path, None)

    def forget(self, events: Iterable[Posted], deliveries: Iterable[Delivery]) -> None:
        """Remove what is over and old; events first, as a delivery without events is nothing."""
        for posted in events:
            self._lake.delete(f"{EVENTS}/{posted.id}.json")
        for delivery in deliveries:
            for path in self._lake.list(f"{FOLDER}/{delivery.message.id}"):
                self._lake.delete(path)


def _deliveries(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Delivery]:
    attempts: dict[str, dict[int, Attempt]] = {}
    messages: dict[str, Message] = {}
    for path, told in sorted(records.items()):
        place = _RECORD.fullmatch(path)
        if place is None or place["what"] != "attempt":
            continue
        receipt = records.get(path.replace(".attempt.json", ".receipt.json"), {})
        number = int(place["number"])
        attempts.setdefault(place["id"], {})[number] = Attempt(
            number, place["channel"], dt.datetime.fromisoformat(told["at"]), bool(told["maybe"]),
            receipt.get("outcome"), _moment(receipt.get("at")), receipt.get("text", ""),
            receipt.get("retry_after_s"), receipt.get("answer", {}), bool(receipt.get("asked")),
        )  # fmt: skip
        as_of = told.get("as_of")
        messages[place["id"]] = Message(
            place["id"], told["purpose"], tuple(told["events"]), tuple(told["channels"]),
            dt.datetime.fromisoformat(told["due"]), dt.date.fromisoformat(as_of) if as_of else None,
        )  # fmt: skip
    return {
        name: Delivery(message, tuple(attempt for _, attempt in sorted(attempts[name].items())))
        for name, message in messages.items()
    }


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
