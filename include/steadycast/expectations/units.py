"""Is a variable still in its declared unit? Usual conversions are tried on its new and re-polled values.

Two kinds of evidence: cells that were known before and now read as converted ones (proof), and new values
that only make sense beside recent level and season when they are converted (suspicion).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.expectations.evidence import Evidence
from steadycast.settings import Variable

SUSPECTED: Final = "suspected"
PROVEN: Final = "proven"
FOUND: Final = "looks_like"
SINCE: Final = "since"
COUNT: Final = "values"
EXAMPLE: Final = "example"
EXPECTED: Final = "expected"
SCALE: Final = "scale"
OFFSET: Final = "offset"

_SERIES: Final = [c.ENTITY, c.VARIABLE]
_COLUMNS: Final = [
    *_SERIES, SUSPECTED, PROVEN, FOUND, SINCE, COUNT, EXAMPLE, EXPECTED, SCALE, OFFSET,
]  # fmt: skip
_ENOUGH = {"daily": 4, "weekly": 3, "monthly": 2}
_ENOUGH_KNOWN = 12
_SAME = 0.02
"""A converted cell is the known one if they differ by less than this part of it, or of the series' spread."""
_MOST = 0.8
_FAR, _NEAR = 4.0, 1.5
"""Robust scales from what is expected: of the values as they came at least, of the converted ones at most."""
_SEASON_DAYS = 20
_RECENT = {"daily": 28, "weekly": 8, "monthly": 6}


@dataclass(frozen=True)
class Conversion:
    """``declared = scale * value + offset`` turns values in ``unit`` into the declared unit."""

    unit: str
    scale: float
    offset: float = 0.0


_NAMES: Final = {
    "degf": "degF", "°f": "degF", "f": "degF", "fahrenheit": "degF",
    "degc": "degC", "°c": "degC", "c": "degC", "celsius": "degC",
    "k": "K", "kelvin": "K",
    "mph": "mph", "mi/h": "mph", "km/h": "km/h", "kmh": "km/h", "kph": "km/h", "km·h⁻¹": "km/h",
    "m/s": "m/s", "kn": "kn", "kt": "kn", "knots": "kn",
    "inhg": "inHg", "hpa": "hPa", "mbar": "hPa", "mb": "hPa", "kpa": "kPa", "mmhg": "mmHg",
    "in": "in", "inch": "in", "inches": "in", "mm": "mm", "cm": "cm",
    "mi": "mi", "miles": "mi", "km": "km", "lb": "lb", "kg": "kg",
    "gal": "gal", "gallon": "gal", "l": "l", "liter": "l", "litre": "l",
}  # fmt: skip
_BASE: Final = {
    "degC": ("temperature", 1.0, 0.0), "degF": ("temperature", 5 / 9, -160 / 9),
    "K": ("temperature", 1.0, -273.15),
    "m/s": ("speed", 1.0, 0.0), "km/h": ("speed", 1 / 3.6, 0.0), "mph": ("speed", 0.44704, 0.0),
    "kn": ("speed", 0.514444, 0.0),
    "hPa": ("pressure", 1.0, 0.0), "inHg": ("pressure", 33.8639, 0.0), "kPa": ("pressure", 10.0, 0.0),
    "mmHg": ("pressure", 1.33322, 0.0),
    "mm": ("length", 1.0, 0.0), "in": ("length", 25.4, 0.0), "cm": ("length", 10.0, 0.0),
    "km": ("distance", 1.0, 0.0), "mi": ("distance", 1.609344, 0.0),
    "kg": ("mass", 1.0, 0.0), "lb": ("mass", 0.45359237, 0.0),
    "l": ("volume", 1.0, 0.0), "gal": ("volume", 3.785411784, 0.0),
}  # fmt: skip
"""Of each unit: its kind, and ``base = scale * value + offset``."""
_POWERS: Final = {1e-3: "thousandfold", 1e3: "a thousandth", 1e-2: "hundredfold", 1e2: "a hundredth",
                  1e-6: "millionfold", 1e6: "a millionth"}  # fmt: skip


def conversions(unit: str) -> list[Conversion]:
    """What the values may be in, if not in ``unit``: units of its kind first, then powers of ten.

    Example:
        >>> [(x.unit, round(x.scale, 3), round(x.offset, 3)) for x in conversions("degF")[:1]]
        [('degC', 1.8, 32.0)]
    """
    top, per, bottom = unit.partition(" per ")
    found = [_between(other, top) for other in _like(top)]
    if per:
        found += [
            Conversion(f"{top} per {other.unit}", 1 / other.scale)
            for other in (_between(name, bottom) for name in _like(bottom))
        ]
    named = [Conversion(f"{name} of {unit}", scale) for scale, name in _POWERS.items()]
    thousand = re.fullmatch(r"(thousand|million)s? (.+)", unit)
    if thousand:
        plain = Conversion(thousand[2], 1e-3 if thousand[1] == "thousand" else 1e-6)
        named = [plain, *(other for other in named if other.scale != plain.scale)]
    return found + named


def _known_as(text: str) -> str | None:
    return _NAMES.get(text.strip().lower())


def _like(text: str) -> list[str]:
    mine = _known_as(text)
    if mine is None:
        return []
    return [name for name, (kind, *_) in _BASE.items() if kind == _BASE[mine][0] and name != mine]


def _between(other: str, declared: str) -> Conversion:
    _, scale, offset = _BASE[other]
    _, mine_scale, mine_offset = _BASE[_NAMES[declared.strip().lower()]]
    return Conversion(other, scale / mine_scale, (offset - mine_offset) / mine_scale)


def suspects(evidence: Evidence) -> pd.DataFrame:
    """Each series of the poll, and whether its values fit another unit better than the declared one.

    Returns: entity, variable, suspected (1 if only level and season say so), proven (1 if known cells read
        as converted ones), looks_like, since (first date of such values), values (how many), example (the
        newest, as it came), expected (what it would be in the declared unit by what is known), scale, offset.
        Series with fewer than 12 known values are not judged.
    """
    found = []
    known = {key: rows for key, rows in evidence.known.groupby(_SERIES)}
    for (entity, name), poll in evidence.cells.groupby(_SERIES, sort=True):
        before = known.get((entity, name))
        row = None
        if before is not None and len(before) >= _ENOUGH_KNOWN:
            row = _suspect(poll, before, evidence.source.variable(str(name)), evidence.source.cadence)
        found.append({c.ENTITY: entity, c.VARIABLE: name, SUSPECTED: 0, PROVEN: 0, **(row or {})})
    return pd.DataFrame(found, columns=_COLUMNS)


def _suspect(
    poll: pd.DataFrame, known: pd.DataFrame, variable: Variable, cadence: str
) -> dict[str, object] | None:
    both = poll.merge(known[[c.DATE, c.VALUE]], on=c.DATE, suffixes=("", "_known"), how="left")
    both = both.sort_values(c.DATE, ignore_index=True)
    spread = _spread(known)
    was = both[f"{c.VALUE}_known"]
    room = np.maximum(_SAME * was.abs(), _SAME * spread)
    moved = was.notna() & ((both[c.VALUE] - was).abs() > room)
    enough = _ENOUGH[cadence]
    if moved.sum() >= enough and moved.sum() > _MOST * was.notna().sum() / 2:
        for other in conversions(variable.unit):
            converted = other.scale * both[c.VALUE] + other.offset
            same = moved & ((converted - was).abs() <= room)
            if same.sum() >= max(enough, _MOST * moved.sum()):
                return _told(both[same], other, was[same].iloc[-1], proven=True)
    fresh = both[was.isna()].tail(_RECENT[cadence])
    if len(fresh) < enough:
        return None
    expected = _expected(known, fresh, cadence)
    as_it_came = _distance(fresh[c.VALUE], expected, spread)
    if as_it_came < _FAR:
        return None
    for other in conversions(variable.unit):
        if _distance(other.scale * fresh[c.VALUE] + other.offset, expected, spread) <= _NEAR:
            return _told(fresh, other, float(expected.iloc[-1].mean()), proven=False)
    return None


def _told(rows: pd.DataFrame, other: Conversion, expected: float, *, proven: bool) -> dict[str, object]:
    return {
        SUSPECTED: int(not proven),
        PROVEN: int(proven),
        FOUND: other.unit,
        SINCE: rows[c.DATE].iloc[0],
        COUNT: len(rows),
        EXAMPLE: float(rows[c.VALUE].iloc[-1]),
        EXPECTED: expected,
        SCALE: other.scale,
        OFFSET: other.offset,
    }


def _spread(known: pd.DataFrame) -> float:
    """Robust scale of a series around its recent level, in its unit; at least a thousandth of the level."""
    values = known.sort_values(c.DATE)[c.VALUE]
    away = (values - values.rolling(8, min_periods=4).median().shift()).dropna()
    size = float(away.abs().median()) * 1.4826 if len(away) else 0.0
    return max(size, 1e-3 * float(values.abs().median()), 1e-12)


def _expected(known: pd.DataFrame, fresh: pd.DataFrame, cadence: str) -> pd.DataFrame:
    """For each new value what the recent level says, and what the same season of other years says."""
    recent = known.sort_values(c.DATE)[c.VALUE].tail(_RECENT[cadence]).median()
    days, when = known[c.DATE].dt.day_of_year.to_numpy(), fresh[c.DATE].dt.day_of_year.to_numpy()
    apart = np.abs(days[None, :] - when[:, None])
    near = np.minimum(apart, 366 - apart) <= _SEASON_DAYS
    values = known[c.VALUE].to_numpy()
    season = [np.median(values[row]) if row.any() else recent for row in near]
    return pd.DataFrame({"recent": recent, "season": season}, index=fresh.index)


def _distance(values: pd.Series, expected: pd.DataFrame, spread: float) -> float:
    """Median distance from the nearer of the two expectations, in robust scales."""
    away = expected.sub(values, axis=0).abs().min(axis=1) / spread
    return float(away.median())
