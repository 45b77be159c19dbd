"""Which values nobody should believe unasked: outside the range, unlike the own season, digits changed.

A value is compared with its own neighbours (the same weekday of the weeks around it) and with how far the
same season of other years strayed from theirs, so that a public holiday or a festival that comes every year
is no spike. Scales are robust (median absolute deviation; Rousseeuw and Croux, 1993, on why it is hard to
mislead), so that the errors that are looked for do not hide themselves.

Zeros, and next to nothing, are never spikes: a closed shop is a fact. What an implausible
value is, error or outlier, only the business knows.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadycast import schema as c
from steadycast.quarantine.digits import retyped
from steadycast.settings import QuarantineSettings, Variable

KIND: Final = "kind"
USUAL: Final = "usual"
PROPOSED: Final = "proposed"
OUTSIDE: Final = "outside range"
SPIKE: Final = "spike"
DIGITS: Final = "changed digits"
UNREADABLE: Final = "unreadable"
FLAG_DTYPES: Final[dict[str, str]] = {
    **c.OBSERVATION_DTYPES,
    KIND: "str",
    USUAL: "float64",
    PROPOSED: "float64",
}
"""USUAL is the neighbours' median, PROPOSED the value that a retyping of the digits gives; NaN if there is
none. Both in the variable's unit."""

_BEFORE, _AFTER = 6, 4
_ENOUGH_NEIGHBOURS = 4
_ENOUGH_MOVES = 8
_SEASON_DAYS = {"daily": 10, "weekly": 14, "monthly": 20}
_SCALE_DAYS = 730
_YEAR = 365.25
_MAD = 1.4826
"""Of a normal distribution, standard deviation over median absolute deviation."""
_SMALLEST_SCALE = 0.05
"""Of a ratio; a series steadier than 5 % is not held to its own calm."""
_LEAST_LEVEL = 0.1
"""Neighbours below this part of the series' median are a closure, no yardstick."""
_CLOSED = 0.05
"""Nor is a value below this part of its neighbours a spike: the shop was as good as closed."""

Floats = npt.NDArray[np.float64]


def implausible(
    rows: pd.DataFrame,
    variable: Variable,
    cadence: str,
    rules: QuarantineSettings,
    *,
    since: dt.date | None = None,
) -> pd.DataFrame:
    """The values of one variable that should not be believed unasked.

    Args:
        rows: entity, date, variable, value of all that is known, each cell once; other variables are ignored.
        variable: its range.
        cadence: of the source.
        rules: how far is too far.
        since: first date that is judged; all dates if left out.

    Returns: FLAG_DTYPES, sorted by date and entity.
    """
    mine = rows[(rows[c.VARIABLE] == variable.name) & rows[c.VALUE].notna()]
    mine = mine[list(c.OBSERVATION_DTYPES)].sort_values([c.ENTITY, c.DATE], ignore_index=True)
    judged = mine[c.DATE] >= (mine[c.DATE].min() if since is None else pd.Timestamp(since))
    outside = _outside(mine[c.VALUE], variable)
    series = _series(mine.assign(**{c.VALUE: mine[c.VALUE].mask(outside)}), variable, cadence, since)
    beyond = outside & judged
    suspects = [row for row in _suspects(series, variable, rules) if judged.loc[row]]
    unusual = _unusual(mine, series, suspects, variable, cadence, rules)
    found = pd.concat([mine[beyond].assign(**{KIND: OUTSIDE}), mine.loc[unusual].assign(**{KIND: SPIKE})])
    usual = series[USUAL].reindex(found.index)
    return _with_proposals(found.assign(**{USUAL: usual}).reset_index(drop=True), variable)


def _outside(values: pd.Series, variable: Variable) -> pd.Series:
    low = -np.inf if variable.minimum is None else variable.minimum
    high = np.inf if variable.maximum is None else variable.maximum
    return (values < low) | (values > high)


def _series(believed: pd.DataFrame, variable: Variable, cadence: str, since: dt.date | None) -> pd.DataFrame:
    """How far each value strays from its neighbours, and how far its series usually does.

    Args:
        believed: sorted by entity and date; NaN where the value is outside its range.
        variable: decides between ratios and differences.
        cadence: decides who the neighbours are.
        since: only two years before it are looked at.

    Returns: usual (the neighbours' median), strayed (logarithm of the ratio, or difference), scale; the
        index is that of the rows.
    """
    if since is not None:
        believed = believed[believed[c.DATE] >= pd.Timestamp(since) - pd.Timedelta(days=_SCALE_DAYS)]
    values, level = believed[c.VALUE].to_numpy(), _level(believed, cadence)
    strayed = values - level
    floor = 1e-9
    if as_ratio(variable):
        typical = believed[c.VALUE].abs().groupby(believed[c.ENTITY]).transform("median").to_numpy()
        known = (values > _CLOSED * level) & (level > _LEAST_LEVEL * typical) & (values > 0)
        strayed = np.log(np.divide(values, level, out=np.full(len(values), np.nan), where=known))
        floor = _SMALLEST_SCALE
    size = _usual_stray(pd.Series(np.abs(strayed)), believed[c.ENTITY].to_numpy())
    scale = np.maximum(_MAD * size, floor)
    return pd.DataFrame({USUAL: level, "strayed": strayed, "scale": scale}, index=believed.index)


def _usual_stray(strayed: pd.Series, entities: npt.NDArray[Any]) -> Floats:
    """How far the values of each entity usually stray, per row; 0 if nothing is known.

    What mostly stands still, as a quarterly rate in weekly rows, is measured by its moves once it has some.
    """
    size = strayed.groupby(entities).transform("median")
    moves = strayed.where(strayed > 0).groupby(entities)
    still = (size == 0) & (moves.transform("count") >= _ENOUGH_MOVES)
    return size.mask(still, moves.transform("median")).fillna(0.0).to_numpy(np.float64)


def _level(rows: pd.DataFrame, cadence: str) -> Floats:
    """Median of each row's neighbours, itself left out; NaN where there are too few."""
    keys = [rows[c.ENTITY]]
    if cadence == "daily":
        keys.append(rows[c.DATE].dt.day_of_week)
    groups = rows[c.VALUE].groupby(keys)
    steps = [*range(1, _BEFORE + 1), *range(-_AFTER, 0)]
    around = np.sort(np.column_stack([groups.shift(step).to_numpy() for step in steps]), axis=1)
    count = np.isfinite(around).sum(axis=1)  # sorting puts NaN last
    row, last = np.arange(len(around)), np.maximum(count - 1, 0)
    middle = (around[row, last // 2] + around[row, (last + 1) // 2]) / 2
    return np.where(count >= _ENOUGH_NEIGHBOURS, middle, np.nan)


def _suspects(series: pd.DataFrame, variable: Variable, rules: QuarantineSettings) -> list[Any]:
    least = np.log(rules.spike_ratio) if as_ratio(variable) else 0.0
    limit = np.maximum(least, rules.spike_scales * series["scale"])
    return list(series.index[series["strayed"].abs() > limit])


def as_ratio(variable: Variable) -> bool:
    """Is the variable measured by ratios (it can not be negative), or by differences?"""
    return variable.minimum is not None and variable.minimum >= 0


def _unusual(
    mine: pd.DataFrame,
    series: pd.DataFrame,
    suspects: list[Any],
    variable: Variable,
    cadence: str,
    rules: QuarantineSettings,
) -> list[Any]:
    """The suspects whose entity's other years never strayed about as far in the same season."""
    found: list[Any] = []
    own_strayed, room_of = series["strayed"].to_dict(), (rules.season_scales * series["scale"]).to_dict()
    for entity, rows in mine.loc[suspects].groupby(c.ENTITY):
        own = mine[mine[c.ENTITY] == entity]
        own = own.assign(**{c.VALUE: own[c.VALUE].mask(_outside(own[c.VALUE], variable))})
        strayed = _series(own, variable, cadence, None)["strayed"].dropna()
        dates = own.loc[strayed.index, c.DATE]
        for row, date in rows[c.DATE].items():
            days = (dates - date).dt.days
            apart = ((days + _YEAR / 2) % _YEAR - _YEAR / 2).abs()
            others = strayed[(apart <= _SEASON_DAYS[cadence]) & (days.abs() > _YEAR / 2)]
            far, room = own_strayed[row], room_of[row]
            if others.empty or far > others.max() + room or far < others.min() - room:
                found.append(row)
    return found


def _with_proposals(found: pd.DataFrame, variable: Variable) -> pd.DataFrame:
    proposed = [
        retyped(float(value), float(usual), variable)
        for value, usual in zip(found[c.VALUE], found[USUAL], strict=True)
    ]
    found = found.assign(**{PROPOSED: pd.Series(proposed, index=found.index, dtype="float64")})
    named = found[KIND].where(found[PROPOSED].isna() | (found[KIND] == OUTSIDE), DIGITS)
    found = found.assign(**{KIND: named})[list(FLAG_DTYPES)].astype(FLAG_DTYPES)
    return found.sort_values([c.DATE, c.ENTITY], ignore_index=True)
