"""Flatlines: a value that repeats for longer than its series normally does.

What is normal is learnt from the series' own runs of equal values, zeros by themselves: whole numbers, prices
that stand for weeks and stations that are closed on Sundays repeat as a matter of course. Two limits have to
be exceeded: the longest run so far, and the run that chance brings once in 500 years, were each value equal
to the one before as often as it has been so far.

Zeros are told once, when they get too long: a station that is closed stays closed, and is a fact by then.
Any other value that stands still is told for as long as it does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema as c

RUN: Final = "equal_run"
LIMIT: Final = "equal_limit"
EXCESS: Final = "equal_excess"
EQUAL: Final = "equal_value"
UP_TO: Final = "equal_up_to"

_SERIES: Final = [c.ENTITY, c.VARIABLE]
_A_YEAR: Final = {"daily": 365, "weekly": 52, "monthly": 12}
_CHANCE: Final = 0.002
"""Alarms per series and year that chance alone may bring."""
_PRIOR: Final = 5
"""Values that a class of values (zeros, others) borrows from the whole series."""


def runs(rows: pd.DataFrame, fresh: pd.Series, normal: int, cadence: str) -> pd.DataFrame:
    """The longest fresh run of each series, against what is normal for it.

    Args:
        rows: entity, date, variable, value of all that is known, with the poll laid over it; sorted by
            series and date.
        fresh: for each row, is it new or changed? If all are, as at a first poll, only the last run of each
            series is judged, against the others.
        normal: runs up to this length are always normal.
        cadence: of the source.

    Returns: indexed by entity and variable: equal_run, equal_limit, equal_excess (run - limit), equal_value,
        equal_up_to (the run's last date).
    """
    table = _runs(rows, fresh)
    judged = table["last"] if fresh.all() else table["fresh"]
    limits = _limits(table[~judged], normal, cadence)
    worst = table[judged].join(limits, on=[*_SERIES, "zero"])
    worst[LIMIT] = worst[LIMIT].fillna(normal).astype("int64")
    worst[EXCESS] = worst[RUN] - worst[LIMIT]
    told_before = worst["zero"] & (worst[EXCESS] > worst["grown"])
    worst[EXCESS] = worst[EXCESS].mask(told_before, 0)
    worst = worst.sort_values([EXCESS, UP_TO], kind="stable").groupby(_SERIES).tail(1)
    return worst.set_index(_SERIES)[[RUN, LIMIT, EXCESS, EQUAL, UP_TO]]


def _runs(rows: pd.DataFrame, fresh: pd.Series) -> pd.DataFrame:
    """One row per run of equal values: series, length, value, last date, fresh, grown, last, zero."""
    series = rows.groupby(_SERIES, sort=False).ngroup()
    begins = (rows[c.VALUE] != rows[c.VALUE].shift()) | (series != series.shift())
    grouped = rows.assign(fresh=fresh.to_numpy(), run=begins.cumsum()).groupby("run", sort=False)
    table = grouped.agg(
        **{
            c.ENTITY: (c.ENTITY, "first"),
            c.VARIABLE: (c.VARIABLE, "first"),
            RUN: (c.VALUE, "size"),
            EQUAL: (c.VALUE, "first"),
            UP_TO: (c.DATE, "last"),
            "fresh": ("fresh", "any"),
            "grown": ("fresh", "sum"),
        }
    ).reset_index(drop=True)
    table["last"] = ~table.duplicated(_SERIES, keep="last")
    table["zero"] = table[EQUAL] == 0
    return table


def _limits(table: pd.DataFrame, normal: int, cadence: str) -> pd.Series:
    """Normal length by series and class of values (zeros, others)."""
    whole = table.groupby(_SERIES)[RUN]
    share = ((whole.sum() - whole.size() + 1) / (whole.sum() + 2)).rename("share")
    by_class = table.groupby([*_SERIES, "zero"])[RUN]
    found = pd.DataFrame({"longest": by_class.max(), "values": by_class.sum(), "count": by_class.size()})
    classes = pd.MultiIndex.from_product([[False, True]], names=["zero"])
    everything = (
        share.to_frame().merge(classes.to_frame(index=False), how="cross").set_axis(share.index.repeat(2))
    )
    found = everything.reset_index().set_index([*_SERIES, "zero"]).join(found).fillna(0)
    equal = (found["values"] - found["count"] + _PRIOR * found["share"]) / (found["values"] + _PRIOR)
    by_chance = np.ceil(np.log(_A_YEAR[cadence] / _CHANCE) / -np.log(equal.clip(1e-9, 1 - 1e-9)))
    limit: pd.Series = np.maximum(np.maximum(by_chance, found["longest"]), normal).rename(LIMIT)
    return limit
