"""The daily and weekly tables that the providers serve, read from the demo data folder and kept in memory.

Dates are ISO texts throughout: they sort as dates do, and go into the answers as they are.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

Cell = str | float | None
Row = dict[str, Cell]
"""One record of an answer. JSON sources hold numbers, CSV sources the texts of the file."""

DAY: Final = dt.timedelta(days=1)


class DataMissing(Exception):
    """The data folder lacks a file, or a file is not what the sandbox serves."""


@dataclass(frozen=True)
class Conversion:
    """Another unit for a column: ``(value + add) * times``."""

    unit: str
    times: float
    add: float = 0.0


CELSIUS: Final = Conversion("degC", 5 / 9, -32.0)
KM_PER_H: Final = Conversion("km/h", 1.609344)
HECTOPASCAL: Final = Conversion("hPa", 33.8638866667)
MILLIMETRE: Final = Conversion("mm", 25.4)


@dataclass(frozen=True)
class Shape:
    """What the sandbox knows of a source's table.

    Attributes:
        columns: the columns with numbers; the others are texts that faults leave alone.
        lag_days: a row of date D is out ``lag_days`` days after D's end: as of A, one sees D + lag < A.
        step: rows of an entity after which the weekday is the same (7 for days, 1 for weeks and months).
        stuck_days: newest days that the fault ``stuck`` covers if it is not told otherwise.
        swap: two entities or two columns that the fault ``swapped`` exchanges if it is not told.
        units: per column or entity the unit that the fault ``unit_change`` brings in.
    """

    date_field: str
    entity_field: str | None
    columns: tuple[str, ...]
    lag_days: int = 0
    step: int = 7
    stuck_days: int = 7
    swap: tuple[str, str] | None = None
    units: Mapping[str, Conversion] = field(default_factory=dict)

    def unit(self, entity: str, column: str) -> Conversion | None:
        """The other unit of a cell; None if it has none."""
        return self.units.get(column) or self.units.get(entity)


_LEVELS: Final = ("high", "avg", "low")
_WEATHER_A_TEMPERATURES: Final = ("temp_min", "temp", "temp_max", "dew")
_WEATHER_B_TEMPERATURES: Final = ("high_temp", "avg_temp", "low_temp", "high_dewpt", "avg_dewpt", "low_dewpt")

SHAPES: Final[dict[str, Shape]] = {
    "ridership": Shape(
        date_field="date",
        entity_field="station",
        columns=("entries",),
        swap=("Clark_Lake", "Austin"),
        units={"entries": Conversion("entries", 1000.0)},
    ),
    "weather_a": Shape(
        date_field="date",
        entity_field=None,
        columns=(*_WEATHER_A_TEMPERATURES, "humidity", "pressure", "wind", "wind_max", "percip"),
        swap=("temp_min", "temp_max"),
        units={
            **dict.fromkeys(_WEATHER_A_TEMPERATURES, CELSIUS),
            **dict.fromkeys(("wind", "wind_max"), KM_PER_H),
            "pressure": HECTOPASCAL,
            "percip": MILLIMETRE,
        },
    ),
    "weather_b": Shape(
        date_field="date",
        entity_field=None,
        columns=(
            *_WEATHER_B_TEMPERATURES,
            *(
                f"{level}_{what}"
                for what in ("humidity", "hg", "vis", "wind")
                for level in ("high", "avg", "low")
            ),
            "precip",
        ),
        swap=("low_temp", "high_temp"),
        units={
            **dict.fromkeys(_WEATHER_B_TEMPERATURES, CELSIUS),
            **dict.fromkeys(("high_wind", "avg_wind", "low_wind"), KM_PER_H),
            **dict.fromkeys(("high_hg", "avg_hg", "low_hg"), HECTOPASCAL),
            "precip": MILLIMETRE,
        },
    ),
    "fuel": Shape(
        date_field="datetime",
        entity_field=None,
        columns=("petrol_usd_per_gallon",),
        lag_days=4,
        step=1,
        stuck_days=28,
        units={"petrol_usd_per_gallon": Conversion("USD per litre", 1 / 3.785411784)},
    ),
}
FILES: Final = {
    "ridership": "cta_entries_daily.csv.gz",
    "weather_a": "weather_a_daily.csv",
    "weather_b": "weather_b_daily.csv",
    "fuel": "petrol_weekly.csv",
}
_JSON_SOURCES: Final = frozenset({"ridership", "weather_a"})


@dataclass(frozen=True)
class Table:
    """Rows of one source, by date and then entity."""

    source: str
    shape: Shape
    fields: tuple[str, ...]
    rows: tuple[Row, ...]

    @cached_property
    def dates(self) -> list[str]:
        """The rows' dates, for looking up a window."""
        return [self.date(row) for row in self.rows]

    @cached_property
    def by_entity(self) -> dict[str, list[Row]]:
        """Rows per entity, oldest first."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(self.entity(row), []).append(row)
        return found

    @cached_property
    def entities(self) -> list[str]:
        """Names of the entities; [''] where the source has only one."""
        return sorted(self.by_entity)

    @cached_property
    def place(self) -> dict[tuple[str, str], int]:
        """Where in its entity's rows the row of an (entity, date) is."""
        return {
            (entity, self.date(row)): i
            for entity, rows in self.by_entity.items()
            for i, row in enumerate(rows)
        }

    def date(self, row: Row) -> str:
        """The row's date, ISO."""
        return str(row[self.shape.date_field])

    def entity(self, row: Row) -> str:
        """The row's entity; '' where the source has only one."""
        return str(row[self.shape.entity_field]) if self.shape.entity_field else ""

    def visible_until(self, as_of: dt.date | None) -> str:
        """First date that a request as of that day does not see; the day after the last one without as_of."""
        if as_of is None:
            return (dt.date.fromisoformat(self.dates[-1]) + DAY).isoformat()
        return (as_of - self.shape.lag_days * DAY).isoformat()

    def window(self, start: str, end: str) -> list[Row]:
        """Rows with start <= date < end."""
        return list(self.rows[bisect_left(self.dates, start) : bisect_left(self.dates, end)])


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a CSV file, gzipped or not, with all values as texts.

    Raises:
        DataMissing: the file is not there, empty or unreadable.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataMissing(
            f"{path} can not be read ({error}); `make demo-data` or scripts/build_demo_data.py writes it"
        ) from error
    rows = list(csv.DictReader(text.splitlines()))
    if not rows:
        raise DataMissing(
            f"{path} has no rows; delete the folder and build it with scripts/build_demo_data.py"
        )
    return rows


def make_table(source: str, shape: Shape, rows: Iterable[Row], fields: tuple[str, ...]) -> Table:
    """Sort the rows and wrap them.

    Raises:
        DataMissing: a column that the source serves is not there.
    """
    wanted = [shape.date_field, *([shape.entity_field] if shape.entity_field else []), *shape.columns]
    missing = [name for name in wanted if name not in fields]
    if missing:
        raise DataMissing(
            f"{FILES.get(source, source)}: column(s) {', '.join(missing)} missing; it has {', '.join(fields)}"
        )
    entity = shape.entity_field
    ordered = sorted(rows, key=lambda row: (str(row[shape.date_field]), str(row[entity]) if entity else ""))
    return Table(source, shape, fields, tuple(ordered))


def load_tables(folder: Path) -> dict[str, Table]:
    """Read the four tables of the data folder.

    Raises:
        DataMissing: a file is missing or not as expected; the text names it and what to do.
    """
    tables = {}
    for source, shape in SHAPES.items():
        path = folder / FILES[source]
        texts = read_csv(path)
        fields = tuple(texts[0])
        rows: list[Row] = (
            _numbers(path, texts, shape) if source in _JSON_SOURCES else [{**row} for row in texts]
        )
        tables[source] = make_table(source, shape, rows, fields)
    return tables


def _numbers(path: Path, texts: list[dict[str, str]], shape: Shape) -> list[Row]:
    keep = {shape.date_field, shape.entity_field}
    rows: list[Row] = []
    for line, row in enumerate(texts, start=2):
        try:
            rows.append({name: _number(text, name in keep) for name, text in row.items()})
        except ValueError as error:
            raise DataMissing(f"{path} line {line}: {error}; build the folder again") from error
    return rows


def _number(text: str, keep: bool) -> Cell:
    if keep:
        return text
    return float(text) if text else None
