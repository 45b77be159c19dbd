"""The gate between the forecast and its readers: publish, publish with a flag, or hold back."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from steadycast import schema
from steadycast.errors import GateFailed
from steadycast.expectations.forecast_gate import Expected, forecast_gate
from steadycast.expectations.running import run_suites
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings


def run(lake: Lake, settings: Settings, forecast: str, *, as_of: dt.date, progress: Progress = silent) -> str:
    """Judge the forecast and write the verdict with its reasons.

    ``ok`` is published as it is. ``look`` is published, and its rows say what is unusual. ``hold`` is not
    published: the forecast is not whole, not possible or not believable.

    Args:
        lake: where everything is.
        settings: limits are in ``check_forecast``.
        forecast: path of the table that infer wrote.
        as_of: the run's Monday.
        progress: told what is done.

    Returns: path of ``check_forecast.json``; the Great Expectations pages are beside it, at its ``docs``.

    Raises:
        GateFailed: the verdict is hold. The file is written all the same.
        ArtefactMissing: the forecast or the panel is not in the lake.
    """
    progress("check_forecast: reading", 0, 3)
    data = lake.read_bytes(forecast)
    frame = lake.read_frame(forecast)
    recent = recent_actuals(lake.read_frame(f"runs/{as_of}/impute/panel.parquet"), settings)
    gate = forecast_gate(frame, recent, _expected(settings, recent, as_of))
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
    verdict = "hold" if outcome.failures else "look" if outcome.warnings else "ok"
    path = lake.write_json(
        f"runs/{as_of}/check_forecast.json",
        {
            "as_of": as_of,
            "verdict": verdict,
            "reasons": [*outcome.failures, *outcome.warnings],
            "failures": list(outcome.failures),
            "warnings": list(outcome.warnings),
            "flags": [_flag(flag.entity, flag.week, flag.says) for flag in gate.flags],
            "forecast": forecast,
            "forecast_sha256": hashlib.sha256(data).hexdigest(),
            "docs": f"{docs}/index.html",
        },
    )
    if outcome.failures:
        raise GateFailed(
            f"check_forecast of {as_of}",
            outcome.failures,
            remedy=f"nothing is published for this week; see {lake.link(docs)}/index.html, mend the cause "
            "(data: clear ingest; limits: check_forecast in pipeline.yaml) and clear this task",
        )
    progress(f"check_forecast: {verdict}", 3, 3)
    return path


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


def _flag(entity: str, week: pd.Timestamp, says: str) -> dict[str, Any]:
    return {schema.ENTITY: entity, schema.WEEK: week.date(), "says": says}
