"""Reads pipeline.yaml: all mistakes at once, each with its place and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from steadycast.errors import SettingsError
from steadycast.settings.pipeline import Settings
from steadycast.settings.references import broken_references
from steadycast.settings.wording import Place, findings


def load(path: Path) -> Settings:
    """Read and check the settings file.

    Raises:
        SettingsError: the file is missing, is no YAML, or has mistakes; all of them are listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(str(path), [f"can not be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError(path.name, ["is not UTF-8 text; save it with that encoding"]) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(path.name, [f"is not YAML: {error}"]) from error
    if node is None or not isinstance(raw, dict):
        raise SettingsError(path.name, ["is empty or not a mapping of settings"])
    lines = dict(_lines(node, ()))
    problems = [(place, f"{text} appears twice; keep one") for place, text in _repeated_keys(node, ())]
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += findings(error.errors(include_url=False), raw)
    problems += broken_references(raw)
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
