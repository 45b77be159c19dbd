"""Pieces of the sentences that gates say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from steadycast import schema as c
from steadycast.expectations.running import Finding

_SHOWN = 3

Row = Mapping[str, Any]


def listed(names: Iterable[object]) -> str:
    """``a, b and c``; the order is the alphabet's."""
    texts = sorted(map(str, names))
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def count(found: Finding) -> str:
    """``3 of 140 rows``."""
    return f"{found.count} of {found.total} rows"


def rows(found: Finding, describe: Callable[[Row], str]) -> str:
    """The first few rows in words, and how many more there are."""
    texts = [describe(row) for row in found.rows[:_SHOWN]]
    more = found.count - len(texts)
    return "; ".join(texts) + (f"; and {more} more" if more > 0 else "")


def series(row: Row) -> str:
    """``tmax_f of midway``."""
    return f"{row[c.VARIABLE]} of {row[c.ENTITY]}"


def cell(row: Row) -> str:
    """``tmax_f of midway on 2016-06-05``."""
    day = row[c.DATE]
    return f"{series(row)} on " + ("an unreadable date" if pd.isna(day) else f"{day:%Y-%m-%d}")


def limits(low: float | None, high: float | None) -> str:
    """``-40 to 115``, ``0 and more``, ``up to 100``."""
    if low is None:
        return f"up to {high:g}"
    return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"
