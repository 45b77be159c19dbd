"""Runs Great Expectations suites on frames in memory and builds their Data Docs; every gate goes through it.

Great Expectations decides; the sentences are ours. It is imported inside functions, because that alone takes
seconds, and works in an ephemeral context: nothing is written but the Data Docs, in the folder that the
    caller names.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from steadycast.progress import Progress, silent

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )

Severity = Literal["critical", "warning"]

_SHOWN_ROWS = 5
_SITE = "docs"
_STAMP = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_RANDOM_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass(frozen=True)
class Finding:
    """What one expectation found on its frame.

    Attributes:
        success: did it hold, tolerated exceptions included.
        count: rows that did not meet it; 0 for an expectation on the whole table.
        total: rows that were looked at; 0 for an expectation on the whole table.
        rows: the first few of those rows, by the suite's ``shown`` columns and the column checked.
        observed: the value found, for an expectation on the whole table.
        missing: members of an expected set that were not found.
        error: why it could not be evaluated; '' if it could.
    """

    success: bool
    count: int
    total: int
    rows: tuple[Mapping[str, Any], ...]
    observed: Any
    missing: tuple[Any, ...]
    error: str


@dataclass(frozen=True)
class Check:
    """One expectation, how bad its failure is, and what it says in words.

    Args:
        expectation: an object of ``expectation_classes()``.
        says: turns the finding into one sentence that names source, field, entity, date or row, and value.
        severity: critical stops or rejects, warning flags.
        tell_tolerated: rows that ``mostly`` lets pass are a warning all the same.
    """

    expectation: Any
    says: Callable[[Finding], str]
    severity: Severity = "critical"
    tell_tolerated: bool = False


@dataclass(frozen=True)
class Suite:
    """Checks of one frame.

    Args:
        name: name of the suite in the Data Docs.
        frame: what is checked; not changed.
        checks: at least one.
        shown: columns that identify a row in sentences and in the Data Docs.
    """

    name: str
    frame: pd.DataFrame
    checks: Sequence[Check]
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """All that the gate has to say, in the order of the suites and their checks."""

    failures: tuple[str, ...]
    warnings: tuple[str, ...]


def expectation_classes() -> ModuleType:
    """The module ``great_expectations.expectations``, imported without its import-time warnings."""
    with _quiet():
        import great_expectations.expectations as classes
    return classes


def own_classes() -> ModuleType:
    """The module of our own expectations, imported when it is needed: it imports Great Expectations."""
    with _quiet():
        from steadycast.expectations import own
    return own


def only_where(column: str, *, equals: object = None, present: bool = False) -> object:
    """A row condition: the column equals a value, or is present."""
    with _quiet():
        from great_expectations.expectations.row_conditions import Column
    condition: object = Column(column).is_not_null() if present else Column(column) == equals
    return condition


def run_suites(
    suites: Sequence[Suite],
    *,
    run_name: str,
    run_time: dt.datetime,
    docs: Path | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Run all suites, build their Data Docs, and tell everything that was found.

    Args:
        suites: what to check; a suite without checks is left out.
        run_name: name of the run in the Data Docs, e.g. the week.
        run_time: time of the run in the Data Docs; an argument, so that the same run gives the same pages.
        docs: an existing empty folder; ``index.html`` is the entry. No pages are built if left out.
        progress: told before each suite and before the pages: on a busy machine each takes a while.

    Returns: sentences of what is critical and of what is a warning. Nothing is raised for a failed check.
    """
    failures: list[str] = []
    flagged: list[str] = []
    todo = [suite for suite in suites if suite.checks]
    progress("loading Great Expectations", 0, len(todo) + 1)
    with _quiet():
        context = _context(docs)
        for done, suite in enumerate(todo):
            progress(f"checking {suite.name}", done, len(todo) + 1)
            for check, finding in _run(context, suite, run_name, run_time):
                if not finding.success or finding.error:
                    (failures if check.severity == "critical" else flagged).append(_sentence(check, finding))
                elif check.tell_tolerated and finding.count:
                    flagged.append(_sentence(check, finding))
        if docs is not None:
            progress("building Data Docs", len(todo), len(todo) + 1)
            context.build_data_docs()
    if docs is not None:
        _settle(docs, run_time)
    return Outcome(tuple(failures), tuple(flagged))


def _sentence(check: Check, finding: Finding) -> str:
    if finding.error:
        return f"{type(check.expectation).__name__} could not be evaluated: {finding.error}"
    return check.says(finding)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # Great Expectations 1.24 imports sre_constants and sre_parse, which Python 3.11 deprecates
        warnings.filterwarnings("ignore", r"module 'sre_\w+' is deprecated", DeprecationWarning)
        yield


def _context(docs: Path | None) -> EphemeralDataContext:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for name in list(context.variables.data_docs_sites or {}):
        context.delete_data_docs_site(name)
    if docs is None:
        return context
    ours: Any = {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "show_how_to_buttons": False,  # advertisements for a command that is not installed here
    }
    context.add_data_docs_site(_SITE, ours)
    return context


def _run(
    context: EphemeralDataContext, suite: Suite, run_name: str, run_time: dt.datetime
) -> Iterator[tuple[Check, Finding]]:
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

    for number, check in enumerate(suite.checks):
        # results come back in another order; this finds their check again
        check.expectation.meta = {"check": number}
        check.expectation.severity = check.severity
    asset = context.data_sources.add_pandas(suite.name).add_dataframe_asset(run_name)
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=suite.name,
            data=asset.add_batch_definition_whole_dataframe("whole"),
            suite=context.suites.add(
                gx.ExpectationSuite(
                    name=suite.name, expectations=[check.expectation for check in suite.checks]
                )
            ),
        )
    )
    outcome = definition.run(
        batch_parameters={"dataframe": suite.frame},
        # SUMMARY looks at all rows and carries the first few; COMPLETE would carry each one into the pages
        result_format={
            "result_format": "SUMMARY",
            "partial_unexpected_count": _SHOWN_ROWS,
            "unexpected_index_column_names": list(suite.shown),
        },
        run_id=RunIdentifier(run_name=run_name, run_time=run_time),
    )
    results = {(r.expectation_config.meta or {})["check"]: r for r in outcome.results if r.expectation_config}
    for number, check in enumerate(suite.checks):
        yield check, _finding(results[number])


def _finding(result: ExpectationValidationResult) -> Finding:
    found: Mapping[str, Any] = result.result or {}
    return Finding(
        success=bool(result.success),
        count=int(found.get("unexpected_count") or 0),
        total=int(found.get("element_count") or 0),
        rows=tuple(found.get("partial_unexpected_index_list") or ()),
        observed=found.get("observed_value"),
        missing=tuple(found.get("partial_missing_list") or ()),
        error=_exception(result.exception_info or {}),
    )


def _exception(info: Mapping[str, Any]) -> str:
    """Great Expectations tells an exception either plainly or once per metric."""
    parts = [info] if "raised_exception" in info else [p for p in info.values() if isinstance(p, Mapping)]
    texts = dict.fromkeys(str(p.get("exception_message")) for p in parts if p.get("raised_exception"))
    return "; ".join(texts)


def _settle(docs: Path, run_time: dt.datetime) -> None:
    """Make the same gate give the same pages, and leave out the manual's pictures, which no page shows.

    Great Expectations puts the time of day and random ids into its pages.
    """
    stamp = run_time.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    shown = ""
    for page in sorted(docs.rglob("*.html")):
        text = _STAMP.sub(stamp, page.read_text(encoding="utf-8"))
        ids = {
            found: f"id-{number}" for number, found in enumerate(dict.fromkeys(_RANDOM_ID.findall(text)), 1)
        }
        text = _RANDOM_ID.sub(lambda match, ids=ids: ids[match[0]], text)  # type: ignore[misc]
        page.write_text(text, encoding="utf-8")
        shown += text
    for picture in sorted((docs / "static" / "images").glob("*")):
        if picture.name not in shown:
            picture.unlink()
