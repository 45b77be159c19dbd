"""Faults in new values, where no earlier version gives them away: against the series' own past and season.

A period is suspicious only well beyond anything that its last months and its season of the years before have
seen (``strays``), because a real change looks the same as a fault. Zero is a closed shop, no fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from steadycast.revisions import kinds
from steadycast.revisions.grid import PERIOD, Array, Grid, quanta
from steadycast.revisions.patterns import typing_error
from steadycast.revisions.strays import Strays, compare, level_of
from steadycast.revisions.units import Conversion

_CHUNK_CELLS: Final = 2_000_000
_TOGETHER: Final = 3
_NO_CHANCE: Final = 4.0
"""Powers of ten against a run of equal values, by how many last decimal places the noise is wide."""


@dataclass(frozen=True)
class Fresh:
    """A fault in the new values of one series.

    Attributes:
        row: the series.
        kind: of the fault.
        detail: what a person should know.
        columns: columns of the window that are meant.
    """

    row: int
    kind: str
    detail: str
    columns: tuple[int, ...]


def faults(
    grid: Grid, new: Array, noise: Array, conversions: Mapping[int, tuple[Conversion, ...]], due: int
) -> list[Fresh]:
    """Find faults in the newest period.

    Args:
        grid: the poll beside what was known.
        new: where the window's cells were not known before.
        noise: per series.
        conversions: per variable, the units that it may have been converted between.
        due: days from a date until its value is usually there.
    """
    size = PERIOD[grid.cadence]
    columns = _newest_period(grid, new, size)
    if columns is None:
        return []
    found = [*_holes(grid, columns, due), *_stuck(grid, new, columns, noise)]
    taken = {fault.row for fault in found if fault.kind == kinds.STUCK}
    with_new = np.flatnonzero(new[:, columns].any(axis=1))
    for rows in _chunks(with_new, (grid.window + columns[-1] + 1)):
        strays = compare(grid, rows, columns, noise[rows])
        found += [f for f in _named(grid, rows, columns, strays, conversions) if f.row not in taken]
    return found


def _chunks(rows: Array, width: int) -> Iterator[Array]:
    step = max(1, _CHUNK_CELLS // max(width, 1))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _newest_period(grid: Grid, new: Array, size: int) -> Array | None:
    """Columns of the window of the newest period with new cells."""
    with_new = np.flatnonzero(new.any(axis=0))
    if len(with_new) == 0:
        return None
    last = int(with_new[-1])
    if size > 1:
        # the week that ends with the run's eve, or with the newest date of a source that is late
        day = grid.as_of - 1
        back = (day - int(grid.days[grid.window + last])) // size * size
        last = min(int(np.searchsorted(grid.days, day - back)) - grid.window, grid.polled.shape[1] - 1)
    first = max(0, last - size + 1)
    return np.arange(first, last + 1)


def _stuck(grid: Grid, new: Array, columns: Array, noise: Array) -> list[Fresh]:
    """The newest values repeat one value more often than ever before, and than chance would."""
    values = np.where(np.isfinite(grid.last), grid.last, grid.polled)
    values = np.concatenate([grid.known[:, : grid.window], values], axis=1)[
        :, : grid.window + columns[-1] + 1
    ]
    known = np.isfinite(grid.known[:, : values.shape[1]])
    run = np.ones(len(values), dtype=int)
    longest, before, count = np.zeros(len(values), dtype=int), np.full(len(values), np.nan), known.sum(axis=1)
    for column in range(values.shape[1]):
        now = values[:, column]
        there = np.isfinite(now)
        run = np.where(there & (now == before) & (now != 0), run + 1, np.where(there, 1, run))
        before = np.where(there, now, before)
        longest = np.maximum(longest, np.where(known[:, column] & there, run, 0))
    least = 4 if grid.cadence == "daily" else 2
    enough = count >= (26 if grid.cadence == "daily" else 40)
    mine = new[:, columns]
    all_same = ((grid.polled[:, columns] == before[:, None]) | ~mine).all(axis=1)
    fresh_run = mine.sum(axis=1)
    steps = np.log10(np.maximum(noise / quanta(grid)[0][grid.variable], 1.0))
    no_chance = (run - 1) * steps >= _NO_CHANCE
    good = (
        enough
        & no_chance
        & (run >= least)
        & (run >= 2 * longest)
        & (before != 0)
        & (fresh_run > 0)
        & np.isfinite(before)
    )
    found = []
    for row in np.flatnonzero(good):
        meant = [int(c) for c in columns if mine[row, c - columns[0]] and grid.polled[row, c] == before[row]]
        if meant and (all_same[row] or len(meant) >= least):
            found.append(Fresh(int(row), kinds.STUCK, f"at {before[row]:.6g}", tuple(meant)))
    return found


def _holes(grid: Grid, columns: Array, due: int) -> list[Fresh]:
    """Dates that are missing among others that are there, in series that are usually complete."""
    size = PERIOD[grid.cadence]
    there = np.isfinite(grid.polled[:, columns])
    at = grid.window + columns
    past = [np.isfinite(grid.known[:, at - size * k]) for k in range(1, 9) if at[0] - size * k >= 0]
    if len(past) < 4:
        return []
    usual = np.mean(past, axis=0) >= 0.9
    expected = usual & (grid.as_of - grid.days[at] >= due)[None, :] & ~np.isfinite(grid.known[:, at])
    later = np.cumsum(there[:, ::-1], axis=1)[:, ::-1] > there
    others = np.zeros(there.shape, dtype=bool)
    for v in np.unique(grid.variable):
        mine = grid.variable == v
        others[mine] = there[mine].mean(axis=0) >= 0.5
    missing = expected & ~there & (later | others)
    if missing.sum() < 2 and size > 1:
        return []
    return [
        Fresh(
            int(row),
            kinds.HOLES,
            f"{missing[row].sum()} of {expected[row].sum()} new dates",
            tuple(int(c) for c in columns[missing[row]]),
        )
        for row in np.flatnonzero(missing.any(axis=1))
    ]


def _named(
    grid: Grid,
    rows: Array,
    columns: Array,
    strays: Strays,
    conversions: Mapping[int, tuple[Conversion, ...]],
) -> list[Fresh]:
    suspicious = np.flatnonzero(strays.suspicious)
    swaps = _swapped(grid, rows, strays, suspicious)
    several = len(columns) > 1
    found = []
    for i in suspicious:
        row = int(rows[i])
        cells = tuple(int(c) for c in columns if np.isfinite(grid.polled[row, c]))
        if int(i) in swaps:
            partner = grid.entities[grid.entity[rows[swaps[int(i)]]]]
            found.append(Fresh(row, kinds.SWAPPED, f"with {partner}", cells))
            continue
        together = (grid.variable[rows[suspicious]] == grid.variable[row]).sum() >= _TOGETHER
        possible = conversions.get(int(grid.variable[row]), ())
        # one number a hundred times too large is a slip of the keys, many are another unit
        unit = _unit(strays, int(i), possible if several or together else _no_powers(possible))
        if unit:
            found.append(Fresh(row, kinds.UNIT, unit, cells))
        elif several:
            found.append(Fresh(row, *_moved(strays, int(i)), cells))
        else:
            slip = typing_error(float(strays.base[i, -1]), float(strays.value[i, -1]))
            found.append(Fresh(row, kinds.OUTLIER, slip or f"usually {strays.base[i, -1]:.6g}", cells))
    return [*found, *(_outliers(grid, rows, columns, strays) if several else [])]


def _no_powers(conversions: tuple[Conversion, ...]) -> tuple[Conversion, ...]:
    return tuple(c for c in conversions if c.plus or abs(np.log10(c.times) % 1) > 1e-9)


def _unit(strays: Strays, i: int, conversions: tuple[Conversion, ...]) -> str:
    """The conversion that brings the period back into its usual range, if one does."""
    best, name = 0.35 * abs(float(strays.level[i])), ""
    for conversion in conversions:
        back = (strays.value[i] - conversion.plus) / conversion.times
        level = level_of(back, strays.base[i], bool(strays.by_ratio[i]), float(strays.noise[i]))
        if np.isfinite(level) and strays.low[i] < level < strays.high[i] and abs(level) < best:
            best, name = abs(level), conversion.name
    return name


def _swapped(grid: Grid, rows: Array, strays: Strays, suspicious: Array) -> dict[int, int]:
    """Pairs of suspicious series of one variable that fit each other's past."""
    found: dict[int, int] = {}
    for i in suspicious[:200]:
        fits = []
        for j in suspicious[:200]:
            if j == i or grid.variable[rows[i]] != grid.variable[rows[j]]:
                continue
            here = level_of(strays.value[j], strays.base[i], bool(strays.by_ratio[i]), float(strays.noise[i]))
            there = level_of(
                strays.value[i], strays.base[j], bool(strays.by_ratio[j]), float(strays.noise[j])
            )
            inside = strays.low[i] < here < strays.high[i] and strays.low[j] < there < strays.high[j]
            rest = abs(here) + abs(there)
            if inside and rest < 0.35 * (abs(strays.level[i]) + abs(strays.level[j])):
                fits.append((rest, int(j)))
        if fits:
            found[int(i)] = min(fits)[1]
    return found


def _moved(strays: Strays, i: int) -> tuple[str, str]:
    """Scaled or offset, whichever leaves the smaller rest."""
    value, base = strays.value[i], strays.base[i]
    known = np.isfinite(value) & np.isfinite(base)
    value, base = value[known], base[known]
    factor = float(np.median(value / np.where(base == 0, np.nan, base)))
    amount = float(np.median(value - base))
    scaled, offset = np.abs(value - factor * base), np.abs(value - base - amount)
    # what a factor does to the values it does to their noise
    if np.median(scaled) / max(abs(factor), 1.0) <= np.median(offset):
        return kinds.SCALED, f"about times {factor:.3g}"
    return kinds.OFFSET, f"about {amount:+.3g}"


def _outliers(grid: Grid, rows: Array, columns: Array, strays: Strays) -> list[Fresh]:
    """Single days far outside in a period that is otherwise as usual."""
    with np.errstate(invalid="ignore"):
        far = (strays.day > strays.day_high[:, None]) | (strays.day < strays.day_low[:, None])
    far &= ~strays.suspicious[:, None]
    found = []
    for i in np.flatnonzero(far.any(axis=1) & (far.sum(axis=1) <= 2)):
        at = np.flatnonzero(far[i])
        slip = typing_error(float(strays.base[i, at[0]]), float(strays.value[i, at[0]]))
        offset = len(columns) - far.shape[1]
        cells = tuple(int(columns[a + offset]) for a in at if a + offset >= 0)
        if cells:
            detail = slip or f"usually about {strays.base[i, at[0]]:.6g}"
            found.append(Fresh(int(rows[i]), kinds.OUTLIER, detail, cells))
    return found
