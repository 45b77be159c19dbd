"""Picks the provider for the model, cell by cell: where one is off, the other's value stands in.

The other's value is told as the one that is off would tell it: the usual difference of the two is added.
Where the other has no value either, the cell is missing, and the source's imputation decides as for any gap.
What only the provider that is off reports has nobody to vouch for it: it is left out on the days on which
more than half of what both report is off.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast import timing
from steadycast.errors import ArtefactMissing
from steadycast.lake import Lake
from steadycast.settings import Settings
from steadycast.twins import spans
from steadycast.twins.pair import shared_variables
from steadycast.twins.spans import Span

USUAL_DTYPES = {"source": "str", "twin": "str", c.ENTITY: "str", c.VARIABLE: "str", "bias": "float64"}
_CELLS = [c.SOURCE, *c.CELL]


@dataclass(frozen=True)
class Arbitration:
    """Who is believed in a week.

    Attributes:
        spans: the stretches on which a provider is off.
        usual: USUAL_DTYPES: the usual difference of each pair, source minus twin, in the variable's unit.
    """

    spans: tuple[Span, ...]
    usual: pd.DataFrame

    def usual_bias(self, source: str, twin: str, variable: str) -> dict[str, float]:
        """By entity, what is added to the twin's value so that it reads like the source's."""
        mine = self.usual[self.usual[c.VARIABLE] == variable]
        one = mine[(mine["source"] == source) & (mine["twin"] == twin)]
        two = mine[(mine["source"] == twin) & (mine["twin"] == source)]
        found = {**dict(zip(two[c.ENTITY], -two["bias"], strict=True))}
        return {**found, **dict(zip(one[c.ENTITY], one["bias"], strict=True))}


def nothing() -> Arbitration:
    """No pair is judged: everybody is believed."""
    return Arbitration((), pd.DataFrame({k: pd.Series([], dtype=t) for k, t in USUAL_DTYPES.items()}))


def of_week(lake: Lake, as_of: dt.date) -> Arbitration:
    """As ``compare_sources`` of the week left it; nothing if it did not run."""
    try:
        usual = lake.read_frame(f"runs/{as_of}/compare_sources/usual.parquet")
    except ArtefactMissing:
        return nothing()
    return Arbitration(tuple(spans.of_week(lake, as_of)), usual)


def arbitrate(
    observed: Mapping[str, pd.DataFrame], arbitration: Arbitration, settings: Settings, *, as_of: dt.date
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Put the believed values into what is known.

    Args:
        observed: per source: entity, date, variable, value and maybe more columns; not changed.
        arbitration: who is off.
        settings: which variables the pairs share.
        as_of: an open stretch goes up to here.

    Returns: the same with the values of the believed providers, and the cells that came from another provider
        (source, entity, date, variable).
    """
    out = dict(observed)
    moved = [pd.DataFrame({name: observed_name for name, observed_name in _no_cells().items()})]
    for span in arbitration.spans:
        if span.off is None or span.off not in observed:
            continue
        days = _days(span, as_of)
        rows = out[span.off]
        rest = rows[~_inside(rows, span.entity, span.variable, days)]
        instead = _instead(observed, arbitration, span, days)
        out[span.off] = _sorted(pd.concat([rest, instead.reindex(columns=rows.columns)]), rows)
        moved.append(instead.assign(**{c.SOURCE: span.off})[_CELLS])
    for off, entity, variables, dates in _unvouched(arbitration.spans, settings, as_of):
        if off in out:
            rows = out[off]
            gone = (rows[c.ENTITY] == entity) & rows[c.VARIABLE].isin(variables) & rows[c.DATE].isin(dates)
            out[off] = rows[~gone]
    return out, pd.concat(moved, ignore_index=True).astype(
        {c.SOURCE: "str", c.ENTITY: "str", c.VARIABLE: "str"}
    )


def mark(
    panel: pd.DataFrame, moved: pd.DataFrame, settings: Settings, observed: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """The panel with how = twin in the weeks that rest on cells of another provider."""
    marks = [
        timing.weeks_resting_on(settings.source(str(name)), rows, observed[str(name)], panel)
        for name, rows in moved.groupby(c.SOURCE)
    ]
    if not marks:
        return panel
    keys = [c.SOURCE, c.ENTITY, c.VARIABLE, c.WEEK]
    wanted = pd.MultiIndex.from_frame(pd.concat(marks)[keys])
    here = pd.MultiIndex.from_frame(panel[keys]).isin(wanted) & (panel[c.HOW] == "observed")
    return panel.assign(**{c.HOW: panel[c.HOW].mask(here, "twin")})


def _instead(
    observed: Mapping[str, pd.DataFrame], arbitration: Arbitration, span: Span, days: tuple[str, str]
) -> pd.DataFrame:
    """The other provider's values, as the one that is off would tell them."""
    off = str(span.off)
    other = span.pair[1] if off == span.pair[0] else span.pair[0]
    if other not in observed:
        return observed[off].iloc[:0]
    rows = observed[other]
    bias = arbitration.usual_bias(off, other, span.variable).get(span.entity, 0.0)
    mine = rows[_inside(rows, span.entity, span.variable, days)]
    return mine.assign(**{c.VALUE: mine[c.VALUE] + bias})


def _unvouched(
    found: Sequence[Span], settings: Settings, as_of: dt.date
) -> list[tuple[str, str, list[str], pd.DatetimeIndex]]:
    """Per provider and entity: variables that only it reports, and the days on which it is not believed."""
    out = []
    groups = sorted({(span.off, span.pair, span.entity) for span in found if span.off is not None})
    for off, pair, entity in groups:
        source, twin = settings.source(pair[0]), settings.source(pair[1])
        shared = shared_variables(source, twin)
        own = [v.name for v in settings.source(off).variables if v.name not in shared]
        counted: dict[pd.Timestamp, set[str]] = {}
        for span in found:
            if (span.off, span.pair, span.entity) == (off, pair, entity):
                first, last = _days(span, as_of)
                for day in pd.date_range(first, last, unit="us"):
                    counted.setdefault(day, set()).add(span.variable)
        days = pd.DatetimeIndex(
            sorted(day for day, off_ones in counted.items() if 2 * len(off_ones) > len(shared))
        )
        if own and len(days):
            out.append((off, entity, own, days))
    return out


def _days(span: Span, as_of: dt.date) -> tuple[str, str]:
    """First and last day on which the provider is not believed."""
    return span.start, (as_of - dt.timedelta(days=1)).isoformat() if span.open else span.end


def _inside(rows: pd.DataFrame, entity: str, variable: str, days: tuple[str, str]) -> pd.Series:
    first, last = (pd.Timestamp(day) for day in days)
    inside: pd.Series = (
        (rows[c.ENTITY] == entity)
        & (rows[c.VARIABLE] == variable)
        & (rows[c.DATE] >= first)
        & (rows[c.DATE] <= last)
    )
    return inside


def _no_cells() -> dict[str, pd.Series]:
    kinds = {c.SOURCE: "str", **c.OBSERVATION_DTYPES}
    return {name: pd.Series([], dtype=kinds[name]) for name in _CELLS}


def _sorted(rows: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    known = rows[np.isfinite(rows[c.VALUE])].astype(like.dtypes.to_dict())
    out: pd.DataFrame = known.sort_values([c.ENTITY, c.VARIABLE, c.DATE], ignore_index=True)
    return out
