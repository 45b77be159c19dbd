"""A segment: what one poll said, as one Parquet file that is written once and never again.

The file holds all cells of the poll in two parts: first those that differ from the state that the poll was
compared with (``changed`` is true), then those it confirmed. A reader who counts the same older segments as
the poll was compared with needs the first part only. The second one serves every other case: an older poll
that was accepted, rejected or inserted afterwards can not silence what this poll said.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steadycast.errors import ArtefactUnreadable
from steadycast.lake.cells import NO_CELLS, Array, Cells, joined
from steadycast.schema import DATE, ENTITY, RETRIEVED_AT, VALUE, VARIABLE

CHANGED = "changed"
ROWS_PER_GROUP = 262_144
"""Rows are sorted by date, so that a reader of some weeks skips the groups of the others."""

_META = b"steadycast.segment"
_NAME = re.compile(r"(?P<moment>\d{8}T\d{12}Z)(-(?P<attempt>[2-9]|[1-9]\d+))?")
_FORMAT = "%Y%m%dT%H%M%S%fZ"

Days = tuple[int, int]
"""First and last date, both included, in days since 1970-01-01."""


@dataclass(frozen=True, order=True)
class Place:
    """A segment's place in its source's order: when it was retrieved, then the attempt of that moment."""

    retrieved_at: dt.datetime
    attempt: int = 1

    @property
    def name(self) -> str:
        """The segment's name; the file is named like it."""
        suffix = "" if self.attempt == 1 else f"-{self.attempt}"
        return self.retrieved_at.strftime(_FORMAT) + suffix

    @property
    def micros(self) -> int:
        """``retrieved_at`` in microseconds since 1970-01-01, UTC."""
        since = self.retrieved_at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return since // dt.timedelta(microseconds=1)


def place(name: str) -> Place | None:
    """The place that a name says; None if it is no segment's name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    moment = dt.datetime.strptime(match["moment"], _FORMAT).replace(tzinfo=dt.UTC)
    return Place(moment, int(match["attempt"] or 1))


@dataclass(frozen=True)
class Info:
    """What a segment's file says about itself.

    Attributes:
        new: cells that were unknown before.
        changed: cells whose value differs from the state before.
        unchanged: cells that the poll confirmed.
        window: first and last date of the poll's cells; None if it had none.
        base: windows of the accepted older segments it was compared with that share dates with it.
        content: checksum of what the poll said.
    """

    new: int
    changed: int
    unchanged: int
    window: Days | None
    base: Mapping[str, Days]
    content: str


def overlap(one: Days | None, other: Days | None) -> bool:
    """Do two windows share a date?"""
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]


def encode(at: Place, differing: Cells, confirmed: Cells, info: Info) -> bytes:
    """The file's bytes; the same for the same arguments."""
    schema = pa.schema(
        [
            (ENTITY, pa.dictionary(pa.int32(), pa.string())),
            (DATE, pa.date32()),
            (VARIABLE, pa.dictionary(pa.int32(), pa.string())),
            (VALUE, pa.float64()),
            (RETRIEVED_AT, pa.timestamp("us", tz="UTC")),
            (CHANGED, pa.bool_()),
        ],
        metadata={_META: json.dumps(asdict(info), sort_keys=True)},
    )
    sink = pa.BufferOutputStream()
    repetitive = [ENTITY, VARIABLE, RETRIEVED_AT]
    with pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=repetitive) as writer:
        for cells, changed in ((differing, True), (confirmed, False)):
            if len(cells):
                writer.write_table(
                    _table(cells.by_date(), at, changed, schema), row_group_size=ROWS_PER_GROUP
                )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _table(cells: Cells, at: Place, changed: bool, schema: pa.Schema) -> pa.Table:
    count = len(cells)
    return pa.table(
        [
            _dictionary(cells.entity, cells.entities),
            pa.array(cells.day.astype(np.int32)).cast(pa.date32()),
            _dictionary(cells.variable, cells.variables),
            pa.array(cells.value),
            pa.array(np.full(count, at.micros)).cast(pa.timestamp("us", tz="UTC")),
            pa.array(np.full(count, changed)),
        ],
        schema=schema,
    )


def _dictionary(codes: Array, names: Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))


class SegmentFile:
    """An open segment.

    Args:
        path: its path in the lake, for messages.
        file: a seekable pyarrow file, closed by the caller.

    Raises:
        ArtefactUnreadable: the file is no segment.
    """

    def __init__(self, path: str, file: pa.NativeFile) -> None:
        self._path = path
        try:
            self._parquet = pq.ParquetFile(file)
            meta = json.loads(self._parquet.schema_arrow.metadata[_META])
        except (pa.ArrowInvalid, TypeError, KeyError) as error:
            raise ArtefactUnreadable(path, f"not a segment of observations ({error})") from error
        window = meta.pop("window")
        base = {name: (days[0], days[1]) for name, days in meta.pop("base").items()}
        self.info = Info(**meta, window=window and (window[0], window[1]), base=base)

    def read(self, *, start: int | None, end: int | None, confirmed: Days | None = None) -> Cells:
        """The differing cells dated from ``start`` and before ``end``, with the confirmed ones of some dates.

        Args:
            start: first day, in days since 1970-01-01; all if None.
            end: day after the last one; all if None.
            confirmed: dates of the confirmed cells to read as well; none if None.
        """
        parts = [self._group(i, start, end) for i in self._groups(True)]
        if confirmed is not None:
            first = confirmed[0] if start is None else max(start, confirmed[0])
            stop = confirmed[1] + 1 if end is None else min(end, confirmed[1] + 1)
            parts += [self._group(i, first, stop) for i in self._groups(False)]
        return joined(parts) if len(parts) != 1 else parts[0]

    def _groups(self, changed: bool) -> list[int]:
        column = self._parquet.schema_arrow.names.index(CHANGED)
        groups = range(self._parquet.num_row_groups)
        metadata = self._parquet.metadata
        return [i for i in groups if metadata.row_group(i).column(column).statistics.max == changed]

    def _group(self, i: int, start: int | None, end: int | None) -> Cells:
        column = self._parquet.schema_arrow.names.index(DATE)
        dates = self._parquet.metadata.row_group(i).column(column).statistics
        first, last = (d.toordinal() - dt.date(1970, 1, 1).toordinal() for d in (dates.min, dates.max))
        if (start is not None and last < start) or (end is not None and first >= end):
            return NO_CELLS
        table = self._parquet.read_row_group(i, columns=[ENTITY, DATE, VARIABLE, VALUE])
        entities, entity = _names(table[ENTITY])
        variables, variable = _names(table[VARIABLE])
        day = table[DATE].combine_chunks().cast(pa.int32()).to_numpy(zero_copy_only=False)
        cells = Cells(entities, variables, entity, variable, day, table[VALUE].to_numpy())
        return cells.between(start, end)


def _names(column: pa.ChunkedArray) -> tuple[Array, Array]:
    """Sorted names and each row's place among them."""
    encoded = column.unify_dictionaries().combine_chunks()
    names = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names)
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names))
    return names[order], rank[encoded.indices.to_numpy(zero_copy_only=False)]
