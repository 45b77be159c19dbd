"""What the comparison says to people: a sentence per variable, and findings when a switch begins and ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from steadycast import schema as c
from steadycast.findings import Finding
from steadycast.settings import Settings
from steadycast.twins.measuring import AGREE, DISAGREE, UNDECIDED
from steadycast.twins.pair import Floats, Pair
from steadycast.twins.spans import Span

_SHOWN = 4
_PICTURE_WEEKS = 16


def off(name: str) -> str:
    """The verdict that a provider is off."""
    return f"{name} off"


def with_verdicts(measured: pd.DataFrame, found: Sequence[Span], as_of: dt.date) -> pd.DataFrame:
    """The measurements with who is off where the two disagree: agree, ``<name> off`` or undecided."""
    verdicts = []
    for row in measured.to_dict("records"):
        if row["agreement"] != DISAGREE:
            verdicts.append(row["agreement"])
            continue
        start = (as_of - dt.timedelta(weeks=int(row["window_weeks"]))).isoformat()
        mine = [
            s for s in found if (s.entity, s.variable) == (row[c.ENTITY], row[c.VARIABLE]) and s.end >= start
        ]
        named = [span for span in mine if span.off]
        verdicts.append(off(str(max(named, key=lambda span: span.end).off)) if named else UNDECIDED)
    return measured.assign(verdict=pd.Series(verdicts, index=measured.index, dtype="str"))


def by_variable(
    measured: pd.DataFrame, found: Sequence[Span], pair: Pair, serving: dict[str, str | None]
) -> dict[str, dict[str, Any]]:
    """Per variable: verdict, do they disagree, who is off, who serves, and a sentence."""
    told = {}
    for name, rows in measured.groupby(c.VARIABLE, sort=True):
        verdict = _overall(rows)
        mine = [span for span in found if span.variable == name]
        culprit = verdict.removesuffix(" off") if verdict.endswith(" off") else None
        told[str(name)] = {
            "verdict": verdict,
            "disagree": bool((rows["agreement"] == DISAGREE).any()),
            "off": culprit,
            "serves": _serves(serving[str(name)], mine, pair),
            "sentence": _sentence(rows, verdict, mine, pair),
        }
    return told


def _overall(rows: pd.DataFrame) -> str:
    named = rows.loc[rows["verdict"].str.endswith(" off"), "verdict"]
    if len(named):
        return str(named.value_counts().index[0])
    if (rows["agreement"] == DISAGREE).any():
        return UNDECIDED
    return AGREE if (rows["agreement"] == AGREE).any() else UNDECIDED


def _serves(serving: str | None, mine: Sequence[Span], pair: Pair) -> str | None:
    """The other one, if the one that would serve is off this week in all entities."""
    if serving is None:
        return None
    bad = {span.entity for span in mine if span.open and span.off == serving}
    return pair.other(serving) if bad and bad == set(pair.series[c.ENTITY]) else serving


def _sentence(rows: pd.DataFrame, verdict: str, mine: Sequence[Span], pair: Pair) -> str:
    name = str(rows[c.VARIABLE].iloc[0])
    source, twin = pair.source, pair.twin
    unit = source.variable(name).unit
    named = [span for span in mine if span.off and verdict == off(span.off)]
    if named:
        return one_span(max(named, key=lambda span: (span.open, span.end, abs(span.bias))), unit)
    if (rows["agreement"] == DISAGREE).any():
        return f"{_worst(rows, pair, unit)}; which of them is off is undecided"
    if verdict == AGREE:
        return f"{source.name} and {twin.name} agree on {name}"
    why = (
        f"{int(rows['days'].max())} common day(s)"
        if rows["day_limit"].notna().any()
        else "twin_tolerance is not set and the shared history is too short to learn it from"
    )
    return f"whether {source.name} and {twin.name} agree on {name} is undecided: {why}"


def _worst(rows: pd.DataFrame, pair: Pair, unit: str) -> str:
    bad = rows[rows["agreement"] == DISAGREE]
    worst = bad.sort_values("beyond_share", kind="stable").iloc[-1]
    weeks = int(worst["window_weeks"])
    window = "week" if weeks == 1 else f"{weeks} weeks"
    return (
        f"{pair.source.name} and {pair.twin.name} disagree on {worst[c.VARIABLE]} of {worst[c.ENTITY]}: in "
        f"the last {window} {worst['beyond_share']:.0%} of {worst['days']} days differ by more than "
        f"{worst['day_limit']:.3g} {unit} from the usual {worst['normal_bias']:+.3g}, the mean by "
        f"{worst['bias'] - worst['normal_bias']:+.3g} {unit}"
    )


def one_span(span: Span, unit: str) -> str:
    """Which provider is off on what, since when, by how much and why, and who stands in."""
    other = span.pair[1] if span.off == span.pair[0] else span.pair[0]
    when = f"is off since {span.start}" if span.open else f"was off from {span.start} to {span.end}"
    why = f"; {span.why[0]}" if span.why else ""
    what = f"{span.variable} of {span.entity} ({span.bias:+.3g} {unit}{why})"
    return f"{span.off} {when} on {what}; {other} is used"


def findings(
    now: Sequence[Span],
    earlier: Sequence[Span],
    settings: Settings,
    *,
    as_of: dt.date,
    moves: str = "",
    pictures: dict[tuple[str, str], str] | None = None,
) -> list[Finding]:
    """What begins, goes on and ends this week, one finding per pair and provider.

    Args:
        now: the week's stretches.
        earlier: those that the run before knew.
        settings: units.
        as_of: the run's Monday.
        moves: a sentence that says how much the switch moves the forecast.
        pictures: per pair, path of its picture.
    """
    out = []
    for pair, culprit in _groups([*now, *earlier]):
        mine = [s for s in now if (s.pair, s.off) == (pair, culprit)]
        was = [s for s in earlier if (s.pair, s.off) == (pair, culprit)]
        picture = (pictures or {}).get(pair)
        current = [s for s in mine if s.open or s.since == as_of.isoformat()]
        if current:
            out.append(_begun(pair, culprit, current, settings, moves, picture))
        elif any(s.open for s in was):
            out.append(_ended(pair, culprit, [s for s in was if s.open], mine, picture))
    return out


def _groups(found: Iterable[Span]) -> list[tuple[tuple[str, str], str | None]]:
    return sorted({(span.pair, span.off) for span in found}, key=lambda group: (group[0], group[1] or ""))


def _key(pair: tuple[str, str], culprit: str | None, found: Sequence[Span]) -> str:
    """The same while it goes on: named by the run that saw it first."""
    who = culprit or f"{pair[0]}-{pair[1]}"
    return f"divergence/{who}/{min(span.since for span in found)}"


def _begun(
    pair: tuple[str, str],
    culprit: str | None,
    found: Sequence[Span],
    settings: Settings,
    moves: str,
    picture: str | None,
) -> Finding:
    source = settings.source(pair[0])
    shown = [
        f"{span.variable} of {span.entity} {span.bias:+.3g} {source.variable(span.variable).unit}"
        for span in found[:_SHOWN]
    ]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    start, end = min(s.start for s in found), max(s.end for s in found)
    when = f"since {start}" if any(s.open for s in found) else f"from {start} to {end}"
    what = f"{', '.join(shown)}{more}"
    if culprit is None:
        return Finding(
            kind="divergence",
            severity="warning",
            key=_key(pair, culprit, found),
            title=f"{pair[0]} and {pair[1]} disagree {when}, and nobody can tell which is off",
            text=f"Beyond the usual difference: {what}. {pair[0]} is used as before, because nothing speaks "
            "against one of them more than against the other.",
            next=f"look at {picture or 'both providers'}; a third provider that names one of them as its "
            "twin decides such cases",
            picture=picture,
        )
    other = pair[1] if culprit == pair[0] else pair[0]
    why = "; ".join(dict.fromkeys(reason for span in found for reason in span.why[:2]))
    until = " It ends by itself when they agree again." if any(s.open for s in found) else ""
    return Finding(
        kind="divergence",
        severity="warning",
        key=_key(pair, culprit, found),
        title=f"{culprit} is off {when}; {other} is used",
        text=f"{culprit} is off {when} ({what}): {why}. {other} is used for these days, marked `twin`."
        f"{f' {moves}' if moves else ''}{until}",
        next=f"tell the provider of {culprit}; nothing has to be done here",
        source=culprit,
        picture=picture,
    )


def _ended(
    pair: tuple[str, str],
    culprit: str | None,
    was: Sequence[Span],
    left: Sequence[Span],
    picture: str | None,
) -> Finding:
    who = culprit or pair[0]
    other = pair[1] if who == pair[0] else pair[0]
    start, end = min(s.start for s in was), max(s.end for s in was)
    stays = (
        f"Its days from {start} to {max(s.end for s in left)} are still as they were, so {other} stays in "
        "their place."
        if left
        else f"The days from {start} to {end} are right by now."
    )
    return Finding(
        kind="divergence",
        severity="info",
        key=f"{_key(pair, culprit, was)}/end",
        title=f"{who} and {other} agree again; {who} is used again",
        text=f"{who} and {other} disagreed from {start} to {end} and agree again. {stays}",
        next="nothing",
        source=culprit,
        picture=picture,
    )


def panels(
    pair: Pair, found: Sequence[Span], usual: Floats
) -> list[tuple[str, pd.DataFrame, list[tuple[str, str, str]]]]:
    """What a picture of the pair shows: the series that disagree, else the first ones, of the last weeks.

    Args:
        pair: the two providers.
        found: stretches to mark.
        usual: usual difference per series, which the twin's values are told with.
    """
    keys = list(zip(pair.series[c.ENTITY], pair.series[c.VARIABLE], strict=True))
    marked = {(span.entity, span.variable) for span in found}
    shown = sorted(range(len(keys)), key=lambda place: keys[place] not in marked)[:_SHOWN]
    recent = pair.since(_PICTURE_WEEKS)
    out = []
    for place in sorted(shown):
        entity, variable = keys[place]
        values = pd.DataFrame(
            {
                pair.source.name: pair.x[recent, place],
                f"{pair.twin.name}, read as {pair.source.name}": pair.y[recent, place] + usual[place],
            },
            index=pair.days[recent],
        )
        if values.empty:
            continue
        first = values.index[0].date().isoformat()
        spans = [
            (max(s.start, first), s.end, f"{s.off} off" if s.off else "they disagree")
            for s in found
            if (s.entity, s.variable) == keys[place] and s.end >= first
        ]
        unit = pair.source.variable(variable).unit
        out.append((f"{variable} of {entity}, {unit}", values, spans))
    return out
