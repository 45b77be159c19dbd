"""What would be, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from steadycast import schema
from steadycast.what_if.asking import WhatIf

SHOWN: Final = 6
"""Entities shown, the most changed first."""


def table(found: WhatIf, unit: str, *, shown: int = SHOWN) -> str:
    """Readable text: what was moved, the sum of all entities and the most changed ones, what is a guess."""
    keys = [schema.ENTITY, schema.WEEK]
    both = found.before.merge(found.after, on=keys, suffixes=("_before", ""))
    both["change"] = both[schema.POINT] - both[f"{schema.POINT}_before"]
    most = both.groupby(schema.ENTITY)["change"].apply(lambda c: c.abs().sum()).sort_values(ascending=False)
    names = list(most.index[:shown])
    lines = [["", "week", "was", "would be", "change", "", "80 % interval", "last year"]]
    if len(most) > 1:
        columns = [f"{schema.POINT}_before", schema.POINT, "change", schema.SAME_WEEK_LAST_YEAR]
        total = both.groupby(schema.WEEK)[columns].sum(min_count=1).reset_index()
        lines += [
            _line(f"all {len(most)}" if i == 0 else "", row) for i, row in enumerate(total.to_dict("records"))
        ]
    for name in names:
        mine = both[both[schema.ENTITY] == name].sort_values(schema.WEEK)
        lines += [_line(name if i == 0 else "", row) for i, row in enumerate(mine.to_dict("records"))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = [
        " ".join(
            f"{c:<{w}}" if i < 2 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    more = len(most) - len(names)
    text += [f"and {more} more that change less"] if more > 0 else []
    warned = [f"A guess: {sentence}" for sentence in found.outside] or ["Inside the range of the training."]
    # e.g. that a benchmark is published in the model's place, which no driver moves
    notes = [f"Note: {reason}" for reason in sorted(set(found.after[schema.DEGRADED_REASONS])) if reason]
    shown_lines = [line.rstrip() for line in text]
    return "\n".join([*found.moved, "", *shown_lines, f"in {unit}", "", *warned, *notes])


def _line(name: str, row: Mapping[Any, Any]) -> list[str]:
    was, change = row[f"{schema.POINT}_before"], row["change"]
    band = f"{row[schema.LOWER_80]:.1f} to {row[schema.UPPER_80]:.1f}" if schema.LOWER_80 in row else ""
    share = f"{100 * change / was:+.1f} %" if was else ""
    last = row[schema.SAME_WEEK_LAST_YEAR]
    point = f"{row[schema.POINT]:.1f}"
    numbers = [f"{was:.1f}", point, f"{change:+.2f}", share, band, "" if pd.isna(last) else f"{last:.1f}"]
    return [name, f"{row[schema.WEEK]:%Y-%m-%d}", *numbers]


def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    pairs = zip(line, widths, strict=True)
    return [cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(pairs)]
