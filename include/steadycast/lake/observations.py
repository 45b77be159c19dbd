"""Observations of one source: append-only, versioned by cell, readable as of any moment.

A poll becomes a segment and counts once it is accepted. The state as of T is what a careful clerk would have
written down: the accepted polls up to T, oldest first, each overwriting the cells it reports. Every read
gives exactly this, however the polls came in: accepted late, rejected afterwards, or inserted between older
ones. How a read gets by with the cells that differ is told in ``segments``.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from steadycast.errors import ArtefactMissing
from steadycast.lake.backend import Backend, checked
from steadycast.lake.cells import Array, Cells, History, Versions, days, from_frame, history, to_frame
from steadycast.lake.segments import Days, Info, Place, SegmentFile, encode, overlap, place
from steadycast.lake.verdicts import Verdict, Verdicts

_OPEN_AHEAD = 16
"""Segments fetched at once: enough to hide the latency of S3, few enough for any limit of open files."""

_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Appended:
    """What a poll brought.

    Attributes:
        segment: name of the poll's segment; a poll without any cell has one too.
        new: cells that were unknown before.
        changed: cells whose value differs from the accepted state before.
        unchanged: cells that the poll confirmed.
    """

    segment: str
    new: int
    changed: int
    unchanged: int


class Observations:
    """The versions of one source's cells.

    Args:
        backend: the store.
        source: name of the source in pipeline.yaml.
    """

    def __init__(self, backend: Backend, source: str) -> None:
        self.source = source
        self._backend = backend
        self._folder = f"observations/{checked(source)}"
        self._verdicts = Verdicts(backend, source)

    def append(self, frame: pd.DataFrame, retrieved_at: dt.datetime) -> Appended:
        """Store a poll as a pending segment: whole or not at all, once however often it is tried.

        If a segment of this moment is there already and was not rejected, it stands and is returned. After a
        rejection, other values make a further attempt of the moment (``<moment>-2``); the same values do not.

        Args:
            frame: columns entity, date, variable, value (others are ignored); NaN values are no cells.
            retrieved_at: when the poll was made, or the day that the provider was asked about; aware.

        Raises:
            ValueError: a cell comes twice or lacks a part of its key; ``retrieved_at`` has no time zone.
        """
        moment = _utc(retrieved_at, "retrieved_at")
        cells = from_frame(self.source, frame).by_date()
        content = cells.checksum()
        while True:
            places = self._places()
            attempts = [p for p in places if p.retrieved_at == moment]
            standing = self._standing(attempts, content)
            if standing is not None:
                return standing
            at = Place(moment, max((p.attempt for p in attempts), default=0) + 1)
            info, data = self._compared(at, cells, content, [p for p in places if p < at])
            if self._backend.write_if_absent(self._path(at), data):
                return Appended(at.name, info.new, info.changed, info.unchanged)

    def accept(self, segment: str, by: str) -> None:
        """Let a segment count from now on; ``by`` is the gate or the person. The latest verdict stands."""
        self._check(segment)
        self._verdicts.write(segment, "accepted", by, [])

    def reject(self, segment: str, by: str, why: Sequence[str]) -> None:
        """Keep a segment from counting; ``why`` lists all reasons. The latest verdict stands."""
        self._check(segment)
        self._verdicts.write(segment, "rejected", by, why)

    def verdict(self, segment: str) -> Verdict | Literal["pending"]:
        """What was decided about a segment."""
        return self._verdicts.read([segment])[segment]

    def segments(self, accepted: bool = True) -> list[str]:
        """Names of the segments, oldest first: the accepted ones, or also those pending and rejected."""
        names = [p.name for p in self._places()]
        if not accepted:
            return names
        verdicts = self._verdicts.read(names)
        return [name for name in names if verdicts[name] == "accepted"]

    def read(
        self,
        segments: Sequence[str] | None = None,
        as_of: dt.datetime | None = None,
        start: dt.date | None = None,
        end: dt.date | None = None,
    ) -> pd.DataFrame:
        """The state as of a moment: of each cell the newest version not newer than it.

        Args:
            segments: names of the segments that count; the accepted ones if left out.
            as_of: segments retrieved later do not count; aware; all count if left out.
            start: first date.
            end: date after the last one.

        Returns: entity, date, variable, value, retrieved_at (UTC, when the cell got this value), sorted by
            entity, variable, date.

        Raises:
            ArtefactMissing: a named segment is not in the lake.
        """
        places, found = self._history(segments, as_of, start, end)
        return _frame(places, found, found.newest())

    def versions(
        self,
        start: dt.date | None = None,
        end: dt.date | None = None,
        segments: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """All versions of each cell, oldest first; a poll that repeats the value before it makes none.

        The columns are those of ``read``; sorted by entity, variable, date, retrieved_at.
        """
        places, found = self._history(segments, None, start, end)
        return _frame(places, found, np.flatnonzero(found.differs))

    def told(
        self, segments: Sequence[str], start: dt.date | None = None, end: dt.date | None = None
    ) -> Versions:
        """As ``versions``, for who compares millions of cells: arrays, and the polls that told them."""
        places = sorted(self._check(name) for name in set(segments))
        first, stop = (None if d is None else days(d) for d in (start, end))
        parts, polls = [], []
        for at, info, part in self._parts(places, first, stop):
            parts.append(part)
            if info.window is not None:
                polls.append((at.micros / _DAY, *info.window))
        found = history(parts)
        rows = np.flatnonzero(found.differs)
        moment = np.array([p.micros / _DAY for p in places])[found.part[rows]]
        windows = np.array(polls, dtype=np.float64).reshape(-1, 3)
        return Versions(found.cells.take(rows), found.first[rows], moment, windows)

    def _compared(self, at: Place, cells: Cells, content: str, older: Sequence[Place]) -> tuple[Info, bytes]:
        """The segment's description and bytes, compared with the older segments that are accepted now."""
        window: Days | None = (int(cells.day.min()), int(cells.day.max())) if len(cells) else None
        verdicts = self._verdicts.read([p.name for p in older])
        parts, base = [], {}
        if window is not None:
            accepted = [p for p in older if verdicts[p.name] == "accepted"]
            for was, info, part in self._parts(accepted, window[0], window[1] + 1):
                parts.append(part)
                if info.window is not None and overlap(info.window, window):
                    base[was.name] = info.window
        found = history([*parts, cells])
        ours = found.part == len(parts)
        self._refuse_repeats(found, ours)
        differing = found.cells.take(ours & found.differs)
        confirmed = found.cells.take(ours & ~found.differs)
        new = int((ours & found.first).sum())
        info = Info(new, len(differing) - new, len(confirmed), window, base, content)
        return info, encode(at, differing, confirmed, info)

    def _refuse_repeats(self, found: History, ours: Array) -> None:
        repeated = np.flatnonzero(ours[1:] & ours[:-1] & ~found.first[1:]) + 1
        if len(repeated):
            cell = found.cells.take(repeated[:1])
            date = cell.day.astype("datetime64[D]")[0]
            raise ValueError(
                f"source {self.source}: {len(repeated)} cell(s) come twice, the first is "
                f"entity {cell.entities[cell.entity[0]]!r}, date {date}, "
                f"variable {cell.variables[cell.variable[0]]!r}"
            )

    def _standing(self, attempts: Sequence[Place], content: str) -> Appended | None:
        """The segment of this moment that a further append returns, if there is one."""
        verdicts = self._verdicts.read([p.name for p in attempts])
        for at in reversed(attempts):
            file = self._backend.open(self._path(at))
            with file:
                info = SegmentFile(self._path(at), file).info
            if verdicts[at.name] != "rejected" or info.content == content:
                return Appended(at.name, info.new, info.changed, info.unchanged)
        return None

    def _history(
        self,
        segments: Sequence[str] | None,
        as_of: dt.datetime | None,
        start: dt.date | None,
        end: dt.date | None,
    ) -> tuple[list[Place], History]:
        names = self.segments() if segments is None else segments
        places = sorted({self._check(name) for name in names} if segments is not None else map(_place, names))
        if as_of is not None:
            latest = _utc(as_of, "as_of")
            places = [p for p in places if p.retrieved_at <= latest]
        first, stop = (None if d is None else days(d) for d in (start, end))
        return places, history([part for _, _, part in self._parts(places, first, stop)])

    def _parts(
        self, places: Sequence[Place], start: int | None, end: int | None
    ) -> Iterator[tuple[Place, Info, Cells]]:
        """Of each segment, oldest first, the cells needed to tell the state that these segments make."""
        windows: dict[str, Days] = {}
        for at, file in self._opened(places):
            with file:
                segment = SegmentFile(self._path(at), file)
                info = segment.info
                doubted = _doubted(info, windows)
                yield at, info, segment.read(start=start, end=end, confirmed=doubted)
            if info.window is not None:
                windows[at.name] = info.window

    def _opened(self, places: Sequence[Place]) -> Iterator[tuple[Place, Any]]:
        """The segments' files in order, some opened ahead."""
        waiting: deque[tuple[Place, Future[Any]]] = deque()
        with ThreadPoolExecutor(_OPEN_AHEAD) as pool:
            for at in places:
                waiting.append((at, pool.submit(self._backend.open, self._path(at))))
                if len(waiting) == _OPEN_AHEAD:
                    ready, future = waiting.popleft()
                    yield ready, future.result()
            for ready, future in waiting:
                yield ready, future.result()

    def _places(self) -> list[Place]:
        names = (path.rsplit("/", 1)[1] for path in self._backend.list(self._folder))
        found = (place(name.removesuffix(".parquet")) for name in names if name.endswith(".parquet"))
        return sorted(p for p in found if p is not None)

    def _path(self, at: Place) -> str:
        return f"{self._folder}/{at.name}.parquet"

    def _check(self, segment: str) -> Place:
        at = place(segment)
        if at is None or not self._backend.exists(self._path(at)):
            raise ArtefactMissing(
                f"{self._folder}/{segment}.parquet",
                remedy=f"run ingest of {self.source} for the week that needs it",
            )
        return at


def _doubted(info: Info, windows: dict[str, Days]) -> Days | None:
    """Dates on which a segment's confirmed cells are needed.

    What the segment confirmed, the older segments that it was compared with say as well. Where other ones
    count now, or some of those do not, their dates are in doubt.

    Args:
        info: the segment's description.
        windows: by name, the older segments that count.
    """
    count = {name: window for name, window in windows.items() if overlap(window, info.window)}
    doubted = [(count.get(name) or info.base[name]) for name in count.keys() ^ info.base.keys()]
    if not doubted:
        return None
    return min(first for first, _ in doubted), max(last for _, last in doubted)


def _frame(places: Sequence[Place], found: History, rows: Array) -> pd.DataFrame:
    moments = np.array([p.micros for p in places], dtype=np.int64)
    return to_frame(found.cells.take(rows), moments[found.part[rows]])


def _place(name: str) -> Place:
    at = place(name)
    if at is None:
        raise ValueError(f"{name!r} is no name of a segment")
    return at


def _utc(moment: dt.datetime, what: str) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{what} {moment} has no time zone; give it in UTC")
    return moment.astimezone(dt.UTC)
