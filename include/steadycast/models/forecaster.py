"""The forecasting model: last year's week times this year's growth, corrected by gradient boosting.

Two boosters see the same rows. One learns by how much the drifted last year misses, the other learns the week
itself, relative to the present level. Their mean is averaged with the drifted last year: three views that err in
different ways. All series and horizons share the boosters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from steadycast.errors import ModelError
from steadycast.features import YEAR, Anchors, Calendar, Floats, History, Indices, Maker, Rows, ratio
from steadycast.settings import ModelSettings

KINDS = ("miss", "week")
"""What a booster learns, in units of the level: the miss of the drift, or the week's value."""
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
        self._maker = Maker(history, calendar)
        self._settings = settings
        self._nonnegative = nonnegative

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns that the boosters see, in their order."""
        self._maker.rows(np.array([len(self.history.weeks)]), 1)
        return self._maker.names

    def train(self, until: int) -> dict[str, str]:
        """Train on the weeks before index ``until``.

        Returns:
            LightGBM's text per kind; none if the history is too short.
        """
        rows = [
            self._maker.rows(np.arange(FIRST_ORIGIN, until - horizon + 1), horizon)
            for horizon in range(1, self.horizons + 1)
            if until - horizon + 1 > FIRST_ORIGIN
        ]
        return {kind: text for kind in KINDS if (text := self._fit(rows, kind))}

    def _fit(self, rows: Sequence[Rows], kind: str) -> str | None:
        if not rows:
            return None
        aim = np.concatenate([_aim(r, kind).reshape(-1) for r in rows])
        usable = np.isfinite(aim)
        if usable.sum() < MIN_ROWS:
            return None
        values = np.concatenate([r.values for r in rows])[usable]
        data = lgb.Dataset(values, aim[usable], feature_name=list(self._maker.names))
        booster = lgb.train(self._parameters(), data, num_boost_round=self._settings.rounds)
        return str(booster.model_to_string())

    def _parameters(self) -> dict[str, object]:
        return {
            "objective": "l2",
            "learning_rate": self._settings.learning_rate,
            "num_leaves": self._settings.leaves,
            "min_data_in_leaf": 20,
            "seed": self._settings.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self._settings.threads,
            "verbosity": -1,
        }

    def forecast(self, boosters: Mapping[str, lgb.Booster], origins: Indices, horizon: int) -> Forecast:
        """Forecast the week ``horizon`` at each of the origins.

        Args:
            boosters: by kind; with none, the drift stands alone.
            origins: indices of first unknown weeks, (S,).
            horizon: 1 = the origin's own week.
        """
        if not boosters:
            anchors = self._maker.anchors(origins, horizon)
            return Forecast(self._bounded(anchors.drift), anchors)
        rows = self._maker.rows(origins, horizon)
        anchors = rows.anchors
        shape = anchors.level.shape
        views = []
        for kind, booster in boosters.items():
            told = booster.predict(rows.values, num_threads=self._settings.threads).reshape(shape)
            views.append(told * anchors.level + (anchors.drift if kind == "miss" else 0.0))
        point = (sum(views) / len(views) + anchors.drift) / 2
        # Where the level is unknown the boosters say nothing
        return Forecast(self._bounded(np.where(np.isnan(point), anchors.drift, point)), anchors)

    def _bounded(self, point: Floats) -> Floats:
        return np.maximum(point, 0.0) if self._nonnegative else point


def _aim(rows: Rows, kind: str) -> Floats:
    anchors = rows.anchors
    return ratio(rows.target - anchors.drift if kind == "miss" else rows.target, anchors.level)


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
