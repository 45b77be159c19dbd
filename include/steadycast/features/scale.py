"""A scale on which series of any size, sign and noise look alike."""

from __future__ import annotations

import numpy as np

from steadycast.features.history import Floats
from steadycast.features.lookback import ratio

NEAR_ZERO = 0.05
"""Share of the level below which a value is near zero and the scale turns from logarithmic to linear."""


def squash(values: Floats, level: Floats) -> Floats:
    """Values on a scale that is logarithmic around the level, and passes through zero to negative ones."""
    squashed: Floats = np.arcsinh(ratio(values, level * NEAR_ZERO))
    return squashed


def unsquash(squashed: Floats, level: Floats) -> Floats:
    """Back from ``squash``."""
    values: Floats = np.sinh(squashed) * level * NEAR_ZERO
    return values
