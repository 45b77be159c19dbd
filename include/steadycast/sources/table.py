"""From a provider's table, wide or long, to the long frame of a poll; nothing is guessed or repaired."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.errors import SchemaDrift
from steadycast.settings import SourceSettings, TableLayout, Variable
from steadycast.sources.poll import Poll, Window
from steadycast.sources.reading import read_date, read_numbers

_SAMPLE = 400
"""Newest cells per column that an error carries, so that their values can be compared with what is known."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length, cells as the provider sent them (text, numbers, None)."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    rows: int = 0

    @classmethod
    def of_records(cls, records: Sequence[Mapping[str, Any]]) -> Table:
        """Columns in order of first appearance; a record without a key has None there."""
        names = dict.fromkeys(name for record in records for name in record)
        return cls({name: [r.get(name) for r in records] for name in names}, len(records))

    @classmethod
    def joined(cls, tables: Sequence[Table]) -> Table:
        """One table below the other."""
        names = dict.fromkeys(name for table in tables for name in table.columns)
        columns = {n: [cell for t in tables for cell in t.columns.get(n, [None] * t.rows)] for n in names}
        return cls(columns, sum(t.rows for t in tables))


def empty_frame() -> pd.DataFrame:
    """A poll without rows, in POLL_DTYPES."""
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in c.POLL_DTYPES.items()})


def to_poll(
    table: Table,
    source: SourceSettings,
    layout: TableLayout,
    window: Window,
    *,
    requests: int = 1,
    size: int = 0,
    notes: Iterable[str] = (),
    no_cell: Collection[str] = (),
    sparse: bool = False,
) -> Poll:
    """Turn a table into a poll.

    Cells without a value (null, empty, NaN) are no cells: dropped and counted. Other text that is no number
    stays, with a NaN value. Rows of entities and days that were not asked for are dropped and counted; a date
    that can not be read stays as NaT.

    Args:
        table: the provider's rows, wide or long as ``layout`` says.
        source: names the variables and entities to keep.
        layout: where entity, date and values are.
        window: days to keep.
        requests: answers read to get the table.
        size: bytes received.
        notes: the connector's own remarks; come first.
        no_cell: more texts that stand for "no value", e.g. FRED's ``.``.
        sparse: the provider leaves columns out that have no value at all, so that a missing one is no drift.

    Raises:
        SchemaDrift: a column that pipeline.yaml names is not there.
    """
    found = tuple(table.columns)
    if not found:
        return Poll(empty_frame(), (), requests, size, (*notes, "the answer has no rows"))
    cells = _Cells(table, source, layout, no_cell, sparse)
    frame = cells.frame()
    said = [*notes, *cells.notes]
    frame = _only_known_entities(frame, source, said)
    frame = _only_window(frame, window, said)
    unreadable = frame[frame[c.VALUE].isna()]
    if len(unreadable):
        first = unreadable.iloc[0]
        said.append(
            f"{len(unreadable)} value(s) can not be read, first {first[c.RAW]!r} "
            f"({first[c.VARIABLE]}, row {first[c.ROW]})"
        )
    return Poll(frame, found, requests, size, tuple(said))


class _Cells:
    """The table's cells, before rows that nobody asked for are dropped."""

    def __init__(
        self,
        table: Table,
        source: SourceSettings,
        layout: TableLayout,
        no_cell: Collection[str],
        sparse: bool,
    ) -> None:
        self.notes: list[str] = []
        self._table, self._source, self._layout = table, source, layout
        self._no_cell = {"", *no_cell}
        self._sparse = sparse
        self._empty = 0

    def frame(self) -> pd.DataFrame:
        day_texts = [_text(cell) for cell in self._column(self._layout.date_field, "layout.date_field")]
        known_days = {text: read_date(text, self._layout.date_format) for text in set(day_texts)}
        days = np.array([known_days[text] for text in day_texts], dtype="datetime64[us]")
        entities = np.array(self._entities(), dtype=object)
        pieces = [
            self._piece(variable, texts, asked, day_texts, days, entities)
            for variable, texts, asked in self._variables()
        ]
        if self._empty:
            self.notes.append(f"{self._empty} cell(s) without a value")
        frame = pd.concat(pieces, ignore_index=True) if pieces else empty_frame()
        # records stay in the order in which they came, variables in the order of pipeline.yaml
        return frame.sort_values(c.ROW, kind="stable", ignore_index=True).astype(c.POLL_DTYPES)

    def _piece(
        self,
        variable: Variable,
        texts: list[str],
        asked: np.ndarray[Any, Any],
        day_texts: list[str],
        days: np.ndarray[Any, Any],
        entities: np.ndarray[Any, Any],
    ) -> pd.DataFrame:
        values, absent = read_numbers(
            texts,
            variable.read_as,
            self._no_cell | set(variable.missing),
            decimal=self._layout.decimal,
            thousands=self._layout.thousands,
            scale=variable.scale,
            offset=variable.offset,
        )
        no_day = np.isnat(days)
        self._empty += int((absent & asked).sum())
        keep = asked & ~absent
        raw = np.array(texts, dtype=object)
        raw[no_day] = np.array(day_texts, dtype=object)[no_day]
        values[no_day] = np.nan
        return pd.DataFrame(
            {
                c.ENTITY: entities[keep],
                c.DATE: days[keep],
                c.VARIABLE: variable.name,
                c.VALUE: values[keep],
                c.RAW: raw[keep],
                c.ROW: np.arange(1, self._table.rows + 1)[keep],
            }
        )

    def _variables(self) -> Iterable[tuple[Variable, list[str], np.ndarray[Any, Any]]]:
        layout, source = self._layout, self._source
        everything = np.ones(self._table.rows, dtype=bool)
        if layout.variable_field is None:
            for variable in source.variables:
                if self._sparse and variable.source_field not in self._table.columns:
                    self.notes.append(f"no value of {variable.source_field}")
                    continue
                column = self._column(variable.source_field, f"variables.{variable.name}.field")
                yield variable, [_text(cell) for cell in column], everything
            return
        names = np.array(
            [_text(n) for n in self._column(layout.variable_field, "layout.variable_field")], dtype=object
        )
        texts = [_text(cell) for cell in self._column(layout.value_field or c.VALUE, "layout.value_field")]
        for variable in source.variables:
            asked = names == variable.source_field
            if not asked.any():
                there = ", ".join(sorted(set(names))[:10]) or "no row at all"
                self.notes.append(f"no row of {variable.source_field}; the answer has {there}")
            yield variable, texts, asked

    def _entities(self) -> list[str]:
        layout, source = self._layout, self._source
        if layout.entity_field is not None:
            return [_text(cell) for cell in self._column(layout.entity_field, "layout.entity_field")]
        known = source.entities or ()
        only = layout.entity or (known[0] if len(known) == 1 else source.name)
        return [only] * self._table.rows

    def _column(self, name: str, setting: str) -> list[Any]:
        if name not in self._table.columns:
            raise _drift(self._source.name, name, setting, self._table)
        return self._table.columns[name]


def _text(cell: object) -> str:
    """The cell as text without blanks around it; '' for null."""
    if cell is None or cell is pd.NaT:
        return ""
    if isinstance(cell, float | np.floating):
        return repr(float(cell))
    return str(cell).strip()


def _only_known_entities(frame: pd.DataFrame, source: SourceSettings, notes: list[str]) -> pd.DataFrame:
    known = frame[c.ENTITY] != "" if source.entities is None else frame[c.ENTITY].isin(source.entities)
    if not known.all():
        names = sorted(set(frame.loc[~known, c.ENTITY]))
        shown = ", ".join(name or "(no name)" for name in names[:5]) + (" ..." if len(names) > 5 else "")
        notes.append(f"{int((~known).sum())} cell(s) of entities that were not asked for: {shown}")
    return frame[known].reset_index(drop=True)


def _only_window(frame: pd.DataFrame, window: Window, notes: list[str]) -> pd.DataFrame:
    day = frame[c.DATE]
    inside = day.isna() | ((day >= pd.Timestamp(window.start)) & (day < pd.Timestamp(window.end)))
    if not inside.all():
        notes.append(f"{int((~inside).sum())} cell(s) outside {window.start} to {window.last}")
    return frame[inside].reset_index(drop=True)


def _drift(source: str, name: str, setting: str, table: Table) -> SchemaDrift:
    found = list(table.columns)
    folded = {column.lower().replace(" ", "_"): column for column in found}
    close = difflib.get_close_matches(name.lower().replace(" ", "_"), folded, n=1, cutoff=0.5)
    hint = f"did you mean {folded[close[0]]!r}? " if close else ""
    return SchemaDrift(
        source,
        name,
        found=found,
        cells={column: cells[-_SAMPLE:] for column, cells in table.columns.items()},
        remedy=f"{hint}if the provider renamed it on purpose, change {setting} of {source} in pipeline.yaml",
    )
