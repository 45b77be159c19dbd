"""Turns pydantic's findings into sentences that tell a data engineer what to write instead."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from steadycast.settings.pipeline import Settings

Place = tuple[str | int, ...]

_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,62}$": "a letter, then letters, digits or underscores, lower case, e.g. weather_a",
}
_DATE_ERRORS = ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact")


def findings(errors: Sequence[ErrorDetails], raw: object) -> Iterator[tuple[Place, str]]:
    """Place in the YAML file and sentence, one for each error."""
    schema = _schema()
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # an item was refused, which has its own finding; the list is not short
        yield _yaml_place(error["loc"], raw), _sentence(error, schema)


@functools.cache
def _schema() -> Mapping[str, Any]:
    return Settings.model_json_schema()


def _sentence(error: ErrorDetails, schema: Mapping[str, Any]) -> str:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_at(schema, error["loc"][:-1])
        return f"is no setting{_nearest(str(error['loc'][-1]), known)}; known here: {', '.join(known)}"
    if kind == "missing":
        return "is missing; add it" + _described(schema, error["loc"])
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _about_kind(given, _kinds(schema))
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_type" and isinstance(given, bool):
        return f"YAML reads this text as {str(given).lower()}; put it in quotes"
    if kind == "string_type" and isinstance(given, int | float):
        return f"YAML reads this text as the number {given}; put it in quotes"
    if kind == "string_pattern_mismatch":
        wanted = _PATTERNS.get(context["pattern"], f"text like {context['pattern']}")
        return f"is {given!r}; write {wanted}"
    if kind in _DATE_ERRORS:
        return f"is {given!r}; write a date as 2016-06-06"
    if kind == "literal_error":
        return f"is {given!r}; write one of {context['expected']}"
    return f"is {given!r}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _about_kind(given: object, kinds: Sequence[str]) -> str:
    listed = ", ".join(kinds)
    kind = given.get("kind") if isinstance(given, dict) else None
    if kind is None:
        return f"kind is missing; add the kind of the source, one of {listed}"
    return f"kind {kind!r} is unknown{_nearest(str(kind), kinds)}; the kinds are {listed}"


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    source = schema["properties"]["sources"]["items"]
    return list(source["discriminator"]["mapping"])


def _described(schema: Mapping[str, Any], loc: Place) -> str:
    field = _at(schema, loc)
    return f" ({field['description'].rstrip('.')})" if "description" in field else ""


def _keys_at(schema: Mapping[str, Any], loc: Place) -> list[str]:
    return list(_at(schema, loc).get("properties", {}))


def _at(schema: Mapping[str, Any], loc: Place) -> Mapping[str, Any]:
    """The part of the JSON schema that describes pydantic's location."""
    node: Mapping[str, Any] = schema
    for step in loc:
        if "properties" in node and step in node["properties"]:
            node = node["properties"][step]
        elif "discriminator" in node:
            node = {"$ref": node["discriminator"]["mapping"][step]}
        else:
            node = node.get("items" if isinstance(step, int) else "additionalProperties", {})
        if "$ref" in node:
            # what a field says about itself goes before what its type says
            node = {**schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], **node}
    return node


def _yaml_place(loc: Place, raw: object) -> Place:
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
