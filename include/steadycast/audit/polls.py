"""Polls of a source that is audited: made for a candidate, or those that the weekly runs left in the lake."""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from steadycast import ingest
from steadycast import schema as c
from steadycast.errors import SourceError
from steadycast.lake import Lake
from steadycast.settings import AnySource
from steadycast.sources import Connection, fetch

_WEEKLY = re.compile(r"runs/(\d{4}-\d{2}-\d{2})/ingest/(?P<source>[a-z0-9_]+)\.json")


@dataclass(frozen=True)
class AuditPoll:
    """One poll and how it went.

    Attributes:
        at: when it was made, or the past day that the provider was asked about; ISO 8601.
        as_of: the day up to which it asked; ISO 8601.
        outcome: ``ok``, or the kind of the error.
        what: the error in words; '' if there was none.
        latency_s: seconds from the question to the last byte; None where nobody measured.
        rows: records in the answer.
        unreadable: of these, without a readable date or value.
        columns: fields in the answer, in their order.
        newest: newest date before as_of; None if there was none.
        segment: name of the cells' segment; None without an answer.
    """

    at: str
    as_of: str
    outcome: str
    what: str = ""
    latency_s: float | None = None
    rows: int = 0
    unreadable: int = 0
    columns: tuple[str, ...] = ()
    newest: str | None = None
    segment: str | None = None

    @property
    def ok(self) -> bool:
        """Did the source give its data?"""
        return self.segment is not None


def cells_name(source: str) -> str:
    """Where a candidate's cells are kept: apart, so that nothing counts for the runs once it is adopted."""
    return f"audit.{source}"


def make(
    lake: Lake, source: AnySource, *, as_of: dt.date, at: dt.datetime, connection: Connection | None
) -> str:
    """Poll a candidate and keep how it went; an error of the source is a result, too.

    Args:
        lake: where to.
        source: the candidate.
        as_of: dates before it are asked for.
        at: the moment of the poll; aware.
        connection: address and credential.

    Returns: path of the record; the same moment again replaces it.
    """
    observations = lake.observations(cells_name(source.name))
    known = observations.read(end=as_of)
    newest = known[c.DATE].max().date() if len(known) else None
    window = ingest.window_of(source, as_of, newest)
    began = time.monotonic()
    try:
        answer = fetch(source, window, connection)
    except SourceError as error:
        latency = round(time.monotonic() - began, 3)
        failed = AuditPoll(at.isoformat(), as_of.isoformat(), type(error).__name__, error.what, latency)
        return lake.write_json(_path(source.name, at), asdict(failed))
    latency = round(time.monotonic() - began, 3)
    cells, _ = ingest.clean(answer.frame)
    segment = observations.append(cells, at).segment
    observations.accept(segment, by="audit")
    frame, past = answer.frame, cells[cells[c.DATE] < pd.Timestamp(as_of)]
    made = AuditPoll(
        at.isoformat(), as_of.isoformat(), "ok", latency_s=latency, rows=len(frame),
        unreadable=int((frame[c.DATE].isna() | frame[c.VALUE].isna()).sum()),
        columns=tuple(answer.columns_found),
        newest=past[c.DATE].max().date().isoformat() if len(past) else None, segment=segment,
    )  # fmt: skip
    return lake.write_json(_path(source.name, at), asdict(made))


def stored(lake: Lake, source: str) -> tuple[list[AuditPoll], str]:
    """The polls of a source, oldest first, and under which name its cells are kept.

    A candidate's own polls if there are any, else those of the weekly runs, which know of no latency.
    """
    own = [lake.read_json(path) for path in lake.list(f"audits/{source}/polls")]
    if own:
        polls = [AuditPoll(**{**told, "columns": tuple(told["columns"])}) for told in own]
        return sorted(polls, key=lambda poll: poll.at), cells_name(source)
    matches = [match for path in lake.list("runs") if (match := _WEEKLY.fullmatch(path))]
    told = [lake.read_json(match[0]) for match in matches if match["source"] == source]
    return sorted((_of_run(manifest) for manifest in told), key=lambda poll: poll.as_of), source


def _of_run(manifest: dict[str, Any]) -> AuditPoll:
    if manifest["status"] != "ok":
        return AuditPoll(manifest["as_of"], manifest["as_of"], "absent", manifest["reason"])
    return AuditPoll(
        manifest["retrieved_at"], manifest["as_of"], "ok", rows=manifest["rows"],
        unreadable=manifest["unreadable"], columns=tuple(manifest["columns_found"]),
        newest=manifest["newest_date"], segment=manifest["segment"],
    )  # fmt: skip


def _path(source: str, at: dt.datetime) -> str:
    return f"audits/{source}/polls/{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}.json"
