"""What a source had said of weeks to come by each Monday: a plan, or a forecast as it was issued.

A model that learns from the weather that came trusts a weather forecast too much. So it is shown, of each
past week and horizon, what was known on the Monday that forecast it: the newest version of each cell that was
retrieved by the end of that day. Of a source that is ``planned`` a week that was over when it was first read
counts as known before; of others it stays missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import pandas as pd

from steadycast import quarantine
from steadycast import schema as c
from steadycast.lake import Lake
from steadycast.settings import Settings


def said(
    lake: Lake, settings: Settings, source: str, *, segments: Sequence[str], as_of: dt.date
) -> list[pd.DataFrame]:
    """What a source had said by the Mondays before a week, as far as it may be used now.

    Args:
        lake: where its versions are.
        settings: the pipeline's.
        source: its name.
        segments: names of its segments that count.
        as_of: the week.

    Returns: per horizon, entity, date, variable, value, retrieved_at; each cell once.
    """
    own = settings.source(source)
    end = as_of + dt.timedelta(weeks=own.ahead_weeks)
    versions = lake.observations(source).versions(segments=segments, end=end)
    parts = issued(
        versions, settings.forecast.horizon_weeks, planned=own.planned, timezone=settings.schedule.timezone
    )
    usable = [quarantine.apply(lake, source, part, as_of=as_of) for part in parts]
    # a decided value of a cell that came as no number has no version, so nobody knows when it was said
    return [part[part[c.RETRIEVED_AT].notna()] for part in usable]


def of_panel(
    panel: pd.DataFrame, source: str, variable: str, *, as_of: dt.date, horizons: int
) -> Iterator[tuple[pd.Series[bool], pd.Series[bool]]]:
    """Per horizon, the panel's rows of what this Monday knows of a variable, and of what earlier ones did."""
    mine = panel[c.SOURCE] == source
    for horizon in range(1, horizons + 1):
        told = mine & (panel[c.VARIABLE] == c.ahead(variable, horizon))
        coming = panel[c.WEEK] == pd.Timestamp(as_of) + pd.Timedelta(weeks=horizon - 1)
        yield told & coming, told & ~coming


def issued(
    versions: pd.DataFrame, horizons: int, *, planned: bool, timezone: str = "UTC"
) -> list[pd.DataFrame]:
    """Per horizon, the version of each cell that the Monday knew which lies so far before the cell's week.

    Args:
        versions: entity, date, variable, value, retrieved_at (UTC); the versions of a cell oldest first.
        horizons: how many; 1 is the Monday of the cell's own week.
        planned: a cell that no such Monday knew counts with its first version.
        timezone: of the Mondays, which end at midnight there.

    Returns: the columns of ``versions``, each cell at most once, in the order of ``versions``.
    """
    retrieved = versions[c.RETRIEVED_AT].dt.tz_convert(timezone).dt.tz_localize(None)
    dates = versions[c.DATE]
    tuesday = dates - pd.to_timedelta(dates.dt.day_of_week - 1, unit="D")
    cell = list(c.CELL)
    first = versions.drop_duplicates(cell, keep="first")
    parts = []
    for horizon in range(1, horizons + 1):
        known = versions[retrieved < tuesday - pd.Timedelta(weeks=horizon - 1)]
        newest = known.drop_duplicates(cell, keep="last")
        if planned:
            newest = pd.concat([newest, first]).drop_duplicates(cell, keep="first").sort_index()
        parts.append(newest)
    return parts
