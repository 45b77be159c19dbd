"""FRED series as they were known on a past day (ALFRED vintages).

Documented at https://fred.stlouisfed.org/docs/api/fred/series_observations.html and .../realtime_period.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steadycast.errors import BadCredential, BadResponse, SchemaDrift
from steadycast.progress import Progress, silent
from steadycast.settings import FredSource, TableLayout, Variable
from steadycast.sources.answers import Answer, Refused
from steadycast.sources.decoding import Unreadable, json_value
from steadycast.sources.http import Transport, Waiting
from steadycast.sources.paging import records_at
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import Table, to_poll

ADDRESS = "https://api.stlouisfed.org/fred"
MOST_ROWS = 100_000
"""FRED's documented limit of observations in one answer."""


def fetch(
    source: FredSource,
    window: Window,
    connection: Connection | None,
    *,
    progress: Progress = silent,
    waiting: Waiting | None = None,
) -> Poll:
    """Ask for each variable's series in the vintage of the window's ``as_of``.

    Raises:
        BadCredential: the connection has no API key, or FRED refuses it.
        SourceError: as ``steadycast.sources.fetch`` lists them.
    """
    key = (connection.password or connection.token) if connection else None
    if not key:
        raise BadCredential(
            source.name,
            "FRED needs an API key",
            remedy="put the key into the password of the Airflow connection "
            f"{source.connection or 'of this source'!r}; keys are free at https://fredaccount.stlouisfed.org/apikeys",
        )
    tables = []
    with Transport(source, connection, documented=ADDRESS, auth=False, waiting=waiting) as transport:
        for done, variable in enumerate(source.variables, start=1):
            tables.append(_series(transport, source.name, variable, window, key))
            progress(f"{source.name} {variable.source_field}", done, len(source.variables))
        layout = TableLayout(entity=source.entity, variable_field="series", value_field="value")
        poll = to_poll(
            Table.joined(tables),
            source,
            layout,
            window,
            requests=transport.requests,
            size=transport.size,
            no_cell={"."},
        )
    return Poll(
        poll.frame, tuple(v.source_field for v in source.variables), poll.requests, poll.bytes, poll.notes
    )


def _series(transport: Transport, source: str, variable: Variable, window: Window, key: str) -> Table:
    params = {
        "series_id": variable.source_field,
        "api_key": key,
        "file_type": "json",
        "realtime_start": window.as_of.isoformat(),
        "realtime_end": window.as_of.isoformat(),
        "observation_start": window.start.isoformat(),
        "observation_end": window.last.isoformat(),
        "sort_order": "asc",
        "limit": str(MOST_ROWS),
    }
    url = transport.documented_url("/fred/series/observations")
    records: list[Any] = []
    while True:
        asked = {**params, "offset": str(len(records))}
        try:
            page, count = transport.get(url, asked, lambda a: _page(source, a), wanted="JSON")
        except Refused as error:
            raise _explained(error, source, variable) from error
        records += page
        if len(records) >= count:
            break
        if not page:
            raise BadResponse(
                source,
                f"{variable.source_field} has {count} observations, and the answers end after {len(records)}",
                remedy="poll again; report it to FRED if it stays so",
            )
    _check_fields(source, records)
    # a series that is constant text would otherwise have no column of its own
    columns = {
        "date": [record.get("date") for record in records],
        "series": [variable.source_field] * len(records),
        "value": [record.get("value") for record in records],
    }
    return Table(columns, len(records))


def _check_fields(source: str, records: Sequence[Mapping[str, Any]]) -> None:
    """A field that no record has was renamed; a series without observations has none to miss."""
    found = sorted({name for record in records for name in record})
    for field in ("date", "value"):
        if records and field not in found:
            raise SchemaDrift(
                source,
                field,
                found=found,
                remedy="look at FRED's announcements: this is not its documented format",
            )


def _page(source: str, answer: Answer) -> tuple[list[dict[str, Any]], int]:
    whole = json_value(answer.body, answer.charset)
    page = records_at(source, whole, "observations")
    if not all(isinstance(record, dict) for record in page):
        raise Unreadable("has observations that are no records")
    try:
        return page, int(whole["count"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable("does not say the count of its observations") from error


def _explained(error: Refused, source: str, variable: Variable) -> BadCredential | BadResponse:
    """FRED answers 400 for everything, also for a wrong key; its text tells which it is."""
    if "api_key" in error.message:
        return BadCredential(
            source,
            f"FRED refuses the API key: {error.message}",
            remedy="put a registered key into the password of the connection (https://fredaccount.stlouisfed.org/apikeys)",
        )
    return BadResponse(
        source,
        f"FRED refuses series {variable.source_field!r}: {error.message}",
        remedy=f"check variables.{variable.name}.field and history_start of {source} in pipeline.yaml",
    )
