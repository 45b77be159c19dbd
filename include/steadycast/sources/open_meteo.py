"""Daily weather of Open-Meteo, past (archive) and ahead (forecast).

Documented at https://open-meteo.com/en/docs/historical-weather-api and https://open-meteo.com/en/docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from steadycast.errors import BadResponse, SchemaDrift
from steadycast.progress import Progress, silent
from steadycast.settings import OpenMeteoSource, TableLayout
from steadycast.sources.answers import Answer, Refused
from steadycast.sources.decoding import Unreadable, json_value
from steadycast.sources.http import Transport, Waiting
from steadycast.sources.poll import Connection, Poll, Window
from steadycast.sources.table import Table, to_poll

ADDRESSES = {
    "archive": ("https://archive-api.open-meteo.com", "/v1/archive"),
    "forecast": ("https://api.open-meteo.com", "/v1/forecast"),
}
_LAYOUT = TableLayout(date_field="time", entity_field="entity")

# what Open-Meteo writes in daily_units, and how people write the same unit in pipeline.yaml
_SPELLINGS = {
    "°C": ("degc", "c", "celsius", "°c"),
    "°F": ("degf", "f", "fahrenheit", "°f"),
    "mm": ("mm", "millimetre", "millimeter"),
    "cm": ("cm",),
    "inch": ("inch", "in", "inches"),
    "km/h": ("km/h", "kmh", "kph"),
    "mp/h": ("mp/h", "mph"),
    "m/s": ("m/s", "ms"),
    "kn": ("kn", "knots", "kt"),
    "%": ("%", "percent", "pct"),
    "hPa": ("hpa", "mbar"),
    "h": ("h", "hours"),
    "s": ("s", "seconds"),
    "MJ/m²": ("mj/m²", "mj/m2"),
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}


def fetch(
    source: OpenMeteoSource,
    window: Window,
    connection: Connection | None,
    *,
    progress: Progress = silent,
    waiting: Waiting | None = None,
) -> Poll:
    """Ask for each place in turn.

    Raises:
        BadResponse: Open-Meteo refuses the request, or answers in another unit than pipeline.yaml says.
        SchemaDrift: a variable is not in the answer.
        SourceError: as ``steadycast.sources.fetch`` lists them.
    """
    address, path = ADDRESSES[source.product]
    key = (connection.password or connection.token) if connection else None
    tables: list[Table] = []
    with Transport(source, connection, documented=address, auth=False, waiting=waiting) as transport:
        url = transport.documented_url(path)
        for done, (entity, place) in enumerate(source.places.items(), start=1):
            params = {
                "latitude": repr(place.latitude),
                "longitude": repr(place.longitude),
                "start_date": window.start.isoformat(),
                "end_date": window.last.isoformat(),
                "daily": ",".join(variable.source_field for variable in source.variables),
                "timezone": source.timezone,
                **source.units,
                **({"apikey": key} if key else {}),
            }
            try:
                read = partial(_table, source, entity)
                tables.append(transport.get(url, params, read, wanted="JSON"))
            except Refused as error:
                raise BadResponse(
                    source.name,
                    f"Open-Meteo refuses {entity}: {error.message}",
                    remedy=f"correct variables, places or units of {source.name} in pipeline.yaml as it says",
                ) from error
            progress(f"{source.name} {entity}", done, len(source.places))
        return to_poll(
            Table.joined(tables), source, _LAYOUT, window, requests=transport.requests, size=transport.size
        )


def _table(source: OpenMeteoSource, entity: str, answer: Answer) -> Table:
    whole = json_value(answer.body, answer.charset)
    if isinstance(whole, dict) and whole.get("error") is True:
        reason = str(whole.get("reason", "no reason given"))
        raise Refused(source.name, reason, remedy="", status=answer.status, message=reason)
    daily = whole.get("daily") if isinstance(whole, dict) else None
    if not isinstance(daily, dict) or not isinstance(daily.get("time"), list):
        raise Unreadable("has no daily.time", remedy="compare the answer with Open-Meteo's documentation")
    _check_units(source, whole.get("daily_units"))
    rows = len(daily["time"])
    columns: dict[str, list[Any]] = {"time": daily["time"], "entity": [entity] * rows}
    for variable in source.variables:
        values = daily.get(variable.source_field)
        if values is None:
            raise SchemaDrift(
                source.name,
                variable.source_field,
                found=list(daily),
                remedy=f"set variables.{variable.name}.field to a name that Open-Meteo documents",
            )
        if not isinstance(values, list) or len(values) != rows:
            raise Unreadable(f"has {rows} days, but not as many values of {variable.source_field}")
        columns[variable.source_field] = values
    return Table(columns, rows)


def _check_units(source: OpenMeteoSource, units: object) -> None:
    """Refuse values in another unit than pipeline.yaml says; an unknown spelling is not compared."""
    if not isinstance(units, Mapping):
        return
    for variable in source.variables:
        sent, meant = units.get(variable.source_field), _UNITS.get(variable.unit.strip().lower())
        if meant is not None and sent in _SPELLINGS and sent != meant:
            raise BadResponse(
                source.name,
                f"the unit of {variable.source_field} is {sent}, but pipeline.yaml says {variable.unit}",
                remedy=f"correct the unit of {variable.name}, or set `units` of {source.name}, e.g. "
                "{temperature_unit: fahrenheit, wind_speed_unit: mph, precipitation_unit: inch}",
            )
