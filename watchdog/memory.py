"""What the watchdog must not forget when it is restarted: one small JSON file, replaced whole."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError


class Memory(BaseModel):
    """What was decided before.

    Attributes:
        open: problems that were told and are not over: key and text.
        suspicions: looks in a row at which a problem was seen that is not confirmed yet.
        restarts: per component, when it was restarted in the last hour.
        failed: what was tried for a problem and did not work: the problem's key and why.
        fallback_tried: when a fallback was tried last, by week.
        outbox: messages that no path has taken yet.
        paused: is the DAG paused, as known last.
        api_answered: when the API server answered last.
    """

    model_config = ConfigDict(extra="ignore")

    open: dict[str, str] = {}
    suspicions: dict[str, int] = {}
    restarts: dict[str, list[AwareDatetime]] = {}
    failed: dict[str, str] = {}
    fallback_tried: dict[str, AwareDatetime] = {}
    outbox: list[str] = []
    paused: bool = False
    api_answered: AwareDatetime | None = None


def recall(file: Path) -> Memory:
    """The memory of the last look; an empty one if there is none or it can not be read."""
    try:
        return Memory.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        # told twice is better than never: a lost memory must not keep the watchdog from looking
        return Memory()


def keep(file: Path, memory: Memory) -> None:
    """Replace the file whole, and be sure that it is on the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as handle:
        handle.write(memory.model_dump_json(indent=2))
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(file)


def within_an_hour(moments: list[dt.datetime], now: dt.datetime) -> list[dt.datetime]:
    """Those of the last hour; moments that lie ahead, after the clock was set back, are dropped too."""
    return [moment for moment in moments if dt.timedelta(0) <= now - moment < dt.timedelta(hours=1)]
