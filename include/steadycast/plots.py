"""Pictures of forecasts and scores, as PNG bytes; the same numbers give the same bytes.

Uses matplotlib's objects with the Agg canvas, never pyplot, whose global state does not survive threads.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter, date2num
from matplotlib.figure import Figure

from steadycast import schema

PAST_WEEKS: Final = 26
SHOWN_ENTITIES: Final = 5
_OURS, _ACTUAL, _LAST_YEAR = "#1f5fa8", "#222222", "#d1731b"
_OTHERS = ("#d1731b", "#5a8f3c", "#8a5fb0", "#b0a030")
_UP, _DOWN, _NEUTRAL = "#5a8f3c", "#b5473c", "#b8b8b8"
_WIDTH = 1.6
_MOST_TICKS = 9


@dataclass(frozen=True)
class Waterfall:
    """From a first value by steps to a last one, which is their sum.

    Attributes:
        title: of the panel.
        first: name and value.
        steps: names and values, in the order shown.
        last: name of the sum.
    """

    title: str
    first: tuple[str, float]
    steps: Sequence[tuple[str, float]]
    last: str


def forecast_png(
    actuals: pd.DataFrame, forecast: pd.DataFrame, *, title: str, unit: str, note: str = ""
) -> bytes:
    """The last weeks and the next ones: all entities together, and the largest ones each.

    Args:
        actuals: weekly values, columns entity, week, value; gaps stay gaps.
        forecast: FORECAST_DTYPES, of one as_of.
        title: of the picture.
        unit: of the values, on the vertical axes.
        note: what the reader must know first, e.g. that the forecast is degraded; shown below the title.

    The sum has no band: bounds of single entities do not add up to bounds of their sum.
    """
    as_of = pd.Timestamp(forecast[schema.AS_OF].iloc[0])
    start = as_of - pd.Timedelta(weeks=PAST_WEEKS)
    past = actuals[(actuals[schema.WEEK] >= start) & (actuals[schema.WEEK] < as_of)]
    largest = forecast.groupby(schema.ENTITY)[schema.POINT].mean().sort_values(ascending=False, kind="stable")
    entities = [str(entity) for entity in largest.index[:SHOWN_ENTITIES]]
    panels = len(entities) + (len(largest) > 1)
    columns = 1 if panels == 1 else 2
    rows = -(-panels // columns)
    figure = Figure(figsize=(6.2 * columns, 2.7 * rows + 1.1), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    drawn = iter(axes)
    if len(largest) > 1:
        _series(next(drawn), _total(past, schema.VALUE), _totals(forecast), as_of, f"All {len(largest)}, sum")
    for entity in entities:
        mine = past[past[schema.ENTITY] == entity].set_index(schema.WEEK)[schema.VALUE]
        ours = forecast[forecast[schema.ENTITY] == entity].set_index(schema.WEEK)
        _series(next(drawn), mine, ours, as_of, entity.replace("_", " "))
    for unused in drawn:
        unused.set_axis_off()
    for axis in axes[:panels:columns]:
        axis.set_ylabel(unit, fontsize=8)
    handles, labels = axes[panels - 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    figure.suptitle(f"{title}: forecast of {as_of:%Y-%m-%d}" + (f"\n{note}" if note else ""), fontsize=12)
    return _png(figure)


def scores_png(wape: pd.DataFrame, coverage: pd.DataFrame, *, title: str, names: Mapping[str, str]) -> bytes:
    """How well it went, by target week: error of ours and of the benchmarks, and share inside the intervals.

    Args:
        wape: index week, one column per model , as a share; NaN where a model has none.
        coverage: index week, columns coverage_80 and coverage_95, as a share.
        title: of the picture.
        names: model: its name in words.
    """
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    colours = iter(_OTHERS)
    for model in wape.columns:
        ours = model == schema.OURS
        colour = _OURS if ours else next(colours, "#777777")
        style = {"linewidth": 2.4, "zorder": 3} if ours else {"linewidth": 1.3}
        upper.plot(
            wape.index, 100 * wape[model], "o-", ms=4, color=colour, label=names.get(model, model), **style
        )
    upper.set_ylabel("WAPE, %")
    top = float(100 * wape.max().max())
    upper.set_ylim(0, 1.2 * top if top > 0 else 1)  # room for the legend
    upper.legend(frameon=False, ncols=len(wape.columns), fontsize=9, loc="upper left")
    for column, wanted, colour in ((schema.COVERAGE_80, 80, _OURS), (schema.COVERAGE_95, 95, "#7fa7d6")):
        lower.plot(
            coverage.index, 100 * coverage[column], "o-", ms=4, color=colour, label=f"inside {wanted} %"
        )
        lower.axhline(wanted, color=colour, linestyle=":", linewidth=1)
    lower.set_ylabel("share inside, %")
    lower.set_ylim(0, 103)
    lower.legend(frameon=False, ncols=2, fontsize=9, loc="lower left")
    for axis in (upper, lower):
        _tidy(axis)
        axis.set_xticks(_days(wape.index[:: -(-len(wape) // _MOST_TICKS)]))
        axis.set_xlim(_days(wape.index[:1])[0] - 4, _days(wape.index[-1:])[0] + 4)
    lower.xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))  # type: ignore[no-untyped-call]
    lower.set_xlabel("target week, its Monday")
    figure.suptitle(title, fontsize=12)
    return _png(figure)


def twins_png(
    panels: Sequence[tuple[str, pd.DataFrame, Sequence[tuple[str, str, str]]]], *, title: str
) -> bytes:
    """Two providers of the same variables, day by day, with the days marked on which one was off.

    Args:
        panels: per variable and entity: its heading with the unit, the values (index date, one column per
            provider; NaN where one has none), and the stretches to mark: first day, last day, remark.
        title: of the picture.
    """
    if not panels:
        return text_png(title, ["nothing to compare"])
    figure = Figure(figsize=(11, 2.3 * len(panels) + 0.9), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True).ravel()
    for axis, (heading, values, marked) in zip(axes, panels, strict=True):
        for name, colour, style in zip(values.columns, (_OURS, _LAST_YEAR), ("-", "--"), strict=True):
            axis.plot(values.index, values[name], style, color=colour, label=name, linewidth=_WIDTH)
        for first, last, remark in marked:
            begin, end = _days(pd.DatetimeIndex([first, last]))
            axis.axvspan(begin - 0.5, end + 0.5, color="#c0392b", alpha=0.13, lw=0)
            axis.annotate(
                remark, (max(begin, _days(values.index[:1])[0]), 0.96), xycoords=("data", "axes fraction"),
                fontsize=8, color="#8e2a1e", va="top",
            )  # fmt: skip
        axis.set_title(heading, fontsize=10, loc="left")
        axis.set_xlim(_days(values.index[:1])[0] - 1, _days(values.index[-1:])[0] + 1)
        _date_axis(axis)
        _tidy(axis)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=12)
    return _png(figure)


def why_png(falls: Sequence[Waterfall], *, title: str, unit: str, note: str = "") -> bytes:
    """Waterfalls beside each other: from a first value by steps to a last one.

    Args:
        falls: one panel each.
        title: of the picture.
        unit: of the values.
        note: shown below the title.
    """
    tall = max(len(fall.steps) for fall in falls) + 2
    figure = Figure(figsize=(6.6 * len(falls), 0.36 * tall + 1.5), layout="constrained")
    for axis, fall in zip(figure.subplots(1, len(falls), squeeze=False).ravel(), falls, strict=True):
        _waterfall(axis, fall)
        axis.set_xlabel(unit, fontsize=8)
    figure.suptitle(title + (f"\n{note}" if note else ""), fontsize=12)
    return _png(figure)


def _waterfall(axis: Axes, fall: Waterfall) -> None:
    names = [fall.first[0], *(name for name, _ in fall.steps), fall.last]
    at = fall.first[1]
    ends = [at]
    axis.barh(0, at, color=_NEUTRAL)
    for i, (_, value) in enumerate(fall.steps, start=1):
        axis.barh(i, value, left=at, color=_UP if value >= 0 else _DOWN)
        axis.plot([at, at], [i - 1.4, i + 0.4], color="#999999", linewidth=0.7)
        at += value
        ends.append(at)
    axis.barh(len(names) - 1, at, color=_OURS)
    ends.append(at)
    low, high = min(ends), max(ends)
    room = (high - low) or abs(high) or 1.0
    for i, end in enumerate(ends):
        step = fall.steps[i - 1][1] if 0 < i <= len(fall.steps) else None
        text = f"{end:,.4g}" if step is None else f"{step:+,.3g}" if step else "0"
        axis.text(max(end, end - (step or 0.0)) + 0.02 * room, i, text, va="center", fontsize=8)
    # the bars' beginning at zero is left out: the steps are what is to be seen
    axis.set_xlim(low - 0.25 * room, high + 0.25 * room)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_title(fall.title, fontsize=10, loc="left")
    _tidy(axis)


def text_png(title: str, lines: Sequence[str]) -> bytes:
    """A picture that says why there is no picture."""
    figure = Figure(figsize=(11, 2.4), layout="constrained")
    figure.suptitle(title, fontsize=12)
    figure.text(0.5, 0.4, "\n".join(lines), ha="center", va="center", fontsize=10, color="#555555", wrap=True)
    return _png(figure)


def _series(axis: Axes, past: pd.Series[float], ours: pd.DataFrame, as_of: pd.Timestamp, title: str) -> None:
    weeks = pd.date_range(as_of - pd.Timedelta(weeks=PAST_WEEKS), as_of - pd.Timedelta(weeks=1), freq="7D")
    past = past.reindex(weeks)  # a week that is missing interrupts the line
    axis.plot(past.index, past.to_numpy(), color=_ACTUAL, label="actual", linewidth=_WIDTH)
    ours = ours.sort_index()
    if schema.LOWER_95 in ours:
        for low, high, alpha, label in (
            (schema.LOWER_95, schema.UPPER_95, 0.15, "95 % interval"),
            (schema.LOWER_80, schema.UPPER_80, 0.3, "80 % interval"),
        ):
            axis.fill_between(ours.index, ours[low], ours[high], color=_OURS, alpha=alpha, lw=0, label=label)
    last_year = ours[schema.SAME_WEEK_LAST_YEAR]
    axis.plot(
        ours.index, last_year, "s--", ms=3, color=_LAST_YEAR, label="same week last year", linewidth=_WIDTH
    )
    axis.plot(ours.index, ours[schema.POINT], "o-", ms=4, color=_OURS, label="forecast", linewidth=_WIDTH)
    axis.set_xlim(_days(weeks[:1])[0] - 7, _days(ours.index[-1:])[0] + 7)
    _date_axis(axis)
    axis.axvline(_days(pd.DatetimeIndex([as_of]))[0], color="#999999", linewidth=0.8, linestyle=":")
    axis.set_title(title, fontsize=10, loc="left")
    _tidy(axis)


def _totals(forecast: pd.DataFrame) -> pd.DataFrame:
    columns = [schema.POINT, schema.SAME_WEEK_LAST_YEAR]
    return pd.DataFrame({column: _total(forecast, column) for column in columns})


def _total(rows: pd.DataFrame, column: str) -> pd.Series[float]:
    """Sum by week; NaN where one of the entities is missing, as a part is no sum."""
    wide = rows.pivot(index=schema.WEEK, columns=schema.ENTITY, values=column)
    return wide.sum(axis=1, skipna=False)


def _tidy(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=8)


def _date_axis(axis: Axes) -> None:
    locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _days(weeks: pd.Index) -> list[float]:
    """Dates as matplotlib counts them."""
    return [float(day) for day in date2num(weeks.to_numpy())]  # type: ignore[no-untyped-call]


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    FigureCanvasAgg(figure)
    # the metadata would carry the version of matplotlib
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
