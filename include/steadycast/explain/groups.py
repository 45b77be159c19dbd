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

from steadycast.features import Floats, History

START: Final = "same week last year"
LEVEL: Final = "recent level"
GROWTH: Final = "growth over last year"
SEASON: Final = "usual season"
RECENT: Final = "recent weeks"
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
    if name.startswith(("horizon", "week", "holiday", "easter", "day_of_month")):
        return CALENDAR
    if name.startswith("growth"):
        return GROWTH
    if name.startswith(
        ("drift", "yearly", "season", "usual", "shape", "last_year", "curve")
    ) or name.endswith("last_year"):
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
    free = {name: values for name, values in history.inputs.items() if name not in named}
    return {**named, **_learnt(free)}


def _learnt(drivers: Mapping[str, Floats]) -> dict[str, str]:
    names = list(drivers)
    if len(names) < 2:
        return {name: name for name in names}
    series = pd.DataFrame({name: _common(values) for name, values in drivers.items()})
    alike = series.corr(method="spearman", min_periods=SHORTEST).abs().fillna(0.0).to_numpy()
    together = _clusters((alike + alike.T) / 2)
    members = [[names[i] for i in sorted(cluster)] for cluster in together]
    return {name: _title(cluster) for cluster in members for name in cluster}


def _clusters(alike: Floats) -> list[list[int]]:
    """Average linkage: the two clusters that are most alike are joined while their mean is ALIKE or more.

    The mean and not the nearest pair: a chain of neighbours does not put two features together that have
    nothing in common.
    """
    clusters = [[i] for i in range(len(alike))]
    while len(clusters) > 1:
        means = {
            (i, j): float(alike[np.ix_(one, clusters[j])].mean())
            for i, one in enumerate(clusters)
            for j in range(i + 1, len(clusters))
        }
        i, j = max(means, key=means.__getitem__)
        if means[i, j] < ALIKE:
            break
        clusters[i] += clusters.pop(j)
    return clusters


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
