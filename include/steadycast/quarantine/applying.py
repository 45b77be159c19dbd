"""Puts the week's quarantine and filters between what is known and whoever reads it.

The report of a week says what was left out and what was decided when its run came by. So a re-run of a
published week reads what it read, and a decision made since then waits for the next run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from steadycast import schema as c
from steadycast import timing
from steadycast.errors import ArtefactMissing
from steadycast.lake import Lake
from steadycast.quarantine import decisions, filters
from steadycast.quarantine.review import CHOICE, SEEN, USED
from steadycast.settings import Filter, Settings

_LOOK_BACK_WEEKS: Final = 8


def report_path(as_of: dt.date) -> str:
    """Where the week's report is."""
    return f"runs/{as_of}/quarantine/report.json"


def newest_report(lake: Lake, as_of: dt.date, *, before: bool = False) -> Mapping[str, Any] | None:
    """The report of the week, else of one of the eight before it; None if there is none.

    Args:
        lake: where from.
        as_of: the week.
        before: only weeks before it.
    """
    for back in range(int(before), _LOOK_BACK_WEEKS + 1):
        try:
            found: Mapping[str, Any] = lake.read_json(report_path(as_of - dt.timedelta(weeks=back)))
        except ArtefactMissing:
            continue
        return found
    return None


def apply(lake: Lake, source: str, rows: pd.DataFrame, *, as_of: dt.date) -> pd.DataFrame:
    """What is known of a source, as far as it may be used in a week.

    Args:
        lake: where the report is.
        source: its name.
        rows: entity, date, variable, value and maybe more columns, each cell once; not changed.
        as_of: the week.

    Returns: the rows without those that a filter or the quarantine leaves out, the corrected ones with the
        right value (also those that came as no number); all rows if nothing was reviewed so far.
    """
    report = newest_report(lake, as_of)
    if report is None or source not in report["sources"]:
        return rows
    rules = [Filter.model_validate(rule) for rule in report["sources"][source]["filters"]]
    stay = rows[filters.left_out(rows, rules) == ""] if rules else rows
    held = lake.read_frame(report["cells"])
    held = held[(held[c.SOURCE] == source) & (held[CHOICE] != "outlier-keep")]
    if held.empty:
        return stay
    cells = held[[*c.CELL, SEEN, USED]]
    merged = stay.merge(cells, on=list(c.CELL), how="left")
    merged.index = stay.index
    about = merged[SEEN].notna() & (merged[SEEN] == stay[c.VALUE].map(decisions.seen))
    known = stay.assign(**{c.VALUE: stay[c.VALUE].mask(about, merged[USED])})
    return _with_letters(known[known[c.VALUE].notna()], stay, held)


def _with_letters(known: pd.DataFrame, before: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """Adds the right values of cells that came as no number and so have no row."""
    right = held[held[c.VALUE].isna() & held[USED].notna()]
    absent = right.merge(before[list(c.CELL)], on=list(c.CELL), how="left", indicator=True)
    absent = absent[absent["_merge"] == "left_only"]
    if absent.empty:
        return known
    more = absent.assign(**{c.VALUE: absent[USED]})[list(c.OBSERVATION_DTYPES)]
    both = pd.concat([known, more.reindex(columns=known.columns).astype(known.dtypes.to_dict())])
    return both.sort_values([c.ENTITY, c.VARIABLE, c.DATE], ignore_index=True)


def without_ranges(lake: Lake, settings: Settings, *, as_of: dt.date) -> Settings:
    """The settings for who reads rows that this week reviewed: what is left is meant, also out of range."""
    there = lake.exists(report_path(as_of))
    reviewed = lake.read_json(report_path(as_of))["sources"] if there else {}
    free = {"minimum": None, "maximum": None}
    changed = tuple(
        source.model_copy(update={"variables": tuple(v.model_copy(update=free) for v in source.variables)})
        if source.name in reviewed and reviewed[source.name]["judged"]
        else source
        for source in settings.sources
    )
    return settings.model_copy(update={"sources": changed})


def mark_corrected(
    lake: Lake,
    settings: Settings,
    panel: pd.DataFrame,
    observed: Mapping[str, pd.DataFrame],
    *,
    as_of: dt.date,
) -> pd.DataFrame:
    """The panel with how = corrected where a decided value went in.

    Args:
        lake: where the report is.
        settings: cadence and lag of the sources.
        panel: PANEL_DTYPES; not changed.
        observed: per source, the rows that the panel was made of.
        as_of: the week.
    """
    report = newest_report(lake, as_of)
    if report is None:
        return panel
    held = lake.read_frame(report["cells"])
    corrected = held[held[CHOICE] == "error-correct"]
    marks = [
        timing.weeks_resting_on(settings.source(str(name)), rows, observed[str(name)], panel)
        for name, rows in corrected.groupby(c.SOURCE)
        if str(name) in observed
    ]
    if not marks:
        return panel
    keys = [c.SOURCE, c.ENTITY, c.VARIABLE, c.WEEK]
    wanted = pd.MultiIndex.from_frame(pd.concat(marks)[keys])
    here = pd.MultiIndex.from_frame(panel[keys]).isin(wanted) & (panel[c.HOW] == "observed")
    return panel.assign(**{c.HOW: panel[c.HOW].mask(here, "corrected")})
