"""Finds settings that contradict each other or name what is not there.

Works on the raw file, so that these mistakes are reported beside those of single settings, and never raises:
a part that has the wrong shape is skipped here, because it is reported there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Place = tuple[str | int, ...]
Finding = tuple[Place, str]
_NEED_CONNECTION = ("http_json", "http_csv", "sql_query", "fred")


def broken_references(raw: Mapping[str, Any]) -> Iterator[Finding]:
    """Place in the file and sentence, one for each mistake."""
    listed = raw.get("sources")
    sources = listed if isinstance(listed, list) else []
    named: dict[str, dict[str, Any]] = {}
    for i, source in enumerate(sources):
        name = _mapping(source).get("name")
        if isinstance(name, str) and name in named:
            yield ("sources", i, "name"), f"{name!r} is the name of an earlier source too; names must differ"
        elif isinstance(name, str):
            named[name] = source
    for i, source in enumerate(sources):
        for place, text in _source(_mapping(source), named):
            yield ("sources", i, *place), text
    yield from _candidates(raw.get("candidates"), named)
    target = _mapping(raw.get("target"))
    if isinstance(target.get("source"), str):
        yield from _target(target, named)
        yield from _history(raw, named.get(target["source"], {}))
    forecast = _mapping(raw.get("forecast"))
    for kind in ("features", "ahead"):
        yield from _features(kind, _mapping(forecast.get(kind)), target.get("source"), named)
    yield from _signs_and_groups(forecast)
    client = _mapping(raw.get("benchmarks")).get("client_forecast")
    if isinstance(client, str) and client not in named:
        yield ("benchmarks", "client_forecast"), _no_source(client, named)
    elif isinstance(client, str) and client == target.get("source"):
        yield (
            ("benchmarks", "client_forecast"),
            "is the target itself; name the source with the client's own forecast",
        )


def _candidates(listed: object, named: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    taken = set(named)
    for i, entry in enumerate(listed if isinstance(listed, list) else []):
        candidate = _mapping(entry)
        name = candidate.get("name")
        if name in taken:
            yield ("candidates", i, "name"), f"{name!r} is the name of another source; names must differ"
        taken.add(str(name))
        for place, text in _source(candidate, named):
            yield ("candidates", i, *place), text


def _source(source: Mapping[str, Any], named: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    names = _variables(source)
    for repeated in sorted({name for name in names if names.count(name) > 1}):
        yield ("variables",), f"two variables have the name {repeated!r}; rename one"
    if source.get("kind") in _NEED_CONNECTION and source.get("connection") is None:
        yield (), f"kind {source['kind']} needs connection: the id of the Airflow connection with its address"
    if source.get("planned") is True and source.get("ahead_weeks") in (None, 0):
        yield ("planned",), "has no effect without ahead_weeks; set how many weeks ahead the plan is known"
    yield from _twin(source, names, named)
    extras = _mapping(source.get("expectations")).get("extras")
    for i, extra in enumerate(extras if isinstance(extras, list) else []):
        variable = _mapping(extra).get("variable")
        if variable is not None and variable not in names:
            yield ("expectations", "extras", i, "variable"), _no_variable(source, variable)


def _twin(
    source: Mapping[str, Any], names: list[str], named: Mapping[str, dict[str, Any]]
) -> Iterator[Finding]:
    twin = source.get("twin")
    if not isinstance(twin, str):
        if _mapping(source.get("imputation")).get("method") == "twin" and twin is None:
            yield (
                ("imputation", "method"),
                "is twin, but the source names no twin; add twin: <source> or take carry",
            )
        if source.get("twin_tolerance") and twin is None:
            yield ("twin_tolerance",), "has no effect without a twin; add twin or remove it"
    elif twin == source.get("name"):
        yield ("twin",), "a source can not be its own twin; name the second provider's source"
    elif twin not in named:
        yield ("twin",), _no_source(twin, named)
    else:
        shared = set(names) & set(_variables(named[twin]))
        if not shared:
            yield ("twin",), f"{twin!r} has no variable of the same name; name what both report alike"
        for variable in _mapping(source.get("twin_tolerance")):
            if variable not in shared:
                yield (
                    ("twin_tolerance", variable),
                    f"not a variable of both sources; these are: {_listed(shared)}",
                )


def _target(target: Mapping[str, Any], named: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    name, wanted = target["source"], target.get("variable")
    if name not in named:
        yield ("target", "source"), _no_source(name, named)
        return
    source = named[name]
    if source.get("role") != "fundamental":
        yield ("target", "source"), f"source {name!r} reports the target; give it role: fundamental"
    if wanted is not None and wanted not in _variables(source):
        yield ("target", "variable"), _no_variable(source, wanted)
    for variable in source["variables"] if isinstance(source.get("variables"), list) else []:
        if isinstance(wanted, str) and _mapping(variable).get("name") == wanted and "weekly" not in variable:
            yield (
                ("target", "variable"),
                f"variable {wanted!r} of source {name!r} must say how its days become the weekly target; "
                "add weekly: sum (or mean, min, max, last)",
            )


def _history(raw: Mapping[str, Any], source: Mapping[str, Any]) -> Iterator[Finding]:
    start, first = source.get("history_start"), _mapping(raw.get("schedule")).get("first_week")
    if isinstance(start, dt.date) and isinstance(first, dt.date) and not isinstance(first, dt.datetime):
        start = start.date() if isinstance(start, dt.datetime) else start
        if start >= first:
            yield (
                ("schedule", "first_week"),
                f"is {first}, but the target's history starts at {start}; a forecast needs history before it",
            )


def _features(
    kind: str, features: Mapping[str, Any], target: object, named: Mapping[str, dict[str, Any]]
) -> Iterator[Finding]:
    for name, wanted in features.items():
        place = ("forecast", kind, name)
        if name not in named:
            yield place, _no_source(name, named)
        elif name == target:
            yield place, "is the source of the target, whose past the model always sees; remove it"
        else:
            if kind == "ahead" and named[name].get("ahead_weeks") in (None, 0):
                yield place, "says nothing of weeks to come; set ahead_weeks at the source, e.g. 4"
            known = _variables(named[name])
            for variable in wanted if isinstance(wanted, list) else []:
                if variable not in known:
                    yield place, _no_variable(named[name], variable)


def _signs_and_groups(forecast: Mapping[str, Any]) -> Iterator[Finding]:
    known = {
        f"{source}.{variable}": None
        for kind in ("features", "ahead")
        for source, wanted in _mapping(forecast.get(kind)).items()
        for variable in (wanted if isinstance(wanted, list) else [])
    }
    says = f"is none of forecast.features or forecast.ahead, which are {_listed(known)}"
    for name in _mapping(forecast.get("signs")):
        if name not in known:
            yield ("forecast", "signs", name), says
    taken: set[str] = set()
    for group, members in _mapping(forecast.get("groups")).items():
        for name in members if isinstance(members, list) else []:
            if name not in known:
                yield ("forecast", "groups", group), f"{name!r} {says}"
            elif name in taken:
                yield ("forecast", "groups", group), f"{name!r} is in another group too; leave it in one"
            taken.add(name)


def _no_source(name: object, named: Mapping[str, Any]) -> str:
    return f"there is no source {name!r}; the sources are {_listed(named)}"


def _no_variable(source: Mapping[str, Any], variable: object) -> str:
    known = _listed(dict.fromkeys(_variables(source)))
    return f"source {source.get('name')!r} has no variable {variable!r}; it has {known}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names if isinstance(names, dict) else sorted(names)) or "none"


def _variables(source: Mapping[str, Any]) -> list[str]:
    listed = source.get("variables")
    names = [_mapping(v).get("name") for v in listed] if isinstance(listed, list) else []
    return [name for name in names if isinstance(name, str)]


def _mapping(part: object) -> dict[str, Any]:
    return part if isinstance(part, dict) else {}
