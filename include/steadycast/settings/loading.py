"""Reads pipeline.yaml: all mistakes at once, each with its place and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from steadycast.errors import SettingsError
from steadycast.settings.pipeline import Settings

Place = tuple[str | int, ...]


def load(path: Path) -> Settings:
    """Read and check the settings file.

    Raises:
        SettingsError: the file is missing, is no YAML, or has mistakes; all of them are listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(str(path), [f"can not be read: {error.strerror}"]) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(path.name, [f"is not YAML: {error}"]) from error
    if node is None or not isinstance(raw, dict):
        raise SettingsError(path.name, ["is empty or not a mapping of settings"])
    lines = dict(_lines(node, ()))
    problems = [(place, f"{text} appears twice") for place, text in _repeated_keys(node, ())]
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += [(_yaml_place(e["loc"], raw), e["msg"]) for e in error.errors(include_url=False)]
    problems += list(_broken_references(raw))
    if problems or settings is None:
        raise SettingsError(path.name, [_describe(place, text, lines) for place, text in problems])
    return settings


def schema_json() -> str:
    """The JSON schema of the file, for editors."""
    return json.dumps(Settings.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(place: Place, text: str, lines: dict[Place, int]) -> str:
    shown = ".".join(map(str, place)) or "file"
    known = place
    while known and known not in lines:
        known = known[:-1]
    return f"{shown} (line {lines.get(known, 1)}): {text}"


def _lines(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key.start_mark.line + 1
            yield from _lines_below(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _lines(item, (*place, i))


def _lines_below(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    # the key's own line is the better place for a mapping's value
    return ((p, line) for p, line in _lines(node, place) if p != place)


def _repeated_keys(node: yaml.Node, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*place, key.value), f"key {key.value!r}"
            seen.add(key.value)
            yield from _repeated_keys(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _repeated_keys(item, (*place, i))


def _yaml_place(loc: tuple[str | int, ...], raw: object) -> Place:
    """Pydantic's location without the union tag that it puts behind a list index."""
    place: list[str | int] = []
    here: Any = raw
    for step in loc:
        if isinstance(here, dict) and here.get("kind") == step and step not in here:
            continue
        place.append(step)
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
    return tuple(place)


def _broken_references(raw: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """Names that point nowhere. Works on the raw file, so that it reports beside other mistakes."""
    listed = raw.get("sources")
    sources = [s for s in listed if isinstance(s, dict)] if isinstance(listed, list) else []
    variables = {s.get("name"): _variable_names(s) for s in sources}
    names = [s.get("name") for s in sources]
    for i, source in enumerate(sources):
        if names.index(source.get("name")) != i:
            yield ("sources", i, "name"), f"{source.get('name')!r} is the name of an earlier source too"
        yield from _broken_twin(i, source, variables)
    target = raw.get("target")
    if isinstance(target, dict):
        yield from _broken_target(target, sources, variables)
    forecast = raw.get("forecast")
    features = forecast.get("features") if isinstance(forecast, dict) else None
    for name, wanted in (features if isinstance(features, dict) else {}).items():
        if name not in variables:
            yield ("forecast", "features", name), f"there is no source {name!r}"
            continue
        for variable in wanted if isinstance(wanted, list) else []:
            if variable not in variables[name]:
                yield ("forecast", "features", name), f"source {name!r} has no variable {variable!r}"
    benchmarks = raw.get("benchmarks")
    client = benchmarks.get("client_forecast") if isinstance(benchmarks, dict) else None
    if client is not None and client not in variables:
        yield ("benchmarks", "client_forecast"), f"there is no source {client!r}"


def _variable_names(source: dict[str, Any]) -> list[Any]:
    listed = source.get("variables")
    return [v.get("name") for v in listed if isinstance(v, dict)] if isinstance(listed, list) else []


def _broken_twin(
    i: int, source: dict[str, Any], variables: dict[Any, list[Any]]
) -> Iterator[tuple[Place, str]]:
    names = _variable_names(source)
    if len(set(names)) != len(names):
        yield ("sources", i, "variables"), "two variables have the same name"
    twin = source.get("twin")
    if twin is None:
        imputation = source.get("imputation")
        if isinstance(imputation, dict) and imputation.get("method") == "twin":
            yield ("sources", i, "imputation", "method"), "is twin, but the source names no twin"
    elif twin == source.get("name"):
        yield ("sources", i, "twin"), "a source can not be its own twin"
    elif twin not in variables:
        yield ("sources", i, "twin"), f"there is no source {twin!r}"
    elif not set(names) & set(variables[twin]):
        yield ("sources", i, "twin"), f"{twin!r} has no variable of the same name"


def _broken_target(
    target: dict[str, Any], sources: list[dict[str, Any]], variables: dict[Any, list[Any]]
) -> Iterator[tuple[Place, str]]:
    name = target.get("source")
    if name not in variables:
        yield ("target", "source"), f"there is no source {name!r}"
        return
    if target.get("variable") not in variables[name]:
        yield ("target", "variable"), f"source {name!r} has no variable {target.get('variable')!r}"
    if any(s.get("name") == name and s.get("role") != "fundamental" for s in sources):
        yield ("target", "source"), f"source {name!r} must have the role fundamental: it reports the target"
