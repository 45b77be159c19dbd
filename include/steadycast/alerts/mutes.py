"""Mutes of the lake beside those of pipeline.yaml: made from the command line, with an owner and an end."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

from pydantic import ValidationError

from steadycast.errors import MuteRefused
from steadycast.lake import Lake
from steadycast.settings import MuteSettings

FOLDER: Final = "alerts/mutes"


def every(lake: Lake) -> list[MuteSettings]:
    """All mutes of the lake, the ended ones too."""
    return [MuteSettings.model_validate(lake.read_json(path)) for path in lake.list(FOLDER)]


def mute(
    lake: Lake,
    *,
    owner: str,
    why: str,
    since: dt.datetime,
    until: dt.datetime,
    kind: str | None = None,
    source: str | None = None,
    key: str | None = None,
) -> str:
    """Keep events quiet for a while; returns the mute's path.

    Args:
        lake: where it is kept.
        owner: who mutes.
        why: one sentence.
        since: from when; aware.
        until: to when; aware.
        kind: of the events; ``*`` stands for any letters, here as below.
        source: that they are about.
        key: of the events.

    Raises:
        MuteRefused: it has no end within 60 days, no owner, no reason, or would mute everything.
    """
    given = {"owner": owner, "why": why, "since": since, "until": until}
    given |= {name: value for name, value in (("kind", kind), ("source", source), ("key", key)) if value}
    try:
        made = MuteSettings.model_validate(given)
    except ValidationError as error:
        said = "; ".join(str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors())
        raise MuteRefused(
            f"the mute {said}", remedy="give --until within 60 days, --owner, --why, and what to mute"
        ) from None
    record = made.model_dump(mode="json", exclude_none=True)
    digest = hashlib.sha256(made.model_dump_json().encode()).hexdigest()[:8]
    return lake.write_json(f"{FOLDER}/{since.astimezone(dt.UTC):%Y%m%dT%H%M%S}-{digest}.json", record)


def end(lake: Lake, path: str, at: dt.datetime) -> None:
    """Let a mute end now.

    Args:
        lake: where it is kept.
        path: of the mute.
        at: the moment; aware.
    """
    made = MuteSettings.model_validate(lake.read_json(path))
    until = min(made.until, max(at, made.since + dt.timedelta(microseconds=1)))
    lake.write_json(path, made.model_copy(update={"until": until}).model_dump(mode="json", exclude_none=True))
