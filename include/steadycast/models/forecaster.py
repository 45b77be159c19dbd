"""The forecasting model: where a week usually is, corrected by boosters.

Two views of where it is need no training: the drift, the week's usual size times the present level, and the
yearly curve. For each, one booster for all series and horizons learns on a logarithmic scale by how much it
misses. They start from forecasts that are good already and leave them as they are where the history is short
or quiet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import lightgbm as lgb
import numpy as np

from steadycast.errors import ModelError
from steadycast.features import (
    YEAR,
    Anchors,
    Calendar,
    Floats,
    History,
    Indices,
    Maker,
    Matrix,
    Rows,
    squash,
    unsquash,
)
from steadycast.models.model import BASES, DRIFT, Model, columns_of, seen
from steadycast.progress import Progress, silent
from steadycast.settings import ModelSettings

MAX_ROWS = 60_000
"""Rows that a booster is trained on; of more, a random part (fixed by the seed) tells as much."""
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
MOVING = (".last", ".over_last_year", ".week", ".week_over_recent", ".week_over_last_year")
"""Columns of a feature that move with it; its value last year works the other way round."""


@dataclass(frozen=True)
class Forecast:
    """Values at S origins for one horizon, each (S, N), in the target's unit; NaN where none can be made.

    Attributes:
        point: the views mixed by the model's shares.
        anchors: what they stand on.
        views: of each booster; the drift's where the curve has none.
    """

    point: Floats
    anchors: Anchors
    views: Mapping[str, Floats]


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

    def train(
        self, until: int, progress: Progress = silent, *, bases: Sequence[str] = BASES
    ) -> dict[str, str]:
        """Train on the weeks before index ``until``.

        Args:
            until: index of the first week that is not known.
            progress: told after each boosting round.
            bases: what boosters are trained for.

        Returns:
            LightGBM's text per base; none if the history is too short, or shows too little of that base.
        """
        last = {h: until - h for h in range(1, self.horizons + 1)}
        origins = {h: np.arange(FIRST_ORIGIN, newest + 1) for h, newest in last.items()}
        rows = [self._trainer.rows(known, h) for h, known in origins.items() if len(known)]
        if not rows:
            return {}
        values = np.concatenate([r.values for r in rows])
        weight = 0.5 ** (np.concatenate([_ages(r) for r in rows]) / HALF_LIFE)
        texts = {}
        for base in bases:
            aim = np.concatenate([_miss(r, base).reshape(-1) for r in rows])
            usable = self._usable(aim)
            if len(usable) >= MIN_ROWS:
                texts[base] = self._fit(base, values[usable], aim[usable], weight[usable], progress)
        return texts

    def _usable(self, aim: Floats) -> Indices:
        """Rows to train on."""
        usable = np.flatnonzero(np.isfinite(aim))
        if len(usable) > MAX_ROWS:
            chosen = np.random.default_rng(self._settings.seed).choice(len(usable), MAX_ROWS, replace=False)
            usable = usable[np.sort(chosen)]
        return usable

    @cached_property
    def _trainer(self) -> Maker:
        """Makes the rows of training, of at most MAX_ENTITIES series."""
        entities = len(self.history.entities)
        if entities <= MAX_ENTITIES:
            return self._maker
        chosen = np.random.default_rng(self._settings.seed).choice(entities, MAX_ENTITIES, replace=False)
        return Maker(self.history.part(np.sort(chosen)), self._calendar, horizons=self.horizons)

    def _fit(self, base: str, values: Matrix, aim: Floats, weight: Floats, progress: Progress) -> str:
        columns = columns_of(base, self.feature_names)
        names = [self.feature_names[j] for j in columns]
        told = {"max_bin": MAX_BIN, "verbosity": -1}
        mine = seen(values, base, self.feature_names)
        data = lgb.Dataset(mine, aim, weight=weight, feature_name=names, params=told)
        rounds = self._settings.rounds
        booster = lgb.train(
            self._parameters(columns), data, num_boost_round=rounds,
            callbacks=[lambda told: progress("boosting round", told.iteration + 1, rounds)],
        )  # fmt: skip
        return str(booster.model_to_string())

    def _parameters(self, columns: Sequence[int]) -> dict[str, object]:
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
            **self._monotone([self._constraints[j] for j in columns]),
        }

    def _monotone(self, constraints: list[int]) -> dict[str, object]:
        """Constraints of the declared signs; LightGBM keeps them with a smooth loss only."""
        if not any(constraints):
            return {}
        return {"objective": "fair", "fair_c": FAIR, "monotone_constraints": constraints}

    def forecast(self, model: Model, origins: Indices, horizon: int) -> Forecast:
        """Forecast the week ``horizon`` at each of the origins.

        Args:
            model: as ``train`` made it; without boosters the drift stands alone.
            origins: indices of first unknown weeks, (S,).
            horizon: 1 = the origin's own week.
        """
        if not model.boosters:
            anchors = self._maker.anchors(origins, horizon)
            return Forecast(self._bounded(anchors.drift), anchors, {})
        rows = self._maker.rows(origins, horizon)
        weights = model.weights(horizon)
        # Without a level there is no scale for what the boosters tell
        instead = rows.anchors.drift
        point, views = np.zeros(instead.shape), {}
        for base, booster in model.boosters.items():
            if weights[base] > 0 or base == DRIFT:
                values = seen(rows.values, base, self.feature_names)
                view = view_of(booster, values, begin(rows, base), rows.anchors.level)
                instead = views[base] = self._bounded(np.where(np.isnan(view), instead, view))
                point += weights[base] * instead
        return Forecast(point, rows.anchors, views)

    def rows(self, origins: Indices, horizon: int) -> Rows:
        """What the boosters see at the origins, in the order of ``feature_names``."""
        return self._maker.rows(origins, horizon)

    def _bounded(self, point: Floats) -> Floats:
        return np.maximum(point, 0.0) if self.nonnegative else point


def begin(rows: Rows, base: str) -> Floats:
    """What a booster starts from, (S, N), in the target's unit."""
    return rows.anchors.drift if base == DRIFT else rows.curve


def view_of(booster: lgb.Booster, values: Matrix, start: Floats, level: Floats) -> Floats:
    """What a booster makes of where it starts, in the target's unit and the shape of the level.

    Args:
        booster: with a row of ``values`` per element of the level.
        values: what it sees.
        start: what it starts from.
        level: of the series.
    """
    told = np.asarray(booster.predict(values, num_threads=1)).reshape(level.shape)
    return unsquash(squash(start, level) + told, level)


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
    return squash(rows.target, level) - squash(begin(rows, base), level)
