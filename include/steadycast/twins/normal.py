"""How far two providers normally lie from each other, learnt from their own shared history.

Two stations, two hours of reading, two roundings: honest providers differ too, and by a habit of their own.
The habit of a pair is the median of its differences; a day is beyond the normal when it lies farther from
that than nearly all days of the history did. Quantiles and medians are used throughout, because a history
holds faults as well, and these must not make later ones look normal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast.timing import PERIOD_DAYS
from steadycast.twins.pair import Floats, Mask, Pair

WINDOWS_WEEKS: Final = (1, 4, 8)
ENOUGH_SHARE: Final = 0.7
"""Share of the days that a window should have, below which it decides nothing."""
ENOUGH_DAYS: Final = 4
MOST_BEYOND: Final = {1: 0.3, 4: 0.2, 8: 0.2}
"""Per window, share of days beyond the limit that is normal whatever the history says: two of a week's."""
LEAST_WEEKS: Final = 8
"""Weeks of shared history that a habit is learnt from; with fewer the settings' tolerance stands alone."""
_DAY_QUANTILE: Final = 0.98
_MOST_SCALES: Final = 6.0
_WINDOW_QUANTILE: Final = 0.99
_WINDOW_MARGIN: Final = 1.5
_FLOOR_SHARE: Final = 0.05
_BIAS_FLOOR: Final = {1: 1.0, 4: 0.5, 8: 0.5}
"""Part of the day's tolerance that a window's mean may differ by: the mean of many days varies less."""
_SEASON_DAYS: Final = 45
_SEASON_LEAST: Final = 90


@dataclass(frozen=True)
class Normal:
    """The habit of a pair, one item per series.

    Attributes:
        bias: usual difference, source minus twin; 0 where nothing is learnt.
        day_limit: farthest that a normal day lies from the bias; NaN where nothing can be said.
        bias_limit: per window, farthest that a normal window's mean difference lies from the bias.
        share_limit: per window, largest normal share of days beyond ``day_limit``.
        days: days that it was learnt from; 0 where only the settings' tolerance is known.
    """

    bias: Floats
    day_limit: Floats
    bias_limit: Mapping[int, Floats]
    share_limit: Mapping[int, Floats]
    days: Floats


def learn(pair: Pair, known_off: Mask) -> Normal:
    """Learn a pair's habit from the days before the longest window.

    Args:
        pair: the two providers.
        known_off: cells that are known to be wrong on one side and teach nothing, shape (days, series).

    From two years on only days of the same season count: a thermometer in the sun differs in summer.
    """
    old = ~pair.since(max(WINDOWS_WEEKS))
    difference = np.where(old[:, None] & ~known_off, pair.x - pair.y, np.nan)
    difference = _of_season(difference, pair.days, pair.as_of)
    period = PERIOD_DAYS[pair.source.cadence]
    count = np.isfinite(difference).sum(axis=0).astype(np.float64)
    enough = count >= max(LEAST_WEEKS * 7 / period, ENOUGH_DAYS)
    difference = np.where(enough, difference, np.nan)
    bias = np.nan_to_num(_quantile(difference, 0.5))
    away = np.abs(difference - bias)
    scale = 1.4826 * _quantile(away, 0.5)
    learnt = np.fmin(_quantile(away, _DAY_QUANTILE), _MOST_SCALES * np.where(scale > 0, scale, np.nan))
    floor = np.where(np.isnan(pair.tolerance), _FLOOR_SHARE * _spread(pair, old), pair.tolerance)
    limit = np.where(np.isnan(pair.tolerance) & ~enough, np.nan, np.fmax(learnt, floor))
    bias_limit, share_limit = {}, {}
    for weeks in WINDOWS_WEEKS:
        span = max(int(weeks * 7 / period), 1)
        means = _rolling(difference - bias, span)
        shares = _rolling(np.where(np.isfinite(away), (away > limit).astype(np.float64), np.nan), span)
        usual = _WINDOW_MARGIN * _quantile(np.abs(means), _WINDOW_QUANTILE)
        # a history with a fault in it must not excuse the next one
        bias_limit[weeks] = np.fmax(_BIAS_FLOOR[weeks] * floor, np.fmin(usual, limit))
        often = np.fmin(_quantile(shares, _WINDOW_QUANTILE), 0.5)
        share_limit[weeks] = np.where(enough, np.fmax(often, MOST_BEYOND[weeks]), MOST_BEYOND[weeks])
    return Normal(bias, limit, bias_limit, share_limit, np.where(enough, count, 0.0))


def _of_season(difference: Floats, days: pd.DatetimeIndex, as_of: dt.date) -> Floats:
    """Only the days around the same day of the year, where at least two years have enough of them."""
    middle = (as_of - dt.timedelta(weeks=2)).timetuple().tm_yday
    apart = np.abs(days.day_of_year.to_numpy() - middle)
    near = np.minimum(apart, 365 - apart) <= _SEASON_DAYS
    seasonal = np.where(near[:, None], difference, np.nan)
    there = np.isfinite(seasonal)
    years = np.array([there[days.year == year].any(axis=0) for year in np.unique(days.year)])
    long = (there.sum(axis=0) >= _SEASON_LEAST) & ((years.sum(axis=0) >= 2) if len(years) else False)
    return np.where(long, seasonal, difference)


def _spread(pair: Pair, old: Mask) -> Floats:
    """Robust size of the variation of the twins, for pairs without a tolerance."""
    both = np.where(old[:, None], (pair.x + pair.y) / 2, np.nan)
    return (_quantile(both, 0.75) - _quantile(both, 0.25)) / 1.349


def _rolling(values: Floats, span: int) -> Floats:
    """Means of ``span`` rows with enough values, one row per position."""
    frame = pd.DataFrame(values)
    least = max(int(np.ceil(ENOUGH_SHARE * span)), 1)
    means: Floats = frame.rolling(span, min_periods=least).mean().to_numpy()
    return means


def _quantile(values: Floats, q: float) -> Floats:
    """Quantile by column of what is there, NaN for a column without any."""
    out = np.full(values.shape[1], np.nan)
    there = np.isfinite(values).any(axis=0) if len(values) else np.zeros(values.shape[1], dtype=bool)
    if there.any():
        out[there] = np.nanquantile(values[:, there], q, axis=0)
    return out
