"""A held forecast and the person who decides about it: what is asked, what was answered.

The answer is kept beside the week's other artefacts and is about one forecast, by its SHA-256: a forecast
that is made anew is judged, and asked about, anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, Literal

import pandas as pd

from steadycast import publication, schema
from steadycast.errors import ArtefactMissing
from steadycast.lake import Lake

PUBLISH: Final = "publish"
FALLBACK: Final = "fallback"
CHOICES: Final = (FALLBACK, PUBLISH)
SHOWN: Final = 20
"""Reasons and rows in the question; all of them are in check_forecast.json."""
MARGIN: Final = dt.timedelta(minutes=2)
"""An answer is awaited until so long before the deadline, so that readers have the fallback by then."""
Choice = Literal["publish", "fallback"]
_COLUMNS = (schema.POINT, schema.LOWER_80, schema.UPPER_80, schema.SAME_WEEK_LAST_YEAR, schema.MOVING_AVERAGE)


def path(as_of: dt.date) -> str:
    """Where the answer is."""
    return f"runs/{as_of}/release.json"


def held(lake: Lake, as_of: dt.date) -> dict[str, Any] | None:
    """The verdict that waits for a person; None if nothing is held, or it is answered or published."""
    try:
        check: dict[str, Any] = lake.read_json(f"runs/{as_of}/check_forecast.json")
    except ArtefactMissing:
        return None
    if check["verdict"] != "hold" or publication.sealed(lake, as_of) or answered(lake, as_of, check):
        return None
    return check


def answered(lake: Lake, as_of: dt.date, check: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer about the forecast that the verdict is about; None if there is none."""
    if not lake.exists(path(as_of)):
        return None
    answer: dict[str, Any] = lake.read_json(path(as_of))
    return answer if answer["forecast_sha256"] == check["forecast_sha256"] else None


def granted(lake: Lake, as_of: dt.date, check: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer, if it is to publish what was held."""
    answer = answered(lake, as_of, check)
    return answer if answer and answer["choice"] == PUBLISH else None


def store(
    lake: Lake,
    as_of: dt.date,
    check: Mapping[str, Any],
    choice: str,
    *,
    by: str | None,
    reason: str,
    at: dt.datetime,
) -> str:
    """Keep an answer; returns its path.

    Args:
        lake: where to.
        as_of: the week's Monday.
        check: the verdict that was asked about.
        choice: ``publish`` or ``fallback``.
        by: who; None if nobody answered in time.
        reason: in their words.
        at: when, aware.
    """
    answer = {
        "choice": choice,
        "by": by or "nobody, in time",
        "reason": reason,
        "at": at.isoformat(),
        "forecast_sha256": check["forecast_sha256"],
    }
    return lake.write_json(path(as_of), answer)


def says(answer: Mapping[str, Any]) -> str:
    """The release as readers of the forecast shall read it."""
    why = f": {answer['reason']}" if answer["reason"] else ""
    return f"held back by the check, published on the word of {answer['by']}{why}"


def until(start: dt.datetime, deadline_h: float, late_min: float, now: dt.datetime) -> dt.datetime:
    """Until when an answer is awaited: just before the deadline; a while from now for a run that is late.

    Args:
        start: of the week's run, aware.
        deadline_h: hours until the forecast is due.
        late_min: minutes that a run has which was held after, or just before, the deadline.
        now: aware.
    """
    return max(start + dt.timedelta(hours=deadline_h) - MARGIN, now + dt.timedelta(minutes=late_min))


def body(lake: Lake, check: Mapping[str, Any], ends: dt.datetime) -> str:
    """The question in Markdown: the reasons, and the rows that are flagged beside their benchmarks."""
    reasons = [f"- {text}" for text in check["failures"][:SHOWN]]
    more = len(check["failures"]) - SHOWN
    flagged = {(flag[schema.ENTITY], flag[schema.WEEK]) for flag in check["flags"]}
    frame = lake.read_frame(check["forecast"])
    mine = [(str(e), f"{w:%Y-%m-%d}") in flagged for e, w in zip(frame.entity, frame.week, strict=True)]
    lines = [
        "Publish this forecast, or the fallback (the last forecast, else the same week last year)?",
        f"Without an answer by {ends:%Y-%m-%d %H:%M} UTC readers get the fallback.",
        "",
        *reasons,
        *([f"- and {more} more"] if more > 0 else []),
        "",
        *_table(frame[mine]),
        f"All of it: `{lake.link(f'runs/{check[schema.AS_OF]}/check_forecast.json')}`, the gate's pages: "
        f"`{lake.link(check['docs'])}`.",
    ]
    return "\n".join(lines)


def _table(rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return []
    heads = [schema.ENTITY, schema.WEEK, *_COLUMNS]
    lines = [
        f"| {' | '.join(head.replace('_', ' ') for head in heads)} |",
        f"|{' --- |' * len(heads)}",
    ]
    for row in rows.head(SHOWN).to_dict("records"):
        numbers = [f"{row[column]:,.4g}" for column in _COLUMNS]
        lines.append(f"| {row[schema.ENTITY]} | {row[schema.WEEK]:%Y-%m-%d} | {' | '.join(numbers)} |")
    if len(rows) > SHOWN:
        lines.append(f"\nand {len(rows) - SHOWN} more rows.")
    return [*lines, ""]
