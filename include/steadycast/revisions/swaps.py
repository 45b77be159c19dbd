"""Finds series that show the values of another one."""

from __future__ import annotations

from typing import Final

import numpy as np

from steadycast.revisions.grid import Array, Grid

FITS: Final = 0.8
_MOST: Final = 400
"""Suspicious series that are looked at; a provider that mixes up more of them is seen at these."""
_EQUAL: Final = 1e-9


def swapped(grid: Grid, rows: Array, changed: Array) -> dict[int, str]:
    """Of some suspicious series, those that show what another entity or variable was known to have.

    Args:
        grid: all series.
        rows: the suspicious ones.
        changed: of these, where the poll differs from what was known.

    Returns: place among the suspicious ones: with whom it changed places.
    """
    found: dict[int, str] = {}
    last, polled = grid.last, grid.polled
    order = np.argsort(-changed.sum(axis=1), kind="stable")[:_MOST]
    for place in order:
        row, cells = rows[place], changed[place]
        if cells.sum() < 2:
            continue
        partner = _partner(grid, last[:, cells], polled[row, cells], int(row))
        if partner is not None:
            other_entity = grid.entity[partner] != grid.entity[row]
            names, codes = (grid.entities, grid.entity) if other_entity else (grid.variables, grid.variable)
            found[int(place)] = f"with {names[codes[partner]]}"
    return found


def _partner(grid: Grid, last: Array, shown: Array, row: int) -> int | None:
    near = (grid.variable == grid.variable[row]) | (grid.entity == grid.entity[row])
    near[row] = False
    candidates = np.flatnonzero(near)
    # three dates rule out nearly everybody
    probe = np.linspace(0, len(shown) - 1, min(3, len(shown))).astype(int)
    hits = _equal(last[np.ix_(candidates, probe)], shown[probe]).sum(axis=1)
    best = candidates[hits >= max(1, len(probe) - 1)]
    if len(best) == 0:
        return None
    known = np.isfinite(last[best])
    share = (_equal(last[best], shown) & known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    top = int(share.argmax())
    return int(best[top]) if share[top] >= FITS and known[top].sum() >= 2 else None


def _equal(one: Array, other: Array) -> Array:
    with np.errstate(invalid="ignore"):
        found: Array = np.abs(one - other) <= _EQUAL * np.maximum(np.abs(one), np.abs(other))
    return found
