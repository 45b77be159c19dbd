"""One poll against what its source has said so far: every cell's class, and what is suspicious, by name.

Pure: arrays in, tables out. ``stage`` reads and writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.lake.cells import Cells, Versions
from steadycast.revisions import classes, fresh, kinds, patterns
from steadycast.revisions.classes import BEYOND, CLASSES, DELETED, LATE, NEW, Classified
from steadycast.revisions.corrections import corrected
from steadycast.revisions.grid import Array, Grid, build, noise
from steadycast.revisions.units import CONVERSIONS, plausible
from steadycast.revisions.usual import Usual, learn
from steadycast.settings import SourceSettings

CLASS: Final = "class"
KIND: Final = "kind"
BEFORE: Final = "before"
FIRST: Final = "first"
NOISES: Final = "noises"
LIMIT: Final = "limit"
MATERIAL: Final = "material"
CELL_DTYPES: Final[dict[str, str]] = {
    **c.OBSERVATION_DTYPES,
    CLASS: "str",
    KIND: "str",
    BEFORE: "float64",
    FIRST: "float64",
    NOISES: "float64",
    LIMIT: "float64",
    MATERIAL: "bool",
}
"""Suspicious cells: BEFORE is the newest accepted value, FIRST the oldest, VALUE what the poll says (NaN:
nothing). NOISES is the size of the change in noises of its series, LIMIT the largest usual one."""

_BY_RULE: Final = (
    kinds.SWAPPED, kinds.SHIFT_DAY, kinds.SHIFT_WEEK, kinds.SHIFT, kinds.STUCK, kinds.UNIT, kinds.SCALED,
    kinds.OFFSET, kinds.CUT,
)  # fmt: skip
_MANY: Final = 0.5
_FEW: Final = 14
"""Changed values of a series up to which each is looked at: is it a repair?"""
_RARE: Final = 0.25
_REWRITTEN_NOISES: Final = 0.25
_REWRITTEN_CELLS: Final = 8


@dataclass(frozen=True)
class Alarm:
    """One thing that happened to one variable.

    Attributes:
        kind: a name of ``kinds``.
        detail: e.g. the factor.
        variable: the variable.
        entities: the entities, sorted.
        start: first date.
        end: last date.
        cells: how many cells.
        known: how many of them were known before; the others are new.
        largest: largest change against what was known, in the unit; None for new values.
        material: does it matter for a forecast?
    """

    kind: str
    detail: str
    variable: str
    entities: tuple[str, ...]
    start: pd.Timestamp
    end: pd.Timestamp
    cells: int
    known: int
    largest: float | None
    material: bool


@dataclass(frozen=True)
class Review:
    """What a poll did to the past, and what is wrong with its new values.

    Attributes:
        alarms: the largest first.
        cells: CELL_DTYPES, the suspicious cells.
        counts: cells of each class.
        usual: the limits that were applied.
        variables: names of the limits' rows.
    """

    alarms: tuple[Alarm, ...]
    cells: pd.DataFrame
    counts: Mapping[str, int]
    usual: Usual
    variables: tuple[str, ...]


@dataclass(frozen=True)
class _Hit:
    row: int
    kind: str
    detail: str
    columns: Array
    scope_new: bool = False


def review(source: SourceSettings, polled: Cells, known: Versions, *, start: int, as_of: int) -> Review:
    """Judge a poll.

    Args:
        source: cadence, lag and units.
        polled: what the poll says.
        known: all versions accepted before.
        start: first day that was asked for, in days since 1970-01-01.
        as_of: the run's Monday.
    """
    grid = build(polled, known, start=start, as_of=as_of, cadence=source.cadence)
    size = noise(grid)
    usual = learn(known, grid, size)
    found = classes.classify(grid, usual, size)
    hits = [*_rewritten(grid, found, usual, size), *_gone(found)]
    taken = {hit.row for hit in hits if hit.kind in (*_BY_RULE, kinds.REWRITTEN)}
    units = {v.name: plausible(v.unit) for v in source.variables}
    conversions = {i: units.get(str(name), ()) for i, name in enumerate(grid.variables)}
    is_new = (found.kind == NEW) | (found.kind == LATE)
    if grid.window:  # nothing is known before the first poll
        for fault in fresh.faults(grid, is_new, size, conversions, source.expected_lag_days):
            if fault.row not in taken:
                hits.append(_Hit(fault.row, fault.kind, fault.detail, np.array(fault.columns), True))
    hits = _without_repeats(hits)
    counts = np.bincount(found.kind.ravel(), minlength=len(CLASSES))
    cells = _cells(grid, found, hits)
    return Review(
        tuple(_alarms(grid, found, hits)),
        cells,
        {name: int(counts[i]) for i, name in enumerate(CLASSES) if name},
        usual,
        tuple(map(str, grid.variables)),
    )


def _rewritten(grid: Grid, found: Classified, usual: Usual, size: Array) -> list[_Hit]:
    """Series whose known values changed beyond usual, or by a rule."""
    beyond = found.kind == BEYOND
    both = np.isfinite(found.change)
    share = found.changed.sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    rare = usual.revised.sum(axis=1) < _RARE * np.maximum(usual.polled.sum(axis=1), 1)
    many = (share >= _MANY) & (both.sum(axis=1) >= 4) & rare[grid.variable]
    rows = np.flatnonzero(beyond.any(axis=1) | many)
    if len(rows) == 0:
        return []
    exact = {v: CONVERSIONS for v in range(len(grid.variables))}
    named = patterns.name(grid, rows, found.changed[rows], exact)
    newest_known = np.where(both.any(axis=1), both.shape[1] - 1 - both[:, ::-1].argmax(axis=1), -1)
    fresh_cells = (found.kind == NEW) | (found.kind == LATE)
    hits = []
    for i, row in enumerate(rows):
        kind, detail = named.kind[i], named.detail[i]
        changed = found.changed[row]
        if kind in _BY_RULE:
            reaches = changed[max(0, newest_known[row] - 1) : newest_known[row] + 1].any()
            cells = changed | fresh_cells[row] if reaches else changed
        elif beyond[row].any():
            cells = beyond[row]
            if found.creeping[row][cells].all():
                kind, detail = kinds.CREEP, "against the first version"
        elif _by_much(found, int(row)):
            cells = changed
        else:
            continue
        columns = np.flatnonzero(cells)
        if kind in (kinds.OUTLIER, kinds.REWRITTEN) and len(columns) <= _FEW:
            repaired = corrected(grid, int(row), columns, float(size[row]))
            if repaired.any():
                hits.append(_Hit(int(row), kinds.CORRECTED, "", columns[repaired]))
            columns = columns[~repaired]
        if len(columns):
            hits.append(_Hit(int(row), kind, detail, columns))
    return hits


def _by_much(found: Classified, row: int) -> bool:
    """Many changes that are each within usual but together are not."""
    sizes = found.size[row][found.changed[row]]
    return len(sizes) >= _REWRITTEN_CELLS and float(np.sqrt(np.mean(sizes**2))) >= _REWRITTEN_NOISES


def _gone(found: Classified) -> list[_Hit]:
    """Known dates that are no longer reported: one gap is deleted, several are holes."""
    gone = found.kind == DELETED
    hits = []
    for row in np.flatnonzero(gone.any(axis=1)):
        relevant = gone[row] | np.isfinite(found.change[row])
        mine = gone[row][relevant]
        runs = int(mine[0]) + int((mine[1:] & ~mine[:-1]).sum())
        holes = runs > 1
        kind = kinds.HOLES if holes else kinds.DELETED
        detail = f"{mine.sum()} of {len(mine)} known dates"
        hits.append(_Hit(int(row), kind, detail, np.flatnonzero(gone[row])))
    return hits


def _without_repeats(hits: Sequence[_Hit]) -> list[_Hit]:
    """A shift leaves dates behind, and new gaps belong to the known ones of their series."""
    explained = {h.row for h in hits if h.kind in (kinds.SHIFT_DAY, kinds.SHIFT_WEEK, kinds.SHIFT)}
    fresh_holes = {h.row for h in hits if h.kind == kinds.HOLES and h.scope_new}
    kept = []
    for hit in hits:
        if hit.kind in (kinds.DELETED, kinds.HOLES) and hit.row in explained:
            continue
        if hit.kind == kinds.DELETED and hit.row in fresh_holes and len(hit.columns) <= 2:
            hit = _Hit(hit.row, kinds.HOLES, hit.detail, hit.columns)
        kept.append(hit)
    return kept


def _material(found: Classified, hit: _Hit) -> bool:
    if hit.scope_new or hit.kind in (kinds.DELETED, kinds.HOLES):
        return True
    sizes = found.size[hit.row][hit.columns]
    sizes = sizes[np.isfinite(sizes)]
    return bool(len(sizes) and sizes.max() >= classes.MATERIAL)


def _cells(grid: Grid, found: Classified, hits: Sequence[_Hit]) -> pd.DataFrame:
    if not hits:
        return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in CELL_DTYPES.items()})
    row = np.concatenate([np.full(len(h.columns), h.row) for h in hits])
    column = np.concatenate([h.columns for h in hits])
    repeat = [len(h.columns) for h in hits]
    names = np.array(CLASSES, dtype=object)
    days = grid.days[grid.window :][column].astype("datetime64[D]").astype("datetime64[us]")
    columns: dict[str, Any] = {
        c.ENTITY: grid.entities[grid.entity[row]],
        c.DATE: days,
        c.VARIABLE: grid.variables[grid.variable[row]],
        c.VALUE: grid.polled[row, column],
        CLASS: names[found.kind[row, column]],
        KIND: np.repeat(np.array([h.kind for h in hits], dtype=object), repeat),
        BEFORE: grid.last[row, column],
        FIRST: grid.first[row, column],
        NOISES: found.size[row, column],
        LIMIT: found.limit[row, column],
        MATERIAL: np.repeat([_material(found, h) for h in hits], repeat),
    }
    table = pd.DataFrame(columns).astype(CELL_DTYPES)
    return table.sort_values([c.VARIABLE, c.ENTITY, c.DATE], ignore_index=True)


def _alarms(grid: Grid, found: Classified, hits: Sequence[_Hit]) -> list[Alarm]:
    """Hits of the same kind and variable are one alarm."""
    groups: dict[tuple[str, int], list[_Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.kind, int(grid.variable[hit.row])), []).append(hit)
    alarms = []
    days = grid.days[grid.window :]
    for (kind, variable), mine in groups.items():
        rows = np.concatenate([np.full(len(h.columns), h.row) for h in mine])
        columns = np.concatenate([h.columns for h in mine])
        change = found.change[rows, columns]
        known = np.isfinite(grid.last[rows, columns])
        changes = change[np.isfinite(change)]
        alarms.append(
            Alarm(
                kind,
                _detail(mine),
                str(grid.variables[variable]),
                tuple(sorted({str(grid.entities[grid.entity[h.row]]) for h in mine})),
                pd.Timestamp(int(days[columns.min()]), unit="D"),
                pd.Timestamp(int(days[columns.max()]), unit="D"),
                len(columns),
                int(known.sum()),
                float(changes[np.abs(changes).argmax()]) if len(changes) else None,
                any(_material(found, h) for h in mine),
            )
        )
    return sorted(alarms, key=lambda a: (-a.material, -a.cells, a.kind, a.variable))


def _detail(hits: Sequence[_Hit]) -> str:
    told = list(dict.fromkeys(h.detail for h in sorted(hits, key=lambda h: -len(h.columns)) if h.detail))
    return told[0] + (f" and {len(told) - 1} more like this" if len(told) > 1 else "") if told else ""
