"""What each provider shows for a request: its data as of the day asked, with the fault of data in force."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sandbox.distort import Context, distort
from sandbox.faults import Fault
from sandbox.fit import check
from sandbox.fred import FredQuery, observations
from sandbox.query import WindowQuery
from sandbox.tables import Conversion, Row, Shape, Table, load_tables, make_table
from sandbox.vintages import FOREVER, Vintages, load_vintages

ROUTES: Final = {
    "ridership": "/ridership/daily",
    "weather_a": "/weather_a/daily",
    "weather_b": "/weather_b/daily.csv",
    "fuel": "/fuel/weekly.csv",
    "government": "/fred/series/observations",
}
FRED_SHAPE: Final = Shape(
    date_field="date",
    entity_field="series_id",
    columns=("value",),
    step=1,
    stuck_days=92,
    swap=("UNRATE", "CPIAUCSL"),
    units={
        "UNRATE": Conversion("share", 0.01),
        "PAYEMS": Conversion("persons", 1000.0),
        "CPIAUCSL": Conversion("index 2015=100", 1 / 2.37017),
    },
)
_FRED_FIELDS: Final = ("series_id", "date", "value", "realtime_start", "realtime_end")


@dataclass(frozen=True, eq=False)
class Providers:
    """The five providers' data."""

    tables: dict[str, Table]
    vintages: Vintages

    def rows(self, source: str, window: WindowQuery, fault: Fault | None) -> list[Row]:
        """The rows of a window, oldest first."""
        table = self.tables[source]
        until = table.visible_until(window.as_of)
        start = window.start.isoformat() if window.start else ""
        end = min(window.end.isoformat(), until) if window.end else until
        if fault is None:
            return table.window(start, end)
        return self._distorted(source, fault, start, end, until)

    @lru_cache(maxsize=4)  # noqa: B019 the providers live as long as the process
    def _distorted(self, source: str, fault: Fault, start: str, end: str, until: str) -> list[Row]:
        """The rows with the fault; kept, since each page of an answer asks for all of them."""
        return distort(Context(self.tables[source], fault, start, end, until))

    def observations(self, query: FredQuery, fault: Fault | None) -> list[dict[str, Any]]:
        """The observations of a FRED request, oldest first."""
        if fault is None or query.series_id not in self.vintages.series:
            return observations(self.vintages, query)
        names = {query.series_id} | ({fault.entity, fault.entity_b} - {None} or set(FRED_SHAPE.swap or ()))
        rows: list[Row] = []
        for name in sorted(name for name in names if name in self.vintages.series):
            whole = query.whole(name)
            rows += [{"series_id": name, **row} for row in observations(self.vintages, whole)]
        table = make_table("government", FRED_SHAPE, rows, _FRED_FIELDS)
        end = (query.observation_end + dt.timedelta(days=1)) if query.observation_end < FOREVER else FOREVER
        until = FOREVER.isoformat()
        found = distort(Context(table, fault, query.observation_start.isoformat(), end.isoformat(), until))
        return [
            {name: cell for name, cell in row.items() if name != "series_id"}
            for row in found
            if row["series_id"] == query.series_id
        ]

    def check(self, fault: Fault, source: str) -> None:
        """Refuse a fault that does not fit the source.

        Raises:
            FaultRefused: it names an entity or a column that is not there, or has nothing to act on.
        """
        check(fault, source, self.tables[source] if source in self.tables else self._fred_entities())

    def _fred_entities(self) -> Table:
        rows: list[Row] = [{"series_id": name, "date": "", "value": ""} for name in self.vintages.series]
        return make_table("government", FRED_SHAPE, rows, _FRED_FIELDS)

    def describe(self) -> dict[str, dict[str, Any]]:
        """Route, rows, first and last date of every source."""
        found: dict[str, dict[str, Any]] = {}
        for name, table in self.tables.items():
            first, last = table.dates[0], table.dates[-1]
            found[name] = {"route": ROUTES[name], "rows": len(table.rows), "first": first, "last": last}
        periods = [period for series in self.vintages.series.values() for period in series.recorded]
        first, last = min(periods).isoformat(), max(periods).isoformat()
        found["government"] = {
            "route": ROUTES["government"], "rows": len(periods), "first": first, "last": last
        }  # fmt: skip
        return found


def load_providers(folder: Path) -> Providers:
    """Read the data folder.

    Raises:
        DataMissing: it lacks a file, or a file is not as expected.
    """
    return Providers(load_tables(folder), load_vintages(folder))
