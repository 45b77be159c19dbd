"""What is usual for a source: how often and how far its values change, by age, learnt from its own revisions.

A revision is measured in units of the noise of its series (``grid.noise``), so that a busy and a quiet
entity, summer and winter, and values below zero share one yardstick. Per variable and age the limit lies well
beyond the robust upper end of the revisions seen (median and median absolute deviation, upper tenth). Ages at
which revisions have died out are settled: there any change is beyond usual. Where hardly anything was
polled twice yet, a change of the size of the noise is allowed while the value is young.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from steadycast.lake.cells import Versions
from steadycast.revisions.grid import Array, Grid

AGES: Final = np.array([0, 4, 8, 15, 29, 61, 92, 183, 366, 1_000_000])
"""Edges of the age classes in days."""
YOUNG: Final = 1.0
"""Noises by which a value may change where little was polled twice yet."""
OLD: Final = 0.5
"""The same for values that are older than a quarter of a year."""
LEAST: Final = 0.02
"""Noises below which a change is none of anybody's business where values are still revised."""
_ENOUGH_REVISIONS: Final = 8
_ENOUGH_POLLED: Final = 12
_ENOUGH_POLLED_ALL: Final = 40
_SETTLED_SHARE: Final = 0.01
_OLD_AGE: Final = 92
_MAD: Final = 1.4826
_LOOK_BACK_DAYS: Final = 2 * 366
_POLLS: Final = 60


@dataclass(frozen=True)
class Usual:
    """Limits of a source; rows are variables, columns the age classes.

    Attributes:
        step: largest usual change against the version before, in noises; 0 where any change is too much.
        creep: the same against the first version.
        share: part of the cells polled again that changed.
        polled: how many cells of that age were polled again so far.
        revised: how many of them changed.
        settled_days: per variable, age from which on revisions have died out; NaN while not known.
    """

    step: Array
    creep: Array
    share: Array
    polled: Array
    revised: Array
    settled_days: Array


def age_class(ages: Array) -> Array:
    """The age class of each age in days."""
    found: Array = np.clip(np.searchsorted(AGES, ages, side="right") - 1, 0, len(AGES) - 2)
    return found


def learn(known: Versions, grid: Grid, noise: Array) -> Usual:
    """Learn from all earlier polls of the last two years.

    Args:
        known: the versions.
        grid: whose variables are meant.
        noise: per series of the grid.
    """
    shape = (len(grid.variables), len(AGES) - 1)
    polled = _polled(known, grid, shape)
    variable, age, step, creep = _revisions(known, grid, noise)
    limits, creeps = np.zeros(shape), np.zeros(shape)
    revised = np.zeros(shape)
    np.add.at(revised, (variable, age), 1.0)
    share = revised / np.maximum(polled, np.maximum(revised, 1))
    settled = np.full(shape[0], np.nan)
    for v in range(shape[0]):
        settled_from = _settled_from(polled[v], revised[v])
        if settled_from is not None:
            settled[v] = AGES[settled_from]
        for a in range(shape[1]):
            mine = (variable == v) & (age == a)
            if settled_from is not None and a >= settled_from:
                continue
            prior = YOUNG if AGES[a] < _OLD_AGE else OLD
            limits[v, a] = _limit(step[mine], polled[v, a], polled[v].sum(), revised[v].sum(), prior)
            creeps[v, a] = max(limits[v, a], _limit(creep[mine], polled[v, a], 0, 1, prior))
    return Usual(limits, creeps, share, polled, revised, settled)


def _limit(sizes: Array, polled: float, polled_all: float, revised_all: float, prior: float) -> float:
    """Largest usual size of one variable and age class."""
    if len(sizes) >= _ENOUGH_REVISIONS:
        middle = float(np.median(sizes))
        spread = _MAD * float(np.median(np.abs(sizes - middle)))
        high = float(np.quantile(sizes, 0.95))
        return max(middle + 6 * spread, 2.5 * high, min(1.2 * float(sizes.max()), 5 * high), LEAST)
    if len(sizes):
        return max(3.0 * float(sizes.max()), prior / 2)
    if revised_all == 0 and polled_all >= _ENOUGH_POLLED_ALL:
        return 0.0
    return prior / 2 if polled >= _ENOUGH_POLLED else prior


def _settled_from(polled: Array, revised: Array) -> int | None:
    """First age class from which on hardly anything is revised; None while too little was polled to tell."""
    found = None
    for a in reversed(range(len(polled))):
        many, changed = polled[a:].sum(), revised[a:].sum()
        if changed > _SETTLED_SHARE * many:
            break
        if many >= _ENOUGH_POLLED_ALL:
            found = a
    return found


def _revisions(known: Versions, grid: Grid, noise: Array) -> tuple[Array, Array, Array, Array]:
    """Variable, age class and size against the version before and the first one, of each revision seen."""
    cells, first = known.cells, known.first
    later = np.flatnonzero(~first)
    since = grid.as_of - _LOOK_BACK_DAYS
    later = later[known.moment[later] >= since]
    series = grid.series_of(cells.take(later)) if len(later) else np.array([], dtype=np.int32)
    later, series = later[series >= 0], series[series >= 0]
    begin = np.flatnonzero(first)
    origin = begin[np.searchsorted(begin, later, side="right") - 1] if len(begin) else later
    size = noise[series]
    step = np.abs(cells.value[later] - cells.value[later - 1]) / size
    creep = np.abs(cells.value[later] - cells.value[origin]) / size
    age = age_class(np.floor(known.moment[later]) - cells.day[later])
    return grid.variable[series], age, step, creep


def _polled(known: Versions, grid: Grid, shape: tuple[int, int]) -> Array:
    """How many cells of each variable and age class were polled again."""
    found = np.zeros(shape)
    polls = known.polls[-_POLLS:]
    if len(known.cells) == 0 or len(polls) < 2:
        return found
    cells = known.cells.take(known.first)
    variable = np.searchsorted(grid.variables, cells.variables)[cells.variable]
    low, high = int(cells.day.min()), int(cells.day.max())
    count = np.zeros((shape[0], high - low + 2))
    np.add.at(count, (variable, cells.day - low + 1), 1.0)
    upto = count.cumsum(axis=1)  # cells dated before low + column
    for before, (moment, start, end) in itertools.pairwise(polls):
        day = np.floor(moment)
        newest = min(end, before[2])  # later ones were new
        youngest = np.minimum(day - AGES[:-1], newest)
        oldest = np.maximum(day - AGES[1:] + 1, start)
        top = np.clip(youngest - low + 1, 0, high - low + 1).astype(int)
        bottom = np.clip(oldest - low, 0, high - low + 1).astype(int)
        found += np.where(youngest >= oldest, upto[:, top] - upto[:, bottom], 0)
    return found
