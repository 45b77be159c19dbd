"""Why a week's forecast is degraded, in sentences for the analyst: what inputs lack, and what stands in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from steadycast import ahead
from steadycast import schema as c
from steadycast.settings import Settings

RECENT_WEEKS: Final = 8
_SHOWN: Final = 3
_AS_REPORTED: Final = ("observed", "corrected")
_STANDS_IN: Final = {
    "observed": "what was known before still serves for {variables}",
    "twin": "the second provider {twin} stands in for {variables}",
    "carried": "the last known value is carried on for {variables}",
    "climatology": "the usual value of the season stands in for {variables}",
    "missing": "the model does without {variables}",
}


def tell(
    settings: Settings,
    panel: pd.DataFrame,
    verdicts: Mapping[str, Mapping[str, Any]],
    compared: Mapping[str, Any],
    expects: Callable[[str, int], str] = lambda source, weeks: "",
    *,
    as_of: dt.date,
) -> dict[str, Any]:
    """Judge the inputs of a week's forecast.

    Args:
        settings: which sources the model sees.
        panel: PANEL_DTYPES of the week.
        verdicts: per source, what ``validate`` wrote.
        compared: what ``compare_sources`` wrote.
        expects: in words, what a source's absence of so many weeks does to the error; '' if nobody knows.
        as_of: the run's Monday.

    Returns: degraded, reasons (sentences, most serious first), shares (of imputed inputs in the last 8
        weeks, per
        source and variable and over all).
    """
    recent = panel[
        (panel[c.WEEK] >= pd.Timestamp(as_of - dt.timedelta(weeks=RECENT_WEEKS)))
        & (panel[c.WEEK] < pd.Timestamp(as_of))
    ]
    features = [(name, v) for name, wanted in settings.forecast.features.items() for v in wanted]
    seen = pd.MultiIndex.from_frame(recent[[c.SOURCE, c.VARIABLE]])
    inputs = recent[seen.isin(features)]
    target = recent[recent[c.SOURCE] == settings.target.source]
    reasons = [
        *_target(target, settings.target.source, as_of),
        *(
            text
            for name in settings.forecast.drivers
            for text in _source(settings, panel, inputs, verdicts[name], expects, name=name, as_of=as_of)
        ),
        *_silent_ahead(settings, panel, as_of),
        *_imputed(inputs),
        *_disagreeing(settings, compared),
        *(text for name in _used(settings, inputs) for text in _warnings(verdicts[name])),
    ]
    return {"degraded": bool(reasons), "reasons": list(dict.fromkeys(reasons)), "shares": shares(inputs)}


def shares(inputs: pd.DataFrame) -> dict[str, float]:
    """Share of values that are not as reported, per ``source.variable`` and over all (``all``)."""
    filled = ~inputs[c.HOW].isin(_AS_REPORTED)
    by_variable = filled.groupby(inputs[c.SOURCE] + "." + inputs[c.VARIABLE]).mean()
    found = {str(name): round(float(share), 6) for name, share in by_variable.items()}
    return {**found, "all": round(float(filled.mean()), 6) if len(filled) else 0.0}


def _target(target: pd.DataFrame, source: str, as_of: dt.date) -> list[str]:
    reasons = []
    last_week = as_of - dt.timedelta(weeks=1)
    entities = target[c.ENTITY].nunique()
    present = target[target[c.VALUE].notna()]
    silent = sorted({*target[c.ENTITY]} - {*present[c.ENTITY]})
    if silent:
        reasons.append(f"{source} has no full week of {_few(silent)} in the last {RECENT_WEEKS} weeks")
    last = target[(target[c.WEEK] == pd.Timestamp(last_week)) & target[c.VALUE].isna()]
    lacking = [name for name in last[c.ENTITY] if name not in silent]
    if lacking:
        which = (
            "all entities"
            if len(last) == entities
            else f"{len(lacking)} of {entities} entities ({_few(lacking)})"
        )
        reasons.append(
            f"{source} is incomplete in the last week ({last_week}) for {which}; "
            "the forecast starts from older weeks"
        )
    return reasons


def _source(
    settings: Settings,
    panel: pd.DataFrame,
    inputs: pd.DataFrame,
    verdict: Mapping[str, Any],
    expects: Callable[[str, int], str],
    *,
    name: str,
    as_of: dt.date,
) -> list[str]:
    """An optional source that gave nothing usable this week."""
    if verdict["verdict"] not in ("absent", "fail"):
        return []
    told = (
        _instead(settings, inputs, name),
        _still_ahead(settings, panel, name, as_of),
        expects(name, _weeks_without(inputs, name) if name in settings.forecast.features else 1),
    )
    instead = "; ".join(text for text in told if text)
    if verdict["verdict"] == "absent":
        return [f"{verdict['failures'][0]}; {instead}"]
    first, more = verdict["failures"][0], len(verdict["failures"]) - 1
    others = f" (and {more} more)" if more else ""
    return [f"this week's data of {name} were refused: {first}{others}; {instead}"]


def _weeks_without(inputs: pd.DataFrame, name: str) -> int:
    """Newest weeks in a row of which nothing is as reported; at least this one."""
    mine = inputs[inputs[c.SOURCE] == name]
    reported = mine[mine[c.HOW].isin(_AS_REPORTED)]
    if reported.empty:
        return RECENT_WEEKS
    return max(int((mine[c.WEEK].max() - reported[c.WEEK].max()).days // 7), 1)


def _instead(settings: Settings, inputs: pd.DataFrame, name: str) -> str:
    """What the newest week of the source rests on, by variable."""
    mine = inputs[inputs[c.SOURCE] == name]
    newest = mine[mine[c.WEEK] == mine[c.WEEK].max()]
    texts = []
    for how, text in _STANDS_IN.items():
        variables = sorted(newest.loc[newest[c.HOW] == how, c.VARIABLE].unique())
        if variables:
            texts.append(text.format(twin=settings.source(name).twin, variables=", ".join(variables)))
    return "; ".join(texts)


def _coming(
    panel: pd.DataFrame, name: str, variable: str, settings: Settings, as_of: dt.date
) -> pd.DataFrame:
    """What is known of the weeks to come: entity, week, value, and whether anything was at past Mondays."""
    parts = []
    horizons = settings.forecast.horizon_weeks
    for now, then in ahead.of_panel(panel, name, variable, as_of=as_of, horizons=horizons):
        spoken = panel.loc[then & panel[c.VALUE].notna(), c.ENTITY]
        rows = panel.loc[now, [c.ENTITY, c.WEEK, c.VALUE]]
        parts.append(rows.assign(before=rows[c.ENTITY].isin(spoken)))
    return pd.concat(parts, ignore_index=True)


def _still_ahead(settings: Settings, panel: pd.DataFrame, name: str, as_of: dt.date) -> str:
    """Of a source that gave nothing this week, what it had said of weeks to come."""
    serve = [
        variable
        for variable in settings.forecast.ahead.get(name, ())
        if _coming(panel, name, variable, settings, as_of)[c.VALUE].notna().any()
    ]
    return f"what it had said of the weeks to come still serves for {', '.join(serve)}" if serve else ""


def _silent_ahead(settings: Settings, panel: pd.DataFrame, as_of: dt.date) -> list[str]:
    """Weeks to come of which nothing is known, though at earlier Mondays something was."""
    reasons = []
    for name, variables in settings.forecast.ahead.items():
        for variable in variables:
            known = _coming(panel, name, variable, settings, as_of)
            lacking = known[known[c.VALUE].isna() & known["before"]]
            if len(lacking):
                weeks = ", ".join(f"{week:%Y-%m-%d}" for week in sorted(lacking[c.WEEK].unique()))
                who = _few(sorted(lacking[c.ENTITY].unique()))
                reasons.append(
                    f"{name} says nothing of {variable} of {who} in the weeks of {weeks}; "
                    "the model does without"
                )
    return reasons


def _imputed(inputs: pd.DataFrame) -> list[str]:
    filled = inputs[~inputs[c.HOW].isin(_AS_REPORTED)]
    if filled.empty:
        return []
    total = inputs.groupby(c.SOURCE).size()
    counts = filled.groupby([c.SOURCE, c.HOW]).size().unstack(fill_value=0)
    texts = []
    for source, by_how in counts.to_dict("index").items():
        shown = [f"{by_how[how] / total[str(source)]:.0%} {how}" for how in c.HOWS if by_how.get(how)]
        texts.append(f"{source} ({', '.join(shown)})")
    share = len(filled) / len(inputs)
    return [
        f"{share:.0%} of the inputs of the last {RECENT_WEEKS} weeks are not as reported: {', '.join(texts)}"
    ]


def _disagreeing(settings: Settings, compared: Mapping[str, Any]) -> list[str]:
    """Twins that differ on what the model sees; one that is off and that it does not see is no matter."""
    return [
        found["sentence"]
        for pair in compared["pairs"]
        for variable, found in sorted(pair["variables"].items())
        if found["disagree"]
        and any(
            variable in settings.forecast.features.get(name, ())
            for name in ([found["off"]] if found["off"] else [pair["source"], pair["twin"]])
        )
    ]


def _used(settings: Settings, inputs: pd.DataFrame) -> list[str]:
    """Sources whose values the forecast rests on: target, features, and twins that stand in."""
    names = [settings.target.source, *settings.forecast.drivers]
    stand_ins = inputs[inputs[c.HOW] == "twin"][c.SOURCE].unique()
    twins = [settings.source(str(name)).twin for name in stand_ins]
    return list(dict.fromkeys([*names, *(twin for twin in twins if twin)]))


def _warnings(verdict: Mapping[str, Any]) -> list[str]:
    """Warnings of a poll that is used; those of a refused one are no matter of the forecast."""
    return list(verdict["warnings"]) if verdict["verdict"] == "warn" else []


def _few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    shown, more = ", ".join(names[:_SHOWN]), len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
