"""The forecasting model: the mean of three views of the coming week.

The drift, last year's week times this year's growth, needs no training. Two boosters, each for all series and
horizons, learn on a logarithmic scale by how much the drift and the usual season miss. Views that start from
forecasts that are good already leave them as they are where the history is short or quiet; their mean errs
less than each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from steadycast.errors import ModelError
from steadycast.features import YEAR, Anchors, Calendar, Floats, History, Indices, Maker, Matrix, Rows, ratio
from steadycast.progress import Progress, silent
from steadycast.settings import ModelSettings

BASES = ("drift", "season")
"""What a booster corrects: an attribute of Anchors, and the booster's name."""
MAX_ROWS = 60_000
"""Rows that a booster is trained on; of more, a random part (fixed by the seed) tells as much."""
NEAR_ZERO = 0.05
"""Share of the level below which a value is near zero and the scale turns from logarithmic to linear."""
FIRST_ORIGIN = YEAR + 9
"""Index of the first training origin: a year back and 8 weeks of growth are known there, also if the match
is 53."""
MIN_ROWS = 100
"""With fewer rows no booster is trained and the drift stands alone."""
MAX_BIN = 63


@dataclass(frozen=True)
class Forecast:
    """Values at S origins for one horizon, each (S, N), in the target's unit; NaN where none can be made."""

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
        self.nonnegative = nonnegative

    def train(self, until: int, progress: Progress = silent) -> dict[str, str]:
        """Train on the weeks before index ``until``.

        Args:
            until: index of the first week that is not known.
            progress: told after each boosting round.

        Returns:
            LightGBM's text per booster; none if the history is too short.
        """
        last = {h: until - h for h in range(1, self.horizons + 1)}
        rows = [
            self._maker.rows(np.arange(FIRST_ORIGIN, last[h] + 1), h) for h in last if last[h] >= FIRST_ORIGIN
        ]
        if not rows:
            return {}
        values = np.concatenate([r.values for r in rows])
        aims = {base: np.concatenate([_miss(r, base).reshape(-1) for r in rows]) for base in BASES}
        usable = np.flatnonzero(np.all([np.isfinite(aim) for aim in aims.values()], axis=0))
        if len(usable) < MIN_ROWS:
            return {}
        if len(usable) > MAX_ROWS:
            chosen = np.random.default_rng(self._settings.seed).choice(len(usable), MAX_ROWS, replace=False)
            usable = usable[np.sort(chosen)]
        values = values[usable]
        return {base: self._fit(values, aim[usable], progress) for base, aim in aims.items()}

    def _fit(self, values: Matrix, aim: Floats, progress: Progress) -> str:
        names = list(self.feature_names)
        data = lgb.Dataset(values, aim, feature_name=names, params={"max_bin": MAX_BIN, "verbosity": -1})
        rounds = self._settings.rounds
        booster = lgb.train(
            self._parameters(), data, num_boost_round=rounds,
            callbacks=[lambda told: progress("boosting round", told.iteration + 1, rounds)],
        )  # fmt: skip
        return str(booster.model_to_string())

    def _parameters(self) -> dict[str, object]:
        return {
            "objective": "l2",
            "learning_rate": self._settings.learning_rate,
            "num_leaves": self._settings.leaves,
            "min_data_in_leaf": 100,
            "feature_fraction": 0.5,
            # Random split points: weeks in which all series moved together are not learnt by heart
            "extra_trees": True,
            "seed": self._settings.seed,
            "deterministic": True,
            "force_row_wise": True,
            # Threads that wait for each other cost more than they bring where the cores are shared; the
            # boosters of past origins are trained side by side instead
            "num_threads": 1,
            "max_bin": MAX_BIN,
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
        views = [anchors.drift]
        for base, booster in boosters.items():
            told = np.asarray(booster.predict(rows.values, num_threads=1)).reshape(anchors.level.shape)
            views.append(unsquash(squash(getattr(anchors, base), anchors.level) + told, anchors.level))
        point = np.mean(views, axis=0)
        # Without a level there is no scale for what the boosters tell
        return Forecast(self._bounded(np.where(np.isnan(point), anchors.drift, point)), anchors)

    def rows(self, origins: Indices, horizon: int) -> Rows:
        """What the boosters see at the origins, in the order of ``feature_names``."""
        return self._maker.rows(origins, horizon)

    def _bounded(self, point: Floats) -> Floats:
        return np.maximum(point, 0.0) if self.nonnegative else point


def squash(values: Floats, level: Floats) -> Floats:
    """Values on a scale that is logarithmic around the level, and passes through zero to negative ones."""
    squashed: Floats = np.arcsinh(ratio(values, level * NEAR_ZERO))
    return squashed


def unsquash(squashed: Floats, level: Floats) -> Floats:
    """Back from ``squash``."""
    values: Floats = np.sinh(squashed) * level * NEAR_ZERO
    return values


def _miss(rows: Rows, base: str) -> Floats:
    """By how much the base misses, on the squashed scale."""
    level = rows.anchors.level
    return squash(rows.target, level) - squash(getattr(rows.anchors, base), level)


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
