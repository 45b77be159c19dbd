"""Conversions between units that providers are known to swap without a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Conversion:
    """new = times * old + plus."""

    name: str
    times: float
    plus: float = 0.0


def _both(one: str, other: str, times: float) -> tuple[Conversion, Conversion]:
    return Conversion(f"{one} to {other}", times), Conversion(f"{other} to {one}", 1 / times)


CONVERSIONS: Final = (
    Conversion("degC to degF", 1.8, 32.0),
    Conversion("degF to degC", 1 / 1.8, -32.0 / 1.8),
    Conversion("degC to K", 1.0, 273.15),
    Conversion("K to degC", 1.0, -273.15),
    *_both("in", "mm", 25.4),
    *_both("in", "cm", 2.54),
    *_both("mph", "km/h", 1.609344),
    *_both("m/s", "mph", 2.2369363),
    *_both("m/s", "km/h", 3.6),
    *_both("kn", "mph", 1.1507794),
    *_both("kn", "km/h", 1.852),
    *_both("m/s", "kn", 1.9438445),
    *_both("inHg", "hPa", 33.863886),
    *_both("kg", "lb", 2.2046226),
    *_both("gal", "l", 3.7854118),
    *_both("thousands", "units", 1000.0),
    *_both("millions", "units", 1e6),
    *_both("parts", "percent", 100.0),
    *_both("USD", "cents", 100.0),
    *_both("cm", "mm", 10.0),
)
"""Of those with the same factor the first gives the name."""
_WORDS: Final = {
    "degf": "degF", "fahrenheit": "degF", "°f": "degF", "f": "degF",
    "degc": "degC", "celsius": "degC", "°c": "degC", "c": "degC", "k": "K", "kelvin": "K",
    "in": "in", "inch": "in", "inches": "in", "mm": "mm", "cm": "cm",
    "mph": "mph", "km/h": "km/h", "kmh": "km/h", "kph": "km/h", "m/s": "m/s", "kn": "kn", "knots": "kn",
    "inhg": "inHg", "hpa": "hPa", "mbar": "hPa", "kg": "kg", "lb": "lb", "gal": "gal", "l": "l",
    "thousand": "thousands", "thousands": "thousands", "million": "millions", "usd": "USD",
    "%": "percent", "percent": "percent",
}  # fmt: skip


def plausible(unit: str) -> tuple[Conversion, ...]:
    """Conversions that a variable of this unit may have gone through; powers of ten always."""
    words = unit.split()
    own = _WORDS.get(words[0].lower(), "") if words else ""
    tens = tuple(c for c in CONVERSIONS if c.plus == 0 and c.times in (1000.0, 0.001, 1e6, 1e-6, 100.0, 0.01))
    mine = tuple(c for c in CONVERSIONS if own and own in (c.name.split(" to ")[0], c.name.split(" to ")[1]))
    return (*mine, *(c for c in tens if c.times not in {m.times for m in mine}))
