"""One row per origin, entity and horizon: what the model sees, and what it has to tell.

All values are relative to the series' own level at the origin, so that one model serves small and large
series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steadycast.features.calendar import YEAR, Calendar
from steadycast.features.climate import Climate
from steadycast.features.curve import Curve
from steadycast.features.history import Floats, History, Indices
from steadycast.features.lookback import LEVEL_WEEKS, Lookback, mean_of, ratio

Matrix = npt.NDArray[np.float32]

DRIFT_WIDTHS = (4, 26)
"""Weeks over which growth against last year is measured for the drift: the mean of a quick and a steady
view."""
GROWTH_LIMIT = 3.0
"""Growth over last year is believed up to this factor, either way."""
LAGS = (1, 2, 3, 4)
GROWTH_WIDTHS = (1, 2, 4, 13, 26)
CURVED = ("curve", "curve_over_drift")
"""Columns that only a booster which starts from the yearly curve sees."""


@dataclass(frozen=True)
class Anchors:
    """What a forecast stands on, in the target's unit; each (S, N), origins by entities, at one horizon.

    Attributes:
        level: mean size of the last 8 weeks; NaN where fewer than 4 of them are there.
        last_year: the matched week of last year.
        growth: the last weeks against the same weeks last year, within 1/3..3; NaN where a year is missing.
        drift: the week's usual size against its year, over up to five years, at the series' present
            level; the yearly drift where that is missing.
        yearly: last year's week times growth, or the level where that is missing.
        season: the level times the week's usual size against it, a mean over years and neighbouring weeks;
            the yearly drift where that is missing.
    """

    level: Floats
    last_year: Floats
    growth: Floats
    drift: Floats
    yearly: Floats
    season: Floats


@dataclass(frozen=True)
class Rows:
    """Rows of the model, ordered by origin, then entity.

    Attributes:
        values: (S * N, F), NaN where missing.
        anchors: of the same origins and entities.
        curve: (S, N) the yearly curve, in the target's unit; NaN for a short past.
        target: (S, N) actual values; NaN where not known yet.
    """

    values: Matrix
    anchors: Anchors
    curve: Floats
    target: Floats


class Maker:
    """Makes rows for any origins and horizons of one history; what it prepares once serves all of them."""

    def __init__(self, history: History, calendar: Calendar, *, horizons: int = 4) -> None:
        weeks, _ = history.target.shape
        self._calendar = calendar
        self._shape = history.target.shape
        self._has_holiday = np.array([len(names) > 0 for names in calendar.names])
        beside = np.pad(self._has_holiday, 1)
        self._festive = self._has_holiday | beside[:-2] | beside[2:]
        self._target = Lookback(history.target)
        self._size = Lookback(np.abs(history.target))
        matched = self._target.at(np.arange(weeks) - calendar.last_year[:weeks])
        both = ~np.isnan(history.target) & ~np.isnan(matched)
        self._matched = Lookback(matched)
        self._now = Lookback(np.where(both, history.target, np.nan))
        self._then = Lookback(np.where(both, matched, np.nan))
        self._climate = Climate(history.target, calendar, horizons)
        self._curve = Curve(history.target, self._size, calendar, horizons)
        self._drivers = {name: Lookback(values) for name, values in history.drivers.items()}
        self._ahead = {name: [Lookback(part) for part in said] for name, said in history.ahead.items()}

    def anchors(self, origins: Indices, horizon: int) -> Anchors:
        """What is known at the origins for the week ``horizon`` (1 = the origin's own week)."""
        weeks = origins + horizon - 1
        level = self._size.mean(origins, LEVEL_WEEKS)
        growth = mean_of([self._growth(origins, width) for width in DRIFT_WIDTHS])
        growth = np.clip(growth, 1 / GROWTH_LIMIT, GROWTH_LIMIT)
        yearly = self._quiet_last_year(weeks) * growth
        yearly = np.where(np.isnan(yearly), self._target.mean(origins, LEVEL_WEEKS), yearly)
        drift = self._climate.drift(origins, weeks)
        season = self._season(origins, weeks) * level
        return Anchors(
            level,
            self._target.at(weeks - self._calendar.last_year[weeks]),
            growth,
            np.where(np.isnan(drift), yearly, drift),
            yearly,
            np.where(np.isnan(season), yearly, season),
        )

    def _quiet_last_year(self, weeks: Indices) -> Floats:
        """The matched week of last year; mixed with its neighbours where no holiday is near."""
        at = self._target.at
        matched = at(weeks - self._calendar.last_year[weeks])
        mixed = at(weeks - YEAR) / 2 + (at(weeks - YEAR - 1) + at(weeks - YEAR + 1)) / 4
        festive = self._festive[np.maximum(weeks - YEAR, 0)] | self._has_holiday[weeks]
        return np.where(festive[:, None] | np.isnan(mixed), matched, mixed)

    def _shape_2_years_ago(self, origins: Indices, weeks: Indices) -> Floats:
        """The matched week two years ago against the weeks before the origin then."""
        back = self._calendar.last_year
        once = weeks - back[weeks]
        twice = once - back[np.maximum(once, 0)]
        return ratio(self._target.at(twice), self._size.mean(origins - 2 * YEAR, LEVEL_WEEKS))

    def _season(self, origins: Indices, weeks: Indices) -> Floats:
        """The week against the 8 weeks before the origin, mean of up to 3 past years and 3 weeks each."""
        shapes = [
            ratio(
                self._target.mean(weeks - years * YEAR + 2, 3),
                self._size.mean(origins - years * YEAR, LEVEL_WEEKS),
            )
            for years in (1, 2, 3)
        ]
        return mean_of(shapes)

    def rows(self, origins: Indices, horizon: int) -> Rows:
        """Features and targets at the origins, for the week ``horizon``."""
        weeks = origins + horizon - 1
        anchors = self.anchors(origins, horizon)
        columns = self._columns(origins, weeks, horizon, anchors)
        curve = self._curve.at(origins, horizon)
        columns |= dict(zip(CURVED, (ratio(curve, anchors.level), ratio(curve, anchors.drift)), strict=True))
        shape = anchors.level.shape
        values = np.empty((shape[0] * shape[1], len(columns)), dtype=np.float32)
        for j, column in enumerate(columns.values()):
            values[:, j] = np.broadcast_to(column, shape).reshape(-1)
        known = np.where(weeks < self._shape[0], weeks, -1)
        return Rows(values, anchors, curve, self._target.at(known))

    def names(self) -> tuple[str, ...]:
        """Names of the columns of ``Rows.values``, in their order."""
        origin = np.array([self._shape[0]])
        return (*self._columns(origin, origin, 1, self.anchors(origin, 1)), *CURVED)

    def _columns(self, origins: Indices, weeks: Indices, horizon: int, anchors: Anchors) -> dict[str, Floats]:
        columns = self._calendar_columns(weeks, horizon)
        columns |= self._last_year_columns(origins, weeks, anchors)
        columns |= self._recent_columns(origins, horizon, anchors)
        columns |= self._climate.columns(origins, weeks)
        columns |= self._driver_columns(origins, weeks)
        columns |= self._ahead_columns(origins, weeks, horizon)
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
            "easter": calendar.easter[weeks][:, None],
            "easter_week_after": calendar.easter[weeks + 1][:, None],
            "easter_52_weeks_before": calendar.easter[np.maximum(weeks - YEAR, 0)][:, None],
            "day_of_month": calendar.day_of_month[weeks][:, None],
            "weeks_to_last_year": calendar.last_year[weeks][:, None].astype(np.float64),
        }

    def _last_year_columns(self, origins: Indices, weeks: Indices, anchors: Anchors) -> dict[str, Floats]:
        at = self._target.at
        columns = {
            "drift": ratio(anchors.drift, anchors.level),
            "yearly": ratio(anchors.yearly, anchors.level),
            "growth": anchors.growth,
        }
        for shift in (-1, 0, 1):
            columns[f"last_year_{shift:+d}"] = ratio(at(weeks - YEAR + shift) * anchors.growth, anchors.level)
        columns["shape_last_year"] = ratio(at(weeks - YEAR), self._size.mean(origins - YEAR, LEVEL_WEEKS))
        columns["shape_2_years_ago"] = self._shape_2_years_ago(origins, weeks)
        columns["season"] = ratio(anchors.season, anchors.level)
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

    def _driver_columns(self, origins: Indices, weeks: Indices) -> dict[str, Floats]:
        columns: dict[str, Floats] = {}
        for name, series in self._drivers.items():
            columns[f"{name}.last"] = series.at(origins - 1)
            columns[f"{name}.over_last_year"] = series.mean(origins, 4) - series.mean(origins - YEAR, 4)
            columns[f"{name}.week_last_year"] = series.at(weeks - YEAR) - series.mean(
                origins - YEAR, LEVEL_WEEKS
            )
        return columns

    def _ahead_columns(self, origins: Indices, weeks: Indices, horizon: int) -> dict[str, Floats]:
        columns: dict[str, Floats] = {}
        for name, said in self._ahead.items():
            told, begun = said[horizon - 1].at(weeks), said[0]
            columns[f"{name}.week"] = told
            columns[f"{name}.week_over_recent"] = told - begun.mean(origins, LEVEL_WEEKS)
            columns[f"{name}.week_over_last_year"] = told - begun.at(weeks - YEAR)
        return columns
