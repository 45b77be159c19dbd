"""The gate between the forecast and its readers: publish, publish with a flag, or ask a person first.

Great Expectations sees to it that the forecast is whole and possible; ``steadycast.checking`` says whether it
is odd: against last year's ratio, the forecast before, the benchmarks, the usual width and error, and in what
went into it.

If it fails: the error names the artefact that is missing; clear the task that makes it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from steadycast import findings, publication, schema
from steadycast.checking import Evidence, Judgement, judge
from steadycast.errors import ArtefactUnreadable
from steadycast.expectations.forecast_gate import Expected, Gate, forecast_gate
from steadycast.expectations.running import run_suites
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings

PUBLISHED_WEEKS: Final = 8
"""Publications that a forecast is compared with."""
_SHOWN = 5
_ASKED = (
    "answer the question in the DAG release: publish it or the fallback; without an answer readers get the "
    "fallback at the deadline"
)
_LOOK = "look at the flagged rows before the forecast is used; docs/checks.md says what each means"
Verdict = Literal["ok", "look", "hold"]


@dataclass(frozen=True)
class Found:
    """What the gate and the check found together.

    Attributes:
        verdict: ``ok`` is published as it is, ``look`` with flags, ``hold`` only on a person's word.
        failures: sentences, each a reason to hold.
        warnings: sentences, each a reason to look.
        flags: entity, week and says, per row.
        facts: numbers about the forecast as a whole.
    """

    verdict: Verdict
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    flags: tuple[dict[str, Any], ...]
    facts: dict[str, float | None]

    @property
    def reasons(self) -> tuple[str, ...]:
        """All sentences, the serious ones first."""
        return (*self.failures, *self.warnings)


def run(lake: Lake, settings: Settings, forecast: str, *, as_of: dt.date, progress: Progress = silent) -> str:
    """Judge the forecast and write the verdict with its reasons.

    Args:
        lake: where everything is.
        settings: limits are in ``check_forecast``.
        forecast: path of the table that infer wrote.
        as_of: the run's Monday.
        progress: told what is done.

    Returns: path of ``check_forecast.json``; the Great Expectations pages are beside it, at its ``docs``.

    Raises:
        ArtefactMissing: the forecast or the panel is not in the lake.
    """
    progress("check_forecast: reading", 0, 3)
    data = lake.read_bytes(forecast)
    frame = lake.read_frame(forecast)
    evidence = _evidence(lake, settings, as_of)
    gate = forecast_gate(frame, evidence.actuals, _expected(settings, evidence.actuals, as_of))
    progress("check_forecast: Great Expectations", 1, 3)
    with tempfile.TemporaryDirectory(prefix="steadycast-docs-") as folder:
        outcome = run_suites(
            gate.suites,
            run_name=f"check_forecast {as_of}",
            run_time=dt.datetime.combine(as_of, dt.time(), tzinfo=dt.UTC),
            docs=Path(folder),
            progress=progress,
        )
        docs = lake.write_folder(f"runs/{as_of}/check_forecast/docs", Path(folder))
    progress("check_forecast: verdict", 2, 3)
    found = _together(outcome.failures, outcome.warnings, gate, _judged(frame, evidence, settings, as_of))
    path = lake.write_json(
        f"runs/{as_of}/check_forecast.json",
        {
            "as_of": as_of,
            "verdict": found.verdict,
            "reasons": list(found.reasons),
            "failures": list(found.failures),
            "warnings": list(found.warnings),
            "flags": list(found.flags),
            **found.facts,
            "forecast": forecast,
            "forecast_sha256": hashlib.sha256(data).hexdigest(),
            "docs": f"{docs}/index.html",
        },
    )
    findings.write(lake, _findings(found), as_of=as_of, stage="check_forecast")
    progress(f"check_forecast: {found.verdict}", 3, 3)
    return path


def judge_forecast(forecast: pd.DataFrame, evidence: Evidence, settings: Settings, as_of: dt.date) -> Found:
    """The same verdict from the rules alone, without the pages of Great Expectations."""
    gate = forecast_gate(forecast, evidence.actuals, _expected(settings, evidence.actuals, as_of))
    judgement = _judged(forecast, evidence, settings, as_of)
    return _together(gate.says("critical"), gate.says("warning"), gate, judgement)


def _judged(frame: pd.DataFrame, evidence: Evidence, settings: Settings, as_of: dt.date) -> Judgement:
    dtypes = {str(column): str(kind) for column, kind in frame.dtypes.items()}
    twice = (
        frame.duplicated([schema.ENTITY, schema.HORIZON]).any() if dtypes == schema.FORECAST_DTYPES else True
    )
    if twice:
        return Judgement()  # the gate holds it already, and there is no row to compare
    return judge(frame, evidence, pd.Timestamp(as_of), settings.check_forecast)


def _together(failures: Sequence[str], warnings: Sequence[str], gate: Gate, judgement: Judgement) -> Found:
    critical = (*failures, *judgement.holds)
    remarks = (*warnings, *judgement.warnings())
    verdict: Verdict = "hold" if critical else "look" if remarks else "ok"
    rows = [(flag.entity, flag.week, flag.says) for flag in gate.flags]
    rows += [(remark.entity, remark.week, remark.says) for remark in judgement.remarks]
    flags = [{schema.ENTITY: who, schema.WEEK: week.date(), "says": says} for who, week, says in rows]
    return Found(verdict, critical, remarks, tuple(flags), dict(judgement.facts))


def _evidence(lake: Lake, settings: Settings, as_of: dt.date) -> Evidence:
    panel = lake.read_frame(f"runs/{as_of}/impute/panel.parquet")
    residuals = f"runs/{as_of}/train/residuals.parquet"
    return Evidence(
        recent_actuals(panel, settings),
        lake.read_frame(residuals) if lake.exists(residuals) else None,
        published(lake, as_of),
        panel[panel[schema.SOURCE].isin(settings.forecast.drivers)],
        _imputed(lake, as_of),
        settings.benchmarks.moving_average_weeks,
    )


def published(lake: Lake, as_of: dt.date) -> list[pd.DataFrame]:
    """What runs published in the weeks before, newest first, without fallbacks and what can not be read."""
    found = []
    weeks = [week for week in publication.published_weeks(lake) if week < as_of][-PUBLISHED_WEEKS:]
    for week in reversed(weeks):
        if (as_of - week).days > 7 * PUBLISHED_WEEKS or not publication.sealed(lake, week):
            continue
        try:
            found.append(publication.read_published(lake, week)[0])
        except ArtefactUnreadable:
            continue
    return found


def _imputed(lake: Lake, as_of: dt.date) -> float:
    path = f"runs/{as_of}/impute/degraded.json"
    return float(lake.read_json(path)["shares"]["all"]) if lake.exists(path) else 0.0


def recent_actuals(panel: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The target's weekly values in the panel: columns entity, week, value."""
    target = settings.target
    mine = (panel[schema.SOURCE] == target.source) & (panel[schema.VARIABLE] == target.variable)
    return panel.loc[mine, [schema.ENTITY, schema.WEEK, schema.VALUE]]


def _expected(settings: Settings, recent: pd.DataFrame, as_of: dt.date) -> Expected:
    seen = tuple(sorted(str(entity) for entity in recent[schema.ENTITY].unique()))
    return Expected(
        as_of=as_of,
        entities=settings.target_source.entities or seen,
        horizons=settings.forecast.horizon_weeks,
        nonnegative=settings.target.nonnegative,
        limits=settings.check_forecast,
    )


def _findings(found: Found) -> list[findings.Finding]:
    if found.verdict == "ok":
        return []
    hold = found.verdict == "hold"
    shown = found.failures if hold else found.warnings
    more = len(shown) - _SHOWN
    return [
        findings.Finding(
            kind="odd_forecast",
            severity="hold" if hold else "warning",
            key=f"odd_forecast/{found.verdict}",
            title="the forecast is held back" if hold else "the forecast is published with flags",
            text=". ".join(shown[:_SHOWN]) + (f"; and {more} more" if more > 0 else "") + ".",
            next=_ASKED if hold else _LOOK,
        )
    ]
