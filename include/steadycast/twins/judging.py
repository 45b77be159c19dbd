"""Which of two providers is off, where they disagree: the evidence, each with its weight.

Nobody is believed because of a name. What speaks against a provider:

- a third one that reports the same variable agrees with the other (weight 3);
- it changed its own past, and agreed with the other before it did (3);
- it repeats one value as it never did before (2), or has values outside its range (2);
- it is unlike the same season of its own earlier years, and the other is not (1, clearly: 2). One without
  earlier years is measured by the other's, less the usual difference.

More weight against one than against the other decides; else it is undecided. Where the own evidence of a
variable is weak, that of the entity's other variables at the same time is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.settings import SourceSettings
from steadycast.twins import habits
from steadycast.twins.normal import Normal
from steadycast.twins.pair import SERIES, Floats, Mask, Pair, wide

_MOST: Final = 0.5
_SOME: Final = 0.3
_LEAST_RUN: Final = 4
_STRANGE: Final = 2.0
_STRANGER: Final = 1.5
_CLEARLY: Final = 5.0
_CLEAR_MARGIN: Final = 3
_AROUND_DAYS: Final = 7


@dataclass(frozen=True)
class Witness:
    """A third provider: its name, and its values on the pair's days and series, NaN where it has none."""

    name: str
    values: Floats


@dataclass(frozen=True)
class Case:
    """What the evidence is taken from.

    Attributes:
        pair: the two providers.
        normal: their habit.
        before: per provider, what it said first of each cell that it has changed since, shape as the pair's.
        witnesses: third providers.
    """

    pair: Pair
    normal: Normal
    before: Mapping[str, Floats] = field(default_factory=dict)
    witnesses: Sequence[Witness] = ()


@dataclass(frozen=True)
class Judgement:
    """Who is off (None: undecided), and why, in words."""

    off: str | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What speaks against each of the two providers: weight and words."""

    against: dict[str, list[tuple[int, str]]]

    @property
    def margin(self) -> int:
        """Weight against the first provider, less that against the second."""
        first, second = (sum(weight for weight, _ in found) for found in self.against.values())
        return first - second

    @property
    def judgement(self) -> Judgement:
        """The provider that more speaks against; undecided if it is the same."""
        first, second = self.against
        if self.margin == 0:
            return Judgement(None, tuple(why for found in self.against.values() for _, why in found))
        off = first if self.margin > 0 else second
        reasons = sorted(self.against[off], key=lambda found: -found[0])
        return Judgement(off, tuple(dict.fromkeys(why for _, why in reasons)))


def first_values(versions: pd.DataFrame, pair: Pair) -> Floats:
    """What a provider said first of each cell.

    Args:
        versions: entity, date, variable, value of all versions, oldest first within a cell.
        pair: whose days and series.
    """
    first = versions.drop_duplicates([*SERIES, c.DATE], keep="first")
    return wide(first, pair.days, pair.series)


def weigh(case: Case, column: int, bad: Mask) -> Evidence:
    """What speaks against each provider on one stretch of a series.

    Args:
        case: where the evidence is.
        column: place of the series.
        bad: the days on which the two disagree, shape (days,).
    """
    found = Evidence({case.pair.source.name: [], case.pair.twin.name: []})
    for name, against in found.against.items():
        against += _third(case, name, column, bad)
        against += _rewrote(case, name, column, bad)
        against += _stuck(case, name, column, bad)
        against += _out_of_range(case, name, column, bad)
    stranger = _unlike_itself(case, column, bad)
    if stranger is not None:
        found.against[stranger[0]].append(stranger[1:])
    return found


def decide(own: Evidence, beside: Sequence[Evidence]) -> Judgement:
    """Who is off on a stretch.

    Args:
        own: its own evidence; it stands when it is clear.
        beside: that of the entity's other variables at the same time. A provider that goes wrong mostly does
            so in all that it reports, so where the own evidence is weak the sum decides.
    """
    if abs(own.margin) >= _CLEAR_MARGIN or not beside:
        return own.judgement
    total = Evidence({name: [*found] for name, found in own.against.items()})
    for other in beside:
        for name, found in other.against.items():
            total.against[name] += found
    return total.judgement


def _sides(case: Case, name: str) -> tuple[SourceSettings, Floats, Floats]:
    """The provider, its values, and the other's values as the provider would tell them."""
    source, values = case.pair.side(name)
    _, other = case.pair.side(case.pair.other(name))
    sign = 1.0 if name == case.pair.source.name else -1.0
    return source, values, other + sign * case.normal.bias


def _rewrote(case: Case, name: str, column: int, bad: Mask) -> list[tuple[int, str]]:
    if name not in case.before:
        return []
    _, values, other = _sides(case, name)
    now, then = values[bad, column], case.before[name][bad, column]
    limit = case.normal.day_limit[column]
    changed = np.abs(now - then) > limit / 2
    agreed = np.abs(then - other[bad, column]) <= limit
    count = int((changed & agreed).sum())
    if count < _MOST * bad.sum():
        return []
    return [(3, f"it changed {count} of these {int(bad.sum())} days after it had agreed on them")]


def _third(case: Case, name: str, column: int, bad: Mask) -> list[tuple[int, str]]:
    other = case.pair.other(name)
    _, mine = case.pair.side(name)
    _, theirs = case.pair.side(other)
    limit = case.normal.day_limit[column]
    found = []
    for witness in case.witnesses:
        distances = []
        for values in (mine, theirs):
            usual = np.nanmedian(_known(values[~bad, column] - witness.values[~bad, column]))
            distances.append(np.abs(values[bad, column] - witness.values[bad, column] - usual))
        known = np.isfinite(distances[0]) & np.isfinite(distances[1])
        if known.sum() < _MOST * bad.sum():
            continue
        far = [float((distance[known] > limit).mean()) for distance in distances]
        if far[0] >= _MOST and far[1] < _SOME:
            found.append((3, f"{witness.name} agrees with {other}"))
    return found


def _known(values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    return known if len(known) else np.zeros(1)


def _stuck(case: Case, name: str, column: int, bad: Mask) -> list[tuple[int, str]]:
    _, values, other = _sides(case, name)
    places = np.flatnonzero(bad)
    # a value that got stuck was right at first, so the run begins before the disagreement does
    begin, end = max(int(places[0]) - _AROUND_DAYS, 0), int(places[-1]) + 1
    run = habits.longest_run(values[begin:end, column])
    usual = max(
        habits.longest_run(values[:begin, column]),
        habits.longest_run(other[begin:end, column]),
        _LEAST_RUN - 1,
    )
    if run <= usual:
        return []
    return [(2, f"it repeats the same value {run} times in a row")]


def _out_of_range(case: Case, name: str, column: int, bad: Mask) -> list[tuple[int, str]]:
    source, values, _ = _sides(case, name)
    variable = source.variable(str(case.pair.series[c.VARIABLE].iloc[column]))
    low = -np.inf if variable.minimum is None else variable.minimum
    high = np.inf if variable.maximum is None else variable.maximum
    found = values[bad, column]
    count = int(((found < low) | (found > high)).sum())
    if count < _SOME * bad.sum():
        return []
    return [(2, f"{count} of its {int(bad.sum())} values lie outside its range")]


def _unlike_itself(case: Case, column: int, bad: Mask) -> tuple[str, int, str] | None:
    """The provider that is stranger by its own season, if one clearly is; with weight and words."""
    stretch = np.zeros(len(bad), dtype=bool)
    places = np.flatnonzero(bad)
    stretch[places[0] : places[-1] + 1] = True
    days = case.pair.days
    names = (case.pair.source.name, case.pair.twin.name)
    strange = {}
    for name in names:
        _, values, other = _sides(case, name)
        own = habits.strangeness(values[:, column], days, stretch)
        if np.isnan(own):
            both = np.where(stretch, values[:, column], other[:, column])
            own = habits.strangeness(both, days, stretch)
        strange[name] = own
    first, second = sorted(names, key=lambda name: -np.nan_to_num(strange[name]))
    far, near = strange[first], strange[second]
    if not (far >= _STRANGE and far - near >= _STRANGER and far >= 1.5 * near):
        return None
    why = f"it is {far:.1f} usual spreads away from the same season of earlier years, the other {near:.1f}"
    return first, 2 if far >= _CLEARLY else 1, why
