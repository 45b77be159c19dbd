"""What was, as weeks × entities: levels, growth, and what the distance between two numbers means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadycast import schema
from steadycast.features import LEVEL_WEEKS, squash

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

YEAR: Final = 52
GROWTH_LIMIT: Final = 3.0


@dataclass(frozen=True)
class Past:
    """Weekly actual values before ``as_of``.

    Attributes:
        values: Mondays without a gap × entities, in the target's unit, NaN where missing.
        level: mean size of the 8 weeks before each Monday; one row more than ``values``.
        growth: these 8 weeks over the same weeks a year before, within 1/3..3; 1 where that is not known.
    """

    values: pd.DataFrame
    level: pd.DataFrame
    growth: pd.DataFrame

    @property
    def as_of(self) -> pd.Timestamp:
        """The first Monday that is not known."""
        return pd.Timestamp(self.level.index[-1])

    def at(self, wide: pd.DataFrame, weeks: pd.Series, entities: pd.Series) -> Floats:
        """Cells of one of the tables; NaN for what it does not have."""
        row = wide.index.get_indexer(pd.DatetimeIndex(weeks))
        column = wide.columns.get_indexer(pd.Index(entities))
        found = wide.to_numpy(np.float64)[row, column]
        found[(row < 0) | (column < 0)] = np.nan
        return np.asarray(found, dtype=np.float64)


def past(actuals: pd.DataFrame, as_of: pd.Timestamp) -> Past:
    """The past from entity, week, value; weeks from ``as_of`` on are not looked at."""
    known = actuals[(actuals[schema.WEEK] < as_of) & actuals[schema.VALUE].notna()]
    wide = known.pivot(index=schema.WEEK, columns=schema.ENTITY, values=schema.VALUE)
    first = wide.index.min() if len(wide) else as_of - pd.Timedelta(weeks=1)
    mondays = pd.date_range(first, as_of, freq="7D", unit="us")
    values = wide.reindex(mondays)
    plain = values.rolling(LEVEL_WEEKS, min_periods=LEVEL_WEEKS // 2).mean().shift(1)
    level = values.abs().rolling(LEVEL_WEEKS, min_periods=LEVEL_WEEKS // 2).mean().shift(1)
    before = plain.shift(YEAR)
    growth = (plain / before.where(before > 0)).clip(1 / GROWTH_LIMIT, GROWTH_LIMIT)
    return Past(values.iloc[:-1], level.where(level > 0), growth.where(growth > 0).fillna(1.0))


def distance(value: pd.Series | Floats, base: pd.Series | Floats, level: pd.Series | Floats) -> Floats:
    """How far a value is from its base: the logarithm of their ratio, but finite where one is zero.

    Returns: positive where the value is larger, 0.1 for about 10 %; NaN where anything is missing.
    """
    far, near, unit = (np.asarray(part, dtype=np.float64) for part in (value, base, level))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found: Floats = squash(far, unit) - squash(near, unit)
    found[~np.isfinite(found)] = np.nan
    return found


def nearest(distances: list[Floats]) -> Floats:
    """Of several distances per row the smallest; what one good reason explains is not odd."""
    stacked = np.vstack(distances)
    size = np.where(np.isnan(stacked), np.inf, np.abs(stacked))
    chosen = stacked[size.argmin(axis=0), np.arange(stacked.shape[1])]
    return np.asarray(chosen, dtype=np.float64)


@dataclass(frozen=True)
class Usual:
    """How large a distance is usual, per entity.

    Attributes:
        by_entity: the size that nearly all past ones stayed below.
        pool: the same for an entity without a past.
    """

    by_entity: dict[str, float]
    pool: float

    def of(self, entities: pd.Series) -> Floats:
        """Per row."""
        return np.asarray(entities.map(self.by_entity).fillna(self.pool), dtype=np.float64)


ALMOST_ALL: Final = 0.98
SHRINKAGE: Final = 40.0
"""An entity's own past counts as much as everybody's once it has so many distances."""


def usual(distances: Floats, entities: pd.Series, *, least: float) -> Usual:
    """Learn what is usual; an entity with a short past is taken to be like the others.

    Args:
        distances: past ones, NaN where there was none.
        entities: whose they are.
        least: no smaller size counts as unusual.
    """
    size = pd.Series(np.abs(distances)).groupby(entities.to_numpy())
    own, count = size.quantile(ALMOST_ALL), size.count()
    pool = float(own.median()) if own.notna().any() else least
    mixed = (own.fillna(pool) * count + SHRINKAGE * pool) / (count + SHRINKAGE)
    return Usual({str(k): max(float(v), least) for k, v in mixed.items()}, max(pool, least))
