"""Intervals from the errors that the model made on weeks it had not seen, conformal style.

An error counts relative to the level of its series. Its size differs by entity, by horizon and by season, and
in some months it is larger than usual; each is estimated, and pulled towards the pool as far as it rests on
few errors. What is left has the same distribution everywhere, so that its quantiles can be taken from all
errors together. Split conformal prediction with normalised scores (Papadopoulos et al. 2002; Lei et al.
2018); following the latest misses comes from adaptive conformal inference (Gibbs and Candès 2021). The newer
an error, the more it counts, since those long ago are of models that had seen less (weighted quantiles:
Barber, Candès, Ramdas and Tibshirani 2023, "Conformal prediction beyond exchangeability").
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
SEASON_SHRINKAGE = 6.0
"""Weeks after which a season's own size of error counts as much as the year's; errors of a week are alike."""
LATE_SHRINKAGE = 1.0
"""The same for the latest weeks."""
HALF_LIFE_WEEKS = 13.0
"""An error counts half as much as one that is so much newer."""
MEMORY = 0.7
"""Weight of a week among the latest against the week after it."""
LATE_LIMITS = (0.7, 1.6)


@dataclass(frozen=True)
class Bands:
    """Half widths of the intervals.

    Attributes:
        entities: size of the error relative to the level, per entity; the pool's under the name ``""``.
        horizons: factor per horizon, 1 on average.
        quantiles: of the scaled absolute errors, per coverage in percent.
        seasons: factor per season, around 1; a week's is the quarter of its Thursday, Dec-Feb is 0.
        late: factor of the latest weeks, around 1.
    """

    entities: dict[str, float]
    horizons: dict[int, float]
    quantiles: dict[int, float]
    seasons: dict[int, float] = field(default_factory=dict)
    late: float = 1.0

    def half_width(self, rows: pd.DataFrame, coverage: int) -> pd.Series:
        """Half width per row, in the target's unit; NaN where the level is.

        Args:
            rows: entity, week, horizon and level.
            coverage: in percent.
        """
        scale = rows[schema.ENTITY].map(self.entities).fillna(self.entities[""]).astype("float64")
        season = _season(rows[schema.WEEK]).map(self.seasons).fillna(1.0).astype("float64")
        horizon = rows[schema.HORIZON].map(self.horizons).astype("float64")
        return scale * horizon * season * (self.late * self.quantiles[coverage]) * rows[LEVEL]


def learn(residuals: pd.DataFrame) -> Bands:
    """Learn the bands from out-of-sample residuals.

    Args:
        residuals: entity, origin, week, horizon, residual (actual - point) and level, in the target's unit;
            rows with a missing value or without a positive level are left out.

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
    weight = _weights(usable[schema.ORIGIN])
    sums = (error * weight).groupby(usable[schema.ENTITY]).sum()
    counts = weight.groupby(usable[schema.ENTITY]).sum()
    # The median of entities, lest one wild series sets the pool's size
    pool = max(float((sums / counts).median()), SMALLEST_SCALE)
    scale = (sums + SHRINKAGE * pool) / (counts + SHRINKAGE)
    scaled = error / usable[schema.ENTITY].map(scale).astype("float64")
    horizons = _growing(scaled.groupby(usable[schema.HORIZON]).mean())
    scaled = scaled / usable[schema.HORIZON].map(horizons).astype("float64")
    seasons = _seasons(scaled, usable[schema.WEEK])
    scaled = scaled / _season(usable[schema.WEEK]).map(seasons).astype("float64")
    by_week = scaled.groupby(usable[schema.WEEK]).mean().sort_index() / scaled.mean()
    then = {origin: _late(by_week, origin) for origin in usable[schema.ORIGIN].unique()}
    scaled = scaled / usable[schema.ORIGIN].map(then).astype("float64")
    now = by_week.index[-1] + pd.Timedelta(weeks=1)
    return Bands(
        {"": pool, **{str(name): float(size) for name, size in scale.items()}},
        horizons,
        {coverage: _quantile(scaled, weight, coverage) for coverage in (80, 95)},
        seasons,
        _late(by_week, now),
    )


def _season(weeks: pd.Series) -> pd.Series:
    return (weeks + pd.Timedelta(days=3)).dt.month % 12 // 3


def _seasons(scaled: pd.Series, weeks: pd.Series) -> dict[int, float]:
    """Size of the errors by season against the year's; the mean of all weeks where there are few."""
    by_week = scaled.groupby(weeks).mean()
    usual = max(float(by_week.mean()), SMALLEST_SCALE)
    parts = by_week.groupby(_season(by_week.index.to_series()))
    own = (parts.sum() / usual + SEASON_SHRINKAGE) / (parts.count() + SEASON_SHRINKAGE)
    return {int(own.index[i]): float(factor) for i, factor in enumerate(own.to_numpy(np.float64))}


def _late(by_week: pd.Series, origin: pd.Timestamp) -> float:
    """Size of the errors of the weeks before the origin, the latest most, against the usual size."""
    known = by_week[by_week.index < origin].to_numpy(np.float64)[::-1]
    weights = MEMORY ** np.arange(len(known))
    mean = (float(known @ weights) + LATE_SHRINKAGE) / (float(weights.sum()) + LATE_SHRINKAGE)
    return float(np.clip(mean, *LATE_LIMITS))


def _growing(by_horizon: pd.Series) -> dict[int, float]:
    """Factors that never fall with the horizon: seeing further is not easier."""
    mean = max(float(by_horizon.mean()), SMALLEST_SCALE)
    smooth = np.maximum.accumulate(by_horizon.sort_index().to_numpy(np.float64) / mean)
    return {
        int(horizon): max(float(factor), SMALLEST_SCALE)
        for horizon, factor in zip(by_horizon.sort_index().index, smooth, strict=True)
    }


def _weights(origins: pd.Series) -> pd.Series:
    """How much the errors of each row count: 1 at the newest origin."""
    weeks = (origins.max() - origins).dt.days / 7
    weights: pd.Series = 0.5 ** (weeks / HALF_LIFE_WEEKS)
    return weights


def _quantile(scaled: pd.Series, weight: pd.Series, coverage: int) -> float:
    """The weighted conformal quantile: the error to come counts as one more, of the newest, and is beyond."""
    order = np.argsort(scaled.to_numpy(np.float64), kind="stable")
    ordered, share = scaled.to_numpy(np.float64)[order], weight.to_numpy(np.float64)[order].cumsum()
    needed = (share[-1] + 1.0) * coverage / 100
    rank = int(np.searchsorted(share, needed * (1 - 1e-12)))
    return float(ordered[min(rank, len(ordered) - 1)])


def add_bounds(forecast: pd.DataFrame, bands: Bands, *, nonnegative: bool) -> pd.DataFrame:
    """Add the four bounds to entity, week, horizon, point and level; the input is not changed.

    lower_95 <= lower_80 <= point <= upper_80 <= upper_95 holds in every row; a nonnegative target's bounds
    stop at 0.
    """
    bounded = forecast.copy()
    inner = pd.Series(0.0, index=forecast.index)
    for coverage, lower, upper in (
        (80, schema.LOWER_80, schema.UPPER_80),
        (95, schema.LOWER_95, schema.UPPER_95),
    ):
        half = bands.half_width(bounded, coverage)
        half = half.where(half.isna() | (half > inner), inner)
        low = bounded[schema.POINT] - half
        bounded[lower] = low.clip(lower=0.0) if nonnegative else low
        bounded[upper] = bounded[schema.POINT] + half
        inner = half
    return bounded
