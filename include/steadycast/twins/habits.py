"""Is a provider like itself? Its values of some days against the same season of its own earlier years.

Four things are compared: the mean, the step from day to day, the spread, and the jump from the days before. A
stretch is compared with stretches of the same length in earlier years, so that a warm month is not mistaken
for a wrong thermometer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from steadycast.twins.pair import Floats, Mask

_AROUND_DAYS: Final = (-7, 0, 7)
_LEAST_STRETCHES: Final = 6
_LEAST_SHARE: Final = 0.6
_EDGE_DAYS: Final = 3


def strangeness(values: Floats, days: pd.DatetimeIndex, stretch: Mask) -> float:
    """By how many usual spreads the values of a stretch differ from the same season of earlier years.

    Args:
        values: of one series, NaN where there is none, shape (days,).
        days: their dates.
        stretch: the days that are looked at, shape (days,).

    Returns: the largest of the distances; NaN if the earlier years are too few.
    """
    first = int(np.flatnonzero(stretch)[0])
    before = min(first, _EDGE_DAYS)
    stretch = stretch.copy()
    stretch[first - before : first] = True
    now = _facts(values[stretch], before)
    chosen = days[stretch]
    past = [
        facts
        for year in range(1, chosen[0].year - days[0].year + 1)
        for around in _AROUND_DAYS
        if (
            facts := _facts(
                _at(values, days, chosen - pd.Timedelta(days=round(365.25 * year) - around)), before
            )
        )
        is not None
    ]
    if now is None or len(past) < _LEAST_STRETCHES:
        return float("nan")
    usual = np.array(past)
    middle = np.median(usual, axis=0)
    scale = 1.4826 * np.median(np.abs(usual - middle), axis=0)
    scale = np.where(scale > 0, scale, np.std(usual, axis=0))
    away = np.divide(np.abs(now - middle), scale, out=np.zeros(len(middle)), where=scale > 0)
    return float(away.max())


def _at(values: Floats, days: pd.DatetimeIndex, wanted: pd.DatetimeIndex) -> Floats:
    place = days.get_indexer(wanted)
    return np.where(place >= 0, values[place], np.nan)


def _facts(values: Floats, before: int) -> Floats | None:
    """Mean, mean step, spread, and jump from the first ``before`` values; None where too much is missing."""
    edge, own = values[:before], values[before:]
    known = own[np.isfinite(own)]
    if len(known) < max(1, _LEAST_SHARE * len(own)):
        return None
    edge = edge[np.isfinite(edge)]
    jump = known[:_EDGE_DAYS].mean() - edge.mean() if len(edge) else 0.0
    several = len(known) >= _EDGE_DAYS
    step, spread = (np.abs(np.diff(known)).mean(), known.std()) if several else (0.0, 0.0)
    return np.array([known.mean(), step, spread, jump])


def longest_run(values: Floats) -> int:
    """Most equal values in a row; what is missing interrupts nothing."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0
    ends = np.flatnonzero(np.append(np.diff(known) != 0, True))
    return int(np.diff(np.append(-1, ends)).max())
