"""What stands in for a weekly value that a source does not have; see ``impute`` for when each is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from steadycast import schema as c

LEAST_YEARS: Final = 2


def carry(found: pd.DataFrame, overdue: pd.Series, max_gap_weeks: int) -> pd.DataFrame:
    """Carry each entity's last value over at most ``max_gap_weeks`` weeks, and say where.

    Args:
        found: PANEL_DTYPES of one variable, sorted by entity and week; not changed.
        overdue: per row, weeks that a newer value has been due; 0 where it is not, NaN before the first
            value.
        max_gap_weeks: longest gap that is bridged.

    Returns: the same rows; how is carried where the last value stands in.

    Example:
        >>> weeks = pd.date_range("2016-05-02", periods=3, freq="7D", unit="us")
        >>> a = pd.DataFrame({"entity": "a", "week": weeks, "value": [7.0, None, None]})
        >>> a["how"] = ["observed", "missing", "missing"]
        >>> carry(a, pd.Series([0, 1, 2]), max_gap_weeks=1)["how"].tolist()
        ['observed', 'carried', 'missing']
    """
    last = found[c.VALUE].groupby(found[c.ENTITY]).ffill()
    bridged = (overdue > 0) & (overdue <= max_gap_weeks) & last.notna()
    return _filled(found, last, bridged, "carried")


def from_twin(
    found: pd.DataFrame, twin: pd.DataFrame, usual: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Take what the twin observed of the same entity and week where there is none.

    Args:
        found: PANEL_DTYPES of one variable; not changed.
        twin: the same of the twin source.
        usual: by entity, how much more the source usually says than its twin; 0 where left out.
    """
    seen = twin.loc[twin[c.HOW] == "observed", [c.ENTITY, c.WEEK, c.VALUE]]
    bias = seen[c.ENTITY].map(dict(usual or {})).astype("float64").fillna(0.0)
    seen = seen.assign(**{c.VALUE: seen[c.VALUE] + bias})
    other = found[[c.ENTITY, c.WEEK]].merge(seen, on=[c.ENTITY, c.WEEK], how="left")[c.VALUE]
    other.index = found.index
    return _filled(found, other, found[c.VALUE].isna() & other.notna(), "twin")


def climatology(found: pd.DataFrame) -> pd.DataFrame:
    """Fill with the mean of the same week of the year in the entity's own earlier years, at least two.

    Week 53 counts as week 52: a year has it only now and then.

    Args:
        found: PANEL_DTYPES of one variable, sorted by entity and week; not changed.
    """
    values = season_means(found)
    return _filled(found, values, found[c.VALUE].isna() & values.notna(), "climatology")


def season_means(found: pd.DataFrame) -> pd.Series:
    """Per row the mean of the same week of the year in earlier years, NaN where there are not two of them."""
    iso = found[c.WEEK].dt.isocalendar()
    keyed = found.assign(season=iso["week"].clip(upper=52).astype("int64"), year=iso["year"].astype("int64"))
    yearly = keyed.groupby([c.ENTITY, "season", "year"])[c.VALUE].mean()
    by_season = yearly.groupby(level=[c.ENTITY, "season"])
    count = by_season.transform(lambda years: years.notna().cumsum().shift(fill_value=0))
    total = by_season.transform(lambda years: years.fillna(0.0).cumsum().shift(fill_value=0.0))
    usual = (total / count.where(count >= LEAST_YEARS)).rename("usual")
    means: pd.Series = keyed[[c.ENTITY, "season", "year"]].join(usual, on=[c.ENTITY, "season", "year"])[
        "usual"
    ]
    return means


def _filled(found: pd.DataFrame, values: pd.Series, where: pd.Series, how: str) -> pd.DataFrame:
    observed = found[c.VALUE].where(found[c.HOW] == "observed")
    return found.assign(**{c.VALUE: observed.where(~where, values), c.HOW: found[c.HOW].where(~where, how)})
