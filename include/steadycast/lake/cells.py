"""Many cells at once, as arrays: ten million are sorted, compared and collapsed without a Python loop."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from steadycast.schema import DATE, ENTITY, RETRIEVED_AT, VALUE, VARIABLE

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Cells:
    """Values by cell. All arrays but the two lists of names have one item per cell.

    Attributes:
        entities: names of the entities, sorted.
        variables: names of the variables, sorted.
        entity: place of the cell's entity in ``entities``.
        variable: place of the cell's variable in ``variables``.
        day: the cell's date in days since 1970-01-01.
        value: the value in the variable's unit; never NaN.
    """

    entities: Array
    variables: Array
    entity: Array
    variable: Array
    day: Array
    value: Array

    def __len__(self) -> int:
        return len(self.value)

    def take(self, rows: Array) -> Cells:
        """The cells at these places, or where a mask is true."""
        return Cells(
            self.entities,
            self.variables,
            self.entity[rows],
            self.variable[rows],
            self.day[rows],
            self.value[rows],
        )

    def between(self, start: int | None, end: int | None) -> Cells:
        """The cells dated from ``start`` and before ``end``, in days since 1970-01-01."""
        keep = np.ones(len(self), dtype=bool)
        if start is not None:
            keep &= self.day >= start
        if end is not None:
            keep &= self.day < end
        return self if keep.all() else self.take(keep)

    def by_date(self) -> Cells:
        """The same cells sorted by date, entity, variable."""
        return self.take(np.lexsort((self.variable, self.entity, self.day)))

    def checksum(self) -> str:
        """Of cells sorted by date: two polls that say the same have the same."""
        digest = hashlib.sha256()
        for names, codes in ((self.entities, self.entity), (self.variables, self.variable)):
            used = np.bincount(codes, minlength=len(names)) > 0
            digest.update("\0".join(names[used]).encode())
            digest.update((np.cumsum(used) - 1)[codes].astype("<i8").tobytes())
        digest.update(self.day.astype("<i8").tobytes())
        digest.update((self.value + 0.0).astype("<f8").tobytes())  # -0.0 is 0.0
        return digest.hexdigest()


NO_CELLS = Cells(
    np.array([], dtype=object),
    np.array([], dtype=object),
    np.array([], dtype=np.int32),
    np.array([], dtype=np.int32),
    np.array([], dtype=np.int32),
    np.array([], dtype=np.float64),
)


def days(date: dt.date) -> int:
    """Days since 1970-01-01."""
    return date.toordinal() - dt.date(1970, 1, 1).toordinal()


def from_frame(source: str, frame: pd.DataFrame) -> Cells:
    """The cells of a table with entity, date, variable, value; rows whose value is NaN are no cells.

    Raises:
        ValueError: a column is missing, an entity, variable or date is missing, or a date is no whole day.
    """
    absent = [c for c in (ENTITY, DATE, VARIABLE, VALUE) if c not in frame]
    if absent:
        raise ValueError(f"source {source}: observations lack the column(s) {', '.join(absent)}")
    known = frame.loc[frame[VALUE].notna(), [ENTITY, DATE, VARIABLE, VALUE]]
    for column in (ENTITY, DATE, VARIABLE):
        if known[column].isna().any():
            row = int(known[column].isna().to_numpy().argmax())
            raise ValueError(f"source {source}: observation {row + 1} has a value but no {column}")
    moments = known[DATE].to_numpy(dtype="datetime64[us]")
    dates = moments.astype("datetime64[D]")
    if (dates != moments).any():
        wrong = moments[dates != moments][0]
        raise ValueError(f"source {source}: {DATE} {wrong} is no whole day, as a cell needs")
    entity, entities = pd.factorize(known[ENTITY], sort=True)
    variable, variables = pd.factorize(known[VARIABLE], sort=True)
    return Cells(
        np.asarray(entities, dtype=object),
        np.asarray(variables, dtype=object),
        entity.astype(np.int32),
        variable.astype(np.int32),
        dates.astype(np.int32),
        known[VALUE].to_numpy(dtype=np.float64),
    )


def joined(parts: Sequence[Cells]) -> Cells:
    """All cells of the parts, one part after the other, under common names."""
    if not parts:
        return NO_CELLS
    entities = np.unique(np.concatenate([p.entities for p in parts]))
    variables = np.unique(np.concatenate([p.variables for p in parts]))
    return Cells(
        entities,
        variables,
        np.concatenate([_places(entities, p.entities)[p.entity] for p in parts]),
        np.concatenate([_places(variables, p.variables)[p.variable] for p in parts]),
        np.concatenate([p.day for p in parts]),
        np.concatenate([p.value for p in parts]),
    )


def _places(names: Array, own: Array) -> Array:
    """Of each own name its place among all names; both sorted."""
    return np.searchsorted(names, own).astype(np.int32)


@dataclass(frozen=True)
class History:
    """Versions of cells, sorted by entity, variable, date and then from old to new.

    Attributes:
        cells: the versions' cells and values.
        part: which of the given parts a version comes from.
        first: is it the oldest version of its cell?
        differs: is it the oldest version of its cell, or another value than the version before it?
    """

    cells: Cells
    part: Array
    first: Array
    differs: Array

    def newest(self) -> Array:
        """Places of the versions that stand: per cell the newest one that differs from the one before it."""
        places = np.flatnonzero(self.differs)
        last = np.append(self.first[places][1:], True) if len(places) else places
        return places[last]


@dataclass(frozen=True)
class Versions:
    """What is known of a source, with its past, as arrays.

    Attributes:
        cells: all versions, sorted by entity, variable, date and then from old to new.
        first: is it the oldest version of its cell?
        moment: when it was retrieved, in days since 1970-01-01, UTC, with fractions.
        polls: per poll: when it was retrieved, first and last date of its cells; oldest first.
    """

    cells: Cells
    first: Array
    moment: Array
    polls: Array


def history(parts: Sequence[Cells]) -> History:
    """Put parts, oldest first, into the order of their cells."""
    cells = joined(parts)
    part = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p) for p in parts])
    if len(cells) == 0:
        nothing = np.array([], dtype=bool)
        return History(cells, part, nothing, nothing)
    first_day = cells.day.min()
    span = int(cells.day.max() - first_day) + 1
    series = cells.entity.astype(np.int64) * len(cells.variables) + cells.variable
    key = series * span + (cells.day - first_day)
    order = np.argsort(key, kind="stable")  # stable: the parts come oldest first and stay so within a cell
    key, cells = key[order], cells.take(order)
    first = np.append(True, key[1:] != key[:-1])
    differs = first | np.append(True, cells.value[1:] != cells.value[:-1])
    return History(cells, part[order], first, differs)


def to_frame(cells: Cells, retrieved_at: Array) -> pd.DataFrame:
    """A table of the observation columns; ``retrieved_at`` per cell in microseconds since 1970-01-01, UTC."""
    columns = {
        ENTITY: _names(cells.entities, cells.entity),
        DATE: pa.array(cells.day.astype("datetime64[D]").astype("datetime64[us]")),
        VARIABLE: _names(cells.variables, cells.variable),
        VALUE: pa.array(cells.value),
        RETRIEVED_AT: pa.array(retrieved_at.astype(np.int64)).cast(pa.timestamp("us", tz="UTC")),
    }
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame


def _names(names: Array, codes: Array) -> pa.Array:
    return pa.array(names, pa.large_string()).take(pa.array(codes))
