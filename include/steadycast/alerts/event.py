"""An event: something that a person has to hear of, as data."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, get_args

Severity = Literal["info", "warning", "hold", "failure"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""From the quietest to the loudest."""

_LONGEST_NAME: Final = 80
_LONGEST_TEXT: Final = 2000


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: What sort of thing, e.g. ``run_failed``, ``published``, ``degraded``, ``never_started``.
        severity: ``info`` and ``warning`` can wait for a digest, ``hold`` and ``failure`` can not.
        key: The same thing has the same key: it is told once while it is open. A thing that can happen in
            every week anew carries the week in its key, e.g. ``run/weekly_forecast/2016-06-06``.
        title: One line.
        text: What happened, how much it moves the forecast, and what was done; sentences.
        next: What the reader can do.
        source: The source that it is about, if it is about one.
        as_of: The week's Monday, if it belongs to a week. Messages of a week share a thread.
        link: Address that shows more.
        picture: Path in the lake of a PNG that shows it.
        resolves: It is over; closes what is open under the key, and says nothing if nothing is.
    """

    kind: str
    severity: Severity
    key: str
    title: str
    text: str
    next: str = ""
    source: str | None = None
    as_of: dt.date | None = None
    link: str | None = None
    picture: str | None = None
    resolves: bool = False

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"event {self.key!r}: severity {self.severity!r} is none of {SEVERITIES}")
        for name in ("kind", "key", "title"):
            if not getattr(self, name).strip():
                raise ValueError(f"event {self.key!r}: its {name} is empty")

    @property
    def loudness(self) -> int:
        """Rank of the severity; a larger one is louder."""
        return SEVERITIES.index(self.severity)

    @property
    def folder(self) -> str:
        """Name of the key's folder in the outbox: readable, and different for different keys."""
        return folder_of(self.key)

    def record(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {**asdict(self), "as_of": self.as_of.isoformat() if self.as_of else None}


def folder_of(key: str) -> str:
    """Name of a key's folder in the outbox."""
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", key).strip("-.")[:_LONGEST_NAME]
    return f"{readable}.{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def from_record(record: Mapping[str, Any]) -> Event:
    """The event of a record; fields of a newer version are left out."""
    known = {field.name for field in fields(Event)}
    given = {name: value for name, value in record.items() if name in known}
    if given.get("as_of"):
        given["as_of"] = dt.date.fromisoformat(given["as_of"])
    return Event(**given)


def cut(text: str) -> str:
    """Text of a length that a message can show; the whole is in the log or the record that it came from."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
