"""Inputs that left what they are in this season: against the same weeks of past years, not last month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from steadycast.features import YEAR, Floats, History, Lookback, row_means

WINDOW: Final = 8
"""Weeks whose mean is looked at."""
BESIDE: Final = 2
"""Weeks by which a window of a past year may lie beside the same season."""
FAR: Final = 5.0
"""Usual distances beyond which it is drift, if it is beyond all that was seen in the season too."""
SHRINKAGE: Final = 10.0
SMALLEST_SHARE: Final = 0.005
"""No usual distance is smaller than half a percent of the input's size."""
_MAD: Final = 1.4826


@dataclass(frozen=True)
class Drifted:
    """An input whose change over a year is none that the season has seen.

    Attributes:
        feature: ``source.variable``.
        change: mean of the last 8 weeks against the same weeks last year, in its own unit.
        usual: the median of that in past years.
        low: the smallest of past years.
        high: the largest of past years.
        distance: from the usual one, in usual distances.
    """

    feature: str
    change: float
    usual: float
    low: float
    high: float
    distance: float


def find(history: History) -> list[Drifted]:
    """The inputs that drifted.

    A year's change is looked at, so that an input that rises every year, e.g. prices, drifts only when it
    rises as it never did.

    Args:
        history: as known now; two years of an input are needed, one more to compare with.
    """
    found = []
    for name, values in history.inputs.items():
        drifted = _of(name, row_means(values))
        if drifted is not None:
            found.append(drifted)
    return found


def _of(name: str, values: Floats) -> Drifted | None:
    end = len(values)
    past = Lookback(values)
    all_ends = np.arange(YEAR + WINDOW, end + 1)
    if not len(all_ends):
        return None
    changes = (past.mean(all_ends, WINDOW) - past.mean(all_ends - YEAR, WINDOW))[:, 0]
    now = changes[-1]
    # windows that overlap the newest one would hide it
    earlier = all_ends <= end - WINDOW
    back = (end - all_ends) % YEAR
    season = earlier & ((back <= BESIDE) | (back >= YEAR - BESIDE))
    seen, ever = changes[season & ~np.isnan(changes)], changes[earlier & ~np.isnan(changes)]
    if np.isnan(now) or not len(seen):
        return None
    usual = float(np.median(seen))
    own = _MAD * float(np.median(np.abs(seen - usual)))
    pool = _MAD * float(np.median(np.abs(ever - np.median(ever))))
    weight = len(seen) / (len(seen) + SHRINKAGE)
    size = float(np.sqrt(weight * own**2 + (1 - weight) * pool**2))
    size = max(size, SMALLEST_SHARE * float(np.nanmean(np.abs(values))))
    low, high = float(seen.min()), float(seen.max())
    distance = float((now - usual) / size) if size > 0 else 0.0
    if abs(distance) <= FAR or low <= now <= high:
        return None
    return Drifted(name, float(now), usual, low, high, distance)
