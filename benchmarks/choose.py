"""Evidence for the model's settings: scores on the origins before the ten that the benchmark reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import data, folds, ours
from steadycast import schema

YEAR_AND_LEVEL = 61
"""An origin needs a year and the weeks of the level behind it."""
ALTERNATIVES: dict[str, dict[str, Any]] = {
    "default settings": {},
    "15 leaves": {"leaves": 15},
    "50 rounds": {"rounds": 50},
    "200 rounds, learning rate 0.05": {"rounds": 200, "learning_rate": 0.05},
}


def run(folder: Path, sets: list[str], *, progress: folds.Progress) -> pd.DataFrame:
    """Print and return WAPE in percent per alternative and set; the geometric mean decides."""
    found = {name: _of_set(data.SETS[name](folder), name, progress) for name in sets}
    table = pd.DataFrame(found)
    table["geometric mean"] = table.prod(axis=1) ** (1 / len(sets))
    print("WAPE in percent on the origins before the scored ones\n")
    print(table.round(2).to_string())
    return table


def _of_set(weekly: pd.DataFrame, name: str, progress: folds.Progress) -> pd.Series:
    panel = ours.panel(weekly)
    steps = [o for o in folds.origins(len(weekly), skip=folds.ORIGINS) if o >= YEAR_AND_LEVEL]
    errors: dict[str, float] = {}
    size = 0.0
    for done, origin in enumerate(steps):
        progress(f"{name}: origin {weekly.index[origin].date()}", done, len(steps))
        actual = weekly.iloc[origin : origin + folds.HORIZONS].stack()
        size += float(actual.sum())
        for label, model in ALTERNATIVES.items():
            made = ours.points(panel, ours.settings(**model), weekly.index[origin].date())
            # The parts of the forecast are told once, for the default settings
            for part, table in made.items():
                if model and part != ours.DEFAULT:
                    continue
                point = table.set_index([schema.WEEK, schema.ENTITY])[schema.POINT]
                row = label if part == ours.DEFAULT else part
                errors[row] = errors.get(row, 0.0) + float(
                    (point - actual.rename_axis(point.index.names)).abs().sum()
                )
    return pd.Series({row: 100 * error / size for row, error in errors.items()})
