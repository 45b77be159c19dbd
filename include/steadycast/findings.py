"""What a stage found that people should hear of: kept with the run, turned into alerts outside the stage.

A stage knows what happened and what it means; it knows neither the clock nor who listens. So it writes its
findings beside its other artefacts, and the alerts read them. A re-run overwrites its own findings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from steadycast.lake import Lake

Severity = Literal["info", "warning", "hold", "failure"]


@dataclass(frozen=True)
class Finding:
    """One thing that a reader should know.

    Attributes:
        kind: What sort of thing, e.g. ``revision``, ``divergence``, ``quarantine``, ``degraded``, ``drift``.
        severity: ``info`` and ``warning`` can wait for the digest, ``hold`` and ``failure`` can not.
        key: The same thing has the same key in every week, so that it is told once while it is open, e.g.
            ``divergence/weather_a/tmax_f``.
        title: One line.
        text: What happened, how much it moves the forecast, and what was done; sentences.
        next: What the reader can do.
        source: The source that it is about, if it is about one.
        picture: Path in the lake of a picture that shows it.
    """

    kind: str
    severity: Severity
    key: str
    title: str
    text: str
    next: str
    source: str | None = None
    picture: str | None = None


def path(as_of: dt.date, stage: str) -> str:
    """Where the findings of a stage are."""
    return f"runs/{as_of}/findings/{stage}.json"


def write(lake: Lake, findings: Sequence[Finding], *, as_of: dt.date, stage: str) -> str:
    """Keep the findings of a stage, also if there are none; returns their path."""
    return lake.write_json(path(as_of, stage), [asdict(finding) for finding in findings])


def read(lake: Lake, *, as_of: dt.date) -> list[Finding]:
    """All findings of the week so far, by stage."""
    return [
        Finding(**found) for place in lake.list(f"runs/{as_of}/findings/") for found in lake.read_json(place)
    ]
