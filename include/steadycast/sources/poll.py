"""What goes into a poll (where, which days, with which credential) and what comes out of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class Connection:
    """Address and credential of a source; the DAG fills it from the Airflow connection of that id.

    Args:
        id: the connection's id, for messages.
        address: base URL (``https://host/base``), S3 endpoint or SQLAlchemy URL.
        login: user name; S3 access key.
        password: password; S3 secret key; API key of FRED and Open-Meteo.
        token: sent as ``Authorization: Bearer``; S3 session token.
        extra: ``header:X-Api-Key`` and ``query:key`` entries go with each HTTP request to this address and
            count as secrets; ``region_name`` is the S3 region.
    """

    id: str
    address: str = ""
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        # the address of a database may hold a password too, so that only the id is shown
        return f"Connection({self.id!r})"


@dataclass(frozen=True)
class Window:
    """The days to ask for: ``start`` up to but not including ``end``, as known on ``as_of``."""

    start: dt.date
    end: dt.date
    as_of: dt.date

    @property
    def last(self) -> dt.date:
        """The last day, for providers whose end is inclusive."""
        return self.end - dt.timedelta(days=1)

    @property
    def empty(self) -> bool:
        """Is there no day to ask for?"""
        return self.start >= self.end

    def fill(self, text: str) -> str:
        """``text`` with ISO dates for ``{start}``, ``{end}`` and ``{as_of}``; ``{{`` stands for a brace."""
        days = {"{start}": self.start, "{end}": self.end, "{as_of}": self.as_of}
        return re.sub(
            r"\{\{|\}\}|\{(?:start|end|as_of)\}",
            lambda found: found[0][0] if found[0] in ("{{", "}}") else days[found[0]].isoformat(),
            text,
        )


@dataclass(frozen=True)
class Poll:
    """A source's answer as received: nothing is repaired, that is the gate's business.

    Args:
        frame: POLL_DTYPES; one row per received cell, duplicates and unreadable values included.
        columns_found: names of the answer's columns or series.
        requests: answers read (pages, objects, queries).
        bytes: size of the answers as received, in bytes; 0 where it is not known.
        notes: what was left out and why, as sentences.
    """

    frame: pd.DataFrame
    columns_found: tuple[str, ...] = ()
    requests: int = 0
    bytes: int = 0
    notes: tuple[str, ...] = ()
