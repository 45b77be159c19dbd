"""The yearly curve: a smooth season, a trend that may bend, each holiday's worth, fitted per series.

A ridge regression on Fourier terms with a piecewise linear trend and an indicator per holiday, as in Taylor
and Letham (2018), "Forecasting at scale", doi:10.1080/00031305.2017.1380080, solved in closed form. Older
weeks weigh less. Where the usual size of a week (``climate``) follows every past year's bumps, this curve is
smooth: which of the two serves better depends on the series.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from steadycast.features.calendar import YEAR, Calendar
from steadycast.features.climate import WEEKS_OF_YEAR
from steadycast.features.history import Floats, Indices
from steadycast.features.lookback import LEVEL_WEEKS, Lookback
from steadycast.features.scale import squash, unsquash

WINDOW = 6 * YEAR
"""Weeks that a curve is fitted to."""
SHORTEST = YEAR + 9
"""Weeks of a series that must be known, to tell its season from its trend."""
HARMONICS = 4
BEND_EVERY = 26
"""Weeks between the places at which the trend may bend."""
HALF_LIFE = 156
"""Weeks after which a week weighs half as much as the newest."""
STIFF_BEND, STIFF_SEASON, STIFF_HOLIDAY = 5.0, 0.05, 1.0
"""Ridge penalties. A holiday is there once a year: its worth is drawn to nothing until a few have been."""


class Curve:
    """Fits the curve at any origin, once each.

    Args:
        target: values, (T, N), NaN where missing.
        size: the values without their signs.
        calendar: of the target's weeks and at least ``horizons`` more.
        horizons: weeks ahead that are asked for.
    """

    def __init__(self, target: Floats, size: Lookback, calendar: Calendar, horizons: int) -> None:
        self._target = target
        self._size = size
        self._horizons = horizons
        self._season = _season(len(target) + horizons)
        self._holidays = _holidays(calendar)[: len(target) + horizons]
        self._made: dict[int, Floats] = {}
        self._lock = threading.Lock()

    def at(self, origins: Indices, horizon: int) -> Floats:
        """The curve in the week ``horizon`` of each origin, (S, N), in the target's unit.

        Its trend stands still from the origin on. NaN for a series with a short past or without a level.
        """
        # Models of several past origins are trained side by side and ask for the same curves
        with self._lock:
            return np.stack([self._of(int(origin))[horizon - 1] for origin in origins])

    def _of(self, origin: int) -> Floats:
        if origin not in self._made:
            self._made[origin] = self._fitted(origin)
        return self._made[origin]

    def _fitted(self, origin: int) -> Floats:
        """(horizons, N)."""
        out = np.full((self._horizons, self._target.shape[1]), np.nan)
        if origin < SHORTEST:
            return out
        start = max(0, origin - WINDOW)
        level = self._size.mean(np.array([origin]), LEVEL_WEEKS)[0]
        past = squash(self._target[start:origin], level)
        design, stiff = self._design(start, origin)
        before, ahead = design[: origin - start], design[origin - start :]
        weight = 0.5 ** (np.arange(origin - start, 0, -1) / HALF_LIFE)
        known = ~np.isnan(past)
        for members in _alike(known):
            rows = known[:, members[0]]
            weighted = (weight[rows, None] * before[rows]).T
            coefficients = np.linalg.solve(
                weighted @ before[rows] + np.diag(stiff), weighted @ past[rows][:, members]
            )
            out[:, members] = ahead @ coefficients
        return unsquash(out, level)

    def _design(self, start: int, origin: int) -> tuple[Floats, Floats]:
        """Columns for the weeks from ``start`` to the last one asked for, and each one's penalty."""
        end = origin + self._horizons
        years = (np.minimum(np.arange(start, end), origin - 1) - origin)[:, None] / YEAR
        bends = np.arange(start + BEND_EVERY, origin - BEND_EVERY, BEND_EVERY)
        bent = np.maximum(years - (bends - origin) / YEAR, 0.0)
        season, holidays = self._season[start:end], self._holidays[start:end]
        columns = np.hstack([np.ones_like(years), years, bent, season, holidays])
        penalties = (0.0, 0.0), (STIFF_BEND,) * len(bends), (STIFF_SEASON,) * season.shape[1]
        stiff = np.concatenate([*penalties, np.full(holidays.shape[1], STIFF_HOLIDAY)])
        return columns, stiff + 1e-6


def _season(weeks: int) -> Floats:
    turns = 2 * np.pi * np.arange(weeks)[:, None] / WEEKS_OF_YEAR * np.arange(1, HARMONICS + 1)
    return np.hstack([np.sin(turns), np.cos(turns)])


def _holidays(calendar: Calendar) -> Floats:
    """An indicator per holiday's name, (weeks, names)."""
    names = sorted(frozenset().union(*calendar.names))
    return np.array([[name in week for name in names] for week in calendar.names], dtype=np.float64).reshape(
        len(calendar.names), len(names)
    )


def _alike(known: npt.NDArray[np.bool_]) -> Iterator[Indices]:
    """Positions of series that are long enough, those with the same weeks known together."""
    enough = np.flatnonzero(known.sum(axis=0) >= SHORTEST)
    patterns = np.packbits(known[:, enough], axis=0).T
    _, group = np.unique(patterns, axis=0, return_inverse=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    yield from (
        enough[part] for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(part)
    )
