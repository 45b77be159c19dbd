"""Publish: the forecast reaches its readers as files, as the latest one, and as a database table if wanted.

If it fails: what is published is whole, old or new; clear the task and it finishes or repeats the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from steadycast import explain, forecast_table, plots, publication, quarantine, release, schema
from steadycast.errors import GateFailed, PublicationError
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings
from steadycast.sources import Connection

LOOK = "look: "
"""Before what the gate found unusual about a row, among the row's reasons."""


def run(
    lake: Lake,
    settings: Settings,
    forecast: str,
    check: str,
    *,
    as_of: dt.date,
    connection: Connection | None = None,
    progress: Progress = silent,
) -> str:
    """Publish what the gate let pass, with the gate's remarks in its rows.

    Args:
        lake: where everything is.
        settings: ``publish`` names the table.
        forecast: path of the table that infer wrote.
        check: path of the gate's verdict on it.
        as_of: the run's Monday.
        connection: the database; without it no table is written.
        progress: told what is done.

    Returns: path of the week's manifest, which exists once the week is published. Beside the forecast it
        names the files of infer's explanation, if there is one of this very forecast.

    Raises:
        GateFailed: the verdict is hold, and nobody has released the forecast.
        PublicationError: the verdict is about another forecast, or the database refuses. In the latter case
            the
            files are published.
        ArtefactMissing: the forecast, the verdict or the panel is not in the lake.
    """
    steps = 4 if connection else 3
    verdict = lake.read_json(check)
    answer = _refuse_what_did_not_pass(lake, verdict, forecast, check, as_of)
    frame = with_flags(lake.read_frame(forecast), verdict["flags"])
    facts = manifest_facts(frame, verdict, settings, _what_inputs_lack(lake, as_of))
    progress("publish: files", 0, steps)
    files = {
        publication.PARQUET: lake.read_bytes(
            lake.write_frame(f"runs/{as_of}/publish/forecast.parquet", frame)
        ),
        publication.CSV: publication.csv_bytes(frame),
        publication.PLOT: _plot(lake, settings, frame, facts, as_of),
        **explain.files(lake, forecast),
    }
    facts |= {"check": check, "docs": verdict["docs"], **_decided(lake, as_of)}
    if answer:
        facts |= {"verdict": "look", "released": answer, "reasons": [release.says(answer), *facts["reasons"]]}
    replaced = _replaced(lake, as_of)
    if replaced:
        facts |= {"replaces": replaced, "reasons": [*facts["reasons"], f"replaces a {replaced}"]}
    progress("publish: the week", 1, steps)
    manifest = publication.write_published(lake, as_of, files, facts)
    progress("publish: latest", 2, steps)
    publication.renew_latest(lake)
    if connection:
        table = settings.publish.sql_table
        progress(f"publish: table {table}", 3, steps)
        url = forecast_table.address(connection.address, connection.login, connection.password)
        forecast_table.replace_week(url, table, frame, as_of)
    progress(f"publish: {verdict['verdict']}", steps, steps)
    return manifest


def _decided(lake: Lake, as_of: dt.date) -> dict[str, Any]:
    """The decisions that the forecast rests on, and what was left out of it."""
    report = quarantine.newest_report(lake, as_of)
    if report is None:
        return {}
    return {name: report[name] for name in ("decisions", "undecided", "filtered_values")}


def _replaced(lake: Lake, as_of: dt.date) -> str | None:
    """What the fallback said that readers have seen before this; the same when publish runs again."""
    before = publication.standing(lake, as_of) or {}
    if before.get("verdict") == publication.FALLBACK:
        return str(before["reasons"][0])
    return before.get("replaces")


def _refuse_what_did_not_pass(
    lake: Lake, verdict: Mapping[str, Any], forecast: str, check: str, as_of: dt.date
) -> dict[str, Any] | None:
    """Raise for what may not be published; returns a person's word for a forecast that was held."""
    digest = hashlib.sha256(lake.read_bytes(forecast)).hexdigest()
    if (verdict["forecast_sha256"], verdict["as_of"]) != (digest, as_of.isoformat()):
        raise PublicationError(
            f"{check} judges another forecast than the one in {forecast}",
            remedy="clear check_forecast, so that what is published is what was judged",
        )
    answer = release.granted(lake, as_of, verdict)
    if verdict["verdict"] == "hold" and answer is None:
        raise GateFailed(
            f"check_forecast of {as_of}",
            verdict["failures"],
            remedy="answer the question of this week in the DAG release (Required Actions), or mend the "
            "cause and clear check_forecast; without an answer readers get the fallback at the deadline",
        )
    return answer if verdict["verdict"] == "hold" else None


def with_flags(forecast: pd.DataFrame, flags: Iterable[Mapping[str, str]]) -> pd.DataFrame:
    """The forecast with the gate's remarks behind the reasons of the rows that they are about.

    ``degraded`` stays as it is: it says that inputs were missing, a remark says that the outcome is unusual.

    Args:
        forecast: FORECAST_DTYPES.
        flags: entity, week (ISO) and says, of each remark.

    Returns: a copy.
    """
    remarks: dict[tuple[str, str], list[str]] = {}
    for flag in flags:
        remarks.setdefault((flag[schema.ENTITY], flag[schema.WEEK]), []).append(f"{LOOK}{flag['says']}")
    weeks = forecast[schema.WEEK].dt.strftime("%Y-%m-%d")
    reasons = [
        "; ".join([*([before] if before else []), *remarks.get((entity, week), [])])
        for before, entity, week in zip(
            forecast[schema.DEGRADED_REASONS], forecast[schema.ENTITY], weeks, strict=True
        )
    ]
    out = forecast.copy()
    out[schema.DEGRADED_REASONS] = pd.Series(reasons, index=out.index, dtype="str")
    return out


def _what_inputs_lack(lake: Lake, as_of: dt.date) -> list[str]:
    path = f"runs/{as_of}/impute/degraded.json"
    if not lake.exists(path):
        return []
    told = lake.read_json(path)
    return list(told["reasons"]) if told[schema.DEGRADED] else []


def manifest_facts(
    forecast: pd.DataFrame, verdict: Mapping[str, Any], settings: Settings, inputs_lack: Sequence[str]
) -> dict[str, Any]:
    """What a reader must know about the forecast before trusting it.

    Args:
        forecast: with the gate's remarks.
        verdict: the gate's.
        settings: the pipeline's.
        inputs_lack: reasons that all rows share; the rows have them joined, before those of their own.
    """
    shared = "; ".join(inputs_lack)
    joined = forecast.loc[forecast[schema.DEGRADED], schema.DEGRADED_REASONS].unique()
    own = [reason for text in joined for reason in text.removeprefix(shared).split("; ")]
    degraded_reasons = list(dict.fromkeys([*inputs_lack, *(r for r in own if r and not r.startswith(LOOK))]))
    return {
        "title": settings.title,
        "unit": settings.target.unit,
        "verdict": verdict["verdict"],
        "reasons": [*degraded_reasons, *verdict["reasons"]],
        schema.DEGRADED: bool(forecast[schema.DEGRADED].any()),
        schema.DEGRADED_REASONS: degraded_reasons,
        schema.MODEL_ID: str(forecast[schema.MODEL_ID].iloc[0]),
        "entities": int(forecast[schema.ENTITY].nunique()),
        "horizon_weeks": int(forecast[schema.HORIZON].max()),
        "rows": len(forecast),
    }


def _plot(
    lake: Lake, settings: Settings, forecast: pd.DataFrame, facts: Mapping[str, Any], as_of: dt.date
) -> bytes:
    panel = lake.read_frame(f"runs/{as_of}/impute/panel.parquet")
    target = settings.target
    mine = (panel[schema.SOURCE] == target.source) & (panel[schema.VARIABLE] == target.variable)
    remarks = len(facts["reasons"])
    state = "made with incomplete inputs" if facts[schema.DEGRADED] else "unusual" if remarks else ""
    note = f"{state}: {remarks} remark(s), see {publication.MANIFEST}" if state else ""
    return plots.forecast_png(
        panel.loc[mine, [schema.ENTITY, schema.WEEK, schema.VALUE]],
        forecast,
        title=settings.title,
        unit=target.unit,
        note=note,
    )
