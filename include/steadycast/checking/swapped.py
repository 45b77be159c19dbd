"""Do two series have each other's numbers?

They do where each is far from what was expected of it and near to what was expected of the other, also where
either alone would pass as a bad week.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from steadycast.checking.past import Floats, distance

LEAST_SWAP: Final = 0.015
"""No distance that most of the past ones stayed within is smaller, however quiet a series is."""
OFF: Final = 2.0
"""Standard deviations from what was expected of a series, from which on it is looked at."""
FITS: Final = 2.5
"""And how near it has to be to what was expected of the other."""
SURE: Final = 5.0
"""Logarithm of the likelihood of an exchange over that of none; more if many pairs could be it."""
MOST: Final = 300
"""Where more series are far off, something else has happened than an exchange."""
SIGMAS: Final = 2.33
"""Standard deviations that 98 % of distances stay within."""


def swapped(values: Floats, expected: Floats, level: Floats, size: Floats) -> list[tuple[int, int]]:
    """Pairs of series, by position, that are each other's; the surest first, each series once.

    Args:
        values: one per series, (N,).
        expected: what was expected of each.
        level: recent size of each.
        size: distance from what is expected that 98 % of the past ones stayed within.
    """
    sigma = size / SIGMAS
    own = distance(values, expected, level) / sigma
    off = np.flatnonzero(np.abs(own) > OFF)
    if not 2 <= len(off) <= MOST:
        return []
    one, other = (off[side] for side in np.triu_indices(len(off), 1))
    there = distance(values[one], expected[other], level[other]) / sigma[other]
    back = distance(values[other], expected[one], level[one]) / sigma[one]
    ratio = (own[one] ** 2 + own[other] ** 2 - there**2 - back**2) / 2
    found = (ratio >= SURE + np.log(len(one))) & (np.abs(there) < FITS) & (np.abs(back) < FITS)
    pairs: list[tuple[int, int]] = []
    for at in np.flatnonzero(found)[np.argsort(-ratio[found], kind="stable")]:
        pair = int(one[at]), int(other[at])
        if not any(set(pair) & set(known) for known in pairs):
            pairs.append(pair)
    return pairs
