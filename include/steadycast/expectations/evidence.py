"""What the source gate looks at beside the poll itself: completeness by period, behaviour by series.

Pure functions of frames; thresholds are in ``source_gate``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadycast import schema as c
from steadycast.settings import SourceSettings

PERIOD: Final = "period"
CELLS: Final = "cells"
USUAL: Final = "usual"
SHARE: Final = "share"
NEWEST: Final = "newest"
AGE_DAYS: Final = "age_days"
EQUAL_RUN: Final = "equal_run"
EQUAL_LIMIT: Final = "equal_limit"
EQUAL_EXCESS: Final = "equal_excess"
UNUSUAL_SHARE: Final = "unusual_share"
USUAL_LOW: Final = "usual_low"
USUAL_HIGH: Final = "usual_high"
RECENT_MEDIAN: Final = "recent_median"
REPOLLED: Final = "repolled"
REVISED: Final = "revised"
REVISED_SHARE: Final = "revised_share"
LARGEST_CHANGE: Final = "largest_change"
LARGEST_ON: Final = "largest_on"
KNOWN: Final = "known_in_window"
VANISHED: Final = "vanished"
VANISHED_SHARE: Final = "vanished_share"
VANISHED_ON: Final = "vanished_on"
SUSPICIOUS: Final = "suspicious"

_SERIES: Final = [c.ENTITY, c.VARIABLE]
_HISTORY_PERIODS: Final = 26
_ENOUGH_PERIODS: Final = 4
_CELLS_PER_PERIOD: Final = {"daily": 7, "weekly": 1, "monthly": 1}
_RECENT_VALUES: Final = {"daily": 14, "weekly": 4, "monthly": 3}
_SEASON_DAYS: Final = 30
"""Daily values are compared with those of the same season: so many days around the same day of earlier
years."""
_ENOUGH_VALUES: Final = {"daily": 60, "weekly": 26, "monthly": 24}
_MATERIAL: Final = 0.01
"""A value counts as revised when it changed by more than this part of what it was; less is rounding."""
_MARGIN: Final = 0.25
"""The usual range is widened on both sides by this part of its width."""


@dataclass(frozen=True)
class Revised:
    """What ``revisions`` found.

    Attributes:
        series: entity, variable, cells, suspicious (how many of them), kind.
        sentences: what there is to tell, worst first.
    """

    series: pd.DataFrame
    sentences: Sequence[str]


@dataclass(frozen=True)
class Evidence:
    """What is known when the gate opens.

    Attributes:
        source: its settings.
        as_of: the run's Monday.
        start: first day asked for.
        poll: the answer as received, POLL_DTYPES.
        known: accepted before this poll: entity, date, variable, value; dates before as_of.
        revisions: what the poll changed beyond usual; None if nobody looked.
    """

    source: SourceSettings
    as_of: dt.date
    start: dt.date
    poll: pd.DataFrame
    known: pd.DataFrame
    revisions: Revised | None = None

    @property
    def readable(self) -> pd.DataFrame:
        """Rows of the poll with a readable date and value."""
        return self.poll[self.poll[c.DATE].notna() & self.poll[c.VALUE].notna()]

    @property
    def cells(self) -> pd.DataFrame:
        """One row per cell; of duplicates the first."""
        return self.readable.drop_duplicates(list(c.CELL))


def period_of(dates: pd.Series, cadence: str) -> pd.Series:
    """The first day of each date's period: its Monday, or the first of its month for monthly sources."""
    days = (dates.dt.day - 1) if cadence == "monthly" else dates.dt.day_of_week
    first: pd.Series = dates - pd.to_timedelta(days, unit="D")
    return first


def periods(evidence: Evidence) -> pd.DataFrame:
    """Cells per period of the look-back window, against the usual number.

    Only periods that lie in the window as a whole and whose last day is due by now (``expected_lag_days``).

    Returns: period, cells, usual, share; one row per period, also of those without any cell.
    """
    source = evidence.source
    from_day = max(evidence.start, evidence.as_of - dt.timedelta(weeks=source.lookback_weeks))
    grid = _grid(from_day, evidence.as_of - dt.timedelta(days=source.expected_lag_days), source.cadence)
    counted = _counts(evidence.cells, grid, source.cadence)
    usual = _usual(evidence, counted)
    return pd.DataFrame({PERIOD: grid, CELLS: counted, USUAL: usual, SHARE: counted / usual})


def _grid(first: dt.date, last: dt.date, cadence: str) -> pd.DatetimeIndex:
    """The periods that lie in first..last as a whole."""
    if cadence == "monthly":
        starts = pd.date_range(first, last, freq="MS", unit="us")
        return starts[(starts + pd.offsets.MonthEnd(1)) <= pd.Timestamp(last)]
    starts = pd.date_range(first, last, freq="W-MON", unit="us")
    return starts[starts + pd.Timedelta(days=6) <= pd.Timestamp(last)]


def _counts(cells: pd.DataFrame, grid: pd.DatetimeIndex, cadence: str) -> npt.NDArray[np.integer[Any]]:
    found = period_of(cells[c.DATE], cadence).value_counts()
    return found.reindex(grid, fill_value=0).to_numpy(dtype=np.int64)


def _usual(evidence: Evidence, counted: npt.NDArray[np.integer[Any]]) -> float:
    """Cells of an ordinary period: by the source's own history, else as declared, else by this poll."""
    source, known = evidence.source, evidence.known
    if len(known):
        oldest, newest = known[c.DATE].min().date(), known[c.DATE].max().date()
        past = _grid(oldest, newest, source.cadence)[-_HISTORY_PERIODS:]
        if len(past) >= _ENOUGH_PERIODS:
            return max(float(np.median(_counts(known, past, source.cadence))), 1.0)
    if source.entities:
        return float(len(source.entities) * len(source.variables) * _CELLS_PER_PERIOD[source.cadence])
    filled = counted[counted > 0]
    return float(np.median(filled)) if len(filled) else 1.0


def series(evidence: Evidence) -> pd.DataFrame:
    """How each series (entity and variable) behaves in this poll, against its own history.

    Returns: entity, variable, and
        newest, age_days: its newest date and that date's age at as_of;
        equal_run, equal_limit, equal_excess: equal values at its end, the longest such run that is normal,
            and by how much it is exceeded;
        unusual_share, usual_low, usual_high, recent_median: share of its newest values outside the usual
            range, the range (NaN: too little history to tell), and the newest values' median;
        repolled, revised, revised_share, largest_change, largest_on: cells polled again, how many of them
            changed, and the largest change with its date;
        known_in_window, vanished, vanished_share, vanished_on: cells known in the window that was polled
            again, how many of them this poll no longer has, and the first of their dates.
    """
    source, cells = evidence.source, evidence.cells
    found = cells.groupby(_SERIES, sort=True)[c.DATE].max().rename(NEWEST).to_frame()
    found[AGE_DAYS] = (pd.Timestamp(evidence.as_of) - found[NEWEST]).dt.days
    combined = _combined(evidence.known, cells)
    found = found.join(_equal_runs(combined, source.expectations.warn_equal_values)).join(
        _unusual(evidence, combined)
    )
    found = found.join(_revised(evidence.known, cells)).join(_vanished(evidence)).reset_index()
    return _told_once(found, evidence.revisions)


def _told_once(found: pd.DataFrame, revisions: Revised | None) -> pd.DataFrame:
    """Leaves the shares empty of series whose revisions are told in more detail."""
    if revisions is None:
        return found
    told = revisions.series[revisions.series[SUSPICIOUS] > 0]
    known = pd.MultiIndex.from_frame(found[_SERIES]).isin(pd.MultiIndex.from_frame(told[_SERIES]))
    return found.assign(**{name: found[name].mask(known) for name in (REVISED_SHARE, VANISHED_SHARE)})


def _combined(known: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """History with the poll laid over it, sorted by series and date."""
    columns = [*c.CELL, c.VALUE]
    both = pd.concat([known[columns], cells[columns]], ignore_index=True)
    return both.drop_duplicates(list(c.CELL), keep="last").sort_values([*_SERIES, c.DATE], ignore_index=True)


def _equal_runs(combined: pd.DataFrame, normal: int) -> pd.DataFrame:
    keys = [combined[k] for k in _SERIES]
    begins = combined.groupby(_SERIES)[c.VALUE].diff().ne(0)
    runs = combined.groupby([*keys, begins.cumsum().rename("run")]).size()
    last = runs.groupby(level=_SERIES).tail(1).droplevel("run")
    before = runs.groupby(level=_SERIES).apply(lambda lengths: lengths.iloc[:-1].max())
    limit = before.fillna(0).clip(lower=normal).astype("int64")
    return pd.DataFrame({EQUAL_RUN: last, EQUAL_LIMIT: limit, EQUAL_EXCESS: last - limit})


def _unusual(evidence: Evidence, combined: pd.DataFrame) -> pd.DataFrame:
    source = evidence.source
    recent = combined.groupby(_SERIES).tail(_RECENT_VALUES[source.cadence])
    # the window that is polled again may be rewritten as a whole; it can not vouch for itself
    old = combined[
        combined[c.DATE] < pd.Timestamp(evidence.as_of - dt.timedelta(weeks=source.lookback_weeks))
    ]
    if source.cadence == "daily":
        middle = (evidence.as_of - dt.timedelta(days=7)).timetuple().tm_yday
        apart = (old[c.DATE].dt.day_of_year - middle).abs()
        old = old[np.minimum(apart, 365 - apart) <= _SEASON_DAYS]
    by_series = old.groupby(_SERIES)[c.VALUE]
    low, high, count = by_series.quantile(0.02), by_series.quantile(0.98), by_series.size()
    margin = (high - low) * _MARGIN
    usual = pd.DataFrame({USUAL_LOW: low - margin, USUAL_HIGH: high + margin})
    usual = usual[count >= _ENOUGH_VALUES[source.cadence]]
    judged = recent.join(usual, on=_SERIES)
    outside = (judged[c.VALUE] < judged[USUAL_LOW]) | (judged[c.VALUE] > judged[USUAL_HIGH])
    newest = judged.assign(outside=outside).groupby(_SERIES)
    found = pd.DataFrame({UNUSUAL_SHARE: newest["outside"].mean(), RECENT_MEDIAN: newest[c.VALUE].median()})
    return found.join(usual)


def _revised(known: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    both = cells.merge(known[[*c.CELL, c.VALUE]], on=list(c.CELL), suffixes=("", "_before"))
    both["change"] = both[c.VALUE] - both[f"{c.VALUE}_before"]
    both["size"] = both["change"].abs()
    largest = both.sort_values("size", kind="stable").groupby(_SERIES).tail(1).set_index(_SERIES)
    both["material"] = both["size"] > _MATERIAL * both[f"{c.VALUE}_before"].abs()
    by_series = both.groupby(_SERIES)["material"]
    found = pd.DataFrame({REPOLLED: by_series.size(), REVISED: by_series.sum()})
    found[REVISED_SHARE] = found[REVISED] / found[REPOLLED]
    return found.join(
        largest[["change", c.DATE]].rename(columns={"change": LARGEST_CHANGE, c.DATE: LARGEST_ON})
    )


def _vanished(evidence: Evidence) -> pd.DataFrame:
    """Cells that the provider has silently taken back, or moved to another date."""
    known = evidence.known[evidence.known[c.DATE] >= pd.Timestamp(evidence.start)]
    there = known.merge(evidence.cells[list(c.CELL)], on=list(c.CELL), how="left", indicator=True)
    gone = there.assign(gone=there["_merge"] == "left_only")
    first = gone[gone["gone"]].groupby(_SERIES)[c.DATE].min().rename(VANISHED_ON)
    by_series = gone.groupby(_SERIES)["gone"]
    found = pd.DataFrame(
        {KNOWN: by_series.size(), VANISHED: by_series.sum(), VANISHED_SHARE: by_series.mean()}
    )
    return found.join(first)
