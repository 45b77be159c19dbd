"""A change of level behind the forecasts, found from their signed errors by a CUSUM (Page, 1954).

The errors are those of the shortest horizon, relative to the forecast, and counted in their own usual size on
weeks that no model had seen. One week counts at most so much that it alone is never a break: a storm passes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema, scores
from steadycast.features import Floats

SLACK: Final = 1.0
"""Usual sizes by which the errors may lean to one side without being counted."""
CAP: Final = 4.0
"""Usual sizes that a single week counts at most."""
CLEAR: Final = 2.0
"""Usual sizes from which on a week is no chance."""
THRESHOLD: Final = 5.0
"""Sum at which it is a break: two weeks at the cap, or more weeks of less."""
ENTITY_THRESHOLD: Final = 9.0
"""The same for a single entity, of which there are many: at least three weeks."""
AGAIN: Final = 8
"""Weeks without a sum at its limit after which another one is another break."""
SHRINKAGE: Final = 12.0
SMALLEST_SIZE: Final = 0.005
"""No error is surer than half a percent."""
_MAD: Final = 1.4826


@dataclass(frozen=True)
class Break:
    """A change of level.

    Attributes:
        entity: which; ``""`` for all of them.
        since: first week of it.
        found: week whose value made it one.
        size: median relative error of the weeks since, negative where less came than was forecast.
    """

    entity: str
    since: dt.date
    found: dt.date
    size: float


def relative_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Signed errors relative to the forecast, weeks by entities, of the shortest horizon.

    Args:
        rows: week, horizon, entity, forecast and actual.
    """
    first = rows[rows[schema.HORIZON] == rows[schema.HORIZON].min()]
    size = first[schema.FORECAST].abs()
    told = (first[schema.ACTUAL] - first[schema.FORECAST]) / size.where(size > 0)
    rows = first.assign(told=told)
    wide: pd.DataFrame = rows.pivot(index=schema.WEEK, columns=schema.ENTITY, values="told").sort_index()
    return wide


def find(past: pd.DataFrame, live: pd.DataFrame) -> list[Break]:
    """Breaks of all entities together and of single ones, oldest first.

    Args:
        past: relative errors of weeks that no model had seen, before the live ones; they give the usual size.
        live: relative errors of published forecasts, one row per target week.
    """
    if past.empty or live.empty:
        return []
    together = _search(past.median(axis=1).to_frame(""), live.median(axis=1).to_frame(""), THRESHOLD)
    shared = [entity for entity in live.columns if entity in past.columns]
    single = _search(past[shared], live[shared], ENTITY_THRESHOLD) if len(shared) > 1 else []
    return [*together, *single]


def _search(past: pd.DataFrame, live: pd.DataFrame, threshold: float) -> list[Break]:
    # a lean of a few past weeks is half chance
    usual = past.median() * len(past) / (len(past) + SHRINKAGE)
    scaled = (live - usual) / _usual_size(past, live.index)
    counted = np.nan_to_num(scaled.clip(-CAP, CAP).to_numpy(np.float64))
    found = []
    for sign in (1.0, -1.0):
        found += _one_side(live, sign * counted, threshold)
    return sorted(found, key=lambda one: (one.found, one.entity))


def _one_side(live: pd.DataFrame, counted: Floats, threshold: float) -> list[Break]:
    weeks = [pd.Timestamp(week).date() for week in live.index]
    values, names = live.to_numpy(np.float64), [str(name) for name in live.columns]
    total = np.zeros(counted.shape[1])
    since = np.zeros(counted.shape[1], dtype=np.int64)
    found, latest = [], dict[int, int]()
    for i, row in enumerate(counted):
        since = np.where(total > 0, since, i)
        total = np.maximum(0.0, total + row - SLACK)
        for j in np.flatnonzero(total > threshold):
            # a sum may have begun with a little chance; the break begins with its first clear week
            clear = np.flatnonzero(counted[since[j] : i + 1, j] > CLEAR)
            first = int(since[j] + (clear[0] if len(clear) else 0))
            size = float(np.nanmedian(values[first : i + 1, j]))
            # errors to the same side soon after are the same break, which the forecast has not caught up with
            if first - latest.get(int(j), -AGAIN) >= AGAIN:
                found.append(Break(names[j], weeks[first], weeks[i], size))
            latest[int(j)] = i
            total[j] = 0.0
    return found


def _usual_size(past: pd.DataFrame, weeks: pd.Index) -> pd.DataFrame:
    """Per live week and entity: the size of errors in its season, as far as there are weeks of it."""
    away = (past - past.median()).abs()
    pool = _size(away)
    # an entity with few past weeks errs as much as the others do
    pool = pool.fillna(float(pool.median()) if pool.notna().any() else 0.0).clip(lower=SMALLEST_SIZE)
    season = scores.season(past.index.to_series())
    live = scores.season(pd.Series(weeks, index=weeks))
    out = pd.DataFrame(np.tile(pool.to_numpy(), (len(weeks), 1)), index=weeks, columns=past.columns)
    for name in live.unique():
        mine = away[(season == name).to_numpy()]
        if len(mine):
            own = _size(mine).fillna(pool)
            weight = len(mine) / (len(mine) + SHRINKAGE)
            mixed = (weight * own**2 + (1 - weight) * pool**2) ** 0.5
            out.loc[(live == name).to_numpy()] = mixed.clip(lower=SMALLEST_SIZE).to_numpy()
    return out


def _size(away: pd.DataFrame) -> pd.Series[float]:
    """Standard deviation of what is ``away`` so far; of few weeks rather too large than too small."""
    middle = _MAD * away.median()
    # far ones count, but no single one makes the size
    counted = np.minimum(away.to_numpy(np.float64), CAP * middle.to_numpy(np.float64))
    size = pd.DataFrame(counted**2, columns=away.columns).mean() ** 0.5
    return size.clip(lower=middle)
