"""FRED's documented ``series/observations`` call, served from recorded vintages.

An option of FRED that the sandbox does not have is refused rather than ignored.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sandbox.query import BadQuery, read_date
from sandbox.vintages import FOREVER, Version, Vintages

UNREGISTERED_KEY: Final = "0" * 32
_KEY_HELP: Final = "Read https://fred.stlouisfed.org/docs/api/api_key.html for more information."
_FIXED: Final = {"units": "lin", "output_type": "1", "file_type": "json"}
_DATES: Final = ("realtime_start", "realtime_end", "observation_start", "observation_end")
_KNOWN: Final = {"series_id", "api_key", "limit", "offset", "sort_order", *_FIXED, *_DATES}
_EARLIEST: Final = dt.date(1600, 1, 1)
_MOST: Final = 100_000


class FredError(Exception):
    """A request that FRED answers with 400 and this text."""

    def __init__(self, text: str) -> None:
        super().__init__(f"Bad Request.  {text}")


@dataclass(frozen=True)
class FredQuery:
    """A checked request."""

    series_id: str
    realtime_start: dt.date
    realtime_end: dt.date
    observation_start: dt.date
    observation_end: dt.date
    limit: int
    offset: int
    sort_order: str

    def whole(self, series_id: str) -> FredQuery:
        """The same real-time question for all periods of a series."""
        return replace(self, series_id=series_id, observation_start=_EARLIEST, observation_end=FOREVER)


def read_fred_query(query: Mapping[str, str], *, today: dt.date) -> FredQuery:
    """Check a request as FRED does.

    Args:
        query: the request's parameters.
        today: FRED's default for the real-time dates; the newest recorded vintage.

    Raises:
        FredError: a parameter is missing, unknown or can not be used.
    """
    _check_key(query.get("api_key", ""))
    unknown = sorted(set(query) - _KNOWN)
    if unknown:
        raise FredError(
            f"Variable {unknown[0]} is not one that the sandbox has: {', '.join(sorted(_KNOWN))}."
        )
    for name, only in _FIXED.items():
        given = query.get(name, "" if name == "file_type" else only)
        if given != only:
            raise FredError(f"Variable {name} is {given!r}; the sandbox serves {name}={only} only.")
    if not query.get("series_id"):
        raise FredError("Variable series_id is not set.")
    dates = [_date(query, name) for name in _DATES]
    found = FredQuery(
        series_id=query["series_id"],
        realtime_start=dates[0] or today,
        realtime_end=dates[1] or today,
        observation_start=dates[2] or _EARLIEST,
        observation_end=dates[3] or FOREVER,
        limit=_whole(query, "limit", _MOST, 1, _MOST),
        offset=_whole(query, "offset", 0, 0, 10**9),
        sort_order=query.get("sort_order", "asc"),
    )
    _check_order(found)
    return found


def _check_key(key: str) -> None:
    if not key:
        raise FredError(f"Variable api_key is not set.  {_KEY_HELP}")
    if not re.fullmatch(r"[a-z0-9]{32}", key):
        raise FredError(
            "The value for variable api_key is not a 32 character alpha-numeric lower-case string.  "
            + _KEY_HELP
        )
    if key == UNREGISTERED_KEY:
        raise FredError(f"The value for variable api_key is not registered.  {_KEY_HELP}")


def _check_order(query: FredQuery) -> None:
    for what in ("realtime", "observation"):
        if getattr(query, f"{what}_start") > getattr(query, f"{what}_end"):
            raise FredError(
                f"The date set by variable {what}_start can not be after the date set by variable {what}_end."
            )
    if query.sort_order not in ("asc", "desc"):
        raise FredError("Variable sort_order is not one of the values: asc, desc.")


def _date(query: Mapping[str, str], name: str) -> dt.date | None:
    try:
        return read_date(query, name)
    except BadQuery as error:
        raise FredError(
            f"Variable {name} is not a valid date of the form YYYY-MM-DD: {query[name]!r}."
        ) from error


def _whole(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"\d{1,10}", text) or not least <= int(text) <= most:
        raise FredError(f"Variable {name} is not between {least} and {most}.")
    return int(text)


def observations(vintages: Vintages, query: FredQuery) -> list[dict[str, Any]]:
    """The observations of the request's series, oldest first, before limit and offset.

    Raises:
        FredError: there is no such series.
    """
    series = vintages.series.get(query.series_id)
    if series is None:
        raise FredError("The series does not exist.")
    versions = series.versions(query.realtime_start, query.realtime_end)
    return [
        _observation(version, query, series.decimals)
        for version in versions
        if query.observation_start <= version.period <= query.observation_end
    ]


def _observation(version: Version, query: FredQuery, decimals: int) -> dict[str, Any]:
    # FRED cuts a value's real-time period to the one that was asked for
    return {
        "realtime_start": max(version.first_day, query.realtime_start).isoformat(),
        "realtime_end": min(version.last_day, query.realtime_end).isoformat(),
        "date": version.period.isoformat(),
        "value": "." if version.value is None else f"{version.value:.{decimals}f}",
    }


def answer(query: FredQuery, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer's body for these observations, ordered and cut to the asked page."""
    ordered = rows if query.sort_order == "asc" else rows[::-1]
    return {
        "realtime_start": query.realtime_start.isoformat(),
        "realtime_end": query.realtime_end.isoformat(),
        "observation_start": query.observation_start.isoformat(),
        "observation_end": query.observation_end.isoformat(),
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": query.sort_order,
        "count": len(ordered),
        "offset": query.offset,
        "limit": query.limit,
        "observations": ordered[query.offset : query.offset + query.limit],
    }
