"""The gate of a source: its suites as a function of the settings and of what is known of the source.

Critical: what makes the poll unusable as a whole (a variable gone, too few cells, too many unreadable or out
of range, nothing new for too long). Warning: what the analyst has to know while the run goes on. Checks that
compare a series with its own history are warnings, because a real change looks the same as a fault.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

import pandas as pd

from steadycast import schema as c
from steadycast.expectations import arrival, wording
from steadycast.expectations import evidence as e
from steadycast.expectations.evidence import Evidence
from steadycast.expectations.extras import extras
from steadycast.expectations.own_suites import own_suites
from steadycast.expectations.revised import revised
from steadycast.expectations.running import (
    Check,
    Finding,
    Severity,
    Suite,
    expectation_classes,
    only_where,
)
from steadycast.settings import SourceSettings

_CELL = list(c.CELL)
_REVISED = (c.ENTITY, c.VARIABLE, "cells", e.SUSPICIOUS, "kind")


def suites(evidence: Evidence) -> list[Suite]:
    """The source's suites: the answer as received, its cells, each series, and our own expectations.

    Raises:
        SettingsError: an extra of the settings is no expectation or has wrong arguments; all of them are
            listed.
    """
    name = evidence.source.name
    by_period = arrival.periods(evidence)
    by_series = e.series(evidence)
    due = by_period[arrival.PERIOD].min() if len(by_period) else None
    cells = evidence.cells
    counted = cells if due is None else cells[cells[c.DATE] >= due]
    return [
        Suite(f"{name}_answer", evidence.poll, _answer(evidence), (*c.CELL, c.RAW, c.ROW)),
        Suite(
            f"{name}_duplicates",
            evidence.readable.drop_duplicates([*_CELL, c.VALUE]),
            _conflicts(evidence),
            (*c.CELL, c.RAW, c.ROW),
        ),
        Suite(
            f"{name}_cells",
            cells,
            [*_ranges(evidence.source), *_freshness(evidence), *extras(evidence.source)],
            (*c.CELL, c.ROW),
        ),
        Suite(f"{name}_newest_cells", counted, _row_count(evidence, by_period), c.CELL),
        Suite(f"{name}_series", by_series, _series(evidence), tuple(by_series.columns)),
        *(
            [Suite(f"{name}_revisions", evidence.revisions.series, revised(evidence), _REVISED)]
            if evidence.revisions is not None
            else []
        ),
        *own_suites(evidence, by_period),
    ]


def _answer(evidence: Evidence) -> list[Check]:
    """Schema, entities, readable dates and values, identical duplicates."""
    source, gxe = evidence.source, expectation_classes()
    name = source.name
    readable = 1 - source.expectations.max_unreadable_share
    entities = sorted(source.entities or evidence.known[c.ENTITY].unique())
    checks = [
        Check(
            gxe.ExpectColumnDistinctValuesToContainSet(
                column=c.VARIABLE, value_set=[v.name for v in source.variables]
            ),
            lambda found: f"{name}: no cell of {wording.listed(found.missing)} from {evidence.start} on",
        ),
        Check(
            gxe.ExpectColumnValuesToNotBeNull(column=c.DATE, mostly=readable),
            lambda found: (
                f"{name}: {wording.count(found)} have a date that can not be read: "
                + wording.rows(found, lambda row: f"{row[c.RAW]!r} (row {row[c.ROW]})")
            ),
            tell_tolerated=True,
        ),
        Check(
            gxe.ExpectColumnValuesToNotBeNull(
                column=c.VALUE, mostly=readable, row_condition=only_where(c.DATE, present=True)
            ),
            lambda found: (
                f"{name}: {wording.count(found)} hold a value that is no number: "
                + wording.rows(found, lambda row: f"{wording.cell(row)} is {row[c.RAW]!r} (row {row[c.ROW]})")
            ),
            tell_tolerated=True,
        ),
        Check(
            gxe.ExpectCompoundColumnsToBeUnique(column_list=_CELL, ignore_row_if="any_value_is_missing"),
            lambda found: (
                f"{name}: {wording.count(found)} come more than once; the first of equal ones counts: "
                + wording.rows(found, lambda row: f"{wording.cell(row)} (row {row[c.ROW]})")
            ),
            "warning",
        ),
    ]
    if entities:
        checks.append(
            Check(
                gxe.ExpectColumnDistinctValuesToContainSet(column=c.ENTITY, value_set=entities),
                lambda found: f"{name}: no cell of {wording.listed(found.missing)} from {evidence.start} on",
                "warning",
            )
        )
    return checks


def _conflicts(evidence: Evidence) -> list[Check]:
    """Duplicates whose values disagree: nobody can tell which one is right."""
    gxe, source = expectation_classes(), evidence.source
    readable = evidence.readable
    allowed = source.expectations.max_unreadable_share
    conflicting = readable.drop_duplicates([*_CELL, c.VALUE]).duplicated(_CELL, keep=False).sum()
    severity: Severity = "critical" if conflicting > allowed * max(len(readable), 1) else "warning"
    return [
        Check(
            gxe.ExpectCompoundColumnsToBeUnique(column_list=_CELL),
            lambda found: (
                f"{source.name}: {wording.count(found)} contradict another row of their cell, none is used: "
                + wording.rows(found, lambda row: f"{wording.cell(row)} is {row[c.RAW]} (row {row[c.ROW]})")
            ),
            severity,
        )
    ]


def _ranges(source: SourceSettings) -> list[Check]:
    gxe = expectation_classes()

    def says(unit: str, limits: str) -> Callable[[Finding], str]:
        return lambda found: (
            f"{source.name}: {wording.count(found)} lie outside {limits} {unit}: "
            + wording.rows(
                found, lambda row: f"{wording.cell(row)} is {row[c.VALUE]:.6g} {unit} (row {row[c.ROW]})"
            )
        )

    return [
        Check(
            gxe.ExpectColumnValuesToBeBetween(
                column=c.VALUE,
                min_value=variable.minimum,
                max_value=variable.maximum,
                mostly=1 - source.expectations.max_out_of_range_share,
                row_condition=only_where(c.VARIABLE, equals=variable.name),
            ),
            says(variable.unit, wording.limits(variable.minimum, variable.maximum)),
            tell_tolerated=True,
        )
        for variable in source.variables
        if variable.minimum is not None or variable.maximum is not None
    ]


def _freshness(evidence: Evidence) -> list[Check]:
    gxe, source = expectation_classes(), evidence.source
    oldest = evidence.as_of - dt.timedelta(days=source.freshness_days)

    def says(found: Finding) -> str:
        newest = found.observed
        if newest is None or pd.isna(newest):
            return f"{source.name}: there is no date at all from {evidence.start} on"
        age = (pd.Timestamp(evidence.as_of) - pd.Timestamp(newest)).days
        return (
            f"{source.name}: the newest date is {pd.Timestamp(newest):%Y-%m-%d}, {age} days before "
            f"{evidence.as_of}; more than {source.freshness_days} days is stale"
        )

    return [Check(gxe.ExpectColumnMaxToBeBetween(column=c.DATE, min_value=pd.Timestamp(oldest)), says)]


def _row_count(evidence: Evidence, by_period: pd.DataFrame) -> list[Check]:
    gxe, source = expectation_classes(), evidence.source
    usual = float(by_period[arrival.USUAL].sum())
    share = source.expectations.min_row_share
    since = evidence.start if by_period.empty else by_period[arrival.PERIOD].min().date()
    return [
        Check(
            gxe.ExpectTableRowCountToBeBetween(min_value=max(1, math.ceil(share * usual))),
            lambda found: (
                f"{source.name}: {found.observed} cells since {since}, usually {usual:.0f}; "
                f"fewer than {share:.0%} of them is too few"
            ),
        )
    ]


def _series(evidence: Evidence) -> list[Check]:
    """Each series against its own history; rows of ``evidence.series``."""
    gxe, source = expectation_classes(), evidence.source
    name, limits = source.name, source.expectations
    unit = {variable.name: variable.unit for variable in source.variables}

    def check(column: str, most: float, says: Callable[[wording.Row], str]) -> Check:
        return Check(
            gxe.ExpectColumnValuesToBeBetween(column=column, max_value=most),
            lambda found: f"{name}: " + wording.rows(found, says),
            "warning",
        )

    return [
        check(
            e.UNUSUAL_SHARE,
            limits.warn_unusual_share,
            lambda row: (
                f"{wording.series(row)} lately has a median of {row[e.RECENT_MEDIAN]:.6g} "
                f"{unit[row[c.VARIABLE]]}, unlike its history "
                f"({row[e.USUAL_LOW]:.6g} to {row[e.USUAL_HIGH]:.6g})"
            ),
        ),
        check(
            e.VANISHED_SHARE,
            limits.warn_revised_share,
            lambda row: (
                f"{wording.series(row)}: {row[e.VANISHED]:.0f} of {row[e.KNOWN]:.0f} values known before are "
                f"no longer reported, the first on {row[e.VANISHED_ON]:%Y-%m-%d}"
            ),
        ),
        check(
            e.REVISED_SHARE,
            limits.warn_revised_share,
            lambda row: (
                f"{wording.series(row)}: {row[e.REVISED]:.0f} of {row[e.REPOLLED]:.0f} values polled again "
                f"have changed, the largest by {row[e.LARGEST_CHANGE]:+.6g} {unit[row[c.VARIABLE]]} "
                f"on {row[e.LARGEST_ON]:%Y-%m-%d}"
            ),
        ),
    ]
