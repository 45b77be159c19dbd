"""Intervals from the errors that the model made on weeks it had not seen, conformal style.

An error counts relative to the level of its series. Its size differs by entity and by horizon; both are
estimated and pulled towards the pool as far as there are few errors. What is left has the same distribution
everywhere, so that its quantiles can be taken from all errors together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadycast import schema
from steadycast.errors import ModelError

Floats = npt.NDArray[np.float64]

LEVEL = "level"
SHRINKAGE = 20.0
"""An entity's own size of error counts as much as the pool's once it rests on this many errors."""
SMALLEST_SCALE = 1e-3
"""No series is sure to better than a thousandth of its level."""


@dataclass(frozen=True)
class Bands:
    """Half widths of the intervals.

    Attributes:
        entities: size of the error relative to the level, per entity; the pool's under the name ``""``.
        horizons: factor per horizon, 1 on average.
        quantiles: of the scaled absolute errors, per coverage in percent.
    """

    entities: dict[str, float]
    horizons: dict[int, float]
    quantiles: dict[int, float]

    def half_width(
        self, entities: pd.Series, horizon: pd.Series, level: pd.Series, coverage: int
    ) -> pd.Series:
        """Half width per row, in the target's unit; NaN where the level is."""
        scale = entities.map(self.entities).fillna(self.entities[""]).astype("float64")
        return scale * horizon.map(self.horizons).astype("float64") * self.quantiles[coverage] * level


def learn(residuals: pd.DataFrame) -> Bands:
    """Learn the bands from out-of-sample residuals.

    Args:
        residuals: entity, origin, horizon, residual (actual - point) and level, in the target's unit; rows
            with a missing value or without a positive level are left out.

    Raises:
        ModelError: no row is left.
    """
    usable = residuals[residuals[schema.RESIDUAL].notna() & (residuals[LEVEL] > 0)]
    if usable.empty:
        raise ModelError(
            "there is no past error to make intervals from",
            remedy="a forecast needs at least 10 weeks of history of some entity; look at the impute task",
        )
    error = (usable[schema.RESIDUAL] / usable[LEVEL]).abs()
    by_entity = error.groupby(usable[schema.ENTITY]).agg(["sum", "count"])
    # The median of entities, lest one wild series sets the pool's size
    pool = max(float((by_entity["sum"] / by_entity["count"]).median()), SMALLEST_SCALE)
    scale = (by_entity["sum"] + SHRINKAGE * pool) / (by_entity["count"] + SHRINKAGE)
    scaled = error / usable[schema.ENTITY].map(scale).astype("float64")
    horizons = _growing(scaled.groupby(usable[schema.HORIZON]).mean())
    scaled = scaled / usable[schema.HORIZON].map(horizons).astype("float64")
    entities = {"": pool, **{str(name): float(size) for name, size in scale.items()}}
    return Bands(entities, horizons, {coverage: _quantile(scaled, coverage) for coverage in (80, 95)})


def _growing(by_horizon: pd.Series) -> dict[int, float]:
    """Factors that never fall with the horizon: seeing further is not easier."""
    mean = max(float(by_horizon.mean()), SMALLEST_SCALE)
    smooth = np.maximum.accumulate(by_horizon.sort_index().to_numpy(np.float64) / mean)
    return {
        int(horizon): max(float(factor), SMALLEST_SCALE)
        for horizon, factor in zip(by_horizon.sort_index().index, smooth, strict=True)
    }


def _quantile(scaled: pd.Series, coverage: int) -> float:
    """The conformal quantile: one rank higher than the plain one, so that n errors promise their coverage."""
    ordered = np.sort(scaled.to_numpy(np.float64))
    rank = int(np.ceil((len(ordered) + 1) * coverage / 100))
    return float(ordered[min(rank, len(ordered)) - 1])


def add_bounds(forecast: pd.DataFrame, bands: Bands, *, nonnegative: bool) -> pd.DataFrame:
    """Add the four bounds to entity, horizon, point and level; the input is not changed.

    lower_95 <= lower_80 <= point <= upper_80 <= upper_95 holds in every row; a nonnegative target's bounds
    stop at 0.
    """
    bounded = forecast.copy()
    inner = pd.Series(0.0, index=forecast.index)
    for coverage, lower, upper in (
        (80, schema.LOWER_80, schema.UPPER_80),
        (95, schema.LOWER_95, schema.UPPER_95),
    ):
        half = bands.half_width(bounded[schema.ENTITY], bounded[schema.HORIZON], bounded[LEVEL], coverage)
        half = half.where(half.isna() | (half > inner), inner)
        low = bounded[schema.POINT] - half
        bounded[lower] = low.clip(lower=0.0) if nonnegative else low
        bounded[upper] = bounded[schema.POINT] + half
        inner = half
    return bounded
