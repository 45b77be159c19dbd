"""What a weekly or monthly source had said when a week began: no week sees values that came out later.

A daily source tells of a week what happened in it (see ``weekly``). A slower one tells what was known on the
Monday: the newest value whose date lies ``expected_lag_days`` or more before it; it was not out earlier.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import pandas as pd

from steadycast import schema as c
from steadycast.settings import SourceSettings

PERIOD_DAYS: Final = {"daily": 1, "weekly": 7, "monthly": 31}
DATE_USED: Final = "date_used"


def weeks_of(first: dt.date, last: dt.date) -> pd.DatetimeIndex:
    """The Mondays from the week of ``first`` up to but not including that of ``last``."""
    start = pd.Timestamp(first) - pd.Timedelta(days=first.weekday())
    stop = pd.Timestamp(last) - pd.Timedelta(days=last.weekday())
    return pd.date_range(start, stop, freq="7D", inclusive="left", unit="us")


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


def weeks_resting_on(
    source: SourceSettings, cells: pd.DataFrame, observed: pd.DataFrame, panel: pd.DataFrame
) -> pd.DataFrame:
    """The panel's weeks that rest on some cells: their own, or for a slower source as long as they serve.

    Args:
        source: whose cells.
        cells: source, entity, date, variable.
        observed: the rows that the panel was made of.
        panel: PANEL_DTYPES.

    Returns: source, entity, variable, week; maybe more columns.
    """
    if source.cadence == "daily":
        monday = cells[c.DATE] - pd.to_timedelta(cells[c.DATE].dt.day_of_week, unit="D")
        return cells.assign(**{c.WEEK: monday})
    parts = []
    weeks = pd.DatetimeIndex(sorted(panel[c.WEEK].unique()))
    for variable, mine in cells.groupby(c.VARIABLE):
        rows = observed[observed[c.VARIABLE] == variable]
        known = known_at_start(rows, source, weeks, sorted(rows[c.ENTITY].unique()))
        used = known.merge(mine[[c.ENTITY, c.DATE]].rename(columns={c.DATE: DATE_USED}))
        parts.append(used.assign(**{c.SOURCE: source.name, c.VARIABLE: variable}))
    return pd.concat(parts)
