"""NOAA's GHCN daily observations through the NCEI access data service.

Documented at https://www.ncei.noaa.gov/support/access-data-service-api-user-documentation. The service asks
for no key and names no longest period, so that each station is one request.
"""

from __future__ import annotations

from functools import partial

from steadycast.errors import BadResponse
from steadycast.progress import Progress, silent
from steadycast.settings import NoaaSource, TableLayout
from steadycast.sources.answers import Answer, Refused
from steadycast.sources.decoding import Unreadable, flat, json_value
from steadycast.sources.http import Transport, Waiting
from steadycast.sources.paging import records_at
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import Table, to_poll

ADDRESS = "https://www.ncei.noaa.gov"
_PATH = "/access/services/data/v1"
_LAYOUT = TableLayout(date_field="DATE", entity_field="entity")


def fetch(
    source: NoaaSource,
    window: Window,
    connection: Connection | None,
    *,
    progress: Progress = silent,
    waiting: Waiting | None = None,
) -> Poll:
    """Ask for each station in turn.

    NOAA sends numbers as text with blanks around them, and leaves an element out on days without one.

    Raises:
        BadResponse: NOAA refuses the request or answers for another station.
        SourceError: as ``steadycast.sources.fetch`` lists them.
    """
    tables: list[Table] = []
    with Transport(source, connection, documented=ADDRESS, waiting=waiting) as transport:
        url = transport.documented_url(_PATH)
        for done, (entity, station) in enumerate(source.stations.items(), start=1):
            params = {
                "dataset": "daily-summaries",
                "stations": station,
                "startDate": window.start.isoformat(),
                "endDate": window.last.isoformat(),
                "dataTypes": ",".join(variable.source_field for variable in source.variables),
                "units": source.units,
                "format": "json",
                "includeStationName": "false",
            }
            try:
                read = partial(_table, source, entity, station)
                tables.append(transport.get(url, params, read, wanted="JSON"))
            except Refused as error:
                raise BadResponse(
                    source.name,
                    f"NOAA refuses station {station}: {error.message}",
                    remedy=f"correct stations and variables of {source.name} in pipeline.yaml as it says",
                ) from error
            progress(f"{source.name} {entity}", done, len(source.stations))
        silent_stations = [e for e, t in zip(source.stations, tables, strict=True) if not t.rows]
        notes = [f"no observation at all of {', '.join(silent_stations)}"] if silent_stations else []
        return to_poll(
            Table.joined(tables),
            source,
            _LAYOUT,
            window,
            requests=transport.requests,
            size=transport.size,
            notes=notes,
            sparse=True,
        )


def _table(source: NoaaSource, entity: str, station: str, answer: Answer) -> Table:
    records = [flat(r) for r in records_at(source.name, json_value(answer.body, answer.charset), None)]
    others = {str(record.get("STATION")) for record in records} - {station}
    if others:
        raise Unreadable(
            f"is of station {sorted(others)[0]}, but {station} was asked for",
            remedy=f"check stations.{entity} of {source.name} in pipeline.yaml",
        )
    return Table.of_records([{**record, "entity": entity} for record in records])
