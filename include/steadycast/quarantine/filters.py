"""What the business leaves out of a source: declared in pipeline.yaml, counted and kept, never silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from steadycast import schema as c
from steadycast.settings import Filter

FILTER: Final = "filter"


def left_out(rows: pd.DataFrame, filters: Sequence[Filter]) -> pd.Series:
    """Per row the name of the first filter that leaves it out; '' where it stays.

    Args:
        rows: entity, variable, value; not changed.
        filters: in the order of the file.
    """
    names = pd.Series("", index=rows.index, dtype="str")
    for rule in filters:
        names = names.mask((names == "") & _hit(rows, rule), rule.name)
    return names


def _hit(rows: pd.DataFrame, rule: Filter) -> pd.Series:
    if rule.drop_entities:
        return rows[c.ENTITY].isin(rule.drop_entities)
    if rule.keep_entities:
        return ~rows[c.ENTITY].isin(rule.keep_entities)
    outside = pd.Series(False, index=rows.index)
    if rule.minimum is not None:
        outside |= rows[c.VALUE] < rule.minimum
    if rule.maximum is not None:
        outside |= rows[c.VALUE] > rule.maximum
    return outside & (rows[c.VARIABLE] == rule.variable)
