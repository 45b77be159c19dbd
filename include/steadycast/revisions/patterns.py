"""Names what happened to known values: how the poll's values follow from those known before.

Each test looks at all suspicious series at once, as matrices of series × dates of the window. What fits
within the last decimal place is no coincidence over three dates and more, so that an exact rule goes before
a vague one: swapped, shifted, stuck, another unit, scaled or offset, cut at another midnight; then single
values, and last rewritten by no rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from steadycast.revisions import kinds
from steadycast.revisions.grid import Array, Grid, median, quanta
from steadycast.revisions.swaps import swapped
from steadycast.revisions.units import Conversion

LEAST_CELLS: Final = 3
"""Changed values from which a rule can be told from chance."""
FITS: Final = 0.9
"""Part of the values that a rule has to explain."""
_SHIFTS: Final = {"daily": (1, -1, 7, -7, 14, -14, 2, -2), "weekly": (7, -7, 14, -14), "monthly": ()}
_EQUAL: Final = 1e-9
_CUT_FITS = 0.7
_FEW_SHARE: Final = 0.1


@dataclass(frozen=True)
class Named:
    """The kind of each suspicious series and what a person should know of it, e.g. the factor."""

    kind: list[str]
    detail: list[str]


@dataclass(frozen=True)
class _Case:
    """The suspicious series: known and polled values, where they differ, and the last decimal places."""

    old: Array
    new: Array
    changed: Array
    both: Array
    q_old: Array
    q_new: Array

    @property
    def count(self) -> Array:
        found: Array = self.changed.sum(axis=1)
        return found


def name(grid: Grid, rows: Array, changed: Array, conversions: Mapping[int, tuple[Conversion, ...]]) -> Named:
    """Name what happened to some series.

    Args:
        grid: all series.
        rows: the suspicious ones.
        changed: of these, where the poll differs from what was known.
        conversions: per variable (its place), the units that it may have been converted between.
    """
    before, now = quanta(grid)
    variable = grid.variable[rows]
    old, new = grid.last[rows], grid.polled[rows]
    case = _Case(
        old,
        new,
        changed,
        np.isfinite(old) & np.isfinite(new),
        before[variable][:, None],
        now[variable][:, None],
    )
    kind, detail = [kinds.REWRITTEN] * len(rows), [""] * len(rows)

    def take(found: Mapping[int, tuple[str, str]]) -> None:
        for row, (what, how) in found.items():
            if kind[row] == kinds.REWRITTEN:
                kind[row], detail[row] = what, how

    take({i: (kinds.SWAPPED, how) for i, how in swapped(grid, rows, changed).items()})
    take(_shifted(grid, rows, case))
    take(_stuck(case))
    take(_affine(case, variable, conversions))
    if grid.cadence == "daily":
        take(_cut(grid, rows, case))
    take(_few(case))
    return Named(kind, detail)


def _equal(one: Array, other: Array) -> Array:
    with np.errstate(invalid="ignore"):
        found: Array = np.abs(one - other) <= _EQUAL * np.maximum(np.abs(one), np.abs(other))
    return found


def _share(hit: Array, of: Array) -> Array:
    """Part of the cells ``of`` that are hit, per row; 0 where there are none."""
    found: Array = (hit & of).sum(axis=1) / np.maximum(of.sum(axis=1), 1)
    return found


def _inside(case: _Case) -> Array:
    """Cells from the first to the last changed one of each series."""
    begun = case.changed.cumsum(axis=1) > 0
    goes_on = case.changed[:, ::-1].cumsum(axis=1)[:, ::-1] > 0
    return case.both & begun & goes_on


def _shifted(grid: Grid, rows: Array, case: _Case) -> dict[int, tuple[str, str]]:
    """Values that are those of another date; a month counts as one date."""
    found: dict[int, tuple[str, str]] = {}
    steps = [(shift, _columns(grid, shift)) for shift in _SHIFTS[grid.cadence]]
    width = case.new.shape[1]
    if grid.cadence == "monthly":
        steps = [(s, np.arange(width) + grid.window - s) for s in (1, -1)]
    for shift, columns in steps:
        there = (columns >= 0) & (columns < grid.known.shape[1])
        moved = np.full(case.new.shape, np.nan)
        moved[:, there] = grid.known[np.ix_(rows, columns[there])]
        comparable = np.isfinite(moved) & np.isfinite(case.new)
        hits = _equal(case.new, moved) & comparable
        telling = comparable & (case.changed | ~case.both)
        good = (_share(hits, telling) >= 0.8) & ((hits & telling).sum(axis=1) >= LEAST_CELLS)
        for row in np.flatnonzero(good):
            found.setdefault(int(row), _shift_name(grid.cadence, shift))
    return found


def _columns(grid: Grid, shift: int) -> Array:
    """Per column of the window, the column of the date ``shift`` days earlier; -1 if there is none."""
    wanted = grid.days[grid.window :] - shift
    at = np.searchsorted(grid.days, wanted)
    at = np.minimum(at, len(grid.days) - 1)
    found: Array = np.where(grid.days[at] == wanted, at, -1)
    return found


def _shift_name(cadence: str, shift: int) -> tuple[str, str]:
    way = "later" if shift > 0 else "earlier"
    if cadence == "monthly":
        return kinds.SHIFT, f"by a month, {way}"
    named = {1: kinds.SHIFT_DAY, 7: kinds.SHIFT_WEEK}.get(abs(shift))
    return (named, way) if named else (kinds.SHIFT, f"by {abs(shift)} days, {way}")


def _stuck(case: _Case) -> dict[int, tuple[str, str]]:
    """All values from the first changed one on (or between the changed ones) are the same, and were not."""
    value = median(np.where(case.changed, case.new, np.nan))[:, None]
    same = _equal(case.new, value)
    begun = case.changed.cumsum(axis=1) > 0
    differed = np.where(begun & case.both, np.abs(case.old - value), 0.0).max(axis=1, initial=0.0) > 0
    found = {}
    for inside in (_inside(case), begun & np.isfinite(case.new)):
        good = (case.count >= 1) & differed & (_share(same, inside) >= FITS)
        spread = _spread(case.old, inside & case.both) | (case.count < inside.sum(axis=1))
        for row in np.flatnonzero(good & spread & (inside.sum(axis=1) >= LEAST_CELLS)):
            found[int(row)] = (kinds.STUCK, f"at {value[row, 0]:.6g}")
    return found


def _spread(values: Array, where: Array) -> Array:
    """Did the values differ among each other?"""
    top = np.max(np.where(where, values, -np.inf), axis=1, initial=-np.inf)
    found: Array = top > np.min(np.where(where, values, np.inf), axis=1, initial=np.inf)
    return found


def _affine(
    case: _Case, variable: Array, conversions: Mapping[int, tuple[Conversion, ...]]
) -> dict[int, tuple[str, str]]:
    """Another unit, a factor, or an amount: the rule that leaves the smallest rest, units first."""
    found: dict[int, tuple[str, str]] = {}
    inside = _inside(case)
    enough = case.count >= LEAST_CELLS
    for conversion in {c.name: c for many in conversions.values() for c in many}.values():
        may = np.isin(variable, [v for v, many in conversions.items() if conversion in many]) & enough
        may[list(found)] = False
        rows = np.flatnonzero(may)
        made = conversion.times * case.old[rows] + conversion.plus
        room = 0.51 * (case.q_new[rows] + conversion.times * case.q_old[rows]) + 1e-4 * np.abs(case.new[rows])
        good = _share(np.abs(case.new[rows] - made) <= room, inside[rows]) >= FITS
        moved = np.abs(median(np.where(case.changed[rows], case.new[rows] - case.old[rows], np.nan)))
        for row in rows[good & (moved > 2 * room.mean(axis=1))]:
            found[int(row)] = (kinds.UNIT, conversion.name)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(case.changed & (np.abs(case.old) > case.q_old), case.new / case.old, np.nan)
    factor = median(np.where(np.isfinite(ratio), ratio, np.nan))[:, None]
    amount = median(np.where(case.changed, case.new - case.old, np.nan))[:, None]
    slack = 0.51 * case.q_new + 0.02 * np.abs(case.new - case.old)
    with np.errstate(invalid="ignore"):
        by_factor = np.abs(case.new - factor * case.old)
        by_amount = np.abs(case.new - case.old - amount)
    times = _share(by_factor <= slack + 0.51 * np.abs(factor) * case.q_old, inside) >= FITS
    plus = _share(by_amount <= slack, inside) >= FITS
    rest_factor = median(np.where(inside, by_factor, np.nan))
    rest_amount = median(np.where(inside, by_amount, np.nan))
    for row in np.flatnonzero(enough & (times | plus)):
        scaled = times[row] and (not plus[row] or rest_factor[row] <= rest_amount[row])
        told = (kinds.SCALED, f"times {factor[row, 0]:.4g}")
        found.setdefault(int(row), told if scaled else (kinds.OFFSET, f"by {amount[row, 0]:+.4g}"))
    return found


def _cut(grid: Grid, rows: Array, case: _Case) -> dict[int, tuple[str, str]]:
    """Each value moved some way towards that of the day beside it, always the same side."""
    found: dict[int, tuple[str, str]] = {}
    moved = np.where(_inside(case), case.new - case.old, np.nan)
    for side, words in ((1, "the day after"), (-1, "the day before")):
        beside = _beside(grid, rows, side) - case.old
        fits = np.isfinite(moved) & np.isfinite(beside)
        e, d = np.where(fits, moved, 0.0), np.where(fits, beside, 0.0)
        square = np.maximum((d * d).sum(axis=1), 1e-300)
        part = (e * d).sum(axis=1) / square
        rest = ((e - part[:, None] * d) ** 2).sum(axis=1) / np.maximum((e * e).sum(axis=1), 1e-300)
        room = case.q_new
        between = fits & case.changed & (e * d >= 0) & (np.abs(e) <= np.abs(d) + room)
        sums = (rest <= 1 - _CUT_FITS) & (part > 0.02) & (part < 0.98)
        # a maximum or minimum takes the value of the day beside it on some days, and its own on the others
        extremes = (_share(between, fits & case.changed) >= 0.85) & (part > 0.05)
        enough = (fits & case.changed).sum(axis=1) >= LEAST_CELLS + 2
        for row in np.flatnonzero(enough & (sums | extremes)):
            found.setdefault(int(row), (kinds.CUT, f"about {part[row]:.0%} of {words}"))
    return found


def _beside(grid: Grid, rows: Array, side: int) -> Array:
    """Known values of the next (1) or previous (-1) date, columns of the window."""
    columns = np.arange(grid.window, grid.known.shape[1]) + side
    there = (columns >= 0) & (columns < grid.known.shape[1])
    found = np.full((len(rows), len(columns)), np.nan)
    found[:, there] = grid.known[np.ix_(rows, columns[there])]
    return found


def _few(case: _Case) -> dict[int, tuple[str, str]]:
    """One or two values among many that stay."""
    count, of = case.count, case.both.sum(axis=1)
    few = (count > 0) & (count <= np.maximum(1, _FEW_SHARE * of))
    found = {}
    for row in np.flatnonzero(few):
        at = np.flatnonzero(case.changed[row])
        found[int(row)] = (kinds.OUTLIER, typing_error(case.old[row, at[0]], case.new[row, at[0]]))
    return found


def typing_error(right: float, wrong: float) -> str:
    """How a slip of the keys makes one number of another; '' if none does."""
    if right != 0 and wrong != 0:
        if abs(wrong + right) <= 1e-6 * abs(right):
            return "sign changed"
        power = np.log10(abs(wrong / right))
        if abs(power - round(power)) < 1e-3 and round(power) != 0:
            return f"decimal point moved, times {10.0 ** round(power):g}"
        one, other = (f"{abs(x):.6f}".rstrip("0").replace(".", "") for x in (right, wrong))
        if one != other and sorted(one) == sorted(other):
            return "digits transposed"
    return ""
