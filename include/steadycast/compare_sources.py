"""Compares the two providers of the same variables, and says which of them is off where they disagree.

For each pair of twins, common variable, entity and window (1, 4 and 8 weeks before ``as_of``) it measures
how far the first provider lies from the second, beyond what is normal between the two (``twins.normal``).
Where a window disagrees, the evidence decides who is off (``twins.judging``). ``impute`` then takes the
other's values for these days; stretches are kept from week to week (``twins.spans``), so that a switch ends
by itself.

If it fails: the error names the artefact that is missing; look at validate of the same week.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from steadycast import plots, quarantine, twins
from steadycast import schema as c
from steadycast.expectations import run_suites, twins_gate
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings, SourceSettings
from steadycast.timing import PERIOD_DAYS
from steadycast.twins import Span, spans, telling
from steadycast.twins.normal import WINDOWS_WEEKS

HISTORY_WEEKS: Final = 420
"""Weeks that habits are learnt from at most."""


def run(lake: Lake, settings: Settings, *, as_of: dt.date, progress: Progress = silent) -> str:
    """Compare all pairs of twins for a week.

    Returns: path of the report. Beside it lie the measurements, the stretches on which a provider is off, the
        usual differences, a picture per pair and the Data Docs.

    Raises:
        ArtefactMissing: a source of a pair was not validated.
    """
    folder = f"runs/{as_of}/compare_sources"
    found = compare(lake, settings, as_of=as_of, progress=progress)
    rows = pd.concat([twins.empty(), *(one.measured for one in found)], ignore_index=True).astype(twins.ROWS)
    lake.write_frame(f"{folder}.parquet", rows)
    report = []
    for one in found:
        names = (one.pair.source.name, one.pair.twin.name)
        picture = plots.twins_png(
            telling.panels(one.pair, one.spans, one.usual["bias"].to_numpy()),
            title=f"{names[0]} and {names[1]}: the days before {as_of}",
        )
        path = lake.write_bytes(f"{folder}/{names[0]}_{names[1]}.png", picture)
        report.append({**one.report, "picture": path})
    progress("Great Expectations", len(found), len(found) + 1)
    gate = _gate(lake, settings, rows, report, as_of=as_of)
    progress("compared", len(found) + 1, len(found) + 1)
    return lake.write_json(f"{folder}.json", {"as_of": as_of, "pairs": report, **gate})


def compare(lake: Lake, settings: Settings, *, as_of: dt.date, progress: Progress = silent) -> list[Compared]:
    """Measure and judge all pairs; store the stretches and the usual differences that ``impute`` goes by.

    Raises:
        ArtefactMissing: a source of a pair was not validated.
    """
    pairs = settings.twins()
    known = {n: _known(lake, n, as_of) for n in dict.fromkeys(name for pair in pairs for name in pair)}
    earlier = spans.before(lake, as_of)
    found = []
    for done, names in enumerate(pairs):
        progress(" against ".join(names), done, len(pairs) + 1)
        found.append(_compare(settings, names, known, earlier, as_of=as_of))
    usual = pd.concat([twins.nothing().usual, *(one.usual for one in found)], ignore_index=True)
    lake.write_frame(f"runs/{as_of}/compare_sources/usual.parquet", usual)
    spans.write(lake, [span for one in found for span in one.spans], as_of)
    return found


def _gate(
    lake: Lake, settings: Settings, rows: pd.DataFrame, report: Sequence[Mapping[str, Any]], *, as_of: dt.date
) -> dict[str, Any]:
    """Our own expectation, evaluated and shown by Great Expectations; nothing to do without a pair."""
    if rows.empty:
        return {"verdict": "pass", "failures": [], "warnings": [], "docs": None}
    told = [told for pair in report for told in pair["variables"].values()]
    sentences = [one["sentence"] for one in told if one["disagree"]]
    with tempfile.TemporaryDirectory(prefix="steadycast-docs-") as local:
        outcome = run_suites(
            twins_gate.suites(rows, sentences, settings),
            run_name=f"compare_sources {as_of}",
            run_time=dt.datetime.combine(as_of, dt.time(), tzinfo=dt.UTC),
            docs=Path(local),
        )
        docs = lake.write_folder(f"runs/{as_of}/compare_sources/docs", Path(local))
    warnings = list(dict.fromkeys([*outcome.failures, *outcome.warnings]))
    return {"verdict": "warn" if warnings else "pass", "failures": [], "warnings": warnings, "docs": docs}


@dataclass(frozen=True)
class _Known:
    """What a source had said by the week, accepted and decided."""

    cells: pd.DataFrame
    first: pd.DataFrame
    verdict: str


@dataclass(frozen=True)
class Compared:
    """What the comparison of one pair found.

    Attributes:
        pair: the two providers.
        measured: the columns of ``twins.ROWS``.
        usual: USUAL_DTYPES of ``twins.arbitration``.
        spans: stretches on which one of the two is off.
        report: the same for people, by variable.
    """

    pair: twins.Pair
    measured: pd.DataFrame
    usual: pd.DataFrame
    spans: list[Span]
    report: dict[str, Any]


def _known(lake: Lake, name: str, as_of: dt.date) -> _Known:
    verdict = lake.read_json(f"runs/{as_of}/validate/{name}.json")
    start = as_of - dt.timedelta(weeks=HISTORY_WEEKS)
    observations = lake.observations(name)
    rows = observations.read(segments=verdict["segments"], start=start, end=as_of)
    recent = as_of - dt.timedelta(weeks=max(WINDOWS_WEEKS))
    versions = observations.versions(segments=verdict["segments"], start=recent, end=as_of)
    return _Known(quarantine.apply(lake, name, rows, as_of=as_of), versions, verdict["verdict"])


def _compare(
    settings: Settings,
    names: tuple[str, str],
    known: Mapping[str, _Known],
    earlier: Sequence[Span],
    *,
    as_of: dt.date,
) -> Compared:
    source, twin = (settings.source(name) for name in names)
    pair = twins.build(known[source.name].cells, known[twin.name].cells, source, twin, as_of)
    mine = [span for span in earlier if span.pair == names]
    normal = twins.learn(pair, spans.cells(mine, pair))
    measured = twins.measure(pair, normal)
    before = {name: twins.first_values(known[name].first, pair) for name in names}
    case = twins.Case(pair, normal, before, _witnesses(settings, pair, known))
    found = spans.renew(case, measured, mine)
    measured = telling.with_verdicts(measured, found, as_of)
    serving = serves(source, twin, known, as_of=as_of)
    usual = pair.series.assign(source=source.name, twin=twin.name, bias=normal.bias)
    report = {
        "source": source.name,
        "twin": twin.name,
        "variables": telling.by_variable(measured, found, pair, serving),
    }
    columns = twins.nothing().usual.dtypes.to_dict()
    return Compared(pair, measured, usual[list(columns)].astype(columns), found, report)


def _witnesses(settings: Settings, pair: twins.Pair, known: Mapping[str, _Known]) -> list[twins.Witness]:
    """Third providers: those that name one of the two as their twin, or that one of the two names."""
    names = {pair.source.name, pair.twin.name}
    third = {name for two in settings.twins() if names & set(two) for name in two} - names
    return [
        twins.Witness(name, twins.wide(known[name].cells, pair.days, pair.series)) for name in sorted(third)
    ]


def serves(
    source: SourceSettings,
    twin: SourceSettings,
    known: Mapping[str, _Known],
    *,
    as_of: dt.date,
) -> dict[str, str | None]:
    """Which of the two gives each common variable this week: the source if it is good, else the twin."""
    last_week = pd.Timestamp(
        as_of - dt.timedelta(days=max(7, PERIOD_DAYS[source.cadence] + source.expected_lag_days))
    )
    serving: dict[str, str | None] = {}
    for variable in twins.shared_variables(source, twin):
        serving[variable] = None
        for name in (source.name, twin.name):
            rows = known[name].cells
            there = ((rows[c.VARIABLE] == variable) & (rows[c.DATE] >= last_week)).any()
            if known[name].verdict in ("pass", "warn") and there:
                serving[variable] = name
                break
    return serving
