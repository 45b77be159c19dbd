"""Stretches of days on which a provider was off, from week to week.

A stretch is kept after its days have left the windows, because its values stay wrong in the model's past; it
is dropped as soon as the provider has put them right. It is open while the newest week belongs to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.lake import Lake
from steadycast.twins.judging import Case, Evidence, Judgement, decide, weigh
from steadycast.twins.measuring import AGREE, DISAGREE, UNDECIDED
from steadycast.twins.normal import MOST_BEYOND, Normal
from steadycast.twins.pair import Mask, Pair

_BRIDGED_DAYS: Final = 7
"""Good days between bad ones that still belong to the stretch: one that is stuck is right now and then."""
_LEAST_DAYS: Final = 2


@dataclass(frozen=True)
class Span:
    """A stretch of days of one series.

    Attributes:
        off: the provider that is off; None while nobody can tell which.
        pair: the source and its twin.
        entity: whose values.
        variable: which.
        start: first bad day, ISO.
        end: last bad day so far, ISO.
        open: does it go on?
        since: the run that saw it first, ISO.
        why: the evidence in words.
        bias: by how much the off provider differs from the other, beyond the usual, on these days.
    """

    off: str | None
    pair: tuple[str, str]
    entity: str
    variable: str
    start: str
    end: str
    open: bool
    since: str
    why: tuple[str, ...]
    bias: float


def place(as_of: dt.date) -> str:
    """Where the stretches known in a week are."""
    return f"twins/{as_of}.json"


def before(lake: Lake, as_of: dt.date) -> list[Span]:
    """The stretches that the newest earlier run knew; a re-run of an old week sees none of later ones."""
    earlier = [path for path in lake.list("twins/") if path < place(as_of)]
    return read(lake, earlier[-1]) if earlier else []


def of_week(lake: Lake, as_of: dt.date) -> list[Span]:
    """The stretches that the week's comparison found; none if it did not run."""
    return read(lake, place(as_of)) if lake.exists(place(as_of)) else []


def read(lake: Lake, path: str) -> list[Span]:
    """Stretches as they were written."""
    told: list[dict[str, Any]] = lake.read_json(path)
    return [Span(**{**one, "pair": tuple(one["pair"]), "why": tuple(one["why"])}) for one in told]


def write(lake: Lake, found: Sequence[Span], as_of: dt.date) -> str:
    """Keep the week's stretches; returns their path."""
    return lake.write_json(place(as_of), [asdict(span) for span in found])


def cells(found: Iterable[Span], pair: Pair) -> Mask:
    """The cells of a pair that lie in a stretch."""
    mask = np.zeros(pair.x.shape, dtype=bool)
    index = pd.MultiIndex.from_frame(pair.series)
    for span in found:
        key = (span.entity, span.variable)
        if span.pair == (pair.source.name, pair.twin.name) and key in index:
            mask[:, index.get_loc(key)] |= _inside(pair, span)
    return mask


def renew(case: Case, measured: pd.DataFrame, known: Sequence[Span]) -> list[Span]:
    """The stretches of a pair as of this week.

    Args:
        case: the pair, its habit and the evidence.
        measured: of the pair's windows.
        known: stretches of the pair that earlier weeks knew.
    """
    pair, found = case.pair, []
    beyond = np.abs(pair.x - pair.y - case.normal.bias) > case.normal.day_limit
    windows = dict(tuple(measured.groupby([c.ENTITY, c.VARIABLE], sort=False)))
    keys = list(zip(pair.series[c.ENTITY], pair.series[c.VARIABLE], strict=True))
    stretches = [
        _Stretch(keys[column], column, bad, weigh(case, column, bad))
        for column in range(len(keys))
        for bad in _bad_days(pair, column, beyond[:, column], windows[keys[column]])
    ]
    for column, key in enumerate(keys):
        old = [span for span in known if (span.entity, span.variable) == key]
        new = [
            _span(case, one, _decided(one, stretches), windows[key], old)
            for one in stretches
            if one.column == column
        ]
        found += _joined(new, [span for span in old if _still_wrong(span, case, column)], windows[key])
    return sorted(found, key=lambda span: (span.entity, span.variable, span.start, span.off or ""))


@dataclass(frozen=True)
class _Stretch:
    """Bad days of one series, and what speaks against whom."""

    key: tuple[str, str]
    column: int
    bad: Mask
    evidence: Evidence

    @property
    def days(self) -> tuple[int, int]:
        """Places of the first and the last bad day."""
        places = np.flatnonzero(self.bad)
        return int(places[0]), int(places[-1])


def _decided(one: _Stretch, stretches: Sequence[_Stretch]) -> Judgement:
    """Who is off, also by what the entity's other variables say of these days."""
    first, last = one.days
    beside = [
        other.evidence
        for other in stretches
        if other is not one
        and other.key[0] == one.key[0]
        and other.days[0] <= last
        and other.days[1] >= first
    ]
    return decide(one.evidence, beside)


def _bad_days(pair: Pair, column: int, beyond: Mask, windows: pd.DataFrame) -> list[Mask]:
    """The bad days of the windows that disagree, in stretches."""
    bad_windows = windows.loc[windows["agreement"] == DISAGREE, "window_weeks"]
    if bad_windows.empty:
        return []
    bad = beyond & pair.since(int(bad_windows.max()))
    shortest = windows[windows["window_weeks"] == bad_windows.min()].iloc[0]
    if not shortest["beyond_share"] > shortest["share_limit"]:  # the mean is off and hardly a day by itself
        bad |= pair.since(int(bad_windows.min())) & np.isfinite((pair.x - pair.y)[:, column])
    places = np.flatnonzero(bad)
    if not len(places):
        return []
    gaps = np.diff(pair.days[places]).astype("timedelta64[D]").astype(np.int64)
    parts = np.split(places, np.flatnonzero(gaps > _BRIDGED_DAYS) + 1)
    longer = [part for part in parts if len(part) >= _LEAST_DAYS]
    masks = []
    for part in longer or parts:
        mask = np.zeros(len(bad), dtype=bool)
        mask[part] = True
        masks.append(mask)
    return masks


def _span(
    case: Case, one: _Stretch, judgement: Judgement, windows: pd.DataFrame, old: Sequence[Span]
) -> Span:
    pair, bad, column = case.pair, one.bad, one.column
    first, last = (pair.days[place].date() for place in one.days)
    earlier = [span for span in old if _touch(span, first, last)]
    named = next((span for span in earlier if span.off), None)
    if judgement.off is None and named is not None:  # nothing new is said against it
        judgement = Judgement(named.off, named.why)
    earlier = [span for span in earlier if span.off in (None, judgement.off)]
    gap = (pair.x - pair.y)[bad, column] - case.normal.bias[column]
    sign = -1.0 if judgement.off == pair.twin.name else 1.0
    newest = windows[windows["window_weeks"] == windows["window_weeks"].min()].iloc[0]["agreement"]
    recent = last >= pair.as_of - dt.timedelta(weeks=1)
    return Span(
        off=judgement.off,
        pair=(pair.source.name, pair.twin.name),
        entity=str(pair.series[c.ENTITY].iloc[column]),
        variable=str(pair.series[c.VARIABLE].iloc[column]),
        start=min([first.isoformat(), *(span.start for span in earlier)]),
        end=last.isoformat(),
        open=bool(newest != AGREE and (recent or newest == UNDECIDED)),
        since=min([pair.as_of.isoformat(), *(span.since for span in earlier)]),
        why=judgement.why,
        bias=round(float(sign * np.nanmedian(gap)), 6),
    )


def _joined(new: Sequence[Span], old: Sequence[Span], windows: pd.DataFrame) -> list[Span]:
    """New stretches, and the old ones that none of them goes on."""
    newest = windows[windows["window_weeks"] == windows["window_weeks"].min()].iloc[0]["agreement"]
    rest = [span for span in old if not any(_overlap(span, other) for other in new)]
    # a week without common days ends nothing: the one that was off may be silent now
    return [*new, *(replace(span, open=span.open and newest == UNDECIDED) for span in rest)]


def _still_wrong(span: Span, case: Case, column: int) -> bool:
    """Do the days of an old stretch disagree by what is known now?"""
    inside = _inside(case.pair, span)
    gap = (case.pair.x - case.pair.y)[inside, column] - case.normal.bias[column]
    gap = gap[np.isfinite(gap)]
    if not len(gap):
        return True
    limit = case.normal.day_limit[column]
    return bool(
        (np.abs(gap) > limit).mean() > min(MOST_BEYOND.values())
        or abs(gap.mean()) > _mean_limit(case.normal, column)
    )


def _mean_limit(normal: Normal, column: int) -> float:
    return float(min(limits[column] for limits in normal.bias_limit.values()))


def _inside(pair: Pair, span: Span) -> Mask:
    mask: Mask = np.asarray((pair.days >= pd.Timestamp(span.start)) & (pair.days <= pd.Timestamp(span.end)))
    return mask


def _touch(span: Span, first: dt.date, last: dt.date) -> bool:
    bridge = dt.timedelta(days=_BRIDGED_DAYS)
    return span.start <= (last + bridge).isoformat() and span.end >= (first - bridge).isoformat()


def _overlap(one: Span, other: Span) -> bool:
    return _touch(one, dt.date.fromisoformat(other.start), dt.date.fromisoformat(other.end))
