"""The revisions of a week: reads a poll and what was known, and writes the report that the gate goes by."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from steadycast import findings, timing
from steadycast import schema as c
from steadycast.lake import Lake
from steadycast.lake.cells import days, from_frame
from steadycast.revisions import holding, kinds, telling
from steadycast.revisions.forecasts import without_forecasts
from steadycast.revisions.grid import CONTEXT_DAYS
from steadycast.revisions.review import Review, review
from steadycast.revisions.usual import AGES
from steadycast.settings import SourceSettings


@dataclass(frozen=True)
class Judged:
    """What the gate needs to know of a week's revisions.

    Attributes:
        path: of the report.
        report: alarms, counts and limits, as stored.
        cells: holding.HELD_DTYPES, the suspicious cells.
        series: per series, how many of its cells are suspicious; see ``summary``.
    """

    path: str
    report: Mapping[str, Any]
    cells: pd.DataFrame
    series: pd.DataFrame


def path(as_of: dt.date, source: str) -> str:
    """Where the report on a source's revisions is; its cells lie beside it as Parquet."""
    return f"runs/{as_of}/revisions/{source}.json"


def stage_name(source: str) -> str:
    """Under which name the findings are kept."""
    return f"revisions_{source}"


def judge(lake: Lake, source: SourceSettings, manifest: Mapping[str, Any], *, as_of: dt.date) -> Judged:
    """Compare a week's poll with what was accepted before, and write the report and its findings.

    Args:
        lake: where everything is.
        source: the source.
        manifest: of the week's ingest.
        as_of: the run's Monday.
    """
    observations = lake.observations(source.name)
    start = dt.date.fromisoformat(manifest["window"]["start"])
    known = observations.told(
        manifest["segments_before"], start - dt.timedelta(days=CONTEXT_DAYS[source.cadence]), as_of
    )
    if source.ahead_weeks:
        known = without_forecasts(known, timing.PERIOD_DAYS[source.cadence])
    poll = observations.read(segments=[manifest["segment"]], end=as_of)
    found = review(source, from_frame(source.name, poll), known, start=days(start), as_of=days(as_of))
    last_week = _last_week(lake, source.name, as_of)
    if last_week[holding.HELD].any():  # what has been accepted since is kept out no longer
        accepted = observations.read(segments=manifest["segments_before"], start=start, end=as_of)
        columns = [*c.CELL, c.VALUE]
        same = pd.MultiIndex.from_frame(last_week[columns]).isin(pd.MultiIndex.from_frame(accepted[columns]))
        last_week = last_week[~same]
    cells = holding.held(source, found.cells, last_week, poll)
    where = path(as_of, source.name)
    alarms = [telling.alarm_json(alarm, telling.held_of(cells, alarm)) for alarm in found.alarms]
    report = {
        "source": source.name,
        "as_of": as_of.isoformat(),
        "alarms": alarms,
        "sentences": _sentences(source, alarms, cells, found),
        "counts": dict(found.counts),
        "held": int(cells[holding.HELD].sum()),
        "usual": _usual(found),
        "cells": lake.write_frame(where.replace(".json", ".parquet"), cells),
    }
    lake.write_json(where, report)
    findings.write(lake, telling.findings_of(source, report), as_of=as_of, stage=stage_name(source.name))
    return Judged(where, report, cells, summary(cells, poll))


def _sentences(
    source: SourceSettings, alarms: Sequence[Mapping[str, Any]], cells: pd.DataFrame, found: Review
) -> list[str]:
    """What matters, worst first, and what is kept out since an earlier week without an alarm of its own."""
    told = [
        telling.sentence(source, alarm)
        for alarm in alarms
        if alarm["material"] and alarm["kind"] != kinds.CORRECTED
    ]
    held = cells[cells[holding.HELD]]
    fresh = pd.MultiIndex.from_frame(found.cells[list(c.CELL)])
    still = int((~pd.MultiIndex.from_frame(held[list(c.CELL)]).isin(fresh)).sum())
    if still:
        told.append(
            f"{source.name}: {still} values that were left out in earlier weeks are told again, unchanged"
        )
    return told


def _last_week(lake: Lake, source: str, as_of: dt.date) -> pd.DataFrame:
    where = path(as_of - dt.timedelta(weeks=1), source).replace(".json", ".parquet")
    return lake.read_frame(where) if lake.exists(where) else holding.none_held()


_EDGES: Final = [f"{low}-{high - 1}" for low, high in itertools.pairwise(AGES[:-1])]


def _usual(found: Review) -> dict[str, Any]:
    """Per variable: limits by age in noises, and from which age on nothing is revised any more."""
    ages = [*_EDGES, f"{AGES[-2]}+"]
    return {
        name: {
            "limits": {age: round(float(x), 6) for age, x in zip(ages, found.usual.step[v], strict=True)},
            "polled_again": {age: int(x) for age, x in zip(ages, found.usual.polled[v], strict=True)},
            "revised": {age: int(x) for age, x in zip(ages, found.usual.revised[v], strict=True)},
            "settled_days": None
            if pd.isna(found.usual.settled_days[v])
            else int(found.usual.settled_days[v]),
        }
        for v, name in enumerate(found.variables)
    }


def summary(cells: pd.DataFrame, poll: pd.DataFrame) -> pd.DataFrame:
    """Per series of a poll, how many of its cells are suspicious: what the gate's expectation looks at.

    Args:
        cells: the suspicious cells.
        poll: entity, date, variable, value.

    Returns: entity, variable, cells, suspicious, kind; sorted.
    """
    keys = [c.ENTITY, c.VARIABLE]
    matter = cells[cells["material"] & (cells["kind"] != kinds.CORRECTED)]
    found = poll.groupby(keys).size().rename("cells").to_frame()
    found = found.join(matter.groupby(keys).size().rename("suspicious"), how="outer")
    found = found.join(matter.groupby(keys)["kind"].first())
    found = found.fillna({"cells": 0, "suspicious": 0, "kind": ""}).reset_index()
    return found.astype({"cells": "int64", "suspicious": "int64", "kind": "str"}).sort_values(
        keys, ignore_index=True
    )
