"""The forecasting model: the usual size of the coming week at the present level, corrected by a booster.

The drift, the week's usual size times the present level, needs no training. One booster for all series and
horizons learns on a logarithmic scale by how much the drift misses. It starts from a forecast that is good
already and leaves it as it is where the history is short or quiet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import lightgbm as lgb
import numpy as np

from steadycast.errors import ModelError
from steadycast.features import YEAR, Anchors, Calendar, Floats, History, Indices, Maker, Matrix, Rows, ratio
from steadycast.progress import Progress, silent
from steadycast.settings import ModelSettings

BASES = ("drift",)
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
LONGEST = YEAR - 10
"""Weeks ahead for which last year's climate around the week is known."""
MAX_ENTITIES = 1_000
"""Series that a booster is trained on; of more, a random part (fixed by the seed)."""
HALF_LIFE = 156
"""Weeks after which a row weighs half as much as the newest."""
FAIR = 0.03
"""Misses beyond this size count almost linearly in the smooth loss."""
MOVING = (".last", ".over_last_year")
"""Columns of a feature that move with it; its value last year works the other way round."""


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
        signs: ``+`` or ``-`` per feature ``source.variable``: the booster may not contradict them.
    """

    def __init__(
        self,
        history: History,
        calendar: Calendar,
        *,
        horizons: int,
        settings: ModelSettings,
        nonnegative: bool,
        signs: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if horizons > LONGEST:
            raise ModelError(
                f"a forecast of {horizons} weeks needs weeks of last year that are not known yet",
                remedy=f"set forecast.horizon_weeks to at most {LONGEST}",
            )
        self.history = history
        self.horizons = horizons
        self.threads = settings.threads
        self._maker = Maker(history, calendar, horizons=horizons)
        self.feature_names = self._maker.names()
        self._settings = settings
        self.nonnegative = nonnegative
        self._calendar = calendar
        self._constraints = [_sign(name, signs) for name in self.feature_names]

    def train(self, until: int, progress: Progress = silent) -> dict[str, str]:
        """Train on the weeks before index ``until``.

        Args:
            until: index of the first week that is not known.
            progress: told after each boosting round.

        Returns:
            LightGBM's text per booster; none if the history is too short.
        """
        last = {h: until - h for h in range(1, self.horizons + 1)}
        origins = {h: np.arange(FIRST_ORIGIN, newest + 1) for h, newest in last.items()}
        rows = [self._trainer.rows(known, h) for h, known in origins.items() if len(known)]
        if not rows:
            return {}
        values = np.concatenate([r.values for r in rows])
        aims = {base: np.concatenate([_miss(r, base).reshape(-1) for r in rows]) for base in BASES}
        age = np.concatenate([_ages(r) for r in rows])
        usable = np.flatnonzero(np.all([np.isfinite(aim) for aim in aims.values()], axis=0))
        if len(usable) < MIN_ROWS:
            return {}
        if len(usable) > MAX_ROWS:
            chosen = np.random.default_rng(self._settings.seed).choice(len(usable), MAX_ROWS, replace=False)
            usable = usable[np.sort(chosen)]
        values, weight = values[usable], 0.5 ** (age[usable] / HALF_LIFE)
        return {base: self._fit(values, aim[usable], weight, progress) for base, aim in aims.items()}

    @cached_property
    def _trainer(self) -> Maker:
        """Makes the rows of training, of at most MAX_ENTITIES series."""
        entities = len(self.history.entities)
        if entities <= MAX_ENTITIES:
            return self._maker
        chosen = np.random.default_rng(self._settings.seed).choice(entities, MAX_ENTITIES, replace=False)
        return Maker(self.history.part(np.sort(chosen)), self._calendar, horizons=self.horizons)

    def _fit(self, values: Matrix, aim: Floats, weight: Floats, progress: Progress) -> str:
        names = list(self.feature_names)
        told = {"max_bin": MAX_BIN, "verbosity": -1}
        data = lgb.Dataset(values, aim, weight=weight, feature_name=names, params=told)
        rounds = self._settings.rounds
        booster = lgb.train(
            self._parameters(), data, num_boost_round=rounds,
            callbacks=[lambda told: progress("boosting round", told.iteration + 1, rounds)],
        )  # fmt: skip
        return str(booster.model_to_string())

    def _parameters(self) -> dict[str, object]:
        return {
            # The median of the ratio: what a sum of absolute errors asks for, and deaf to single odd weeks
            "objective": "l1",
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
            **self._monotone(),
        }

    def _monotone(self) -> dict[str, object]:
        """Constraints of the declared signs; LightGBM keeps them with a smooth loss only."""
        if not any(self._constraints):
            return {}
        return {"objective": "fair", "fair_c": FAIR, "monotone_constraints": self._constraints}

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
        views = []
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


def _sign(column: str, signs: Mapping[str, str]) -> int:
    """1, -1 or 0 of a column, by the sign of its feature."""
    feature = next((column.removesuffix(end) for end in MOVING if column.endswith(end)), "")
    return {"+": 1, "-": -1}.get(signs.get(feature, ""), 0)


def _ages(rows: Rows) -> Floats:
    """Weeks from each row's origin to the newest, (S * N,)."""
    origins, entities = rows.target.shape
    return np.repeat(np.arange(origins, 0, -1, dtype=np.float64) - 1, entities)


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
