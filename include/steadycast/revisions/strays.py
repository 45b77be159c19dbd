"""How far the newest period of each series strays from those before it, beside how far periods usually do.

A period (a week of a daily source, else one date) is compared with the median of the same weekdays of the six
periods before it: by ratio where a variable is never negative, else by difference in noises. How far that
strays in the last months and in the same season of the years before is the yardstick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from steadycast.revisions.grid import PERIOD, Array, Grid, median

BEFORE: Final = 6
"""Periods that the usual value is made of."""
_MOST_PERIODS: Final = 170
_ENOUGH_PERIODS: Final = 8
_CLOSED: Final = 0.07
"""Part of the usual value below which a shop that is closed at times is as good as closed."""
_LEAST_LEVEL: Final = 0.1
"""Values below this part of the series' median are a closure; no yardstick."""
_SEASON: Final = {"daily": 3, "weekly": 3, "monthly": 1}
_PER_YEAR: Final = {"daily": 52.18, "weekly": 52.18, "monthly": 12.0}
_RECENT: Final = {"daily": 13, "weekly": 13, "monthly": 12}
FAR: Final = 5.0
"""Robust scales beyond the farthest of its season from which a period is suspicious."""
LEAST_RATIO: Final = np.log(2.2)
LEAST_NOISES: Final = 2.5
DAY_FAR: Final = 6.0
LEAST_DAY_RATIO: Final = np.log(6.0)
LEAST_DAY_NOISES: Final = 6.0


@dataclass(frozen=True)
class Strays:
    """How the newest period strays from its base, beside how far periods usually stray; rows are series."""

    value: Array  # series × places of the period
    base: Array
    by_ratio: Array
    noise: Array
    level: Array  # median over the period's places
    low: Array
    high: Array
    day: Array  # series × places
    day_low: Array
    day_high: Array

    @property
    def suspicious(self) -> Array:
        """Series whose newest period lies outside what is believable."""
        with np.errstate(invalid="ignore"):
            found: Array = (self.level > self.high) | (self.level < self.low)
        return found


def compare(grid: Grid, rows: Array, columns: Array, noise: Array) -> Strays:
    """Compare the newest period of some series with the periods before it and their season."""
    periods = _periods(grid, rows, columns)  # series × periods × places; the newest one is last
    count, size = periods.shape[1], periods.shape[2]
    past = periods[:, :-1].reshape(len(rows), -1)
    by_ratio, closes = _nature(past, grid.variable[rows])
    with np.errstate(invalid="ignore"):
        shut = by_ratio[:, None, None] & (periods < _LEAST_LEVEL * median(np.abs(past))[:, None, None])
    base = _bases(np.where(shut, np.nan, periods))
    with np.errstate(invalid="ignore", divide="ignore"):
        open_ = periods > np.where(closes, _CLOSED, 0.0)[:, None, None] * base
        ratio = np.log(np.where(open_, periods / base, np.nan))
        differ = (periods - base) / noise[:, None, None]
    day = np.where(by_ratio[:, None, None], ratio, differ)
    level = median(day.reshape(-1, size)).reshape(day.shape[:2])
    level[np.isfinite(day).sum(axis=2) < (4 if size > 1 else 1)] = np.nan
    season = _season(count, grid.cadence)
    low, high = _band(level[:, :-1], season, FAR, np.where(by_ratio, LEAST_RATIO, LEAST_NOISES))
    past_days = day[:, :-1].reshape(len(rows), -1)
    day_low, day_high = _band(
        past_days, np.repeat(season, size), DAY_FAR, np.where(by_ratio, LEAST_DAY_RATIO, LEAST_DAY_NOISES)
    )
    return Strays(
        periods[:, -1], base[:, -1], by_ratio, noise, level[:, -1], low, high, day[:, -1], day_low, day_high
    )


def _nature(past: Array, variable: Array) -> tuple[Array, Array]:
    """Per series: is its variable never negative, and is it zero at times?"""
    with np.errstate(invalid="ignore"):
        by_ratio = np.asarray(~(past < 0).any(axis=1))
        closes = np.asarray((past == 0).any(axis=1))
    for v in np.unique(variable):
        mine = variable == v
        by_ratio[mine], closes[mine] = by_ratio[mine].all(), closes[mine].any()
    return by_ratio, closes


def _bases(periods: Array) -> Array:
    """Median of the same place in the periods before, of at least half of them."""
    base = np.full(periods.shape, np.nan)
    for p in range(BEFORE, periods.shape[1]):
        part = np.moveaxis(periods[:, p - BEFORE : p], 1, 2).reshape(-1, BEFORE)
        enough = np.isfinite(part).sum(axis=1) >= BEFORE // 2
        base[:, p] = np.where(enough, median(part), np.nan).reshape(len(base), -1)
    return base


def _periods(grid: Grid, rows: Array, columns: Array) -> Array:
    """Known values by period, then the newest one: its new values, else what was known."""
    size = PERIOD[grid.cadence]
    end = grid.window + int(columns[0])
    count = min(end // size, _MOST_PERIODS)
    past = grid.known[rows, end - count * size : end].reshape(len(rows), count, size)
    at = grid.window + columns
    newest = np.where(np.isfinite(grid.known[np.ix_(rows, at)]), grid.known[np.ix_(rows, at)], np.nan)
    polled = grid.polled[np.ix_(rows, columns)]
    newest = np.where(np.isfinite(newest), newest, polled)
    if newest.shape[1] < size:
        pad = np.full((len(rows), size - newest.shape[1]), np.nan)
        newest = np.concatenate([pad, newest], axis=1)
    found: Array = np.concatenate([past, newest[:, None, :]], axis=1)
    return found


def _season(count: int, cadence: str) -> Array:
    """Which of the periods before the newest one are recent, or of its season in other years."""
    back = count - 1 - np.arange(count - 1)
    year = _PER_YEAR[cadence]
    apart = np.abs((back + year / 2) % year - year / 2)
    found: Array = (back <= _RECENT[cadence]) | (apart <= _SEASON[cadence])
    return found


def _band(past: Array, season: Array, far: float, least: Array) -> tuple[Array, Array]:
    """Lower and upper end of what is believable; NaN (never suspicious) where too little is known."""
    meant = np.where(season[None, :], past, np.nan)
    scale = 1.4826 * median(np.abs(past))
    known = np.isfinite(past).sum(axis=1) >= _ENOUGH_PERIODS
    with np.errstate(invalid="ignore"):
        top = np.nan_to_num(np.nanmax(np.where(np.isfinite(meant), meant, 0.0), axis=1))
        bottom = np.nan_to_num(np.nanmin(np.where(np.isfinite(meant), meant, 0.0), axis=1))
        room = np.maximum(far * scale, least)
    return np.where(known, bottom - room, np.nan), np.where(known, top + room, np.nan)


def level_of(value: Array, base: Array, by_ratio: bool, noise: float) -> float:
    """How far the values of one period stray from a base, as in ``compare``; NaN if nothing is comparable."""
    with np.errstate(invalid="ignore", divide="ignore"):
        day = np.log(value / base) if by_ratio else (value - base) / noise
    day = day[np.isfinite(day)]
    return float(np.median(day)) if len(day) else np.nan
