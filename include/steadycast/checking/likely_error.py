"""How large will the error be? A regression on past errors, small because there are few weeks.

The logarithm of an error's size is explained by whose it is, how far ahead, the season, and by how much the
benchmarks disagree, which they do before a forecast errs. Ridge regression (Hoerl and Kennard 1970,
doi:10.1080/00401706.1970.10488634) keeps what few weeks can not tell near zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.checking.past import Floats, Past, distance

LEVEL: Final = "level"
RIDGE: Final = 50.0
SHRINKAGE: Final = 20.0
LEAST: Final = 0.002
"""Errors below this share of the level are noise to a logarithm."""
LEAST_ROWS: Final = 30
LEAST_ORIGINS: Final = 8
"""The errors of one origin go together: fewer origins say little, however many series there are."""


@dataclass(frozen=True)
class LikelyError:
    """The fitted regression.

    Attributes:
        own: usual logarithmic size per entity; ``""`` for one without a past.
        centre: means of the columns.
        weights: of the columns, then the constant.
        smear: from the typical to the mean error.
        wape: of the past forecasts it was fitted on, as a share.
    """

    own: dict[str, float]
    centre: Floats
    weights: Floats
    smear: float
    wape: float

    def of(self, table: pd.DataFrame, past: Past) -> Floats:
        """Expected absolute error per row, as a share of the level.

        Args:
            table: entity, week, horizon, point, benchmarks, origin, level.
            past: for the growth against last year.
        """
        told = _columns(table, past, self.own) - self.centre
        size: Floats = np.exp(told @ self.weights[:-1] + self.weights[-1]) * self.smear
        return size


def learn(residuals: pd.DataFrame, past: Past) -> LikelyError | None:
    """Fit on past out-of-sample errors; None where there are too few.

    Args:
        residuals: as train writes them: entity, origin, week, horizon, point, level, benchmarks, actual,
            residual.
        past: actual values.
    """
    rows = residuals[residuals[schema.RESIDUAL].notna() & (residuals[LEVEL] > 0)].reset_index(drop=True)
    if len(rows) < LEAST_ROWS or rows[schema.ORIGIN].nunique() < LEAST_ORIGINS:
        return None
    error = (rows[schema.RESIDUAL] / rows[LEVEL]).abs()
    aim = np.log(error + LEAST)
    own = _own(aim, rows[schema.ENTITY])
    columns = _columns(rows, past, own)
    centre = columns.mean(axis=0)
    spread = columns - centre
    scale = np.maximum(spread.std(axis=0), 1e-9)
    scaled = spread / scale
    inner = scaled.T @ scaled + RIDGE * np.eye(scaled.shape[1])
    weights = np.linalg.solve(inner, scaled.T @ (aim - aim.mean()).to_numpy()) / scale
    told = np.exp(spread @ weights + float(aim.mean()))
    smear = float(error.mean() / told.mean())
    size = float(rows[schema.ACTUAL].abs().sum())
    wape = float(rows[schema.RESIDUAL].abs().sum()) / size if size > 0 else float("nan")
    return LikelyError(own, centre, np.append(weights, float(aim.mean())), smear, wape)


def _own(aim: pd.Series, entities: pd.Series) -> dict[str, float]:
    parts = aim.groupby(entities).agg(["sum", "count"])
    pool = float(aim.mean())
    mixed = (parts["sum"] + SHRINKAGE * pool) / (parts["count"] + SHRINKAGE)
    return {"": pool, **{str(name): float(value) for name, value in mixed.items()}}


def _columns(table: pd.DataFrame, past: Past, own: dict[str, float]) -> Floats:
    week = table[schema.WEEK].dt.day_of_year.to_numpy(np.float64) * (2 * np.pi / 365.25)
    return np.column_stack(
        [
            table[schema.ENTITY].map(own).fillna(own[""]).to_numpy(np.float64),
            np.log(table[schema.HORIZON].to_numpy(np.float64)),
            np.cos(week),
            np.sin(week),
            np.log(disagreement(table, past) + 0.01),
        ]
    )


def disagreement(table: pd.DataFrame, past: Past) -> Floats:
    """Mean distance of the benchmarks from the point; 0.1 for about 10 %."""
    growth = past.at(past.growth, table[schema.ORIGIN], table[schema.ENTITY])
    bases = [
        table[schema.SAME_WEEK_LAST_YEAR] * np.where(np.isnan(growth), 1.0, growth),
        table[schema.MOVING_AVERAGE],
        table[schema.LAST_VALUE],
    ]
    far = np.abs(np.vstack([distance(table[schema.POINT], base, table[LEVEL]) for base in bases]))
    there = ~np.isnan(far)
    count = there.sum(axis=0)
    total = np.where(there, far, 0.0).sum(axis=0)
    found: Floats = np.divide(total, count, out=np.full(len(table), 0.5), where=count > 0)
    return np.minimum(found, 2.0)
