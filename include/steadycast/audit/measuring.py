"""Measures a source by its polls: does it answer, repeat itself, settle, and can it be believed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.audit.polls import AuditPoll
from steadycast.lake import Observations
from steadycast.settings import SourceSettings

MATERIAL: Final = 0.005
"""A value counts as changed when it moved by more than this part of itself; less is rounding."""
AGE: Final = "age_days"
_NEXT_WEEK_DAYS: Final = 6
_FRESH_DAYS: Final = 14
_PERIOD_DAYS: Final = {"daily": 1, "weekly": 7, "monthly": 30.4375}


def measure(
    source: SourceSettings, polls: Sequence[AuditPoll], observations: Observations, twin: pd.DataFrame | None
) -> dict[str, Any]:
    """All numbers of the scorecard.

    Args:
        source: what is declared of it.
        polls: oldest first.
        observations: its cells.
        twin: entity, date, variable, value of the second provider; None if it has none.

    Returns: availability, latency_s, repeats, settle, freshness, values (per variable), schema, twin; None
        where nothing could be measured. Shares are between 0 and 1.
    """
    good = [poll for poll in polls if poll.ok]
    segments = [str(poll.segment) for poll in good]
    newest = observations.read(segments=segments) if segments else None
    return {
        "polls": len(polls),
        "days": _span(polls),
        "availability": len(good) / len(polls) if polls else None,
        "failures": [{"at": p.at, "outcome": p.outcome, "what": p.what} for p in polls if not p.ok],
        "latency_s": _latency(polls),
        "repeats": repeats(good, observations),
        "settle": settle(good, observations, fresh_days=source.expected_lag_days + _FRESH_DAYS),
        "freshness_days": _freshness(good),
        "completeness": _completeness(source, newest),
        "unreadable": sum(p.unreadable for p in good) / max(sum(p.rows for p in good), 1) if good else None,
        "values": _values(source, newest),
        "schema": _schema(good),
        "twin": _agreement(source, newest, twin),
    }


def _span(polls: Sequence[AuditPoll]) -> int:
    if not polls:
        return 0
    return int((pd.Timestamp(polls[-1].as_of) - pd.Timestamp(polls[0].as_of)).days)


def _latency(polls: Sequence[AuditPoll]) -> dict[str, float] | None:
    known = [poll.latency_s for poll in polls if poll.latency_s is not None]
    if not known:
        return None
    return {"median": float(np.median(known)), "p95": float(np.quantile(known, 0.95)), "max": max(known)}


def repeats(good: Sequence[AuditPoll], observations: Observations) -> dict[str, Any] | None:
    """Does it give last week the same numbers next week?

    Each poll's newest seven days against the first poll at least six days later.

    Returns: cells compared, and the shares that came again the same, changed, or were gone.
    """
    parts = []
    for i, poll in enumerate(good):
        later = next((p for p in good[i + 1 :] if _days(poll.as_of, p.as_of) >= _NEXT_WEEK_DAYS), None)
        if later is None or poll.newest is None:
            continue
        end = pd.Timestamp(poll.newest) + pd.Timedelta(days=1)
        start, stop = (end - pd.Timedelta(days=7)).date(), end.date()
        now = observations.read(segments=[str(poll.segment)], start=start, end=stop)
        then = observations.read(segments=[str(later.segment)], start=start, end=stop)
        both = now.merge(then, on=list(c.CELL), how="left", suffixes=("", "_then"))
        parts.append(both[[*c.CELL, c.VALUE, f"{c.VALUE}_then"]])
    if not parts:
        return None
    both = pd.concat(parts, ignore_index=True)
    gone = both[f"{c.VALUE}_then"].isna()
    moved = (both[f"{c.VALUE}_then"] - both[c.VALUE]).abs() > MATERIAL * both[c.VALUE].abs()
    same = float((~gone & ~moved).mean())
    shares = {"same": same, "changed": float((moved & ~gone).mean()), "gone": float(gone.mean())}
    return {"cells": len(both), **shares}


def settle(
    good: Sequence[AuditPoll], observations: Observations, *, fresh_days: int
) -> dict[str, Any] | None:
    """After how many days does a value change no more?

    Only values that were seen young, as nobody knows what happened to the others before.

    Returns: cells, share that ever changed, age in days at the last change of which 95 % are younger, and per
        week of age the share of all values that changed then.
    """
    if len(good) < 2:
        return None
    versions = observations.versions(segments=[str(poll.segment) for poll in good])
    age = (versions[c.RETRIEVED_AT].dt.tz_localize(None) - versions[c.DATE]).dt.total_seconds() / 86400
    versions = versions.assign(**{AGE: age})
    cells = versions.groupby(list(c.CELL))[AGE].agg(["min", "max", "size"])
    young = cells[(cells["min"] >= 0) & (cells["min"] <= fresh_days)]
    if young.empty:
        return None
    changed = young[young["size"] > 1]
    weeks = (changed["max"] // 7).astype("int64").value_counts().sort_index()
    return {
        "cells": len(young),
        "changed": len(changed) / len(young),
        "days_95": float(young["max"].quantile(0.95)),
        "changed_by_week": {str(week): int(count) / len(young) for week, count in weeks.items()},
    }


def _freshness(good: Sequence[AuditPoll]) -> dict[str, int] | None:
    ages = [_days(poll.newest, poll.as_of) for poll in good if poll.newest]
    return {"median": int(np.median(ages)), "max": max(ages)} if ages else None


def _completeness(source: SourceSettings, newest: pd.DataFrame | None) -> float | None:
    """Share of the periods between each series' first and last date that it has."""
    if newest is None or newest.empty:
        return None
    found = newest.groupby([c.ENTITY, c.VARIABLE])[c.DATE].agg(["min", "max", "size"])
    wanted = ((found["max"] - found["min"]).dt.days / _PERIOD_DAYS[source.cadence]).round() + 1
    return float(min(found["size"].sum() / wanted.sum(), 1.0))


def _values(source: SourceSettings, newest: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for variable in source.variables:
        mine = newest[newest[c.VARIABLE] == variable.name] if newest is not None else pd.DataFrame()
        if mine.empty:
            told[variable.name] = {"cells": 0, "unit": variable.unit}
            continue
        values = mine[c.VALUE]
        low = -np.inf if variable.minimum is None else variable.minimum
        high = np.inf if variable.maximum is None else variable.maximum
        told[variable.name] = {
            "cells": len(values),
            "unit": variable.unit,
            "smallest": float(values.min()),
            "median": float(values.median()),
            "largest": float(values.max()),
            "outside": float(((values < low) | (values > high)).mean()),
        }
    return told


def _schema(good: Sequence[AuditPoll]) -> dict[str, Any]:
    changes = [
        {
            "at": now.at,
            "gone": sorted({*was.columns} - {*now.columns}),
            "new": sorted({*now.columns} - {*was.columns}),
        }
        for was, now in itertools.pairwise(good)
        if {*was.columns} != {*now.columns}
    ]
    return {"columns": list(good[-1].columns) if good else [], "changes": changes}


def _agreement(
    source: SourceSettings, newest: pd.DataFrame | None, twin: pd.DataFrame | None
) -> dict[str, dict[str, Any]] | None:
    if newest is None or twin is None:
        return None
    both = newest.merge(twin, on=list(c.CELL), suffixes=("", "_twin"))
    told = {}
    for variable, rows in both.groupby(c.VARIABLE):
        apart = rows[c.VALUE] - rows[f"{c.VALUE}_twin"]
        tolerance = source.twin_tolerance.get(str(variable))
        steady = len(rows) < 3 or rows[c.VALUE].std() == 0 or rows[f"{c.VALUE}_twin"].std() == 0
        told[str(variable)] = {
            "cells": len(rows),
            "bias": float(apart.mean()),
            "mae": float(apart.abs().mean()),
            "correlation": None if steady else float(rows[c.VALUE].corr(rows[f"{c.VALUE}_twin"])),
            "tolerance": tolerance,
            "beyond": None if tolerance is None else float((apart.abs() > tolerance).mean()),
        }
    return told


def _days(first: str, second: str) -> int:
    return int((pd.Timestamp(second) - pd.Timestamp(first)).days)
