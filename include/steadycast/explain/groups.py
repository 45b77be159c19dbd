"""Groups of features whose contributions are told as one.

Trees share credit between features that say the same thing by chance: another seed, another share. Their sum
is stable. The model's own columns are grouped by what they tell; features of the settings by declaration, or
where the history shows them to move together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from steadycast.features import Floats, History

START: Final = "same week last year"
LEVEL: Final = "recent level"
GROWTH: Final = "growth over last year"
SEASON: Final = "usual season"
RECENT: Final = "recent weeks"
TOGETHER: Final = "all series together"
CALENDAR: Final = "calendar and holidays"
MEAN_MISS: Final = "usual miss"
BOUND: Final = "not below zero"
REST: Final = "rest"
ALIKE: Final = 0.7
"""Features whose weekly values have at least this rank correlation, either way, are one group."""
SHORTEST: Final = 26
"""Weeks that two features must have in common before they are called alike."""


def of_columns(names: Sequence[str], drivers: Mapping[str, str]) -> list[str]:
    """The group of each of the model's columns.

    Args:
        names: of the columns, as the forecaster has them.
        drivers: group per feature ``source.variable``, as ``of_drivers`` makes them.
    """
    return [_of_column(name, drivers) for name in names]


def _of_column(name: str, drivers: Mapping[str, str]) -> str:
    for driver, group in drivers.items():
        if name.startswith(f"{driver}."):
            return group
    if name.startswith("all_"):
        return TOGETHER
    if name.startswith(("horizon", "week", "holiday", "easter", "day_of_month")):
        return CALENDAR
    if name.startswith("growth"):
        return GROWTH
    if name.startswith(("drift", "yearly", "season", "usual", "shape", "last_year")) or name.endswith(
        "last_year"
    ):
        return SEASON
    return RECENT


def of_drivers(history: History, declared: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The group of each feature of the settings: as declared, else those that move together.

    Args:
        history: all that is known.
        declared: name: its features, ``source.variable``.

    Returns: group per feature; a group that was learnt is called by its members.
    """
    named = {feature: group for group, members in declared.items() for feature in members}
    free = [name for name in history.drivers if name not in named]
    return {**named, **_learnt({name: history.drivers[name] for name in free})}


def _learnt(drivers: Mapping[str, Floats]) -> dict[str, str]:
    names = list(drivers)
    if len(names) < 2:
        return {name: name for name in names}
    series = pd.DataFrame({name: _common(values) for name, values in drivers.items()})
    alike = series.corr(method="spearman", min_periods=SHORTEST).abs().fillna(0.0).to_numpy()
    far = 1 - (alike + alike.T) / 2
    np.fill_diagonal(far, 0.0)
    # average: a chain of neighbours does not put two features together that have nothing in common
    cluster = fcluster(linkage(squareform(far, checks=False), "average"), 1 - ALIKE, "distance")
    members = {c: [n for n, k in zip(names, cluster, strict=True) if k == c] for c in set(cluster)}
    return {name: _title(members[c]) for name, c in zip(names, cluster, strict=True)}


def _common(values: Floats) -> Floats:
    """One series for all: the mean over entities of what each is away from its own mean."""
    there = ~np.isnan(values)
    count = np.maximum(there.sum(axis=0), 1)
    away = values - np.where(there, values, 0.0).sum(axis=0) / count
    both = there.sum(axis=1)
    told: Floats = np.divide(
        np.where(there, away, 0.0).sum(axis=1), both, out=np.full(len(values), np.nan), where=both > 0
    )
    return told


def _title(members: Sequence[str]) -> str:
    """``weather.tmax_f, tmin_f``: a source is named once."""
    told, last = [], ""
    for name in members:
        source, _, variable = name.partition(".")
        told.append(variable if source == last else name)
        last = source
    return ", ".join(told)
