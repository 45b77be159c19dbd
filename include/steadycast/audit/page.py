"""The scorecard as one HTML page that needs no other file: numbers, sentences, pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from steadycast import schema as c
from steadycast.audit.advice import Sentence
from steadycast.audit.polls import AuditPoll
from steadycast.settings import SourceSettings

_COLOURS: Final = {"good": "#2e7d32", "care": "#b26a00", "bad": "#b3261e"}
_WORDS: Final = {"good": "good", "care": "with care", "bad": "bad"}
_SHOWN_DAYS: Final = 120
_SHOWN_VARIABLES: Final = 4
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:960px;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}.sub{color:#666}
.verdict{font-size:1.1rem;padding:.8rem 1rem;border-left:5px solid;background:#f6f6f6}
table{border-collapse:collapse;width:100%}
td,th{padding:.35rem .6rem;border-bottom:1px solid #e3e3e3;text-align:left;vertical-align:top}
.level{white-space:nowrap;font-weight:600}img{max-width:100%;height:auto}
"""


def render(
    source: SourceSettings,
    measured: Mapping[str, Any],
    recommendation: str,
    sentences: Sequence[Sentence],
    polls: Sequence[AuditPoll],
    newest: pd.DataFrame,
    twin: pd.DataFrame | None,
) -> bytes:
    """The page, UTF-8; the same arguments give the same bytes.

    Args:
        source: what was audited.
        measured: of ``measure``.
        recommendation: of ``advise``.
        sentences: of ``advise``.
        polls: oldest first.
        newest: entity, date, variable, value as known last.
        twin: the same of the second provider.
    """
    levels = [level for level, _ in sentences]
    worst = next((level for level in ("bad", "care") if level in levels), "good")
    span = f"{polls[0].as_of} to {polls[-1].as_of}" if polls else "no poll"
    rows = "".join(
        f'<tr><td class="level" style="color:{_COLOURS[level]}">{_WORDS[level]}</td>'
        f"<td>{html.escape(text)}</td></tr>"
        for level, text in sentences
    )
    pictures = "".join(
        f'<h2>{html.escape(title)}</h2><img alt="{html.escape(title)}" '
        f'src="data:image/png;base64,{base64.b64encode(data).decode()}">'
        for title, data in (
            ("Polls: outcome and latency", _polls(polls)),
            ("Changes after a value came out, by its age", _ages(measured["settle"])),
            (f"Values of the last {_SHOWN_DAYS} days", _series(source, newest, twin)),
        )
    )
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Audit of {source.name}</title>'
        f"<style>{_STYLE}</style></head><body><h1>Audit of {source.name}</h1>"
        f'<p class="sub">{html.escape(source.description)} {measured["polls"]} polls, {span}.</p>'
        f'<p class="verdict" style="border-color:{_COLOURS[worst]}">{html.escape(recommendation)}</p>'
        f"<h2>What it rests on</h2><table>{rows}</table>{_values(measured)}{_failures(measured)}{pictures}"
        "</body></html>"
    )
    return text.encode()


def _values(measured: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(told['unit'])}</td><td>{told['cells']}</td>"
        + "".join(
            f"<td>{told[k]:g}</td>" if k in told else "<td></td>" for k in ("smallest", "median", "largest")
        )
        + "</tr>"
        for name, told in measured["values"].items()
    )
    names = ("variable", "unit", "values", "smallest", "median", "largest")
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    return f"<h2>Range</h2><table>{head}{rows}</table>"


def _failures(measured: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(f['at'][:16])}</td><td>{html.escape(f['outcome'])}</td>"
        f"<td>{html.escape(f['what'])}</td></tr>"
        for f in measured["failures"][-20:]
    )
    return f"<h2>Failed polls</h2><table>{rows}</table>" if rows else ""


def _polls(polls: Sequence[AuditPoll]) -> bytes:
    figure, axis = _figure(2.4)
    for ok, colour, label in ((True, _COLOURS["good"], "answered"), (False, _COLOURS["bad"], "failed")):
        mine = [poll for poll in polls if poll.ok is ok]
        days = pd.to_datetime([poll.at[:19] for poll in mine])
        axis.plot(days, [poll.latency_s or 0.0 for poll in mine], "o", ms=4, color=colour, label=label)
    axis.set_ylabel("latency, s")
    axis.set_ylim(bottom=0)
    if all(poll.latency_s is None for poll in polls):
        axis.set_ylabel("latency not measured")
        axis.set_yticks([])
    if polls:
        first, last = (float(date2num(pd.Timestamp(p.at[:19]))) for p in (polls[0], polls[-1]))  # type: ignore[no-untyped-call]
        axis.set_xlim(first - 3, last + 3)  # days
    axis.legend(frameon=False, fontsize=8, ncols=2)
    _dates(axis)
    return _png(figure)


def _ages(settle: Mapping[str, Any] | None) -> bytes:
    figure, axis = _figure(2.2)
    weeks = {int(week): share for week, share in (settle or {}).get("changed_by_week", {}).items()}
    axis.bar(list(weeks), [100 * share for share in weeks.values()], color="#1f5fa8")
    if not weeks:
        axis.text(0.5, 0.5, "no change was seen", transform=axis.transAxes, ha="center", color="#666666")
        axis.set_xticks([])
        axis.set_yticks([])
    axis.set_xlabel("age in weeks at the last change")
    axis.set_ylabel("values, %")
    return _png(figure)


def _series(source: SourceSettings, newest: pd.DataFrame, twin: pd.DataFrame | None) -> bytes:
    names = [v.name for v in source.variables][:_SHOWN_VARIABLES]
    figure = Figure(figsize=(9, 1.9 * len(names)), layout="constrained")
    for axis, name in zip(figure.subplots(len(names), 1, squeeze=False).ravel(), names, strict=True):
        mine = newest[newest[c.VARIABLE] == name]
        entity = mine[c.ENTITY].min() if len(mine) else None
        for rows, colour, label in ((twin, "#d1731b", source.twin or ""), (newest, "#1f5fa8", source.name)):
            if rows is None or entity is None:
                continue
            shown = rows[(rows[c.VARIABLE] == name) & (rows[c.ENTITY] == entity)].sort_values(c.DATE)
            shown = shown[shown[c.DATE] >= mine[c.DATE].max() - pd.Timedelta(days=_SHOWN_DAYS)]
            if len(shown):
                axis.plot(shown[c.DATE], shown[c.VALUE], color=colour, lw=1.3, label=label)
        axis.set_title(
            f"{name}, {source.variable(name).unit}, {entity or 'no value'}", fontsize=9, loc="left"
        )
        if entity is not None:
            axis.legend(frameon=False, fontsize=8, ncols=2)
            _dates(axis)
    return _png(figure)


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, height), layout="constrained")
    return figure, figure.subplots()


def _dates(axis: Axes) -> None:
    locator = AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.spines[["top", "right"]].set_visible(False)


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
