"""Values and moving means at any offset back, and quotients that may be missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steadycast.features.history import Floats, Indices

LEVEL_WEEKS = 8
"""Weeks that make a series' present level."""


class Lookback:
    """Values and moving means at any offset back; NaN before the beginning and where nothing is there."""

    def __init__(self, values: Floats) -> None:
        self.values = values
        there = ~np.isnan(values)
        zero = np.zeros((1, values.shape[1]))
        self._total = np.vstack([zero, np.cumsum(np.where(there, values, 0.0), axis=0)])
        self._count = np.vstack([zero, np.cumsum(there, axis=0)])

    def at(self, index: Indices) -> Floats:
        """Values of the weeks ``index``; NaN for a negative one."""
        taken: Floats = self.values[np.maximum(index, 0)].copy()
        taken[index < 0] = np.nan
        return taken

    def mean(self, end: Indices, width: int) -> Floats:
        """Mean of the ``width`` weeks before index ``end``, of those there; at least half must be."""
        start, stop = np.maximum(end - width, 0), np.maximum(end, 0)
        count = self._count[stop] - self._count[start]
        total = self._total[stop] - self._total[start]
        means: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count * 2 >= width)
        return means


def ratio(a: Floats, b: Floats) -> Floats:
    """Quotient a / b; NaN where b is not positive."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    # NaN compares false, so a missing b gives NaN too
    quotient: Floats = np.divide(a, b, out=np.full(shape, np.nan), where=np.broadcast_to(b > 0, shape))
    return quotient


def mean_of(parts: Sequence[Floats]) -> Floats:
    """Element-wise mean of what is there."""
    total = sum(np.where(np.isnan(part), 0.0, part) for part in parts)
    count = sum((~np.isnan(part)).astype(np.float64) for part in parts)
    return ratio(np.asarray(total), np.asarray(count))
