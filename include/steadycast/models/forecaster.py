"""The forecasting model: last year's week times this year's growth, corrected by gradient boosting.

One booster for all series and horizons learns by how much the drifted last year misses, on a logarithmic scale. It
starts from a forecast that is good already, so that a short history or a quiet one leaves that forecast as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from steadycast.errors import ModelError
from steadycast.features import YEAR, Anchors, Calendar, Floats, History, Indices, Maker, Rows, ratio
from steadycast.settings import ModelSettings

BOOSTER = "correction"
NEAR_ZERO = 0.05
"""Share of the level below which a value is near zero and the scale turns from logarithmic to linear."""
FIRST_ORIGIN = YEAR + 9
"""Index of the first training origin: a year back and 8 weeks of growth are known there, also if the match is 53."""
MIN_ROWS = 100
"""With fewer rows no booster is trained and the drift stands alone."""


@dataclass(frozen=True)
class Forecast:
    """Values at S origins for one horizon, each (S, N), in the target's unit; NaN where nothing can be said."""

    point: Floats
    anchors: Anchors


class Forecaster:
    """Trains on, and forecasts from, one history at any of its origins.

    Args:
        history: all that is known.
        calendar: of the history's weeks and at least ``horizons + 1`` more.
        horizons: weeks ahead.
        settings: of the model.
        nonnegative: the target can not be below zero.
    """

    def __init__(
        self,
        history: History,
        calendar: Calendar,
        *,
        horizons: int,
        settings: ModelSettings,
        nonnegative: bool,
    ) -> None:
        if horizons > YEAR - 2:
            raise ModelError(
                f"a forecast of {horizons} weeks needs weeks of last year that are not known yet",
                remedy=f"set forecast.horizon_weeks to at most {YEAR - 2}",
            )
        self.history = history
        self.horizons = horizons
        self.threads = settings.threads
        self._maker = Maker(history, calendar)
        self.feature_names = self._maker.names()
        self._settings = settings
        self._nonnegative = nonnegative

    def train(self, until: int) -> dict[str, str]:
        """Train on the weeks before index ``until``.

        Returns:
            LightGBM's text per booster; none if the history is too short.
        """
        last = {h: until - h for h in range(1, self.horizons + 1)}
        rows = [
            self._maker.rows(np.arange(FIRST_ORIGIN, last[h] + 1), h) for h in last if last[h] >= FIRST_ORIGIN
        ]
        text = self._fit(rows)
        return {} if text is None else {BOOSTER: text}

    def _fit(self, rows: Sequence[Rows]) -> str | None:
        if not rows:
            return None
        aim = np.concatenate([_miss(r).reshape(-1) for r in rows])
        usable = np.isfinite(aim)
        if usable.sum() < MIN_ROWS:
            return None
        values = np.concatenate([r.values for r in rows])[usable]
        level = np.concatenate([r.anchors.level.reshape(-1) for r in rows])[usable]
        data = lgb.Dataset(
            values,
            aim[usable],
            # A miss of one percent counts by what it is in the target's unit, as in the WAPE
            weight=level / level.mean(),
            feature_name=list(self.feature_names),
            params={"max_bin": 63, "verbosity": -1},
        )
        booster = lgb.train(self._parameters(), data, num_boost_round=self._settings.rounds)
        return str(booster.model_to_string())

    def _parameters(self) -> dict[str, object]:
        return {
            "objective": "l2",
            "learning_rate": self._settings.learning_rate,
            "num_leaves": self._settings.leaves,
            "min_data_in_leaf": 100,
            "feature_fraction": 0.5,
            "seed": self._settings.seed,
            "deterministic": True,
            "force_row_wise": True,
            # Threads that wait for each other cost more than they bring where the cores are shared; the boosters of
            # past origins are trained side by side instead
            "num_threads": 1,
            "max_bin": 63,
            "verbosity": -1,
        }

    def forecast(self, boosters: Mapping[str, lgb.Booster], origins: Indices, horizon: int) -> Forecast:
        """Forecast the week ``horizon`` at each of the origins.

        Args:
            boosters: as ``train`` made them; with none, the drift stands alone.
            origins: indices of first unknown weeks, (S,).
            horizon: 1 = the origin's own week.
        """
        if not boosters:
            anchors = self._maker.anchors(origins, horizon)
            return Forecast(self._bounded(anchors.drift), anchors)
        rows = self._maker.rows(origins, horizon)
        anchors = rows.anchors
        told = np.asarray(boosters[BOOSTER].predict(rows.values, num_threads=1)).reshape(anchors.level.shape)
        point = _unsquash(_squash(anchors.drift, anchors.level) + told, anchors.level)
        # Without a level there is no scale for what the booster tells
        return Forecast(self._bounded(np.where(np.isnan(point), anchors.drift, point)), anchors)

    def _bounded(self, point: Floats) -> Floats:
        return np.maximum(point, 0.0) if self._nonnegative else point


def _squash(values: Floats, level: Floats) -> Floats:
    """Values on a scale that is logarithmic around the level, and passes through zero to negative ones."""
    squashed: Floats = np.arcsinh(ratio(values, level * NEAR_ZERO))
    return squashed


def _unsquash(squashed: Floats, level: Floats) -> Floats:
    values: Floats = np.sinh(squashed) * level * NEAR_ZERO
    return values


def _miss(rows: Rows) -> Floats:
    """By how much the drift misses, on the squashed scale."""
    level = rows.anchors.level
    return _squash(rows.target, level) - _squash(rows.anchors.drift, level)


def load(texts: Mapping[str, str], feature_names: Sequence[str]) -> dict[str, lgb.Booster]:
    """Boosters from LightGBM's texts.

    Raises:
        ModelError: a text is no model, or was trained on other features.
    """
    boosters = {}
    for kind, text in texts.items():
        try:
            booster = lgb.Booster(model_str=text)
        except lgb.basic.LightGBMError as error:
            raise ModelError(
                f"the stored model {kind} can not be read: {error}",
                remedy="run the train task of this week again",
            ) from error
        if booster.feature_name() != list(feature_names):
            raise ModelError(
                f"the stored model {kind} was trained on other features than this version makes",
                remedy="run the train task of this week again",
            )
        boosters[kind] = booster
    return boosters
