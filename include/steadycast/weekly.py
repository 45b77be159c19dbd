"""How dated observations become weekly values; one place for inputs and actuals alike."""

from __future__ import annotations

from typing import Final, Literal

import pandas as pd

from steadycast import schema
from steadycast.settings import Variable

DAYS_NEEDED: Final = {"sum": 7, "mean": 4, "min": 4, "max": 4, "last": 1}
"""Days of a week that a daily source must have reported: a sum of six days is no week's sum, but a mean of
most days is a fair week's mean."""


def to_weekly(
    observations: pd.DataFrame,
    variable: Variable,
    *,
    cadence: Literal["daily", "weekly", "monthly"] = "daily",
) -> pd.DataFrame:
    """One value per entity and week that has enough days, by the variable's weekly rule.

    Args:
        observations: rows of OBSERVATION_DTYPES, each cell once; other variables are ignored.
        variable: which variable, and by which rule (``weekly``) its days become a week.
        cadence: of the source; a weekly or monthly one has one date in a week, which stands for the whole.

    Returns: columns entity, week (a Monday), value; sorted by entity and week; no row for a week that
    lacks days.
    The unit is the variable's, times days for a sum.

    Example:
        >>> days = pd.date_range("2016-06-06", periods=8, unit="us")
        >>> rows = pd.DataFrame({"entity": "a", "date": days, "variable": "rides", "value": 2.0})
        >>> to_weekly(rows, Variable(name="rides", unit="rides per day", weekly="sum"))["value"].tolist()
        [14.0]
    """
    mine = observations[(observations[schema.VARIABLE] == variable.name) & observations[schema.VALUE].notna()]
    dates = mine[schema.DATE]
    rows = pd.DataFrame(
        {
            schema.ENTITY: mine[schema.ENTITY].astype("str"),
            schema.WEEK: (dates.dt.normalize() - pd.to_timedelta(dates.dt.day_of_week, unit="D")).astype(
                schema.PANEL_DTYPES[schema.WEEK]
            ),
            schema.DATE: dates,
            schema.VALUE: mine[schema.VALUE],
        }
    ).sort_values([schema.ENTITY, schema.WEEK, schema.DATE], kind="stable")
    weeks = rows.groupby([schema.ENTITY, schema.WEEK], sort=True)
    values = weeks[schema.VALUE].agg(variable.weekly)
    needed = DAYS_NEEDED[variable.weekly] if cadence == "daily" else 1
    return values[weeks[schema.DATE].nunique() >= needed].rename(schema.VALUE).reset_index()
