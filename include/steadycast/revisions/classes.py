"""The class of each cell: new, late, unchanged, revised within usual, revised beyond usual, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from steadycast.revisions.grid import Array, Grid, quanta
from steadycast.revisions.usual import Usual, age_class

CLASSES: Final = ("", "new", "late", "unchanged", "within usual", "beyond usual", "deleted")
NOTHING, NEW, LATE, UNCHANGED, WITHIN, BEYOND, DELETED = range(len(CLASSES))
MATERIAL: Final = 0.1
"""Noises by which a value has to change to matter for a forecast."""
_SAME: Final = 1e-9


@dataclass(frozen=True)
class Classified:
    """Matrices of series × dates of the window.

    Attributes:
        kind: place in ``CLASSES``.
        change: poll minus newest accepted value; NaN where one is missing.
        size: the change in noises, against the newest or the first version, whichever exceeds its limit more.
        limit: largest usual size.
        creeping: beyond usual against the first version only.
        changed: the poll says something else than was known, by more than rounding.
    """

    kind: Array
    change: Array
    size: Array
    limit: Array
    creeping: Array
    changed: Array


def classify(grid: Grid, usual: Usual, noise: Array) -> Classified:
    """Give every cell of the window its class.

    Rounding to fewer decimals than before is within usual. A cell is late if its date is not newer than what
    its series had already told.
    """
    last, polled = grid.last, grid.polled
    there, known = np.isfinite(polled), np.isfinite(last)
    change = polled - last
    both = there & known
    with np.errstate(invalid="ignore"):
        differs = both & (np.abs(change) > _SAME * np.maximum(np.abs(last), np.abs(polled)))
    age = age_class(grid.ages)
    step = usual.step[grid.variable][:, age]
    creep = usual.creep[grid.variable][:, age]
    rounding = _rounding(grid)[grid.variable][:, None]
    with np.errstate(invalid="ignore"):
        rounded = differs & (np.abs(change) <= rounding)
        size = np.abs(change) / noise[:, None]
        since_first = np.abs(polled - grid.first) / noise[:, None]
        beyond = differs & ~rounded & (size > step)
        creeping = differs & ~rounded & ~beyond & (since_first > creep)
    kind = np.full(polled.shape, NOTHING, dtype=np.int8)
    kind[both] = UNCHANGED
    kind[differs] = WITHIN
    kind[beyond | creeping] = BEYOND
    kind[known & ~there] = DELETED
    newest = _newest(np.isfinite(grid.known), grid.days)
    old = grid.days[grid.window :][None, :] <= newest[:, None]
    kind[there & ~known & old] = LATE
    kind[there & ~known & ~old] = NEW
    return Classified(
        kind,
        change,
        np.where(creeping, since_first, size),
        np.where(creeping, creep, step),
        creeping,
        differs & ~rounded,
    )


def _newest(there: Array, days: Array) -> Array:
    """Newest date that each series has; far past where it has none."""
    if there.shape[1] == 0:
        return np.full(len(there), -(10**6))
    back = there[:, ::-1].argmax(axis=1)
    newest: Array = np.where(there.any(axis=1), days[len(days) - 1 - back], -(10**6))
    return newest


def _rounding(grid: Grid) -> Array:
    """Per variable, the change that comes from telling fewer decimals than before; 0 if it tells as many."""
    before, now = quanta(grid)
    return np.where(now > before, 0.5 * now * (1 + 1e-6), 0.0)
