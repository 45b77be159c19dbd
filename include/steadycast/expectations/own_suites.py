"""The suites of our own expectations: how long values repeat, spikes, arrival, units, and how it is written.

Each finding says what, where (field, series, dates, rows), how much, and the next step. All but two are
warnings, because a real change looks the same as a fault. Critical are values that nobody can use as they
came: another unit of a fundamental source, proven on cells that were known before, and more unreadable cells
than allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import pandas as pd

from steadycast import schema as c
from steadycast.expectations import arrival, drift, flatline, formats, spikes, units, wording
from steadycast.expectations.evidence import Evidence, laid_over
from steadycast.expectations.running import Check, Finding, Severity, Suite, own_classes
from steadycast.quarantine.plausible import USUAL
from steadycast.settings import SourceSettings


def own_suites(evidence: Evidence, by_period: pd.DataFrame) -> list[Suite]:
    """Our own suites, without those that the source's ``expectations.off`` names.

    Args:
        evidence: the poll and what was known.
        by_period: ``arrival.periods`` of it.
    """
    made = dict(_suites(evidence, by_period))
    return [suite for name, suite in made.items() if name not in evidence.source.expectations.off]


def _suites(evidence: Evidence, by_period: pd.DataFrame) -> Iterator[tuple[str, Suite]]:
    source, own = evidence.source, own_classes()
    laid = laid_over(evidence)
    ages = arrival.ages(evidence).reset_index()
    runs = flatline.runs(
        laid.rows, laid.fresh, source.expectations.warn_equal_values, source.cadence
    ).reset_index()
    # of a first poll, too: what stands out years ago is no news of this week
    recent = laid.rows[c.DATE] >= pd.Timestamp(evidence.as_of) - pd.Timedelta(weeks=source.lookback_weeks)
    judged = spikes.judged(laid.rows, laid.rows[laid.fresh & recent], source)
    judged = judged.merge(evidence.cells[[*c.CELL, c.ROW]], on=list(c.CELL))
    of_unit = units.suspects(evidence)
    written = formats.fields(evidence)
    name = source.name
    yield "row_count", _suite(f"{name}_periods", by_period, _row_count(source, own))
    yield "freshness", _suite(f"{name}_ages", ages, [_freshness(source, own)])
    yield "flatline", _suite(f"{name}_runs", runs, [_flatline(source, own)])
    yield "spike", _suite(f"{name}_spikes", judged, [_spike(source, own)])
    yield "unit", _suite(f"{name}_units", of_unit, _units(source, own))
    yield "format", _suite(f"{name}_format", written, _formats(source, own))


def columns_suite(source: SourceSettings, table: pd.DataFrame) -> Suite:
    """The suite of an answer that lacked columns; ``table`` is ``drift.fields`` of it. Critical."""
    own = own_classes()
    step = "paste the line if the provider renamed it on purpose, else ask it to put the column back"
    return _suite(
        f"{source.name}_columns",
        table,
        [Check(own.ExpectDeclaredColumns(), _says(source, drift.sentence, step))],
    )


def _suite(name: str, frame: pd.DataFrame, checks: list[Check]) -> Suite:
    return Suite(name, frame, checks, tuple(frame.columns))


def _says(
    source: SourceSettings, row: Callable[[wording.Row], str], next_step: str
) -> Callable[[Finding], str]:
    return lambda found: f"{source.name}: {wording.rows(found, row)}. Next: {next_step}"


def _row_count(source: SourceSettings, own: ModuleType) -> list[Check]:
    what = "month" if source.cadence == "monthly" else "week"

    def counted(row: wording.Row) -> str:
        return (
            f"{row[arrival.PERIOD]:%Y-%m-%d} has {row[arrival.CELLS]} cells, usually {row[arrival.USUAL]:.0f}"
        )

    return [
        Check(
            own.ExpectUsualRowCount(min_value=source.expectations.warn_row_share),
            lambda found: f"{source.name}: incomplete {what}s: {wording.rows(found, counted)}",
            "warning",
        ),
        Check(
            own.ExpectNoExtraRows(max_value=source.expectations.most_row_share),
            lambda found: (
                f"{source.name}: {what}s with far more than ever: {wording.rows(found, counted)}. "
                "Next: look for entities that are new, or rows that come twice under other names"
            ),
            "warning",
        ),
    ]


def _freshness(source: SourceSettings, own: ModuleType) -> Check:
    return Check(
        own.ExpectFreshSeries(),
        lambda found: (
            f"{source.name}: "
            + wording.rows(
                found,
                lambda row: (
                    f"{wording.series(row)} has nothing after {row[arrival.NEWEST]:%Y-%m-%d}, "
                    f"{row[arrival.AGE_DAYS]} days; up to {row[arrival.USUAL_AGE]:.0f} is usual"
                ),
            )
        ),
        "warning",
    )


def _flatline(source: SourceSettings, own: ModuleType) -> Check:
    return Check(
        own.ExpectSeriesToKeepMoving(),
        _says(
            source,
            lambda row: (
                f"{wording.series(row)} has had the same value {row[flatline.RUN]} times in a row "
                f"({row[flatline.EQUAL]:g} up to {row[flatline.UP_TO]:%Y-%m-%d}); "
                f"up to {row[flatline.LIMIT]} is usual"
            ),
            "ask the provider whether its sensor or feed stands still",
        ),
        "warning",
    )


def _spike(source: SourceSettings, own: ModuleType) -> Check:
    return Check(
        own.ExpectNoSpikes(),
        _says(
            source,
            lambda row: (
                f"{wording.cell(row)} is {row[c.VALUE]:.6g} {row[spikes.UNIT]} (row {row[c.ROW]}), its "
                f"neighbours {row[USUAL]:.6g}, ever {row[spikes.LOW]:.6g} to {row[spikes.HIGH]:.6g}"
            ),
            "compare with the provider's own page; an impossible value is set aside by minimum and maximum",
        ),
        "warning",
    )


def _units(source: SourceSettings, own: ModuleType) -> list[Check]:
    """Proven on known cells: critical for a fundamental source. Only by level and season: a warning."""

    def told(row: wording.Row) -> str:
        variable = source.variable(str(row[c.VARIABLE]))
        fixed = drift.variable_yaml(
            source,
            variable.name,
            scale=float(f"{row[units.SCALE] * variable.scale:.8g}"),
            offset=float(f"{row[units.SCALE] * variable.offset + row[units.OFFSET]:.8g}"),
        )
        return (
            f"{wording.series(row)} looks like {row[units.FOUND]}, not {variable.unit}: "
            f"{row[units.COUNT]:.0f} values from {row[units.SINCE]:%Y-%m-%d} on, "
            f"e.g. {row[units.EXAMPLE]:.6g} where "
            f"{row[units.EXPECTED]:.6g} {variable.unit} was expected; pipeline.yaml: - {fixed}"
        )

    step = "ask the provider; if the unit changed for all dates, paste the line, else wait for a correction"

    def check(column: str, severity: Severity) -> Check:
        return Check(own.ExpectDeclaredUnit(column=column), _says(source, told, step), severity)

    # a fundamental source's new values are used as they come (revisions); an optional one's are left out
    proven: Severity = "critical" if source.role == "fundamental" else "warning"
    return [check(units.PROVEN, proven), check(units.SUSPECTED, "warning")]


def _formats(source: SourceSettings, own: ModuleType) -> list[Check]:
    """What can not be read is told with its row elsewhere; here is how it is written, if that is known."""

    def told(row: wording.Row) -> str:
        how = f"{row[formats.FIELD]}: {row[formats.COUNT]} cells hold {row[formats.WRITTEN]}"
        line = f"; pipeline.yaml: {row[formats.PROPOSAL]}" if row[formats.PROPOSAL] else ""
        return f"{how}, e.g. {row[formats.EXAMPLE]!r}{line}"

    step = "paste the line if the provider changed its format on purpose, else ask it to correct the file"
    most = source.expectations.max_unreadable_share
    return [Check(own.ExpectReadableFormat(max_value=most), _says(source, told, step))]
