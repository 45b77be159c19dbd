"""One row per origin, entity and horizon: what the model sees, and what it has to tell.

All values are relative to the series' own level at the origin, so that one model serves small and large series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steadycast.features.calendar import YEAR, Calendar
from steadycast.features.history import Floats, History, Indices, row_means

Matrix = npt.NDArray[np.float32]

LEVEL_WEEKS = 8
"""Weeks that make a series' present level, and that its growth over last year is measured on."""
GROWTH_LIMIT = 3.0
"""Growth over last year is believed up to this factor, either way."""
LAGS = (1, 2, 3, 4)
GROWTH_WIDTHS = (1, 2, 4, 13, 26)
COMMON = ("growth_1", "growth_4", "drift", "growth", "lag_1")
"""Columns whose mean over all series is a column too."""


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
        """Mean of the ``width`` weeks before index ``end``, of those that are there; at least half must be."""
        start, stop = np.maximum(end - width, 0), np.maximum(end, 0)
        count = self._count[stop] - self._count[start]
        total = self._total[stop] - self._total[start]
        return np.divide(total, count, out=np.full(total.shape, np.nan), where=count * 2 >= width)


def ratio(a: Floats, b: Floats) -> Floats:
    """a / b; NaN where b is not positive."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    # NaN compares false, so a missing b gives NaN too
    return np.divide(a, b, out=np.full(shape, np.nan), where=np.broadcast_to(b > 0, shape))


@dataclass(frozen=True)
class Anchors:
    """What a forecast stands on, in the target's unit; each (S, N) for S origins and N entities, at one horizon.

    Attributes:
        level: mean size of the last 8 weeks; NaN where fewer than 4 of them are there.
        last_year: the matched week of last year.
        growth: last 8 weeks against the same weeks last year, within 1/3..3; NaN where a year is missing.
        drift: last year's week times growth, or the level where that is missing.
    """

    level: Floats
    last_year: Floats
    growth: Floats
    drift: Floats


@dataclass(frozen=True)
class Rows:
    """Rows of the model, ordered by origin, then entity.

    Attributes:
        values: (S * N, F), NaN where missing.
        anchors: of the same origins and entities.
        target: (S, N) actual values; NaN where not known yet.
    """

    values: Matrix
    anchors: Anchors
    target: Floats


class Maker:
    """Makes rows for any origins and horizons of one history; what it prepares once serves all of them."""

    def __init__(self, history: History, calendar: Calendar) -> None:
        weeks, _ = history.target.shape
        self._calendar = calendar
        self._shape = history.target.shape
        self._target = Lookback(history.target)
        self._size = Lookback(np.abs(history.target))
        matched = self._target.at(np.arange(weeks) - calendar.last_year[:weeks])
        both = ~np.isnan(history.target) & ~np.isnan(matched)
        self._matched = Lookback(matched)
        self._now = Lookback(np.where(both, history.target, np.nan))
        self._then = Lookback(np.where(both, matched, np.nan))
        self._drivers = {name: Lookback(values) for name, values in history.drivers.items()}

    def anchors(self, origins: Indices, horizon: int) -> Anchors:
        """What is known at the origins for the week ``horizon`` (1 = the origin's own week)."""
        weeks = origins + horizon - 1
        level = self._size.mean(origins, LEVEL_WEEKS)
        growth = np.clip(self._growth(origins, LEVEL_WEEKS), 1 / GROWTH_LIMIT, GROWTH_LIMIT)
        last_year = self._target.at(weeks - self._calendar.last_year[weeks])
        drift = last_year * growth
        plain = self._target.mean(origins, LEVEL_WEEKS)
        return Anchors(level, last_year, growth, np.where(np.isnan(drift), plain, drift))

    def rows(self, origins: Indices, horizon: int) -> Rows:
        """Features and targets at the origins, for the week ``horizon``."""
        weeks = origins + horizon - 1
        anchors = self.anchors(origins, horizon)
        columns = self._columns(origins, weeks, horizon, anchors)
        shape = anchors.level.shape
        values = np.empty((shape[0] * shape[1], len(columns)), dtype=np.float32)
        for j, column in enumerate(columns.values()):
            values[:, j] = np.broadcast_to(column, shape).reshape(-1)
        known = np.where(weeks < self._shape[0], weeks, -1)
        return Rows(values, anchors, self._target.at(known))

    def names(self) -> tuple[str, ...]:
        """Names of the columns of ``Rows.values``, in their order."""
        origin = np.array([self._shape[0]])
        return tuple(self._columns(origin, origin, 1, self.anchors(origin, 1)))

    def _columns(self, origins: Indices, weeks: Indices, horizon: int, anchors: Anchors) -> dict[str, Floats]:
        columns = self._calendar_columns(weeks, horizon)
        columns |= self._last_year_columns(origins, weeks, anchors)
        columns |= self._recent_columns(origins, horizon, anchors)
        columns |= self._common_columns(columns, anchors)
        columns |= self._driver_columns(origins, weeks)
        return columns

    def _growth(self, end: Indices, width: int) -> Floats:
        return ratio(self._now.mean(end, width), self._then.mean(end, width))

    def _calendar_columns(self, weeks: Indices, horizon: int) -> dict[str, Floats]:
        calendar = self._calendar
        before = np.maximum(weeks - calendar.last_year[weeks], 0)
        return {
            "horizon": np.full((len(weeks), 1), float(horizon)),
            "week_of_year": calendar.week_of_year[weeks][:, None],
            "holidays": calendar.holidays[weeks][:, None],
            "holidays_week_before": calendar.holidays[np.maximum(weeks - 1, 0)][:, None],
            "holidays_week_after": calendar.holidays[weeks + 1][:, None],
            "holidays_last_year": calendar.holidays[before][:, None],
            "holidays_52_weeks_before": calendar.holidays[np.maximum(weeks - YEAR, 0)][:, None],
            "weeks_to_last_year": calendar.last_year[weeks][:, None].astype(np.float64),
        }

    def _last_year_columns(self, origins: Indices, weeks: Indices, anchors: Anchors) -> dict[str, Floats]:
        at = self._target.at
        columns = {"drift": ratio(anchors.drift, anchors.level), "growth": anchors.growth}
        for shift in (-1, 0, 1):
            columns[f"last_year_{shift:+d}"] = ratio(at(weeks - YEAR + shift) * anchors.growth, anchors.level)
        columns["shape_last_year"] = ratio(at(weeks - YEAR), self._size.mean(origins - YEAR, LEVEL_WEEKS))
        columns["shape_2_years_ago"] = ratio(
            at(weeks - 2 * YEAR), self._size.mean(origins - 2 * YEAR, LEVEL_WEEKS)
        )
        return columns

    def _recent_columns(self, origins: Indices, horizon: int, anchors: Anchors) -> dict[str, Floats]:
        at, level = self._target.at, anchors.level
        columns = {f"lag_{lag}": ratio(at(origins - lag), level) for lag in LAGS}
        for lag in LAGS[:3]:
            columns[f"lag_{lag}_last_year"] = ratio(at(origins - lag - YEAR) * anchors.growth, level)
        for width in GROWTH_WIDTHS:
            columns[f"growth_{width}"] = ratio(self._growth(origins, width), anchors.growth)
        for width in (26, YEAR):
            columns[f"mean_{width}"] = ratio(self._target.mean(origins, width), level)
        columns["last_miss"] = self._last_miss(origins, horizon, level)
        return columns

    def _last_miss(self, origins: Indices, horizon: int, level: Floats) -> Floats:
        """By how much the drift, made ``horizon`` weeks before the last known week, missed that week."""
        missed = self._target.at(origins - 1) - self.anchors(np.maximum(origins - horizon, 0), horizon).drift
        missed[origins < horizon] = np.nan
        return ratio(missed, level)

    def _common_columns(self, columns: dict[str, Floats], anchors: Anchors) -> dict[str, Floats]:
        """What all series do together: a strike, a heat wave, a trend."""
        return {f"all_{name}": row_means(columns[name]) for name in COMMON}

    def _driver_columns(self, origins: Indices, weeks: Indices) -> dict[str, Floats]:
        columns: dict[str, Floats] = {}
        for name, series in self._drivers.items():
            columns[f"{name}.last"] = series.at(origins - 1)
            columns[f"{name}.over_last_year"] = series.mean(origins, 4) - series.mean(origins - YEAR, 4)
            columns[f"{name}.week_last_year"] = series.at(weeks - YEAR) - series.mean(
                origins - YEAR, LEVEL_WEEKS
            )
        return columns
