"""What a source had told by a week's Monday; one place for scores and fallbacks alike."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from steadycast import quarantine
from steadycast.lake import Lake


def known_rows(lake: Lake, source: str, as_of: dt.date, *, end: dt.date | None = None) -> pd.DataFrame:
    """Accepted observations of a source as they were known in the run of ``as_of``.

    The segments are those that the week's validate went by, so that a re-run gives the same answer. Without
    it they are the ones accepted and retrieved until the end of that day. What the quarantine and the filters
    leave out is left out, and decided values are as decided.

    Args:
        lake: where to look.
        source: its name.
        as_of: the run's Monday.
        end: first date that does not count; ``as_of`` if left out.

    Returns: entity, date, variable, value, retrieved_at; no row if nothing is known.
    """
    pinned = f"runs/{as_of}/validate/{source}.json"
    observations = lake.observations(source)
    if lake.exists(pinned):
        found = observations.read(segments=lake.read_json(pinned)["segments"], end=end or as_of)
        return quarantine.apply(lake, source, found, as_of=as_of)
    tomorrow = dt.datetime.combine(as_of + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)
    found = observations.read(as_of=tomorrow - dt.timedelta(microseconds=1), end=end or as_of)
    return quarantine.apply(lake, source, found, as_of=as_of)
