"""Spikes: new or changed values that stand alone, far from their own season and their recent level.

The quarantine's rule finds who strays from its neighbours further than the same season of other years did
(``steadycast.quarantine.plausible``). A gate warns about all sources, also those where a closed station or a
storm is everyday, so that more has to be true here: the value lies outside what the series has ever had, its
entity strays far from the other entities of that day, and it is not part of a lasting change of level.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.quarantine.plausible import KIND, OUTSIDE, PROPOSED, USUAL, as_ratio, implausible
from steadycast.settings import QuarantineSettings, SourceSettings, Variable

SPIKE: Final = "spike"
LOW: Final = "ever_low"
HIGH: Final = "ever_high"
UNIT: Final = "unit"

_KEYS = [c.ENTITY, c.VARIABLE]
_STEADY, _STEADY_POWER = 0.25, 0.25
"""Where the robust spread is below this part of the level, less is far: spike_ratio to this power."""
_MANY_ZEROS = 0.1
"""With a larger share of zeros, no neighbour tells what is usual; only the series' own largest value does."""
_TOGETHER, _TOGETHER_SHARE, _NEXT_TO_DAYS = 3, 0.02, 1
"""So many entities that stray on one day or the days next to it have a common cause: a holiday, a storm, a
strike, a festival of three days, a line under repair whose passengers take another."""
_LASTING = 0.5
"""If a larger share of a series' judged values strays, its level has changed; that is no spike."""
_ONE_IN = 1000
"""The range that a series ever had leaves out one value in so many on either side: old errors."""
_ENOUGH = 26
_CLOSED = 0.1
"""Below this part of the usual it is closed: no spike, and no measure of low where zeros are known."""
_SLIPPED = 8.0
_BEYOND = 0.5
"""A spike lies outside the range that its series ever had by this part of the range's width at least; records
are broken by less. Of ratios, it is twice the highest or half the lowest."""


def judged(rows: pd.DataFrame, fresh: pd.DataFrame, source: SourceSettings) -> pd.DataFrame:
    """The fresh cells, each with spike (0 or 1) and what ``spikes`` tells of those that are."""
    rules = QuarantineSettings(
        spike_ratio=source.expectations.spike_ratio, spike_scales=source.expectations.spike_scales
    )
    found = spikes(rows, fresh, source, rules).drop(columns=[c.VALUE])
    found[c.DATE] = found[c.DATE].astype(fresh[c.DATE].dtype)
    table = fresh.merge(found, on=list(c.CELL), how="left", indicator=True)
    return table.assign(**{SPIKE: (table["_merge"] == "both").astype("int64")}).drop(columns="_merge")


def spikes(
    rows: pd.DataFrame, judged: pd.DataFrame, source: SourceSettings, rules: QuarantineSettings
) -> pd.DataFrame:
    """The judged values that are spikes.

    Args:
        rows: entity, date, variable, value of all that is known, with the poll laid over it.
        judged: the cells of the poll that are new or changed; same columns.
        source: variables and cadence.
        rules: how far is too far.

    Returns: entity, date, variable, value, usual (the neighbours' median), ever_low, ever_high, unit; values
        in the variable's unit. Values outside minimum..maximum are left to the range check.
    """
    found = [_of_variable(rows, judged, variable, source.cadence, rules) for variable in source.variables]
    return pd.concat(found, ignore_index=True)


def _of_variable(
    rows: pd.DataFrame,
    judged: pd.DataFrame,
    variable: Variable,
    cadence: str,
    rules: QuarantineSettings,
) -> pd.DataFrame:
    mine = rows[rows[c.VARIABLE] == variable.name]
    fresh = judged[judged[c.VARIABLE] == variable.name]
    columns = [*c.OBSERVATION_DTYPES, USUAL, LOW, HIGH]
    if mine.empty or fresh.empty:
        return mine.iloc[:0].assign(**dict.fromkeys((USUAL, LOW, HIGH), np.nan), **{UNIT: ""})
    if _steady(mine, variable):
        rules = rules.model_copy(update={"spike_ratio": rules.spike_ratio**_STEADY_POWER})
    found = implausible(mine, variable, cadence, rules, since=fresh[c.DATE].min().date())
    found = found[found[KIND] != OUTSIDE].merge(fresh[list(c.CELL)], on=list(c.CELL))
    found = found[_inside(found[c.VALUE], variable)]
    alone = _alone(found, mine)
    alone = _not_lasting(alone, fresh)
    alone = alone.merge(_ever(mine, alone), on=c.ENTITY, how="inner")
    if as_ratio(variable):
        alone = _without_closures(alone)
    return alone.loc[_beyond(alone, variable), columns].assign(**{UNIT: variable.unit}).reset_index(drop=True)


def _without_closures(found: pd.DataFrame) -> pd.DataFrame:
    """A station that is closed for a part of the day is a fact; a slipped decimal point is not."""
    closed = found["closes"].astype(bool) | (found[c.VALUE] < _CLOSED * found[USUAL])
    return found[(found[c.VALUE] > found[USUAL]) | ~closed | _slipped(found)]


def _beyond(found: pd.DataFrame, variable: Variable) -> pd.Series:
    """Which values lie far outside what their series ever had; with a slipped point, outside is enough."""
    low, high = found[LOW], found[HIGH]
    room = _BEYOND * (high - low)
    least, most = (low / 2, 2 * high) if as_ratio(variable) else (low - room, high + room)
    slipped = _slipped(found)
    return (found[c.VALUE] > most.where(~slipped, high)) | (found[c.VALUE] < least.where(~slipped, low))


def _slipped(found: pd.DataFrame) -> pd.Series:
    """Is the value ten times, or a tenth, of what a retyping gives? Other digits fit by chance at times."""
    factor = (found[c.VALUE] / found[PROPOSED]).abs()
    return (factor >= _SLIPPED) | (factor <= 1 / _SLIPPED)


def _steady(rows: pd.DataFrame, variable: Variable) -> bool:
    """Do most entities stay near one level, in a variable that can not be negative?"""
    if not as_ratio(variable):
        return False
    level = rows.groupby(c.ENTITY)[c.VALUE].transform("median")
    away = (rows[c.VALUE] - level).abs().groupby(rows[c.ENTITY]).median()
    spread = 1.4826 * away / level.groupby(rows[c.ENTITY]).first().abs()
    return bool(spread.median() < _STEADY)


def _inside(values: pd.Series, variable: Variable) -> pd.Series:
    low = -np.inf if variable.minimum is None else variable.minimum
    high = np.inf if variable.maximum is None else variable.maximum
    return values.between(low, high)


def _alone(found: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Without the days around which several entities stray."""
    strays = found[[c.DATE, c.ENTITY]].drop_duplicates()
    steps = range(-_NEXT_TO_DAYS, _NEXT_TO_DAYS + 1)
    near = pd.concat([strays.assign(**{c.DATE: strays[c.DATE] + pd.Timedelta(days=step)}) for step in steps])
    together = found[c.DATE].map(near.groupby(c.DATE)[c.ENTITY].nunique())
    return found[together < max(_TOGETHER, _TOGETHER_SHARE * rows[c.ENTITY].nunique())]


def _not_lasting(found: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    straying = found.groupby(c.ENTITY)[c.VALUE].transform("size")
    looked_at = found[c.ENTITY].map(fresh.groupby(c.ENTITY).size())
    return found[(straying <= 1) | (straying <= _LASTING * looked_at.astype("float64"))]


def _ever(rows: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The range of each straying series without the straying values themselves."""
    rows = rows[rows[c.ENTITY].isin(found[c.ENTITY])]
    others = rows.merge(found[list(c.CELL)], on=list(c.CELL), how="left", indicator=True)
    others = others[others["_merge"] == "left_only"]
    ranges = []
    for entity, values in others.groupby(c.ENTITY)[c.VALUE]:
        if len(values) < _ENOUGH:
            continue
        closes = bool(values.min() == 0)
        ordered = np.sort((values[values > _CLOSED * values.median()] if closes else values).to_numpy())
        skipped = len(ordered) // _ONE_IN
        low, high = ordered[skipped], ordered[-1 - skipped]
        if (values == 0).mean() > _MANY_ZEROS:
            high *= 2
        ranges.append({c.ENTITY: entity, LOW: low, HIGH: high, "closes": closes})
    return pd.DataFrame(ranges, columns=[c.ENTITY, LOW, HIGH, "closes"])
