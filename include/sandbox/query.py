"""Reading and checking the query of a request."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_EARLIEST: Final = dt.date(1600, 1, 1)
WINDOW_PARAMS: Final = ("as_of", "start", "end")


class BadQuery(Exception):
    """A parameter is unknown or can not be used; answered with 422 and this text."""


@dataclass(frozen=True)
class WindowQuery:
    """Dates start <= date < end as known on as_of; None is open."""

    as_of: dt.date | None
    start: dt.date | None
    end: dt.date | None


def read_date(query: Mapping[str, str], name: str) -> dt.date | None:
    """The ISO date of a parameter; None if it is left out or empty."""
    text = query.get(name, "")
    if not text:
        return None
    try:
        if not _DATE.fullmatch(text):
            raise ValueError("not of the form YYYY-MM-DD")
        day = dt.date.fromisoformat(text)
        if day < _EARLIEST:
            raise ValueError(f"before {_EARLIEST}")
        return day
    except ValueError as error:
        raise BadQuery(f"{name}={text!r} is no date ({error}); write it like 2016-06-06") from error


def read_whole(query: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    """The whole number 1..most of a parameter."""
    text = query.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,9}", text) or not 1 <= int(text) <= most:
        raise BadQuery(f"{name}={text!r} is not a whole number from 1 to {most}")
    return int(text)


def read_window(query: Mapping[str, str], *, extra: Collection[str] = ()) -> WindowQuery:
    """The window of a request; unknown parameters are refused, since they are mistypings."""
    known = (*WINDOW_PARAMS, *extra)
    unknown = sorted(set(query) - set(known))
    if unknown:
        raise BadQuery(f"unknown parameter(s) {', '.join(unknown)}; this route knows {', '.join(known)}")
    window = WindowQuery(*(read_date(query, name) for name in WINDOW_PARAMS))
    if window.start and window.end and window.start > window.end:
        raise BadQuery(f"start={window.start} is after end={window.end}; the window is start <= date < end")
    return window
