"""The rows of the forecast against what forecasts of these series usually look like.

A point is odd if it is far from last year's ratio and from the recent weeks alike, farther than nearly all
past forecasts of the series were; what one of them explains, a holiday or a new level, is not odd. It is also
odd if it is far from what was forecast for the same week a week ago. Widths are judged by the series' last
publications and by the error that is to be expected in that season.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.checking.evidence import Evidence, Remark, number, who
from steadycast.checking.likely_error import LEVEL, LikelyError
from steadycast.checking.past import Flags, Floats, Past, distance, nearest, usual
from steadycast.checking.swapped import LEAST_SWAP, swapped
from steadycast.settings import CheckForecastSettings

WIDTH_ON_ERROR: Final = 3.2
"""An 80 % interval is 2 · 1.28 standard deviations wide, the mean absolute error is 0.8 of one."""
SECOND_WITNESS: Final = 0.4
"""A width that is odd beside the last publications is so unless the expected error speaks against it."""
LEAST_SHIFT, LEAST_REVISION = 0.1, 0.06
"""Distances below these are never odd, however quiet a series is."""
FEW_SERIES: Final = 5
_KEYS = [schema.ENTITY, schema.WEEK]


@dataclass(frozen=True)
class Rows:
    """The forecast's rows with what was found about each; all arrays are in the order of ``table``.

    Attributes:
        table: the forecast with level and origin.
        shift: distance of the point from the nearest of last year's ratio, moving average, last value.
        shifted: that is unusual.
        revised: the point is unusually far from last time's forecast of the week.
        width: the 80 % width over the usual one.
        wide: that is unusual, either way.
        remarks: sentences.
    """

    table: pd.DataFrame
    shift: Floats
    shifted: Flags
    revised: Flags
    width: Floats
    wide: Flags
    remarks: tuple[Remark, ...]


def with_level(forecast: pd.DataFrame, past: Past) -> pd.DataFrame:
    """The forecast with its origin, and the level of each series at it; the point's size where unknown."""
    table = forecast.reset_index(drop=True)
    origin = pd.Series(past.as_of, index=table.index)
    level = pd.Series(past.at(past.level, origin, table[schema.ENTITY]))
    table[schema.ORIGIN] = origin
    table[LEVEL] = level.fillna(table[schema.POINT].abs())
    return table


def judge_rows(
    forecast: pd.DataFrame,
    evidence: Evidence,
    past: Past,
    likely: LikelyError | None,
    limits: CheckForecastSettings,
) -> Rows:
    """Measure all rows; nothing is odd where there is nothing to compare with."""
    table = with_level(forecast, past)
    shift, shifted, remarks = _shift(table, evidence, past, limits)
    revised, told = _revision(table, evidence, limits)
    width, wide, widths = _width(table, evidence, past, likely, limits)
    return Rows(table, shift, shifted, revised, width, wide, (*remarks, *told, *widths))


def from_benchmarks(table: pd.DataFrame, past: Past) -> Floats:
    """Distance of each point from the nearest of its benchmarks, last year's grown by the last weeks' growth.

    Args:
        table: entity, origin, point, benchmarks and level.
        past: actual values.
    """
    growth = past.at(past.growth, table[schema.ORIGIN], table[schema.ENTITY])
    bases = [
        table[schema.SAME_WEEK_LAST_YEAR] * np.where(np.isnan(growth), 1.0, growth),
        table[schema.SAME_WEEK_LAST_YEAR],
        table[schema.MOVING_AVERAGE],
        table[schema.LAST_VALUE],
    ]
    return nearest([distance(table[schema.POINT], base, table[LEVEL]) for base in bases])


def _shift(
    table: pd.DataFrame, evidence: Evidence, past: Past, limits: CheckForecastSettings
) -> tuple[Floats, Flags, list[Remark]]:
    shift = from_benchmarks(table, past)
    before = evidence.residuals
    if before is None or before.empty:
        return shift, np.zeros(len(table), dtype=np.bool_), []
    common = usual(from_benchmarks(before, past), before[schema.ENTITY], least=LEAST_SHIFT)
    size = common.of(table[schema.ENTITY])
    shifted = np.abs(shift) > limits.odd_factor * size
    remarks = [
        Remark(str(row.entity), pd.Timestamp(row.week), _says_shift(row, far, least), "point")
        for row, far, least in _of(table, shifted, shift, size)
    ]
    return shift, shifted, remarks


def _says_shift(row: pd.Series, far: float, least: float) -> str:
    last_year = getattr(row, schema.SAME_WEEK_LAST_YEAR)
    beside = f"same week last year {number(last_year)}, " if np.isfinite(last_year) else ""
    return (
        f"{who(row)}: point {number(row.point)} is {_times(far)} even the nearest of its benchmarks "
        f"({beside}mean of the last weeks {number(getattr(row, schema.MOVING_AVERAGE))}); nearly all earlier "
        f"forecasts were within {_spread(least)}"
    )


def _revision(
    table: pd.DataFrame, evidence: Evidence, limits: CheckForecastSettings
) -> tuple[Flags, list[Remark]]:
    """Against the newest earlier publication that covers the week."""
    nothing = np.zeros(len(table), dtype=np.bool_)
    if not evidence.published or evidence.residuals is None:
        return nothing, []
    before = evidence.published[0]
    theirs = table[_KEYS].merge(before[[*_KEYS, schema.POINT]], on=_KEYS, how="left", validate="m:1")
    earlier = theirs[schema.POINT]
    moved = distance(table[schema.POINT], earlier, table[LEVEL])
    past_moves, entities = revisions(evidence.residuals)
    size = usual(past_moves, entities, least=LEAST_REVISION).of(table[schema.ENTITY])
    revised = np.abs(moved) > limits.odd_factor * size
    said = before[schema.AS_OF].iloc[0]
    remarks = [
        Remark(
            str(row.entity),
            pd.Timestamp(row.week),
            f"{who(row)}: point {number(row.point)} is {_times(far)} what the forecast of {said:%Y-%m-%d} "
            f"said for that week ({number(was)}); usual are revisions within {_spread(least)}",
            "revision",
        )
        for row, far, least, was in _of(table, revised, moved, size, earlier.to_numpy(np.float64))
    ]
    return revised, [*remarks, *_exchanged(table, earlier, past_moves, entities)]


def _exchanged(
    table: pd.DataFrame, earlier: pd.Series, past_moves: Floats, entities: pd.Series
) -> list[Remark]:
    """Series whose points are what was forecast for each other a week ago, over the weeks that both have."""
    both = table.assign(earlier=earlier)[earlier.notna()]
    sums = both.groupby(schema.ENTITY)[[schema.POINT, "earlier", LEVEL]].sum()
    size = usual(past_moves, entities, least=LEAST_SWAP).of(sums.index.to_series())
    values, expected, level = (sums[name].to_numpy(np.float64) for name in sums)
    weeks = table.groupby(schema.ENTITY)[schema.WEEK]
    return [
        Remark(
            str(sums.index[mine]),
            pd.Timestamp(week),
            f"{sums.index[mine]}: its points are what was forecast for {sums.index[theirs]} a week ago, and "
            "the other way round: the two look exchanged",
            "exchanged",
        )
        for pair in swapped(values, expected, level, size)
        for mine, theirs in (pair, pair[::-1])
        for week in weeks.get_group(sums.index[mine])
    ]


def revisions(residuals: pd.DataFrame) -> tuple[Floats, pd.Series]:
    """How far past forecasts of the same week lay apart, made at two neighbouring origins; and whose."""
    keys = [schema.ENTITY, schema.WEEK]
    rows = residuals.sort_values([*keys, schema.ORIGIN], kind="stable")
    before = rows.groupby(keys)[schema.POINT].shift(1)
    return distance(rows[schema.POINT], before, rows[LEVEL]), rows[schema.ENTITY]


def _width(
    table: pd.DataFrame,
    evidence: Evidence,
    past: Past,
    likely: LikelyError | None,
    limits: CheckForecastSettings,
) -> tuple[Floats, Flags, list[Remark]]:
    width = (table[schema.UPPER_80] - table[schema.LOWER_80]).to_numpy(np.float64)
    relative = width / table[LEVEL].to_numpy(np.float64)
    expected = np.full(len(table), np.nan) if likely is None else WIDTH_ON_ERROR * likely.of(table, past)
    with np.errstate(divide="ignore", invalid="ignore"):
        on_published = relative / published_width(table, evidence, past)
        on_error = relative / expected
    times = np.where(np.isnan(on_published), on_error, on_published)
    second = np.where(np.isnan(on_published) | np.isnan(on_error), times, on_error)
    most = limits.odd_width
    wide: Flags = (times > most) & (second > SECOND_WITNESS * most)
    wide |= (times < 1 / most) & (second < 1 / (SECOND_WITNESS * most))
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = times / _common(times, table[schema.HORIZON])
    wide |= (alone > most) | (alone < 1 / most)
    remarks = [
        Remark(
            str(row.entity),
            pd.Timestamp(row.week),
            f"{who(row)}: the 80 % interval {number(getattr(row, schema.LOWER_80))} to "
            f"{number(getattr(row, schema.UPPER_80))} is {_ratio(times_)} as wide as is usual for the series "
            "and the season",
            "width",
        )
        for row, times_ in _of(table, wide, times)
    ]
    return times, wide, remarks


def _common(times: Floats, horizons: pd.Series) -> Floats:
    """What the widths of all series have in common: a season that is calmer than the last weeks were.

    Returns: per row the median of its horizon, 1 where there are too few series to tell.
    """
    by_horizon = pd.Series(times).groupby(horizons.to_numpy())
    told = by_horizon.transform("median").where(by_horizon.transform("count") >= FEW_SERIES, 1.0)
    return told.to_numpy(np.float64)


def published_width(table: pd.DataFrame, evidence: Evidence, past: Past) -> Floats:
    """Median 80 % width of the last publications over the level, per row's entity and horizon."""
    keys = [schema.ENTITY, schema.HORIZON]
    if not evidence.published:
        return np.full(len(table), np.nan)
    every = pd.concat(list(evidence.published), ignore_index=True)
    level = past.at(past.level, every[schema.AS_OF], every[schema.ENTITY])
    every["relative"] = (every[schema.UPPER_80] - every[schema.LOWER_80]) / level
    usual_width = every.groupby(keys)["relative"].median().rename("usual").reset_index()
    found = table[keys].merge(usual_width, on=keys, how="left", validate="m:1")["usual"]
    return found.to_numpy(np.float64)


def _of(table: pd.DataFrame, chosen: Flags, *columns: Floats) -> list[tuple]:  # type: ignore[type-arg]
    """The chosen rows, each with its numbers."""
    rows = table[chosen].itertuples(index=False)
    return list(zip(rows, *(column[chosen] for column in columns), strict=True))


def _times(far: float) -> str:
    times = float(np.exp(far))
    return f"{number(times)} times" if times >= 1 else f"only {number(times)} times"


def _ratio(times: float) -> str:
    return f"{number(times)} times" if times >= 1 else f"only {number(times)} times"


def _spread(least: float) -> str:
    return f"{100 * (np.exp(least) - 1):.0f} %"
