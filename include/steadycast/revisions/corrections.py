"""Tells a repair from damage: a value that stood out before and fits its neighbours now."""

from __future__ import annotations

from typing import Final

import numpy as np

from steadycast.revisions.grid import PERIOD, Array, Grid

STOOD_OUT: Final = 6.0
"""Noises between a value and its neighbours beyond which it stands out."""
FITS: Final = 0.34
"""Part of that distance within which the new value has to lie."""
_STEPS: Final = (-3, -2, -1, 1, 2, 3)
_ENOUGH: Final = 3


def corrected(grid: Grid, row: int, columns: Array, noise: float) -> Array:
    """Of some changed cells of a series, which ones were repaired.

    Args:
        grid: the poll beside what was known.
        row: the series.
        columns: columns of the window whose values changed.
        noise: of the series.
    """
    known = grid.known[row].copy()
    at = grid.window + columns
    before, now = known[at], grid.polled[row, columns]
    known[at] = np.nan  # a series that was wrong for days is no yardstick for itself
    beside = at[:, None] + PERIOD[grid.cadence] * np.array(_STEPS)[None, :]
    there = (beside >= 0) & (beside < len(known))
    values = np.where(there, known[np.clip(beside, 0, len(known) - 1)], np.nan)
    count = np.isfinite(values).sum(axis=1)
    found = np.zeros(len(columns), dtype=bool)
    for i in np.flatnonzero(count >= _ENOUGH):
        base = np.nanmedian(values[i])
        was, is_ = abs(before[i] - base), abs(now[i] - base)
        found[i] = was > STOOD_OUT * noise and is_ < FITS * was
    return found
