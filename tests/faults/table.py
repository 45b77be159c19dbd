"""The matrix's rows, kept in a file while its parts run, and the table that people read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from tests.faults import limits

GRACE_S = 60.0
"""A row has to recover within its own time-out and this."""


@dataclasses.dataclass
class Row:
    """One fault in one place.

    Attributes:
        place: stage or component.
        fault: in words.
        timeout_s: the shortest of our limits that sees it.
        vanilla: what Airflow does by itself.
        ours: what Steadycast does.
        seconds: from the fault to the recovery; None if there was none.
        outputs: what is lost, doubled or different; "" if nothing.
    """

    place: str
    fault: str
    timeout_s: float
    vanilla: str = ""
    ours: str = ""
    seconds: float | None = None
    outputs: str = ""

    @property
    def ok(self) -> bool:
        """Recovered in time, and the outputs are those of a clean run."""
        return self.seconds is not None and self.seconds <= self.timeout_s + GRACE_S and not self.outputs

    @property
    def verdict(self) -> str:
        """For a line of the log."""
        return "ok " if self.ok else "BAD"


class Rows:
    """All rows of a home, by place and fault."""

    def __init__(self, file: Path) -> None:
        self._file = file
        told = json.loads(file.read_text()) if file.exists() else []
        self.rows = {(row["place"], row["fault"]): Row(**row) for row in told}

    def put(self, place: str, fault: str, **found: object) -> Row:
        """Add to what is known of a row, and keep it."""
        row = self.rows.setdefault((place, fault), Row(place, fault, 0))
        for name, value in found.items():
            setattr(row, name, value)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps([dataclasses.asdict(row) for row in self.rows.values()], indent=1))
        draft.rename(self._file)
        return row

    def well(self, place: str, fault: str) -> bool:
        """Is the row known, and did it recover in time with the right outputs?"""
        return (place, fault) in self.rows and self.rows[place, fault].ok


def markdown(rows: Iterable[Row]) -> str:
    """The table."""
    lines = [
        "| where | fault | vanilla Airflow | Steadycast | recovered after | allowed | outputs |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        after = "**not**" if row.seconds is None else f"{row.seconds:.0f} s"
        cells = (
            row.place, row.fault, row.vanilla or "not run", row.ours, after,
            f"{row.timeout_s:.0f} + {GRACE_S:.0f} s", row.outputs or "those of a clean run",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def document(rows: list[Row], notes: str) -> str:
    """The page ``docs/fault-matrix.md``."""
    ok = sum(row.ok for row in rows)
    limit_lines = [f"| {name} | {here} | {shipped} |" for name, here, shipped in limits.shortened()]
    return "\n".join([
        "# Fault matrix", "",
        "Written by `make faults`; do not edit. " + notes, "",
        f"**{ok} of {len(rows)} rows recovered without a hand, in time, with a clean run's outputs.**", "",
        markdown(rows), "",
        "## Limits, shortened for the test", "",
        "| limit | here | shipped |", "|---|---|---|", *limit_lines, "",
    ])  # fmt: skip
