"""Polls a source and stores what it said: the answer as received, its cells as versions, and a manifest.

The first poll reads the source's whole history, later ones read the look-back window again, so that revisions
are seen. After an outage the window reaches back to the newest date that is known, so that no gap stays.
Nothing counts before ``validate`` has accepted it.

A week that its run has published is sealed: polling it again would let today's knowledge into a past week, so
its manifest is returned as it is. A fallback seals nothing, since the run that replaces it has yet to come.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pandas as pd

from steadycast import schema as c
from steadycast.errors import SchemaDrift, SourceError
from steadycast.expectations import drift
from steadycast.lake import Appended, Lake
from steadycast.lake.segments import place
from steadycast.progress import Progress, silent
from steadycast.publication import sealed
from steadycast.settings import AnySource, SourceSettings
from steadycast.sources import Connection, Poll, Window, fetch

_CELL = list(c.CELL)
_SHOWN = 20
_ATTEMPTS = 100


def path(as_of: dt.date, source: str) -> str:
    """Where the manifest of a week's poll is stored."""
    return f"runs/{as_of}/ingest/{source}.json"


def run(
    lake: Lake,
    source: AnySource,
    *,
    as_of: dt.date,
    retrieved_at: dt.datetime,
    connection: Connection | None,
    repoll: bool = False,
    progress: Progress = silent,
) -> str:
    """Poll a source for a week.

    Args:
        lake: where to store.
        source: what to poll.
        as_of: the run's Monday; dates before it are asked for.
        retrieved_at: the moment of the poll, or of the past day that the provider is asked about; aware.
        connection: address and credential.
        repoll: poll a sealed week too.
        progress: told about pages and steps.

    Returns: path of the manifest.

    Raises:
        SchemaDrift: columns have other names; the error proposes the new ones, and so does the gate's page.
        SourceError: the source did not give its data.
    """
    manifest = path(as_of, source.name)
    if not repoll and sealed(lake, as_of) and lake.exists(manifest):
        progress(f"{source.name}: week {as_of} is published, its poll stands", 1, 1)
        return manifest
    before = _accepted_before(lake, source.name, retrieved_at)
    window = window_of(source, as_of, _newest_known(lake, source.name, before, as_of))
    try:
        poll = fetch(source, window, connection, progress=progress)
    except SchemaDrift as drifted:
        raise _with_proposals(lake, source, as_of, before, drifted) from drifted
    progress(f"{source.name}: storing {len(poll.frame)} rows", 0, 0)
    cells, conflicts = clean(poll.frame)
    stored = lake.write_frame(f"runs/{as_of}/ingest/{source.name}.poll.parquet", poll.frame)
    moment, appended = _append(lake, source.name, cells, retrieved_at)
    found = {
        **_told(poll, cells, conflicts),
        "source": source.name,
        "as_of": as_of,
        "status": "ok",
        "reason": None,
        "known": "as_of" if source.answers_as_of else "live",
        "retrieved_at": moment,
        "window": {"start": window.start, "end": window.end},
        "new": appended.new,
        "changed": appended.changed,
        "unchanged": appended.unchanged,
        "segment": appended.segment,
        "segments_before": before,
        "poll": stored,
        "poll_sha256": hashlib.sha256(lake.read_bytes(stored)).hexdigest(),
    }
    return lake.write_json(manifest, found)


def drift_path(as_of: dt.date, source: str) -> str:
    """Where the columns of an answer that lacked some are compared with those that pipeline.yaml names."""
    return f"runs/{as_of}/ingest/{source}.drift.parquet"


def _with_proposals(
    lake: Lake, source: AnySource, as_of: dt.date, segments: list[str], found: SchemaDrift
) -> SchemaDrift:
    """The error with the columns that may have taken the place of the missing ones, by name and by values."""
    layout = getattr(source, "layout", None)
    if layout is None or not found.cells:
        return found
    known = lake.observations(source.name).read(segments=segments, end=as_of)
    table = drift.fields(source, layout, drift.Answer(found.cells, known))
    lake.write_frame(drift_path(as_of, source.name), table)
    gone = table[table[drift.MISSING] == 1].to_dict("records")
    lines = "".join(f"\n- {drift.sentence({str(k): v for k, v in row.items()})}" for row in gone)
    return SchemaDrift(source.name, found.field, found=found.found, remedy=f"{found.remedy}{lines}")


def absent(lake: Lake, source: AnySource, *, as_of: dt.date, reason: str) -> str:
    """Write down that a source gave nothing for a week, so that the run can go on without it.

    Args:
        lake: where to store.
        source: the source.
        as_of: the run's Monday.
        reason: why, as the reader of the forecast shall read it.

    Returns: path of the manifest.
    """
    manifest = path(as_of, source.name)
    if sealed(lake, as_of) and lake.exists(manifest):
        return manifest
    moment = dt.datetime.combine(as_of, dt.time(), dt.UTC) if source.answers_as_of else None
    reason = reason.removeprefix(f"source {source.name}: ")
    found = {
        "source": source.name,
        "as_of": as_of,
        "status": "absent",
        "reason": reason,
        "known": "as_of" if source.answers_as_of else "live",
        "segments_before": _accepted_before(lake, source.name, moment),
    }
    return lake.write_json(manifest, found)


def window_of(source: SourceSettings, as_of: dt.date, newest_known: dt.date | None) -> Window:
    """The days to ask for.

    Args:
        source: its history start, look-back and reach ahead.
        as_of: the run's Monday.
        newest_known: newest accepted date before as_of; None at the first poll.
    """
    end = as_of + dt.timedelta(weeks=source.ahead_weeks)
    if newest_known is None:
        return Window(source.history_start, end, as_of)
    back = min(as_of - dt.timedelta(weeks=source.lookback_weeks), newest_known)
    return Window(max(back, source.history_start), end, as_of)


def clean(poll: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a poll into the cells to store and the rows that contradict each other.

    Rows without a readable date or value are no cells. Of identical duplicates the first stays. Where
    duplicates of a cell have different values nobody can tell which is right, so that the cell is not
    stored.

    Args:
        poll: POLL_DTYPES.

    Returns: cells (OBSERVATION_DTYPES, each cell once, in the order received) and the contradicting rows
        (POLL_DTYPES).
    """
    readable = poll[poll[c.DATE].notna() & poll[c.VALUE].notna()]
    distinct = readable.drop_duplicates([*_CELL, c.VALUE])
    contradicts = distinct.duplicated(_CELL, keep=False)
    cells = distinct.loc[~contradicts, list(c.OBSERVATION_DTYPES)].reset_index(drop=True)
    return cells, distinct[contradicts].sort_values([*_CELL, c.ROW], ignore_index=True)


def _accepted_before(lake: Lake, source: str, moment: dt.datetime | None) -> list[str]:
    """Accepted segments retrieved before a moment; all if there is none. A retry is no past of itself."""
    names = lake.observations(source).segments()
    if moment is None:
        return names
    found = ((name, place(name)) for name in names)
    return [name for name, at in found if at is not None and at.retrieved_at < moment]


def _newest_known(lake: Lake, source: str, segments: list[str], as_of: dt.date) -> dt.date | None:
    known = lake.observations(source).read(segments=segments, end=as_of)
    return known[c.DATE].max().date() if len(known) else None


def _append(
    lake: Lake, source: str, cells: pd.DataFrame, retrieved_at: dt.datetime
) -> tuple[dt.datetime, Appended]:
    """Store the cells under their moment, or a microsecond later if another answer of that moment stands.

    A retry that got the same answer finds its segment there and adds nothing. One that got another answer
    must not be taken for it: what the gate checks and what counts afterwards are the same cells.
    """
    observations = lake.observations(source)
    for step in range(_ATTEMPTS):
        moment = retrieved_at + dt.timedelta(microseconds=step)
        appended = observations.append(cells, moment)
        if _says_the_same(observations.read(segments=[appended.segment]), cells):
            return moment, appended
    raise SourceError(
        source,
        f"gave {_ATTEMPTS} different answers for {retrieved_at.isoformat()}",
        remedy="ask the provider why its answers to one question differ, then clear the task",
    )


def _says_the_same(stored: pd.DataFrame, cells: pd.DataFrame) -> bool:
    columns = [*_CELL, c.VALUE]
    return len(stored) == len(cells) and len(cells.merge(stored[columns], on=columns)) == len(cells)


def _told(poll: Poll, cells: pd.DataFrame, conflicts: pd.DataFrame) -> dict[str, Any]:
    """What the manifest says about the answer."""
    frame = poll.frame
    unreadable = int((frame[c.DATE].isna() | frame[c.VALUE].isna()).sum())
    contradicting = [
        f"{row[c.VARIABLE]} of {row[c.ENTITY]} on {row[c.DATE]:%Y-%m-%d} is {row[c.RAW]} in row {row[c.ROW]}"
        for row in conflicts.head(_SHOWN).to_dict("records")
    ]
    return {
        "rows": len(frame),
        "cells": len(cells),
        "unreadable": unreadable,
        "duplicates": len(frame) - unreadable - len(cells) - len(conflicts),
        "contradicting": contradicting,
        "contradicting_rows": len(conflicts),
        "newest_date": cells[c.DATE].max().date() if len(cells) else None,
        "columns_found": list(poll.columns_found),
        "requests": poll.requests,
        "bytes": poll.bytes,
        "notes": list(poll.notes),
    }
