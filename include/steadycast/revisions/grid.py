"""A poll beside what was known, as matrices: one row per series (entity and variable), one column per date.

Ten million cells are compared as arrays of numbers; names come back only where there is something to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from steadycast.lake.cells import Cells, Versions

Array = npt.NDArray[Any]

PERIOD: Final = {"daily": 7, "weekly": 1, "monthly": 1}
"""Columns after which a series is compared with itself: the same weekday, or the date before."""
CONTEXT_DAYS: Final = {"daily": 3 * 366, "weekly": 4 * 366, "monthly": 10 * 366}
"""How much of the past before the window is looked at."""
_MAD: Final = 1.4826
_RECENT_DAYS: Final = {"daily": 91, "weekly": 182, "monthly": 731}
_SEASON_DAYS: Final = 35
_ENOUGH: Final = 6
_DECIMALS: Final = 6
_SAMPLE: Final = 20_000


@dataclass(frozen=True)
class Grid:
    """Matrices of series × dates; NaN where there is nothing.

    Attributes:
        entities: names of all entities.
        variables: names of all variables.
        entity: per series, its place in ``entities``.
        variable: per series, its place in ``variables``.
        days: dates of all columns in days since 1970-01-01, ascending; every day for a daily source.
        window: first column of the window that was polled.
        known: newest accepted value, all columns.
        first: oldest accepted value, columns of the window.
        polled: what the poll says, columns of the window.
        as_of: the run's Monday in days since 1970-01-01.
        cadence: daily, weekly or monthly.
    """

    entities: Array
    variables: Array
    entity: Array
    variable: Array
    days: Array
    window: int
    known: Array
    first: Array
    polled: Array
    as_of: int
    cadence: str

    @property
    def last(self) -> Array:
        """Newest accepted value, columns of the window."""
        return self.known[:, self.window :]

    @property
    def ages(self) -> Array:
        """Days from each date of the window to the run."""
        return self.as_of - self.days[self.window :]

    def series_of(self, cells: Cells) -> Array:
        """Per cell, the row of its series; -1 where the series is not in the grid."""
        entity = _places(self.entities, cells.entities)[cells.entity]
        variable = _places(self.variables, cells.variables)[cells.variable]
        rows = np.full(len(self.entities) * len(self.variables), -1, dtype=np.int32)
        rows[self.entity.astype(np.int64) * len(self.variables) + self.variable] = np.arange(len(self.entity))
        return rows[entity.astype(np.int64) * len(self.variables) + variable]


def build(polled: Cells, known: Versions, *, start: int, as_of: int, cadence: str) -> Grid:
    """Put a poll beside what was known.

    Args:
        polled: what the poll says; cells before ``start`` and from ``as_of`` on are left out.
        known: all accepted versions.
        start: first day that was asked for, in days since 1970-01-01.
        as_of: the run's Monday.
        cadence: of the source.
    """
    polled = polled.between(start, as_of)
    keep = (known.cells.day >= start - CONTEXT_DAYS[cadence]) & (known.cells.day < as_of)
    cells, first = known.cells.take(keep), known.first[keep]
    entities = np.unique(np.concatenate([cells.entities, polled.entities]))
    variables = np.unique(np.concatenate([cells.variables, polled.variables]))
    ours = _series(cells, entities, variables)
    theirs = _series(polled, entities, variables)
    there = np.zeros(len(entities) * len(variables), dtype=bool)
    there[ours] = there[theirs] = True
    pairs = np.flatnonzero(there)
    row = np.cumsum(there) - 1
    days = _axis(_dates(cells.day, polled.day), cadence)
    window = int(np.searchsorted(days, start))
    newest = np.append(first[1:], True) if len(first) else first
    shape = (len(pairs), len(days))
    at = np.searchsorted(days, cells.day)
    row_of = row[ours]
    return Grid(
        entities=entities,
        variables=variables,
        entity=(pairs // max(len(variables), 1)).astype(np.int32),
        variable=(pairs % max(len(variables), 1)).astype(np.int32),
        days=days,
        window=window,
        known=_matrix(shape, row_of[newest], at[newest], cells.value[newest]),
        first=_matrix(shape, row_of[first], at[first], cells.value[first])[:, window:].copy(),
        polled=_matrix(
            (shape[0], shape[1] - window),
            row[theirs],
            np.searchsorted(days, polled.day) - window,
            polled.value,
        ),
        as_of=as_of,
        cadence=cadence,
    )


def _series(cells: Cells, entities: Array, variables: Array) -> Array:
    entity = _places(entities, cells.entities)[cells.entity]
    variable = _places(variables, cells.variables)[cells.variable]
    return entity.astype(np.int64) * len(variables) + variable


def _places(names: Array, own: Array) -> Array:
    """Of each own name its place among all names."""
    return np.searchsorted(names, own)


def _dates(*parts: Array) -> Array:
    """All dates, ascending; counting beats sorting where millions share a few hundred."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return np.array([], dtype=np.int32)
    low = min(int(part.min()) for part in filled)
    high = max(int(part.max()) for part in filled)
    there = np.zeros(high - low + 1, dtype=bool)
    for part in filled:
        there[part - low] = True
    found: Array = (np.flatnonzero(there) + low).astype(np.int32)
    return found


def _axis(days: Array, cadence: str) -> Array:
    if cadence != "daily" or len(days) == 0:
        return days
    return np.arange(days[0], days[-1] + 1, dtype=days.dtype)


def _matrix(shape: tuple[int, int], row: Array, column: Array, value: Array) -> Array:
    found = np.full(shape, np.nan)
    found[row, column] = value
    return found


def median(rows: Array) -> Array:
    """Median of each row's numbers; NaN where there is none. Sorting beats numpy's nanmedian by far."""
    if rows.shape[1] == 0:
        return np.full(len(rows), np.nan)
    ordered = np.sort(rows, axis=1)  # NaN last
    count = np.isfinite(ordered).sum(axis=1)
    row, top = np.arange(len(rows)), np.maximum(count - 1, 0)
    middle = (ordered[row, top // 2] + ordered[row, (top + 1) // 2]) / 2
    return np.where(count > 0, middle, np.nan)


def noise(grid: Grid) -> Array:
    """How far each series usually moves from one period to the next, in its unit and its present season.

    The robust standard deviation of the differences to the same weekday of the week before (to the date
    before, if not daily), over the last months and the same season of the years before. Differences are
    valid below zero, too. A short series borrows its variable's median, relative to its level.
    """
    step = PERIOD[grid.cadence]
    known = grid.known
    days = grid.as_of - grid.days
    season = (np.abs((days + 182.6) % 365.25 - 182.6) <= _SEASON_DAYS) | (days <= _RECENT_DAYS[grid.cadence])
    columns = np.flatnonzero(season)
    columns = columns[columns >= step]
    moved = np.abs(known[:, columns] - known[:, columns - step])
    size = _MAD / np.sqrt(2) * median(moved)
    count = np.isfinite(moved).sum(axis=1)
    total = np.nansum(moved, axis=1) / np.maximum(count, 1)
    size = np.maximum(size, 0.5 * total)  # a series that mostly stands still has a median of zero
    size[count < _ENOUGH] = np.nan
    level = median(np.abs(known[:, columns] if len(columns) else known))
    level = np.where(np.isnan(level), median(np.abs(grid.polled)), level)
    usual = np.full(len(size), np.nan)
    for v in range(len(grid.variables)):
        mine = grid.variable == v
        with np.errstate(invalid="ignore", divide="ignore"):
            part = size[mine] / level[mine]
        part = part[np.isfinite(part) & (part > 0)]
        usual[mine] = (np.median(part) if len(part) else 0.05) * level[mine]
    size = np.where(np.isnan(size) | (size <= 0), usual, size)
    found: Array = np.maximum(np.nan_to_num(size), np.maximum(1e-4 * np.nan_to_num(level), 1e-12))
    return found


def quanta(grid: Grid) -> tuple[Array, Array]:
    """Per variable, the last decimal place (0.1 for one) of what was known, and of what the poll says."""
    before, now = np.ones(len(grid.variables)), np.ones(len(grid.variables))
    for v in range(len(grid.variables)):
        mine = grid.variable == v
        before[v] = _quantum(grid.last[mine])
        now[v] = _quantum(grid.polled[mine])
    return before, now


def _quantum(values: Array) -> float:
    known = values[np.isfinite(values)]
    if len(known) > _SAMPLE:
        known = known[:: len(known) // _SAMPLE + 1]
    for decimals in range(_DECIMALS):
        scaled = known * 10.0**decimals
        if len(known) and np.abs(scaled - np.round(scaled)).max() < 1e-4:
            return float(10.0**-decimals)
    return float(10.0**-_DECIMALS)
