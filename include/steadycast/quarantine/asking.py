"""The week's question to the business: all values that wait, in one form, and how its answer is read.

The form has one choice for all values and a text for those that are decided otherwise, one per line, e.g.
``3f2a9c01 error-correct 14.2``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Final

import pandas as pd

from steadycast import schema as c
from steadycast.errors import DecisionRefused
from steadycast.lake import Lake
from steadycast.quarantine import decisions
from steadycast.quarantine.applying import report_path
from steadycast.quarantine.decisions import CHOICES, MEANING, Cell, Decision
from steadycast.quarantine.review import CHOICE, ID, SEEN
from steadycast.quarantine.telling import table

FOR_ALL: Final = ("outlier-keep", "error-drop", "unknown")
"""Choices that need no value of their own and so can be made for all values at once."""
NOBODY: Final = "nobody"
SHOWN: Final = 50
_WEEKS_BACK: Final = 8
_EXAMPLE: Final = "write lines like '3f2a9c01 error-correct 14.2' or '3f2a9c01 outlier-keep'"


def waiting(lake: Lake, as_of: dt.date) -> pd.DataFrame:
    """Values of the week's report to ask about: neither decided until now, nor asked in an earlier week.

    Weeks that are run one after the other, as a backfill does, so ask once about a value. One whose answer
    never came to be recorded waits in the list of the command line.

    Returns: CELL_DTYPES, newest first.

    Raises:
        ArtefactMissing: the week has no report.
    """
    held = lake.read_frame(lake.read_json(report_path(as_of))["cells"])
    for back in range(1, _WEEKS_BACK + 1):
        earlier = asked_path(as_of - dt.timedelta(weeks=back))
        if lake.exists(earlier):
            held = held[~held[ID].isin(lake.read_frame(earlier)[ID])]
    return _undecided(lake, held[held[CHOICE] == ""])


def asked_path(as_of: dt.date) -> str:
    """Where the values are that the week's question was about."""
    return f"runs/{as_of}/quarantine/asked.parquet"


def _undecided(lake: Lake, held: pd.DataFrame) -> pd.DataFrame:
    """The rows that nobody has decided about since; newest first."""
    keep = pd.Series(True, index=held.index)
    for name, rows in held.groupby(c.SOURCE):
        known = decisions.standing(decisions.every(lake, str(name)))
        for row, cell in zip(rows.index, cells_of(rows), strict=True):
            keep[row] = cell.key not in known
    return held[keep].sort_values(c.DATE, ascending=False, kind="stable", ignore_index=True)


def body(held: pd.DataFrame, as_of: dt.date, hours: float) -> str:
    """The question in Markdown.

    Args:
        held: of ``waiting``; not empty.
        as_of: the week.
        hours: until the default counts.
    """
    choices = "\n".join(f"- **{name}**: {text}" for name, text in MEANING.items())
    more = f"\n\n… and {len(held) - SHOWN} older values." if len(held) > SHOWN else ""
    return (
        f"The run of {as_of} found {len(held)} value(s) that nobody should believe unasked. They are kept, "
        f"and left out of training until you decide.\n\n{table(held.head(SHOWN))}{more}\n\n{choices}\n\n"
        "Your choice is for all values that *exceptions* does not name. A right value goes there, one line "
        f"each: `{held[ID].iloc[0]} error-correct 14.2`. Without an answer within {hours:g} h they count as "
        "unknown."
    )


def cells_of(held: pd.DataFrame) -> list[Cell]:
    """Rows of CELL_DTYPES as decisions name them."""
    days = held[c.DATE].dt.strftime("%Y-%m-%d")
    keys = zip(held[c.ENTITY], days, held[c.VARIABLE], held[SEEN], strict=True)
    return [Cell(str(entity), str(day), str(name), str(seen)) for entity, day, name, seen in keys]


def store(
    lake: Lake,
    held: pd.DataFrame,
    choice: str,
    exceptions: str,
    *,
    owner: str | None,
    reason: str,
    at: dt.datetime,
) -> list[Decision]:
    """Make decisions of an answer: all of them, or none if it can not be read.

    Args:
        lake: where to.
        held: what was asked about, CELL_DTYPES.
        choice: for all values that are not named; one of ``FOR_ALL``.
        exceptions: lines of id, choice and maybe value.
        owner: who answered; None if nobody did in time, which overrides no decision made meanwhile.
        reason: why.
        at: when; aware.

    Raises:
        DecisionRefused: a line can not be read; names the line and what to write.
    """
    if owner is None:
        held = _undecided(lake, held)
    said = read_exceptions(exceptions, held)
    if choice not in FOR_ALL and len(said) < len(held):
        raise DecisionRefused(
            f"{choice!r} can not be for all values at once", remedy=f"take one of {', '.join(FOR_ALL)}"
        )
    via = "timeout" if owner is None else "airflow"
    why = reason.strip() or ("no answer in time" if owner is None else "no reason was given")
    chosen = [said.get(name, (choice, None)) for name in held[ID]]
    parts: dict[tuple[str, str], list[Cell]] = {}
    for cell, source, (own, value) in zip(cells_of(held), held[c.SOURCE], chosen, strict=True):
        parts.setdefault((str(source), own), []).append(replace(cell, value=value))
    return [
        decisions.record(lake, source, cells, own, owner=owner or NOBODY, reason=why, at=at, via=via)
        for (source, own), cells in sorted(parts.items(), key=lambda part: part[0])
    ]


def read_exceptions(text: str, held: pd.DataFrame) -> dict[str, tuple[str, float | None]]:
    """Per id the choice and the value that its line says.

    Raises:
        DecisionRefused: a line can not be read.
    """
    known = set(held[ID])
    said: dict[str, tuple[str, float | None]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        where = f"line {number} of the exceptions, {line.strip()!r},"
        if words[0] not in known:
            raise DecisionRefused(
                f"{where} names no value of the table", remedy="begin it with an id of the table"
            )
        if len(words) not in (2, 3) or words[1] not in CHOICES:
            raise DecisionRefused(f"{where} has no known decision", remedy=_EXAMPLE)
        said[words[0]] = (words[1], _value(words[2:], words[1], where))
    return said


def _value(words: list[str], choice: str, where: str) -> float | None:
    if (choice == "error-correct") != bool(words):
        raise DecisionRefused(
            f"{where} needs a value with error-correct and with nothing else", remedy=_EXAMPLE
        )
    if not words:
        return None
    try:
        return float(words[0])
    except ValueError:
        raise DecisionRefused(f"{where} has {words[0]!r} for a number", remedy=_EXAMPLE) from None
