"""What somebody decided about values of a source: who, why, when, and the value that it was about.

A decision is a file that is written once, ``decisions/<source>/<id>.json``. It is about a cell as the source
gave it: the newest one about the same cell and the same value counts, and when the source gives another value
no decision fits any more. So it lapses by itself, and comes back if the source goes back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from steadycast.errors import ArtefactUnreadable, DecisionRefused
from steadycast.lake import Lake

Choice = Literal["outlier-keep", "error-drop", "error-correct", "unknown"]
CHOICES: Final[tuple[Choice, ...]] = get_args(Choice)
MEANING: Final[dict[Choice, str]] = {
    "outlier-keep": "it is true and the model may learn from it",
    "error-drop": "it is wrong and nobody knows the right value; it stays left out",
    "error-correct": "it is wrong and the right value is known; that one is used",
    "unknown": "nobody knows; it stays left out and is not asked about again",
}
Key = tuple[str, str, str, str]
"""Entity, date (ISO), variable, and the value as it was seen."""


@dataclass(frozen=True)
class Cell:
    """A value that a decision is about.

    Attributes:
        entity: whose.
        date: ISO 8601.
        variable: which.
        seen: the value as the source gave it: a number's shortest exact text, or what was unreadable.
        value: the right value of an ``error-correct``, in the variable's unit; None for the others.
    """

    entity: str
    date: str
    variable: str
    seen: str
    value: float | None = None

    @property
    def key(self) -> Key:
        """What identifies the cell together with what it said."""
        return self.entity, self.date, self.variable, self.seen


@dataclass(frozen=True)
class Decision:
    """One act of deciding, about one cell or many.

    Attributes:
        id: begins with the moment, so that ids sort by time.
        source: whose cells.
        choice: one of ``CHOICES``.
        owner: who decided.
        reason: why.
        at: when, ISO 8601 in UTC.
        via: ``cli``, ``airflow``, ``page``, or ``timeout`` for the answer that counts when nobody answers.
        cells: what it is about.
    """

    id: str
    source: str
    choice: Choice
    owner: str
    reason: str
    at: str
    via: str
    cells: tuple[Cell, ...]


def seen(value: float) -> str:
    """A number as a decision names it: the shortest text that gives the same number again."""
    return repr(float(value) + 0.0)


def cell_id(source: str, key: Key) -> str:
    """Eight characters by which people name a flagged value; another value of the cell has another id."""
    return hashlib.sha256("\0".join((source, *key)).encode()).hexdigest()[:8]


def record(
    lake: Lake,
    source: str,
    cells: Sequence[Cell],
    choice: str,
    *,
    owner: str,
    reason: str,
    at: dt.datetime,
    via: str,
) -> Decision:
    """Store a decision; the same one again changes nothing.

    Args:
        lake: where to.
        source: name of the source.
        cells: what it is about, with the right values if it is ``error-correct``.
        choice: one of ``CHOICES``.
        owner: who decided.
        reason: why, for whoever asks in a year.
        at: when; aware.
        via: how it came in.

    Raises:
        DecisionRefused: the choice is none, a part is missing, or a value does not go with the choice.
    """
    checked = _checked(choice, cells, owner, reason)
    moment = at.astimezone(dt.UTC).isoformat(timespec="seconds")
    content = {
        "source": source, "choice": checked, "owner": owner.strip(), "reason": reason.strip(), "at": moment,
        "via": via, "cells": [asdict(cell) for cell in cells],
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
    name = f"{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{digest}"
    lake.write_json(f"{_folder(source)}/{name}.json", {"id": name, **content})
    return Decision(name, source, checked, owner.strip(), reason.strip(), moment, via, tuple(cells))


def _checked(choice: str, cells: Sequence[Cell], owner: str, reason: str) -> Choice:
    if choice not in CHOICES:
        raise DecisionRefused(f"{choice!r} is no decision", remedy=f"take one of {', '.join(CHOICES)}")
    for name, text in (("owner", owner), ("reason", reason)):
        if not text.strip():
            raise DecisionRefused(f"a decision needs its {name}", remedy=f"say it with --{name}")
    if not cells:
        raise DecisionRefused("no value was named", remedy="name one as `list` shows it")
    for cell in cells:
        if (cell.value is not None) != (choice == "error-correct"):
            what = f"{cell.variable} of {cell.entity} on {cell.date}"
            if cell.value is None:
                raise DecisionRefused(f"the right value of {what} is missing", remedy="say it with --value")
            raise DecisionRefused(
                f"{choice} of {what} takes no value", remedy="leave the value out, or take error-correct"
            )
    return choice


def every(lake: Lake, source: str) -> list[Decision]:
    """All decisions about a source, oldest first.

    Raises:
        ArtefactUnreadable: a file is no decision.
    """
    return sorted((_read(lake, path) for path in lake.list(_folder(source))), key=lambda d: (d.at, d.id))


def standing(decisions: Sequence[Decision]) -> dict[Key, tuple[Decision, Cell]]:
    """Per cell and value the newest decision; of ``every``."""
    return {cell.key: (decision, cell) for decision in decisions for cell in decision.cells}


def _read(lake: Lake, path: str) -> Decision:
    found: dict[str, Any] = lake.read_json(path)
    try:
        cells = tuple(Cell(**cell) for cell in found.pop("cells"))
        return Decision(**found, cells=cells)
    except (TypeError, KeyError, AttributeError) as error:
        raise ArtefactUnreadable(path, f"not a decision ({error})") from error


def _folder(source: str) -> str:
    return f"decisions/{source}"
