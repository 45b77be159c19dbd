"""The plot of a published forecast: recent history, point, intervals, benchmarks."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

from steadycast_runtime.places import lake, settings

from steadycast import schema as c
from steadycast.errors import ArtefactMissing

if TYPE_CHECKING:
    from pandas import DataFrame

HISTORY_WEEKS = 16
LABELS = {
    c.SAME_WEEK_LAST_YEAR: "same week last year",
    c.MOVING_AVERAGE: "moving average",
    c.LAST_VALUE: "last value",
    c.CLIENT_FORECAST: "client's forecast",
}
_drawing = threading.Lock()
"""matplotlib's fonts are shared by all threads of the API server."""


def plot_svg(week: str, entity: str) -> bytes:
    """One entity's plot as SVG.

    Raises:
        ArtefactMissing: the week is not published, or has no such entity.
    """
    from matplotlib.figure import Figure

    path = f"published/{week}/forecast.parquet"
    frame = lake().read_frame(path)
    rows = frame[frame[c.ENTITY] == entity].sort_values(c.HORIZON)
    if rows.empty:
        raise ArtefactMissing(f"{path}, entity {entity}", remedy="choose an entity of the list")
    past = _history(week, entity)
    with _drawing:
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(past[c.WEEK], past[c.VALUE], color="#333333", marker=".", label="actual")
        weeks, blue = rows[c.WEEK], "#1f77b4"
        axes.fill_between(weeks, rows[c.LOWER_95], rows[c.UPPER_95], color=blue, alpha=0.15, label="95 %")
        axes.fill_between(weeks, rows[c.LOWER_80], rows[c.UPPER_80], color=blue, alpha=0.3, label="80 %")
        axes.plot(weeks, rows[c.POINT], color=blue, marker="o", label="forecast")
        for name, style in zip(LABELS, ("--", ":", "-.", (0, (1, 3))), strict=True):
            if rows[name].notna().any():
                axes.plot(weeks, rows[name], linestyle=style, linewidth=1.2, label=LABELS[name])
        axes.set_ylabel(settings().target.unit)
        axes.set_title(f"{entity}, forecast of {week}", fontsize=10)
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        axes.tick_params(axis="x", rotation=30, labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        sink = io.BytesIO()
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return sink.getvalue()


def _history(week: str, entity: str) -> DataFrame:
    """The target's last weeks as known on that Monday."""
    target = settings().target
    panel = lake().read_frame(f"runs/{week}/impute/panel.parquet")
    chosen = panel[
        (panel[c.SOURCE] == target.source)
        & (panel[c.VARIABLE] == target.variable)
        & (panel[c.ENTITY] == entity)
        & (panel[c.WEEK] < week)
    ]
    return chosen.sort_values(c.WEEK).tail(HISTORY_WEEKS)
