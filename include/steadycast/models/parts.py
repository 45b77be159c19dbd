"""What a forecast is made of, in the target's unit, so that the parts sum to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from steadycast.features import Floats, Indices
from steadycast.models.forecaster import Forecaster, squash, unsquash


@dataclass(frozen=True)
class Parts:
    """Parts of the point at S origins and N entities, each (S, N), in the target's unit.

    Attributes:
        start: the same week last year, or the drift where that is missing.
        has_last_year: the start is the same week last year.
        neighbours: what the weeks beside that one and the years before it add.
        growth: what this year's growth over last year adds.
        season: what the usual season adds to the drift.
        columns: (S, N, F), what the boosters' corrections add by feature.
        mean_miss: what the boosters add everywhere alike: the mean that the bases miss by.
        bound: what the bound at zero adds.
    """

    start: Floats
    has_last_year: Floats
    neighbours: Floats
    growth: Floats
    season: Floats
    columns: Floats
    mean_miss: Floats
    bound: Floats

    def total(self) -> Floats:
        """The sum of all, which is the point."""
        told: Floats = (
            self.start + self.neighbours + self.growth + self.season
            + self.columns.sum(axis=2) + self.mean_miss + self.bound
        )  # fmt: skip
        return told


def parts(
    forecaster: Forecaster, boosters: Mapping[str, lgb.Booster], origins: Indices, horizon: int
) -> Parts:
    """Take the forecast of ``Forecaster.forecast`` apart.

    A booster adds Shapley values of its features (TreeSHAP: Lundberg et al., 2020) on the squashed scale. The
    way back to the target's unit is not linear; each feature gets its share of the integral along the
    straight way from the base to the view (integrated gradients: Sundararajan et al., 2017), which keeps the
    sum exact and the order of features as it is.
    """
    rows = forecaster.rows(origins, horizon)
    anchors = rows.anchors
    shape = anchors.level.shape
    columns = np.zeros((*shape, rows.values.shape[1]))
    mean_miss, season = np.zeros(shape), np.zeros(shape)
    for base, booster in boosters.items():
        share = 1 / len(boosters)
        told = np.asarray(booster.predict(rows.values, pred_contrib=True, num_threads=1), dtype=np.float64)
        told = told.reshape(*shape, -1)
        begin = getattr(anchors, base)
        slope = share * _slope(begin, told.sum(axis=2), anchors.level)
        columns += told[..., :-1] * slope[..., None]
        mean_miss += told[..., -1] * slope
        season += share * (begin - anchors.drift)
    # without a level the boosters have no say, and the drift stands alone
    silent = np.isnan(anchors.level + season)
    columns[silent], mean_miss[silent], season[silent] = 0.0, 0.0, 0.0
    known = ~np.isnan(anchors.last_year + anchors.drift / anchors.growth)
    plain = np.where(known, anchors.drift / anchors.growth, anchors.drift)
    start = np.where(known, anchors.last_year, anchors.drift)
    free = anchors.drift + season + columns.sum(axis=2) + mean_miss
    return Parts(
        start, known, np.where(known, plain - start, 0.0), anchors.drift - plain, season, columns, mean_miss,
        np.where(forecaster.nonnegative & (free < 0), -free, 0.0),
    )  # fmt: skip


def _slope(begin: Floats, told: Floats, level: Floats) -> Floats:
    """Target's units per unit of the squashed scale, on the mean of the way."""
    step = np.where(np.abs(told) < 1e-9, 1e-9, told)
    slope: Floats = (unsquash(squash(begin, level) + step, level) - begin) / step
    return slope
