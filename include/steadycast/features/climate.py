"""What a week usually is against its year: a mean over up to five past years, holidays matched by name.

The weather of one past year is luck; that of several years is climate. Plain weeks are smoothed over their
neighbours. A festive week is last year's plain profile times what the same holidays were worth against their
plain neighbours then, so that Easter keeps its worth wherever it falls. Classical decomposition (Hyndman and
Athanasopoulos, *Forecasting: Principles and Practice*, section 3.4) with years weighted by recency.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from steadycast.features.calendar import YEAR, Calendar
from steadycast.features.history import Floats, Indices
from steadycast.features.lookback import Lookback, mean_of, ratio

YEARS = 5
"""Past years that count."""
WEIGHT_OF_OLDER = 0.6
"""Weight of a year against the one after it."""
SEARCH = 6
"""Weeks around the same date in which a holiday of that name is looked for."""
WEEKS_OF_YEAR = 365.25 / 7
SMALLEST = 0.02
"""A week that is usually below this share of its year's mean tells nothing about the level."""
WIDTHS = (1, 2, 4, 13, 26, YEAR)


class Climate:
    """The usual sizes of all weeks, and what the series are without them.

    Args:
        target: values, (T, N).
        calendar: of the target's weeks and the coming ones.
        horizons: weeks ahead that are asked for; the mean of a past year ends early enough to be known.
    """

    def __init__(self, target: Floats, calendar: Calendar, horizons: int) -> None:
        weeks = len(target)
        after = max(min(YEAR // 2, YEAR - SEARCH - 3 - horizons), 0)
        against = ratio(target, _centred(target, YEAR // 2, after))
        self.usual = _usual(against, calendar, weeks + horizons)
        wide = _smoothed(against, _festive(calendar, weeks), 2)
        self._wide = Lookback(ratio(_usual(against, calendar, weeks + horizons, wide), self.usual))
        enough = np.where(self.usual[:weeks] > SMALLEST, self.usual[:weeks], np.nan)
        self._plain = Lookback(ratio(target, enough))
        self._usual = Lookback(self.usual)

    def drift(self, origins: Indices, weeks: Indices) -> Floats:
        """The usual size of the weeks at the present level, in the target's unit."""
        return self.usual[weeks] * self._level(origins)

    def _level(self, origins: Indices) -> Floats:
        """Mean of a quick and a steady view of the series without its season."""
        return mean_of([self._plain.mean(origins, width) for width in (4, 26)])

    def columns(self, origins: Indices, weeks: Indices) -> dict[str, Floats]:
        """Columns of the model: the series without its season, lately and a year before."""
        level = self._level(origins)
        columns = {f"plain_mean_{width}": ratio(self._plain.mean(origins, width), level) for width in WIDTHS}
        for lag in (2, 3):
            columns[f"plain_lag_{lag}"] = ratio(self._plain.at(origins - lag), level)
        columns["plain_week_last_year"] = ratio(
            self._plain.at(weeks - YEAR), self._plain.mean(origins - YEAR, 8)
        )
        columns["usual_wide"] = ratio(self._wide.at(weeks), self._wide.mean(origins, 8))
        columns["usual"] = ratio(self.usual[weeks], self._usual.mean(origins, 8))
        return columns


def _centred(values: Floats, before: int, after: int) -> Floats:
    """Mean of the weeks around each week; at the beginning of the window's length, later ones instead."""
    index = np.arange(len(values))
    late = np.maximum(before - index, 0)
    end = np.minimum(index + after + 1 + late, len(values))
    return Lookback(values).mean(end, before + after + 1)


def _festive(calendar: Calendar, weeks: int) -> npt.NDArray[np.bool_]:
    return np.array([len(names) > 0 for names in calendar.names[:weeks]])


def _usual(against: Floats, calendar: Calendar, weeks: int, given: Floats | None = None) -> Floats:
    """Weighted mean over past years, (weeks, N); NaN where no year is known."""
    known, entities = against.shape
    festive = _festive(calendar, weeks)
    plain = _smoothed(against, festive[:known]) if given is None else given
    worth = ratio(against, plain)
    total, size = np.zeros((weeks, entities)), np.zeros((weeks, entities))
    for week in range(weeks):
        for years in range(1, YEARS + 1):
            then = week - round(years * WEEKS_OF_YEAR)
            if then < 0:
                break
            value = plain[then]
            if festive[week]:
                same = _same_holidays(calendar, week, then, known)
                value = value if same is None else value * worth[same]
            there = ~np.isnan(value)
            weight = WEIGHT_OF_OLDER ** (years - 1)
            total[week] += np.where(there, value, 0.0) * weight
            size[week] += there * weight
    return ratio(total, size)


def _smoothed(against: Floats, festive: npt.NDArray[np.bool_], width: int = 1) -> Floats:
    """Each week mixed with its neighbours; festive weeks have no part, and get what lies around them."""
    weeks, reach = len(against), width + 1
    clean = against.copy()
    clean[festive] = np.nan
    padded = np.pad(clean, ((reach, reach), (0, 0)), constant_values=np.nan)
    total, size = np.zeros(clean.shape), np.zeros(clean.shape)
    for shift in range(-reach, reach + 1):
        part = padded[reach + shift : reach + shift + weeks]
        there = ~np.isnan(part)
        # A festive week's far neighbours count a little, so that two such weeks in a row have a profile
        weight = np.exp(-2.0 * (shift / width) ** 2)
        total += np.where(there, part, 0.0) * weight
        size += there * weight
    return ratio(total, size)


def _same_holidays(calendar: Calendar, week: int, then: int, known: int) -> int | None:
    """The week around ``then`` whose holidays differ least, if it shares one; the nearest of equals."""
    names = calendar.names
    near = range(max(then - SEARCH, 0), min(then + SEARCH + 1, known))
    shared = [m for m in near if names[m] & names[week]]
    return min(shared, key=lambda m: (len(names[m] ^ names[week]), abs(m - then)), default=None)
