"""What faults there are, their options, and which one is in force for a request."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from sandbox.tables import DAY

Kind = Literal[
    "down",
    "slow",
    "hang",
    "truncated",
    "html",
    "too_many",
    "rewritten",
    "unit_change",
    "shifted",
    "stuck",
    "swapped",
    "renamed",
    "duplicates",
    "typing_error",
]
TRANSPORT_KINDS: Final = frozenset({"down", "slow", "hang", "truncated", "html", "too_many"})

SOURCES: Final = ("ridership", "weather_a", "weather_b", "fuel", "government")
_ALWAYS: Final = ("kind", "first", "count", "from", "to", "seed")
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "down": ("status", "drop", "retry_after"),
    "slow": ("seconds",),
    "hang": ("drip", "seconds"),
    "truncated": ("share",),
    "html": (),
    "too_many": ("retry_after",),
    "rewritten": ("days", "share", "factor", "entity", "column"),
    "unit_change": ("days", "factor", "entity", "column"),
    "shifted": ("days", "entity"),
    "stuck": ("days", "entity", "column"),
    "swapped": ("days", "entity", "entity_b", "column", "column_b"),
    "renamed": ("column", "new_name"),
    "duplicates": ("share", "days", "entity"),
    "typing_error": ("share", "days", "entity", "column"),
}
"""Kind: the options that it reads besides those that all have."""


class FaultRefused(Exception):
    """A fault that can not be set; ``problems`` lists why."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class Fault(BaseModel):
    """One fault of one source, as PUT to /admin/faults/<source>."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    kind: Kind
    first: int = Field(1, ge=1, description="The fault begins with this one of the requests from now on.")
    count: int | None = Field(None, ge=1, description="It hits so many requests; all if left out.")
    from_: dt.date | None = Field(None, alias="from", description="First as_of that it hits.")
    to: dt.date | None = Field(None, description="Last as_of that it hits.")
    seed: int = Field(0, description="Another seed picks other rows and values.")
    seconds: float | None = Field(
        None, gt=0, le=3600, description="slow: delay (5); hang: between bytes (1)."
    )
    drip: bool = Field(False, description="hang: send the answer byte by byte rather than nothing.")
    drop: bool = Field(False, description="down: close the connection without an answer.")
    status: int = Field(503, ge=400, le=599, description="down: status of the answer.")
    retry_after: int | None = Field(
        None, ge=0, description="Retry-After in seconds; too_many says 1 by default."
    )
    factor: float | None = Field(None, description="rewritten: strength (1); unit_change: use this factor.")
    days: int | None = Field(
        None, description="Days: shift, or the newest days hit; rewritten: spares them (14)."
    )
    entity: str | None = Field(None, description="Hit only this entity (FRED: series).")
    entity_b: str | None = Field(None, description="swapped: the other entity.")
    column: str | None = Field(None, description="Hit only this column.")
    column_b: str | None = Field(None, description="swapped: the other column.")
    share: float | None = Field(None, gt=0, le=1, description="Share of rows, cells or bytes.")
    new_name: str | None = Field(None, min_length=1, description="renamed: the column's new name.")

    @model_validator(mode="after")
    def _fits(self) -> Fault:
        known = (*_ALWAYS, *OPTIONS[self.kind])
        given = [name.rstrip("_") for name in self.model_fields_set]
        if foreign := sorted(set(given) - set(known)):
            raise ValueError(f"{self.kind} has no option {', '.join(foreign)}; it has {', '.join(known[1:])}")
        if self.from_ and self.to and self.from_ > self.to:
            raise ValueError(f"from {self.from_} is after to {self.to}")
        if self.days is not None and self.kind != "shifted" and self.days < 1:
            raise ValueError(f"days is {self.days}; {self.kind} needs at least 1")
        if self.kind == "shifted" and self.days == 0:
            raise ValueError("days is 0, which shifts nothing")
        return self

    @property
    def is_transport(self) -> bool:
        """Does it break the answer as such, rather than the data in it?"""
        return self.kind in TRANSPORT_KINDS

    def concerns(self, as_of: dt.date | None) -> bool:
        """Is it meant for requests as of that day? A range never is for a request without a day."""
        if as_of is None:
            return self.from_ is None and self.to is None
        return (self.from_ or dt.date.min) <= as_of <= (self.to or dt.date.max)


def read_fault(body: Mapping[str, Any]) -> Fault:
    """Check a fault.

    Raises:
        FaultRefused: with all problems.
    """
    try:
        return Fault.model_validate(dict(body))
    except ValidationError as error:
        raise FaultRefused([_problem(one) for one in error.errors()]) from error


def _problem(one: ErrorDetails) -> str:
    place = ".".join(str(part) for part in one["loc"])
    if place == "kind":
        return (
            f"kind {one['input']!r} is none of {', '.join(OPTIONS)}"
            if one["type"] != "missing"
            else "kind is missing"
        )
    if one["type"] == "extra_forbidden":
        return f"there is no option {place}"
    text = str(one["msg"]).removeprefix("Value error, ")
    return f"{place}: {text}" if place else text


@dataclass
class _Entry:
    fault: Fault
    seen: int = 0
    hit: int = 0

    @property
    def spent(self) -> bool:
        return self.fault.count is not None and self.hit >= self.fault.count


class FaultBoard:
    """The faults in force, one per source; counts requests. Threads may share it."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def put(self, source: str, fault: Fault) -> None:
        """Set the fault of a source in place of the one before."""
        with self._lock:
            self._entries[source] = _Entry(fault)

    def clear(self, source: str | None = None) -> list[str]:
        """Take back the fault of one source, or of all; returns the sources that had one."""
        with self._lock:
            names = [source] if source else list(self._entries)
            return [name for name in names if self._entries.pop(name, None)]

    def take(self, source: str, as_of: dt.date | None) -> Fault | None:
        """The fault that hits this request, if any; the request is counted."""
        with self._lock:
            entry = self._entries.get(source)
            if entry is None or not entry.fault.concerns(as_of):
                return None
            entry.seen += 1
            if entry.seen < entry.fault.first or entry.spent:
                return None
            entry.hit += 1
            return entry.fault

    def listing(self) -> dict[str, dict[str, Any]]:
        """Every fault with its options, the requests hit so far, and whether it is spent."""
        with self._lock:
            return {
                source: {
                    **entry.fault.model_dump(mode="json", by_alias=True, exclude_unset=True),
                    "hit": entry.hit,
                    "spent": entry.spent,
                }
                for source, entry in sorted(self._entries.items())
            }


def monday_of(realtime_end: dt.date) -> dt.date:
    """The run's Monday that asks FRED with this real-time day: the Monday itself, or the one after."""
    if realtime_end > dt.date.max - 7 * DAY:
        return dt.date.max
    return realtime_end + ((7 - realtime_end.weekday()) % 7) * DAY
