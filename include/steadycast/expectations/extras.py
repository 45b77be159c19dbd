"""Checks that pipeline.yaml adds to a source's gate: any class of Great Expectations by its name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from steadycast import schema as c
from steadycast.errors import SettingsError
from steadycast.expectations import wording
from steadycast.expectations.running import Check, Finding, expectation_classes, only_where
from steadycast.settings import ExpectationExtra, SourceSettings


def extras(source: SourceSettings) -> list[Check]:
    """Checks of the settings' ``expectations.extras``.

    Raises:
        SettingsError: an extra is no expectation or has wrong arguments; all of them are listed.
    """
    problems: list[str] = []
    checks: list[Check] = []
    for number, extra in enumerate(source.expectations.extras):
        try:
            checks.append(_extra(source, extra))
        except (ValueError, TypeError, AttributeError) as error:
            problems.append(f"source {source.name}: expectations.extras.{number}: {error}")
    if problems:
        raise SettingsError("pipeline.yaml", problems)
    return checks


def _extra(source: SourceSettings, extra: ExpectationExtra) -> Check:
    classes = expectation_classes()
    kind = getattr(classes, extra.expectation, None)
    if not (isinstance(kind, type) and re.match("Expect[A-Z]", extra.expectation)):
        near = difflib.get_close_matches(
            extra.expectation, [n for n in dir(classes) if n.startswith("Expect")], n=1
        )
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"Great Expectations has no {extra.expectation}{hint}")
    condition = (
        {} if extra.variable is None else {"row_condition": only_where(c.VARIABLE, equals=extra.variable)}
    )
    try:
        expectation = kind(**condition, **extra.kwargs)
    except ValueError as error:  # Great Expectations' own validation, several lines
        raise ValueError(f"{extra.expectation}: {'; '.join(str(error).splitlines()[1:])}") from error
    return Check(expectation, _says_extra(source, extra), extra.severity)


def _says_extra(source: SourceSettings, extra: ExpectationExtra) -> Callable[[Finding], str]:
    of = f" of {extra.variable}" if extra.variable else ""
    wanted = ", ".join(f"{key} {value}" for key, value in extra.kwargs.items())

    def says(found: Finding) -> str:
        text = f"{source.name}: {extra.expectation}{of} ({wanted}) does not hold"
        if found.observed is not None:
            text += f"; observed {found.observed}"
        if found.rows:
            text += f"; {wording.count(found)}: " + wording.rows(
                found, lambda row: f"{wording.cell(row)} (row {row[c.ROW]})"
            )
        return text

    return says
