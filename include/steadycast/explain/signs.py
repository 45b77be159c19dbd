"""Does the model move with a feature as the business says it does?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast.features import Floats, Matrix
from steadycast.models import Forecaster, Model
from steadycast.models.forecaster import begin, view_of
from steadycast.models.model import seen

ORIGINS: Final = 26
"""Past origins whose rows are looked at: every second week of a year."""
MAX_ROWS: Final = 4000
SMALLEST: Final = 0.001
"""A usual step of the feature that moves the forecast by less than this share of the level says nothing."""
AGAINST: Final = 0.6
"""Share of the rows that must move against the declared sign."""
PAST: Final = ("week_last_year",)
"""Columns of a feature that speak of last year only; they stay when its present is moved."""


@dataclass(frozen=True)
class Sign:
    """How the model answers to more of a feature.

    Attributes:
        feature: ``source.variable``.
        declared: ``+`` or ``-``.
        effect: mean change of the forecast as a share of the level, for a usual step up of the feature.
        step: that step: the feature's week-to-week standard deviation, in its own unit.
        against: share of the rows that move against the declared sign.
    """

    feature: str
    declared: str
    effect: float
    step: float
    against: float

    @property
    def contradicts(self) -> bool:
        """The model says the opposite of what is declared, and not by a trifle."""
        wrong = self.effect < 0 if self.declared == "+" else self.effect > 0
        return wrong and abs(self.effect) >= SMALLEST and self.against >= AGAINST


def check(forecaster: Forecaster, model: Model, declared: Mapping[str, str]) -> list[Sign]:
    """Move each declared feature one usual step up, in rows of the past year, and see where the model goes.

    A feature's columns move together, so that it does not matter which of them the trees happened to take.

    Args:
        forecaster: on the history that is known.
        model: without boosters no feature has a say and nothing is checked.
        declared: ``+`` or ``-`` per feature ``source.variable``.
    """
    inputs = forecaster.history.inputs
    wanted = {name: sign for name, sign in declared.items() if name in inputs}
    if not wanted or not model.boosters:
        return []
    weeks = len(forecaster.history.weeks)
    origins = weeks - 2 * np.arange(ORIGINS)
    rows = forecaster.rows(origins[origins > 0], 1)
    level = np.where(rows.anchors.level > 0, rows.anchors.level, np.nan).reshape(-1)
    bases = {base: begin(rows, base).reshape(-1) for base in model.boosters}
    usable = np.flatnonzero(np.isfinite(level) & np.all([np.isfinite(b) for b in bases.values()], axis=0))
    usable = usable[:: max(1, -(-len(usable) // MAX_ROWS))]
    if not len(usable):
        return []
    values, level = rows.values[usable], level[usable]
    bases = {base: start[usable] for base, start in bases.items()}
    names = forecaster.feature_names
    before = _view(model, values, names, bases, level)
    found = []
    for name, sign in wanted.items():
        step = _step(inputs[name])
        if not step > 0:
            continue
        moved = values.copy()
        for j, column in enumerate(names):
            if column.startswith(f"{name}.") and not column.endswith(PAST):
                moved[:, j] += step
        change = (_view(model, moved, names, bases, level) - before) / level
        against = change < 0 if sign == "+" else change > 0
        found.append(Sign(name, sign, float(change.mean()), step, float(against.mean())))
    return found


def _view(
    model: Model, values: Matrix, names: Sequence[str], bases: Mapping[str, Floats], level: Floats
) -> Floats:
    """The boosters' views of the first week, mixed."""
    weights = model.weights(1)
    view = np.zeros(len(level))
    for base, booster in model.boosters.items():
        view += weights[base] * view_of(booster, seen(values, base, names), bases[base], level)
    return view


def _step(values: Floats) -> float:
    changes = pd.DataFrame(values).diff().to_numpy()
    return float(np.nanstd(changes)) if np.isfinite(changes).any() else 0.0
