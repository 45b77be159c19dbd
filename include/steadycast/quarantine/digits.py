"""What somebody may have meant to type: a slipped decimal point, a sign, two digits swapped, O for 0."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from steadycast.settings import Variable

_CLOSE = 0.25
"""A retyping is proposed if it comes as near as this part of the usual value."""
_FACTORS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)
_LOOKALIKES = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "S": "5", "B": "8", ",": "."})


def retyped(value: float, usual: float, variable: Variable) -> float | None:
    """The retyping of a value that comes nearest to what is usual; None if none comes near.

    Args:
        value: as it came, in the variable's unit.
        usual: what its neighbours say.
        variable: its range, which a proposal respects.

    Example:
        >>> retyped(81.4, 8.0, Variable(name="sales", unit="k", minimum=0))
        8.14
    """
    if not math.isfinite(usual) or usual == 0:
        return None
    near = [
        (abs(candidate - usual), candidate)
        for candidate in _candidates(value)
        if abs(candidate - usual) <= _CLOSE * abs(usual) and _within(candidate, variable)
    ]
    return min(near)[1] if near else None


def read_anyway(text: str) -> float | None:
    """The number that a text with letters in place of digits was meant to be; None if there is none.

    Example:
        >>> read_anyway("12O.5")
        120.5
    """
    mended = text.strip().translate(_LOOKALIKES)
    return float(mended) if re.fullmatch(r"[+-]?\d+(\.\d+)?", mended) else None


def _within(value: float, variable: Variable) -> bool:
    low, high = variable.minimum, variable.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def _candidates(value: float) -> Iterator[float]:
    for factor in _FACTORS:
        yield float(f"{value * factor:.12g}")
    yield -value
    text = f"{value:.12g}"
    if "e" in text:
        return
    places = [i for i, sign in enumerate(text) if sign.isdigit()]
    for left, right in itertools.pairwise(places):
        digits = list(text)
        digits[left], digits[right] = digits[right], digits[left]
        yield float("".join(digits))
