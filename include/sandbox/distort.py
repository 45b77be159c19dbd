"""The faults that change the data of an answer; pure functions of the rows, the fault and its seed.

Whether and how a cell changes depends on the seed, its entity, date and column alone, so that the pages of an
answer fit together and the next poll tells the same story again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sandbox.cells import decimals_of, mistype, read_number, write_number
from sandbox.faults import Fault
from sandbox.tables import DAY, Conversion, Row, Table


@dataclass(frozen=True)
class Context:
    """What a data fault works on.

    Attributes:
        table: all rows of the source.
        fault: the fault in force.
        start: first date of the request's window, ISO.
        end: first date after it, ISO; not after ``until``.
        until: first date that the request does not see, ISO.
    """

    table: Table
    fault: Fault
    start: str
    end: str
    until: str

    @property
    def newest(self) -> str:
        """Newest date that the request sees; '' if none."""
        place = bisect_left(self.table.dates, self.until)
        return self.table.dates[place - 1] if place else ""

    def newest_days_begin(self, default: int | None) -> str:
        """First date of the newest ``days`` days; '' when the fault hits all dates."""
        days = self.fault.days if self.fault.days is not None else default
        if days is None:
            return ""
        return (dt.date.fromisoformat(self.newest) - (days - 1) * DAY).isoformat()

    def hits(self, row: Row) -> bool:
        """Is the row's entity meant?"""
        return self.fault.entity is None or self.table.entity(row) == self.fault.entity

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns meant."""
        return (self.fault.column,) if self.fault.column else self.table.shape.columns

    def chance(self, row: Row, *what: str) -> float:
        """A number in [0, 1) that is always the same for this seed, row and purpose."""
        return chance(self.fault.seed, self.table.entity(row), self.table.date(row), *what)

    def history(self, row: Row, steps: int) -> Row | None:
        """The row of the same entity so many rows earlier; None before the first."""
        entity = self.table.entity(row)
        place = self.table.place[entity, self.table.date(row)] - steps
        return self.table.by_entity[entity][place] if place >= 0 else None


def chance(seed: int, *what: str) -> float:
    """A number in [0, 1) made of the seed and the words."""
    digest = hashlib.blake2b("\x1f".join((str(seed), *what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def distort(context: Context) -> list[Row]:
    """The rows of the window as a provider with the fault sends them."""
    if not context.newest:
        return []
    return _KINDS[context.fault.kind](context)


def _window(context: Context) -> list[Row]:
    return [dict(row) for row in context.table.window(context.start, context.end)]


def _rewritten(context: Context) -> list[Row]:
    spared = context.newest_days_begin(14)
    share = context.fault.share if context.fault.share is not None else 1.0
    strength = context.fault.factor if context.fault.factor is not None else 1.0
    rows = _window(context)
    for row in rows:
        if context.table.date(row) >= spared or not context.hits(row) or context.chance(row, "row") >= share:
            continue
        # the value of the same weekday one to four weeks earlier: plausible, and no secret of the future
        steps = context.table.shape.step * (1 + int(4 * context.chance(row, "steps")))
        other = context.history(row, steps)
        for column in context.columns if other else ():
            new, old = read_number(other[column]) if other else None, read_number(row[column])
            if new is not None and old is not None:
                row[column] = write_number(
                    row[column], old + strength * (new - old), decimals_of(row[column])
                )
    return rows


def _unit_change(context: Context) -> list[Row]:
    begin = context.newest_days_begin(None)
    factor = context.fault.factor
    rows = _window(context)
    for row in rows:
        if context.table.date(row) < begin or not context.hits(row):
            continue
        for column in context.columns:
            other = context.table.shape.unit(context.table.entity(row), column)
            unit = other if factor is None else Conversion("", factor)
            number = read_number(row[column])
            if unit is not None and number is not None:
                row[column] = write_number(
                    row[column], (number + unit.add) * unit.times, max(decimals_of(row[column]), 3)
                )
    return rows


def _shifted(context: Context) -> list[Row]:
    shift = (context.fault.days if context.fault.days is not None else 1) * DAY
    field, newest = context.table.shape.date_field, context.newest
    rows = []
    for row in context.table.window("", context.until):
        day = context.table.date(row)
        if context.hits(row):
            day = (dt.date.fromisoformat(day) + shift).isoformat()
        if context.start <= day < context.end and day <= newest:
            rows.append({**row, field: day})
    return sorted(rows, key=lambda row: (context.table.date(row), context.table.entity(row)))


def _stuck(context: Context) -> list[Row]:
    begin = context.newest_days_begin(context.table.shape.stuck_days)
    last_good = {}
    for entity, rows in context.table.by_entity.items():
        place = bisect_left([context.table.date(row) for row in rows], begin) - 1
        last_good[entity] = rows[max(place, 0)]
    rows = _window(context)
    for row in rows:
        if context.table.date(row) >= begin and context.hits(row):
            row.update({column: last_good[context.table.entity(row)][column] for column in context.columns})
    return rows


def _swapped(context: Context) -> list[Row]:
    fault, shape = context.fault, context.table.shape
    begin = context.newest_days_begin(None)
    rows = _window(context)
    meant = [row for row in rows if context.table.date(row) >= begin]
    swaps_entities = fault.entity is not None or (fault.column is None and shape.entity_field is not None)
    if not swaps_entities:
        one, two = (
            (fault.column, fault.column_b) if fault.column and fault.column_b else shape.swap or ("", "")
        )
        for row in meant:
            row[one], row[two] = row[two], row[one]
        return rows
    one, two = (fault.entity, fault.entity_b) if fault.entity and fault.entity_b else shape.swap or ("", "")
    other = {one: two, two: one}
    before = {(context.table.entity(row), context.table.date(row)): dict(row) for row in meant}
    for row in meant:
        partner = before.get((other.get(context.table.entity(row), ""), context.table.date(row)))
        if partner:
            row.update({column: partner[column] for column in shape.columns})
    return rows


def _renamed(context: Context) -> list[Row]:
    old = context.fault.column or context.table.shape.columns[0]
    new = context.fault.new_name or f"{old}_new"
    rows = context.table.window(context.start, context.end)
    return [{new if name == old else name: cell for name, cell in row.items()} for row in rows]


def _duplicates(context: Context) -> list[Row]:
    begin = context.newest_days_begin(None)
    share = context.fault.share if context.fault.share is not None else 0.05
    rows = []
    for row in _window(context):
        rows.append(row)
        if context.table.date(row) < begin or not context.hits(row) or context.chance(row, "twice") >= share:
            continue
        twin = dict(row)
        if context.chance(row, "differs") < 0.5:
            for column in context.columns:
                number = read_number(row[column])
                if number:
                    twin[column] = write_number(row[column], number * 1.1, max(decimals_of(row[column]), 2))
        rows.append(twin)
    return rows


def _typing_error(context: Context) -> list[Row]:
    begin = context.newest_days_begin(None)
    share = context.fault.share if context.fault.share is not None else 0.01
    rows = _window(context)
    for row in rows:
        if context.table.date(row) < begin or not context.hits(row):
            continue
        for column in context.columns:
            if read_number(row[column]) is not None and context.chance(row, column) < share:
                row[column] = mistype(str(row[column]), context.chance(row, column, "how"))
    return rows


_KINDS: Final[dict[str, Callable[[Context], list[Row]]]] = {
    "rewritten": _rewritten,
    "unit_change": _unit_change,
    "shifted": _shifted,
    "stuck": _stuck,
    "swapped": _swapped,
    "renamed": _renamed,
    "duplicates": _duplicates,
    "typing_error": _typing_error,
}
