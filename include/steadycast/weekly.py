"""From a source's own dates to weeks, without looking ahead.

A *daily* source tells of a week what happened in it: the week's days become one value by the variable's
rule, if enough of them are there. A *weekly or monthly* source tells of a week what was known when it
began: the newest value whose date lies ``expected_lag_days`` or more before the Monday, because its value
was not out earlier.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import pandas as pd

from steadycast import schema as c
from steadycast.settings import SourceSettings, Variable

DAYS_NEEDED: Final = {"sum": 7, "mean": 4, "min": 6, "max": 6, "last": 1}
"""Days that a week needs by rule: a sum lacks what is not there; a mean of four days is still close to the
week's; an extreme may lie on a missing day; the last value is one day's."""

PERIOD_DAYS: Final = {"daily": 1, "weekly": 7, "monthly": 31}
DATE_USED: Final = "date_used"
_SERIES: Final = [c.ENTITY, c.VARIABLE]


def weeks_of(first: dt.date, last: dt.date) -> pd.DatetimeIndex:
    """The Mondays from the week of ``first`` up to but not including that of ``last``."""
    start = pd.Timestamp(first) - pd.Timedelta(days=first.weekday())
    stop = pd.Timestamp(last) - pd.Timedelta(days=last.weekday())
    return pd.date_range(start, stop, freq="7D", inclusive="left", unit="us")


def from_dates(observed: pd.DataFrame, variable: Variable, cadence: str) -> pd.DataFrame:
    """Weekly values of one variable from the dates that lie in each week.

    Args:
        observed: entity, date, value of that variable; each date once per entity.
        variable: its rule.
        cadence: days are needed of a daily source only; any date is enough of a slower one.

    Returns: entity, week, value; only weeks with enough days.
    """
    frame = observed.sort_values([c.ENTITY, c.DATE], kind="stable")
    week = (frame[c.DATE] - pd.to_timedelta(frame[c.DATE].dt.day_of_week, unit="D")).rename(c.WEEK)
    by_week = frame.groupby([frame[c.ENTITY], week])[c.VALUE]
    values = by_week.agg(variable.weekly)
    needed = DAYS_NEEDED[variable.weekly] if cadence == "daily" else 1
    return values[by_week.count() >= needed].reset_index()


def known_at_start(
    observed: pd.DataFrame, source: SourceSettings, weeks: pd.DatetimeIndex, entities: list[str]
) -> pd.DataFrame:
    """What a weekly or monthly source had said by the start of each week.

    Args:
        observed: entity, date, value of one variable.
        source: its cadence and expected lag.
        weeks: Mondays.
        entities: whose values.

    Returns: entity, week, value, date_used (the value's own date); every entity and week, NaN and NaT
        before the first.
    """
    out = observed[[c.ENTITY, c.DATE, c.VALUE]].copy()
    out[c.WEEK] = out[c.DATE] + pd.Timedelta(days=source.expected_lag_days)
    grid = pd.MultiIndex.from_product([entities, weeks], names=[c.ENTITY, c.WEEK]).to_frame(index=False)
    grid[c.ENTITY] = grid[c.ENTITY].astype("str")
    found = pd.merge_asof(
        grid.sort_values([c.WEEK, c.ENTITY], ignore_index=True),
        out.sort_values([c.WEEK, c.ENTITY], ignore_index=True),
        on=c.WEEK,
        by=c.ENTITY,
    )
    return found.rename(columns={c.DATE: DATE_USED})


def overdue_weeks(found: pd.DataFrame, source: SourceSettings) -> pd.Series:
    """Of ``known_at_start``: weeks that the next value has been due; 0 if it is not, NaN before the first."""
    age_days = (found[c.WEEK] - found[DATE_USED]).dt.days
    overdue = age_days - source.expected_lag_days - PERIOD_DAYS[source.cadence]
    # -(-x // 7) rounds up
    weeks: pd.Series = (-(-overdue // 7)).clip(lower=0)
    return weeks
