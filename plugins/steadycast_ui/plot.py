"""The picture of one entity's published forecast; the one of all of them is published with the forecast."""

from __future__ import annotations

import datetime as dt
import threading

from steadycast_runtime.places import lake, settings

from steadycast import schema as c
from steadycast.errors import ArtefactMissing
from steadycast.plots import forecast_png
from steadycast.publication import read_published

_drawing = threading.Lock()
"""matplotlib's font cache is shared by all threads of the API server."""


def entity_png(week: str, entity: str) -> bytes:
    """Recent weeks as known on that Monday, the forecast with its intervals, and its benchmarks.

    Raises:
        ArtefactMissing: the week is not published, or has no such entity.
    """
    store, target = lake(), settings().target
    forecast, _ = read_published(store, dt.date.fromisoformat(week))
    mine = forecast[forecast[c.ENTITY] == entity]
    if mine.empty:
        raise ArtefactMissing(f"{entity} in the forecast of {week}", remedy="choose an entity of the list")
    panel = store.read_frame(f"runs/{week}/impute/panel.parquet")
    past = panel[
        (panel[c.SOURCE] == target.source)
        & (panel[c.VARIABLE] == target.variable)
        & (panel[c.ENTITY] == entity)
    ]
    with _drawing:
        return forecast_png(past[[c.ENTITY, c.WEEK, c.VALUE]], mine, title=settings().title, unit=target.unit)
