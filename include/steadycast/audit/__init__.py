"""Source audit: what a provider is like, measured over weeks of polls, before anybody relies on it.

``python -m steadycast.audit SOURCE`` writes the scorecard from the stored polls; the DAG ``source_audit``
polls the ``candidates`` of pipeline.yaml and writes it each day.
"""

from __future__ import annotations

import pandas as pd

from steadycast.audit.advice import advise
from steadycast.audit.measuring import measure
from steadycast.audit.page import render
from steadycast.audit.polls import make, stored
from steadycast.errors import SourceUnknown
from steadycast.lake import Lake
from steadycast.settings import AnySource, Settings
from steadycast.sources.table import empty_frame

__all__ = ["audited", "make", "run"]


def audited(settings: Settings, name: str) -> AnySource:
    """The candidate or the source of that name.

    Raises:
        SourceUnknown: pipeline.yaml has none.
    """
    listed = (*settings.candidates, *settings.sources)
    for source in listed:
        if source.name == name:
            return source
    raise SourceUnknown(name, [source.name for source in listed])


def run(lake: Lake, settings: Settings, name: str) -> str:
    """Write the scorecard of a source from its stored polls.

    Args:
        lake: where the polls are.
        settings: what is declared of it.
        name: a candidate or a source.

    Returns: path of the page, ``audits/<name>/scorecard.html``; beside it the same as JSON.

    Raises:
        SourceUnknown: pipeline.yaml has no such source.
    """
    source = audited(settings, name)
    polls, kept_as = stored(lake, name)
    observations = lake.observations(kept_as)
    twin = lake.observations(source.twin).read() if source.twin else None
    measured = measure(source, polls, observations, twin)
    recommendation, sentences = advise(source, measured)
    segments = [str(poll.segment) for poll in polls if poll.ok]
    newest: pd.DataFrame = observations.read(segments=segments) if segments else empty_frame()
    page = render(source, measured, recommendation, sentences, polls, newest, twin)
    told = [{"level": level, "sentence": text} for level, text in sentences]
    lake.write_json(
        f"audits/{name}/scorecard.json",
        {"source": name, "recommendation": recommendation, "sentences": told, "measured": measured},
    )
    return lake.write_bytes(f"audits/{name}/scorecard.html", page)
