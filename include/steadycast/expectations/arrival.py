"""How much came, and how late: cells by period and age by series, against the source's own history."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadycast import schema as c
from steadycast.expectations.evidence import Evidence

PERIOD: Final = "period"
CELLS: Final = "cells"
USUAL: Final = "usual"
SHARE: Final = "share"
NEWEST: Final = "newest"
AGE_DAYS: Final = "age_days"
USUAL_AGE: Final = "usual_age_days"
LATE_DAYS: Final = "late_days"

_SERIES: Final = [c.ENTITY, c.VARIABLE]
_HISTORY_PERIODS: Final = 26
_ENOUGH_PERIODS: Final = 4
_SEASON_WEEKS: Final = 1
_YEARS: Final = 3
_LOW: Final = 0.25
"""Quantile of the same season's periods that is enough: a holiday week that was short before may be again."""
_CELLS_PER_PERIOD = {"daily": 7, "weekly": 1, "monthly": 1}
_ENOUGH_POLLS: Final = 8
_STEP_DAYS: Final = {"daily": 1, "weekly": 7, "monthly": 31}

Floats = npt.NDArray[np.float64]


def period_of(dates: pd.Series, cadence: str) -> pd.Series:
    """The first day of each date's period: its Monday, or the first of its month for monthly sources."""
    days = (dates.dt.day - 1) if cadence == "monthly" else dates.dt.day_of_week
    first: pd.Series = dates - pd.to_timedelta(days, unit="D")
    return first


def periods(evidence: Evidence) -> pd.DataFrame:
    """Cells per period of the look-back window, against the usual number.

    Periods that lie in the window as a whole and whose last day is due by now (``expected_lag_days``), and of
    a daily source the days of the newest week that are due.

    Returns: period, cells, usual, share; one row per period, also of those without any cell. Usual is the
        median of the last 26 periods, counted over the same weekdays, or less where the same season of other
        years had less.
    """
    source = evidence.source
    from_day = max(evidence.start, evidence.as_of - dt.timedelta(weeks=source.lookback_weeks))
    due = evidence.as_of - dt.timedelta(days=source.expected_lag_days)
    grid = _grid(from_day, due, source.cadence)
    counted = _counts(evidence.cells[c.DATE], grid, source.cadence)
    usual = _usual(evidence, grid, counted, evidence.known[c.DATE])
    table = pd.DataFrame({PERIOD: grid, CELLS: counted, USUAL: usual})
    begun = _begun(evidence, due)
    table = table if begun is None else pd.concat([table, begun], ignore_index=True)
    return table.assign(**{SHARE: table[CELLS] / table[USUAL]})


def _begun(evidence: Evidence, due: dt.date) -> pd.DataFrame | None:
    """The newest week of a daily source as far as it is due, if it is not due as a whole."""
    monday = due - dt.timedelta(days=due.weekday())
    if evidence.source.cadence != "daily" or due.weekday() == 6 or monday < evidence.start:
        return None
    grid = pd.DatetimeIndex([pd.Timestamp(monday)]).as_unit("us")
    last = due.weekday()
    dates = evidence.cells[c.DATE]
    counted = _counts(dates[(dates.dt.day_of_week <= last) & (dates <= pd.Timestamp(due))], grid, "daily")
    known = evidence.known[c.DATE]
    if len(known) == 0:
        return None
    usual = _usual(evidence, grid, counted, known[known.dt.day_of_week <= last])
    return pd.DataFrame({PERIOD: grid, CELLS: counted, USUAL: usual})


def _grid(first: dt.date, last: dt.date, cadence: str) -> pd.DatetimeIndex:
    """The periods that lie in first..last as a whole."""
    if cadence == "monthly":
        starts = pd.date_range(first, last, freq="MS", unit="us")
        return starts[(starts + pd.offsets.MonthEnd(1)) <= pd.Timestamp(last)]
    starts = pd.date_range(first, last, freq="W-MON", unit="us")
    return starts[starts + pd.Timedelta(days=6) <= pd.Timestamp(last)]


def _counts(dates: pd.Series, grid: pd.DatetimeIndex, cadence: str) -> npt.NDArray[np.integer[Any]]:
    found = period_of(dates, cadence).value_counts()
    return found.reindex(grid, fill_value=0).to_numpy(dtype=np.int64)


def _usual(
    evidence: Evidence, grid: pd.DatetimeIndex, counted: npt.NDArray[np.integer[Any]], known: pd.Series
) -> Floats:
    """Cells of an ordinary period: by the source's own history, else as declared, else by this poll."""
    source = evidence.source
    if len(known):
        past = _grid(known.min().date(), known.max().date(), source.cadence)
        if len(past) >= _ENOUGH_PERIODS:
            counts = _counts(known, past, source.cadence)
            lately = max(float(np.median(counts[-_HISTORY_PERIODS:])), 1.0)
            season = _same_season(grid, past, counts)
            # never below what is critical, or a gap of last year would excuse the next one
            floor = source.expectations.min_row_share * lately
            return np.clip(np.where(np.isnan(season), lately, season), floor, lately)
    if source.entities:
        declared = len(source.entities) * len(source.variables) * _CELLS_PER_PERIOD[source.cadence]
        return np.full(len(grid), float(declared))
    filled = counted[counted > 0]
    return np.full(len(grid), float(np.median(filled)) if len(filled) else 1.0)


def _same_season(grid: pd.DatetimeIndex, past: pd.DatetimeIndex, counts: npt.NDArray[Any]) -> Floats:
    """A low count of the same weeks of the last years, per period; NaN where there are none."""
    found = np.full(len(grid), np.nan)
    for number, first in enumerate(grid):
        apart = (past - first).days.to_numpy()
        years = np.round(-apart / 365.25)
        near = np.abs(apart + years * 365.25) <= 7 * _SEASON_WEEKS + 4
        there = counts[near & (years >= 1) & (years <= _YEARS)]
        if len(there):
            found[number] = np.quantile(there, _LOW)
    return found


def ages(evidence: Evidence) -> pd.DataFrame:
    """How old each series' newest value is, against max_lag_days and the source's earlier polls.

    Returns: indexed by entity and variable: newest, age_days, usual_age_days (the most that is usual),
        late_days (age - usual, in days).
    """
    source = evidence.source
    found = evidence.cells.groupby(_SERIES, sort=True)[c.DATE].max().rename(NEWEST).to_frame()
    found[AGE_DAYS] = (pd.Timestamp(evidence.as_of) - found[NEWEST]).dt.days
    found = found.join(_learnt(evidence))
    found[USUAL_AGE] = found[USUAL_AGE].fillna(source.freshness_days).clip(upper=source.freshness_days)
    found[LATE_DAYS] = found[AGE_DAYS] - found[USUAL_AGE]
    return found


def _learnt(evidence: Evidence) -> pd.Series:
    """The greatest age that each series had when it was polled before; only where there were enough polls.

    A poll is seen by the cells that it brought: the newest of them against the moment of the poll.
    """
    known, source = evidence.known, evidence.source
    if c.RETRIEVED_AT not in known.columns or known.empty:
        nothing = pd.MultiIndex.from_arrays([[], []], names=_SERIES)
        return pd.Series([], index=nothing, dtype="float64", name=USUAL_AGE)
    polled = known[c.RETRIEVED_AT].dt.tz_convert(None).dt.normalize()
    newest = known[c.DATE].groupby([known[c.ENTITY], known[c.VARIABLE], polled]).max().reset_index()
    newest["age"] = (newest[c.RETRIEVED_AT] - newest[c.DATE]).dt.days
    # what was rewritten later tells nothing of when it first came
    newest = newest[newest["age"] <= source.freshness_days]
    by_series = newest.groupby(_SERIES)["age"]
    least = source.expected_lag_days + _STEP_DAYS[source.cadence]
    limit: pd.Series = (by_series.max().clip(lower=least) + _STEP_DAYS[source.cadence]).astype("float64")
    return limit[by_series.size() >= _ENOUGH_POLLS].rename(USUAL_AGE)
