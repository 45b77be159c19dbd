"""What the source gate looks at beside the poll itself: what was known, and how each series behaves.

Pure functions of frames; thresholds are in ``source_gate``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.settings import SourceSettings

NEWEST: Final = "newest"
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


def series(evidence: Evidence) -> pd.DataFrame:
    """How each series (entity and variable) behaves in this poll, against its own history.

    Returns: entity, variable, and
        newest: its newest date;
        unusual_share, usual_low, usual_high, recent_median: share of its newest values outside the usual
            range, the range (NaN: too little history to tell), and the newest values' median;
        repolled, revised, revised_share, largest_change, largest_on: cells polled again, how many of them
            changed, and the largest change with its date;
        known_in_window, vanished, vanished_share, vanished_on: cells known in the window that was polled
            again, how many of them this poll no longer has, and the first of their dates.
    """
    cells = evidence.cells
    found = cells.groupby(_SERIES, sort=True)[c.DATE].max().rename(NEWEST).to_frame()
    found = found.join(_unusual(evidence, laid_over(evidence).rows))
    found = found.join(_revised(evidence.known, cells)).join(_vanished(evidence)).reset_index()
    return _told_once(found, evidence.revisions)


def _told_once(found: pd.DataFrame, revisions: Revised | None) -> pd.DataFrame:
    """Leaves the shares empty of series whose revisions are told in more detail."""
    if revisions is None:
        return found
    told = revisions.series[revisions.series[SUSPICIOUS] > 0]
    known = pd.MultiIndex.from_frame(found[_SERIES]).isin(pd.MultiIndex.from_frame(told[_SERIES]))
    return found.assign(**{name: found[name].mask(known) for name in (REVISED_SHARE, VANISHED_SHARE)})


@dataclass(frozen=True)
class Laid:
    """History with the poll laid over it.

    Attributes:
        rows: entity, date, variable, value; sorted by series and date.
        fresh: for each row, did the poll bring or materially change it?
    """

    rows: pd.DataFrame
    fresh: pd.Series


def laid_over(evidence: Evidence) -> Laid:
    """History with the poll laid over it."""
    columns = [*c.CELL, c.VALUE]
    known, cells = evidence.known[columns], evidence.cells[columns]
    both = pd.concat([known.assign(fresh=False), cells.assign(fresh=True)], ignore_index=True)
    both = both.sort_values([*_SERIES, c.DATE], kind="stable", ignore_index=True)
    was = both[c.VALUE].shift().where(both.duplicated(list(c.CELL)))
    same = (both[c.VALUE] - was).abs() <= _MATERIAL * was.abs()
    both["fresh"] &= ~same
    both = both[~both.duplicated(list(c.CELL), keep="last")].reset_index(drop=True)
    return Laid(both[columns], both["fresh"])


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
