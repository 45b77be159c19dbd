"""What a forecast is made of, in the target's unit, so that the parts sum to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadycast.features import Floats, Indices, squash, unsquash
from steadycast.models.forecaster import Forecaster, begin
from steadycast.models.model import DRIFT, Model, columns_of, seen


@dataclass(frozen=True)
class Parts:
    """Parts of the point at S origins and N entities, each (S, N), in the target's unit.

    Attributes:
        start: the same week last year, or the drift where that is missing.
        has_last_year: the start is the same week last year.
        neighbours: what the weeks beside that one and the years before it add.
        growth: what this year's growth over last year adds.
        season: what the yearly curve adds to the drift.
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


def parts(forecaster: Forecaster, model: Model, origins: Indices, horizon: int) -> Parts:
    """Take the forecast of ``Forecaster.forecast`` apart.

    A booster adds Shapley values of its features (TreeSHAP: Lundberg et al., 2020) on the squashed scale. The
    way back to the target's unit is not linear; each feature gets its share of the integral along the
    straight way from the base to the view (integrated gradients: Sundararajan et al., 2017), which keeps the
    sum exact and the order of features as it is.
    """
    rows = forecaster.rows(origins, horizon)
    anchors, names = rows.anchors, forecaster.feature_names
    columns = np.zeros((*anchors.level.shape, rows.values.shape[1]))
    mean_miss, season, bound, said = (np.zeros(anchors.level.shape) for _ in range(4))
    weights = model.weights(horizon)
    for base, booster in model.boosters.items():
        first = begin(rows, base)
        told = np.asarray(
            booster.predict(seen(rows.values, base, names), pred_contrib=True, num_threads=1), np.float64
        ).reshape(*first.shape, -1)
        told *= _slope(first, told.sum(axis=2), anchors.level)[..., None]
        view = first + told.sum(axis=2)
        # A curve that is missing leaves its share to the drift; without a level no booster has a say
        share = np.where((base == DRIFT) & np.isnan(rows.curve), 1.0, weights[base])
        share = np.where(np.isnan(view), 0.0, share)
        said += share
        columns[..., columns_of(base, names)] += _times(share[..., None], told[..., :-1])
        mean_miss += _times(share, told[..., -1])
        season += _times(share, first - anchors.drift)
        bound += _times(share, np.maximum(-view, 0.0))
    bound += _times(1.0 - said, np.maximum(-anchors.drift, 0.0))
    known = ~np.isnan(anchors.last_year + anchors.drift / anchors.growth)
    plain = np.where(known, anchors.drift / anchors.growth, anchors.drift)
    start = np.where(known, anchors.last_year, anchors.drift)
    return Parts(
        start, known, np.where(known, plain - start, 0.0), anchors.drift - plain, season, columns, mean_miss,
        bound if forecaster.nonnegative else np.zeros_like(bound),
    )  # fmt: skip


def _times(share: Floats, part: Floats) -> Floats:
    """The share of a part; of one that is missing only where it has no share."""
    told: Floats = np.where(share > 0, share * part, 0.0)
    return told


def _slope(begin: Floats, told: Floats, level: Floats) -> Floats:
    """Target's units per unit of the squashed scale, on the mean of the way."""
    step = np.where(np.abs(told) < 1e-9, 1e-9, told)
    slope: Floats = (unsquash(squash(begin, level) + step, level) - begin) / step
    return slope
