"""Evidence for the model's settings: scores on the origins before the ten that the benchmark reports.

An alternative is scored on the inputs as they are and on distorted ones. Of those whose errors are within
noise of the best, the simplest one wins, unless a distortion hurts it more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import data, folds, ours
from steadycast import schema

YEAR_AND_LEVEL = 61
"""An origin needs a year and the weeks of the level behind it."""
NOISE = 1.01
"""Alternatives within this factor of the best are equal."""
ALTERNATIVES: dict[str, dict[str, Any]] = {
    "50 rounds": {"rounds": 50},
    "default settings": {},
    "15 leaves": {"leaves": 15},
    "200 rounds, learning rate 0.05": {"rounds": 200, "learning_rate": 0.05},
}
"""The simplest first."""
HURT, LATE = 0.1, 2
"""Share of the series that is distorted, and weeks."""


def _perturbed(known: pd.DataFrame, hurt: np.ndarray) -> pd.DataFrame:
    """The last weeks of some series are half as large again."""
    out = known.copy()
    out.iloc[-LATE:, hurt] *= 1.5
    return out


def _masked(known: pd.DataFrame, hurt: np.ndarray) -> pd.DataFrame:
    """The last weeks of some series are missing."""
    out = known.copy()
    out.iloc[-LATE:, hurt] = np.nan
    return out


def _shifted(known: pd.DataFrame, hurt: np.ndarray) -> pd.DataFrame:
    """Some series come a week late: each week holds the value of the one before it."""
    out = known.copy()
    out.iloc[:, hurt] = known.iloc[:, hurt].shift(1).to_numpy()
    return out


DISTORTIONS: dict[str, Callable[[pd.DataFrame, np.ndarray], pd.DataFrame]] = {
    "as they are": lambda known, _: known,
    "perturbed": _perturbed,
    "masked": _masked,
    "shifted": _shifted,
}


def run(folder: Path, sets: list[str], *, progress: folds.Progress) -> pd.DataFrame:
    """Print and return WAPE in percent per alternative, inputs and set; the geometric means decide."""
    found = {name: _of_set(data.SETS[name](folder), name, progress) for name in sets}
    table = pd.DataFrame(found)
    table["geometric mean"] = table.prod(axis=1) ** (1 / len(sets))
    print("WAPE in percent on the origins before the scored ones\n")
    print(table.round(2).to_string())
    print(f"\nChosen: {chosen(table['geometric mean'])}")
    return table


def chosen(means: pd.Series) -> str:
    """The simplest of the alternatives that are within noise of the best, on plain and on distorted inputs.

    Args:
        means: error by alternative and kind of inputs.
    """
    plain = means.xs("as they are", level=1).drop("drift", errors="ignore")
    hurt = means.drop("as they are", level=1).groupby(level=0).mean().reindex(plain.index)
    near = plain.index[plain <= NOISE * plain.min()]
    firm = hurt[near].index[hurt[near] <= NOISE * hurt[near].min()]
    return str(next(name for name in ALTERNATIVES if name in firm))


def _of_set(weekly: pd.DataFrame, name: str, progress: folds.Progress) -> pd.Series:
    steps = [o for o in folds.origins(len(weekly), skip=folds.ORIGINS) if o >= YEAR_AND_LEVEL]
    errors: dict[tuple[str, str], float] = {}
    size = 0.0
    dice = np.random.default_rng(20160606)
    for done, origin in enumerate(steps):
        progress(f"{name}: origin {weekly.index[origin].date()}", done, len(steps))
        actual = weekly.iloc[origin : origin + folds.HORIZONS].stack()
        size += float(actual.sum())
        series = weekly.shape[1]
        hurt = dice.choice(series, max(1, round(HURT * series)), replace=False)
        for inputs, distort in DISTORTIONS.items():
            panel = ours.panel(distort(weekly.iloc[:origin], hurt))
            for label, model in ALTERNATIVES.items():
                made = ours.points(panel, ours.settings(**model), weekly.index[origin].date())
                # The drift is told once, for the default settings
                for part, table in made.items():
                    if model and part != ours.DEFAULT:
                        continue
                    point = table.set_index([schema.WEEK, schema.ENTITY])[schema.POINT]
                    row = (label if part == ours.DEFAULT else part, inputs)
                    miss = float((point - actual.rename_axis(point.index.names)).abs().sum())
                    errors[row] = errors.get(row, 0.0) + miss
    return pd.Series({row: 100 * error / size for row, error in errors.items()})
