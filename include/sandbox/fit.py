"""Does a fault fit its source? Asked when it is set: a mistyped name would look like a fault survived."""

from __future__ import annotations

from typing import Final

from sandbox.faults import Fault, FaultRefused
from sandbox.tables import Table

_MOST_SHIFT: Final = 3650


def check(fault: Fault, source: str, table: Table) -> None:
    """Refuse a data fault that does not fit its source.

    Raises:
        FaultRefused: an entity or column that the source does not have, or nothing to swap.
    """
    problems = []
    entities = table.entities
    for name in ("entity", "entity_b"):
        value = getattr(fault, name)
        if value is not None and value not in entities:
            has = f"it has {', '.join(entities)}" if table.shape.entity_field else "it has only one"
            problems.append(f"{name}: {source} has no {value!r}; {has}")
    columns = table.fields if fault.kind == "renamed" else table.shape.columns
    for name in ("column", "column_b"):
        value = getattr(fault, name)
        if value is not None and value not in columns:
            problems.append(f"{name}: {source} has no {value!r}; it has {', '.join(columns)}")
    if fault.kind == "swapped" and not problems:
        problems = _swap_problems(fault, source, table)
    if fault.kind == "shifted" and abs(fault.days or 0) > _MOST_SHIFT:
        problems.append(f"days: shifts at most {_MOST_SHIFT} days")
    if fault.kind == "unit_change" and fault.factor is None and not _has_unit(fault, table):
        problems.append("what you named has no other unit here; give a factor")
    if problems:
        raise FaultRefused(problems)


def _has_unit(fault: Fault, table: Table) -> bool:
    entities = [fault.entity] if fault.entity else table.entities
    columns = [fault.column] if fault.column else table.shape.columns
    return any(table.shape.unit(entity, column) for entity in entities for column in columns)


def _swap_problems(fault: Fault, source: str, table: Table) -> list[str]:
    if (fault.entity is None) != (fault.entity_b is None) or (fault.column is None) != (
        fault.column_b is None
    ):
        return ["swapped needs entity and entity_b, or column and column_b"]
    if fault.entity and fault.column:
        return ["swapped exchanges two entities or two columns, not both"]
    if not fault.entity and not fault.column and table.shape.swap is None:
        return [f"{source} has one entity and one column, so nothing can be swapped"]
    return []
