"""Does each group of the model's columns earn its place? Scores on the origins before the scored ones.

The model is trained without one group at a time: a group whose absence costs nothing beyond noise is to be
left out of the product, because the simpler model wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import choose, data, folds, ours
from steadycast import features, models, schema
from steadycast.explain import groups
from steadycast.features import CURVED, Indices, Rows

ALL = "all columns"
PARTS = {
    "horizon": ("horizon",),
    "yearly curve": CURVED,
    "without season": ("plain_", "usual"),
    "last year": ("last_year_", "shape_"),
}
"""Beginnings of columns that are looked at apart from the explanation's groups."""


def group_of(column: str) -> str:
    """A column's group."""
    named = (group for group, starts in PARTS.items() if column.startswith(starts))
    return next(named, groups.of_columns([column], {})[0])


class Blind(features.Maker):
    """A maker whose rows have nothing in some columns; a column without values is none to LightGBM."""

    def __init__(self, maker: features.Maker, without: Sequence[int]) -> None:
        vars(self).update(vars(maker))
        self._without = list(without)

    def rows(self, origins: Indices, horizon: int) -> Rows:
        """As the product's, but for the columns that are left out."""
        made = super().rows(origins, horizon)
        made.values[:, self._without] = np.nan
        return made


class Without(models.Forecaster):
    """The product's forecaster without a group of columns."""

    def __init__(self, whole: models.Forecaster, group: str) -> None:
        vars(self).update(vars(whole))
        left_out = [j for j, name in enumerate(self.feature_names) if group_of(name) == group]
        self._maker = Blind(self._maker, left_out)


def run(folder: Path, sets: list[str], *, progress: folds.Progress) -> pd.DataFrame:
    """Print and return WAPE in percent with all columns, and without each group."""
    table = pd.DataFrame({name: _of_set(data.SETS[name](folder), name, progress) for name in sets})
    table["geometric mean"] = table.prod(axis=1) ** (1 / len(sets))
    print("WAPE in percent on the origins before the scored ones, without a group of columns\n")
    print(table.round(2).to_string())
    spared = table["geometric mean"] <= choose.NOISE * table.loc[ALL, "geometric mean"]
    print(f"\nWithin noise without: {', '.join(str(name) for name in table.index[spared][1:]) or 'none'}")
    return table


def _of_set(weekly: pd.DataFrame, name: str, progress: folds.Progress) -> pd.Series:
    steps = [o for o in folds.origins(len(weekly), skip=folds.ORIGINS) if o >= choose.YEAR_AND_LEVEL]
    errors: dict[str, float] = {}
    size, panel, settings = 0.0, ours.panel(weekly), ours.settings()
    for done, origin in enumerate(steps):
        progress(f"{name}: origin {weekly.index[origin].date()}", done, len(steps))
        history = models.known_history(panel, settings, weekly.index[origin].date())
        whole = models.forecaster(history, settings)
        names = dict.fromkeys(map(group_of, whole.feature_names))
        size += float(weekly.iloc[origin : origin + folds.HORIZONS].to_numpy().sum())
        for label, forecaster in {ALL: whole, **{group: Without(whole, group) for group in names}}.items():
            errors[label] = errors.get(label, 0.0) + _error(forecaster, weekly, origin)
    return pd.Series({label: 100 * error / size for label, error in errors.items()})


def _error(forecaster: models.Forecaster, weekly: pd.DataFrame, origin: int) -> float:
    """Sum of the absolute errors of the forecast at an origin."""
    model = models.load(forecaster.train(origin), forecaster.feature_names)
    table = models.forecast_table(forecaster, model, np.array([origin]), moving_average_weeks=4)
    points = table.pivot(index=schema.WEEK, columns=schema.ENTITY, values=schema.POINT)
    return float((points - weekly.iloc[origin : origin + folds.HORIZONS]).abs().to_numpy().sum())
