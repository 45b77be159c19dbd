"""Fallback: what readers get when a week's run has not published by its deadline. Nothing is trained.

``python -m steadycast.fallback --lake URL --settings FILE --week 2016-06-06 --reason "..."``

A target week that an earlier publication covers gets that forecast, with its own, wider intervals of a later
horizon; the other weeks get the same week last year, with intervals from the errors which that rule made
lately. All of it is marked. A week that is published stays as it is; a run that ends later replaces the
fallback.

If it fails: the error says what is missing; there is neither an earlier publication nor an observation.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd

from steadycast import plots, publication, schema
from steadycast.errors import ArtefactMissing, ArtefactUnreadable, PublicationError
from steadycast.fallback.last_year import MADE_BY, benchmark, known_panel, targets
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings

_OWN = (schema.POINT, *schema.BOUNDS)
_KEYS = [schema.ENTITY, schema.WEEK]


def run(lake: Lake, settings: Settings, *, as_of: dt.date, reason: str, progress: Progress = silent) -> str:
    """Publish the fallback of a week, unless the week is published already.

    Args:
        lake: where everything is.
        settings: the pipeline's.
        as_of: the week's Monday.
        reason: why the run did not publish, as the reader shall read it.
        progress: told what is done.

    Returns: path of the manifest that stands: this fallback's, or that of what was there before.

    Raises:
        PublicationError: nothing is known that a fallback could be made from.
    """
    manifest = f"published/{as_of}/{publication.MANIFEST}"
    if lake.exists(manifest):
        progress(f"fallback: week {as_of} is published", 1, 1)
        return manifest
    progress("fallback: what is known", 0, 3)
    panel = known_panel(lake, settings, as_of)
    progress("fallback: earlier publications", 1, 3)
    table = combine(benchmark(panel, settings, as_of), earlier(lake, settings, as_of), settings, as_of)
    _refuse_nothing(table, as_of)
    why = sentence(table, reason, as_of)
    frame = marked(table, reason, as_of)
    facts = _facts(frame, settings, why)
    note = f"fallback, see {publication.MANIFEST}"
    files = {
        publication.PARQUET: lake.read_bytes(
            lake.write_frame(f"runs/{as_of}/fallback/{publication.PARQUET}", frame)
        ),
        publication.CSV: publication.csv_bytes(frame),
        publication.PLOT: plots.forecast_png(
            targets(panel, settings), frame, title=settings.title, unit=settings.target.unit, note=note
        ),
    }
    progress("fallback: publishing", 2, 3)
    path = publication.write_fallback(lake, as_of, files, facts)
    publication.renew_latest(lake)
    progress(f"fallback: {why}", 3, 3)
    return path


def earlier(lake: Lake, settings: Settings, as_of: dt.date) -> pd.DataFrame:
    """What runs published before for the weeks from ``as_of`` on; of each week the newest.

    Returns: entity, week, point, bounds and made_by (``the forecast of <Monday>``). Fallbacks do not count,
        and neither does a publication that can not be read: there is an older one, or last year.
    """
    horizons = settings.forecast.horizon_weeks
    found: list[pd.DataFrame] = []
    for back in range(1, horizons):
        week = as_of - dt.timedelta(weeks=back)
        try:
            if not publication.sealed(lake, week):
                continue
            frame, _ = publication.read_published(lake, week)
        except (ArtefactMissing, ArtefactUnreadable):
            continue
        ahead = frame[(frame[schema.WEEK] >= pd.Timestamp(as_of)) & frame[schema.POINT].notna()]
        found.append(ahead[[*_KEYS, *_OWN]].assign(**{MADE_BY: f"the forecast of {week}"}))
    if not found:
        return pd.DataFrame()
    return pd.concat(found, ignore_index=True).drop_duplicates(_KEYS, ignore_index=True)


def combine(
    benchmarks: pd.DataFrame, forecasts: pd.DataFrame, settings: Settings, as_of: dt.date
) -> pd.DataFrame:
    """One row per entity and horizon: the earlier forecast if there is one, else the benchmark.

    Args:
        benchmarks: as ``benchmark`` made them, maybe empty.
        forecasts: as ``earlier`` found them, maybe empty.
        settings: the horizons and the entities.
        as_of: the week's Monday.
    """
    named = settings.target_source.entities or ()
    seen = [frame[schema.ENTITY] for frame in (benchmarks, forecasts) if len(frame)]
    entities = sorted({*named, *(str(name) for column in seen for name in column.unique())})
    horizons = range(1, settings.forecast.horizon_weeks + 1)
    grid = pd.DataFrame(
        [
            (entity, pd.Timestamp(as_of) + pd.Timedelta(weeks=h - 1), h)
            for entity in entities
            for h in horizons
        ],
        columns=[*_KEYS, schema.HORIZON],
    ).astype({name: schema.FORECAST_DTYPES[name] for name in (*_KEYS, schema.HORIZON)})
    wanted = [*_OWN, *schema.BENCHMARKS, MADE_BY]
    table = grid
    if len(benchmarks):
        known = benchmarks.drop(columns=schema.HORIZON)
        table = grid.merge(known, on=_KEYS, how="left", validate="1:1")
    table = table.reindex(columns=[*grid.columns, *wanted])
    if len(forecasts):
        theirs = grid.merge(forecasts, on=_KEYS, how="left", validate="1:1")
        there = theirs[schema.POINT].notna()
        for name in (*_OWN, MADE_BY):
            table[name] = theirs[name].where(there, table[name])
    return table


def _refuse_nothing(table: pd.DataFrame, as_of: dt.date) -> None:
    if not table[schema.POINT].notna().any():
        raise PublicationError(
            f"there is no fallback for {as_of}: no earlier publication covers its weeks and nothing is known",
            remedy=f"get the run of {as_of} to publish; readers keep what {publication.LATEST} has",
        )


def marked(table: pd.DataFrame, reason: str, as_of: dt.date) -> pd.DataFrame:
    """The table as FORECAST_DTYPES, each row with the reason and with what it is."""
    out = table.copy()
    rule = out[MADE_BY].where(out[schema.POINT].notna(), "nothing, as nothing is known").astype("str")
    out[schema.DEGRADED] = True
    out[schema.DEGRADED_REASONS] = f"{publication.FALLBACK}: {reason}; this is " + rule
    values = out[[*_KEYS, *_OWN]].to_csv(index=False, lineterminator="\n")
    digest = hashlib.sha256(f"{as_of}\n{values}".encode()).hexdigest()
    out[schema.MODEL_ID] = f"{publication.FALLBACK}-{digest[:12]}"
    out[schema.AS_OF] = pd.Timestamp(as_of)
    out = out[list(schema.FORECAST_DTYPES)].astype(schema.FORECAST_DTYPES)
    return out.sort_values([schema.ENTITY, schema.HORIZON], ignore_index=True)


def sentence(table: pd.DataFrame, reason: str, as_of: dt.date) -> str:
    """Why there is a fallback and what each week of it is, for people."""
    ways: dict[str, list[int]] = {}
    for horizon, rows in table.groupby(schema.HORIZON):
        rules = rows.loc[rows[schema.POINT].notna(), MADE_BY].value_counts()
        if len(rules):
            ways.setdefault(_spoken(str(rules.index[0]), as_of), []).append(int(str(horizon)))
    parts = [f"{_weeks(horizons)} {rule}" for rule, horizons in ways.items()]
    others = int((table[MADE_BY].isna() | table[schema.POINT].isna()).sum())
    if others:
        parts.append(f"{others} row(s) are empty because nothing is known")
    return f"{publication.FALLBACK}: {reason}; {', '.join(parts)}"


def _spoken(rule: str, as_of: dt.date) -> str:
    last = f"the forecast of {as_of - dt.timedelta(weeks=1)}"
    return "last week's forecast" if rule == last else rule


def _weeks(horizons: Sequence[int]) -> str:
    if len(horizons) == 1:
        return f"week {horizons[0]} is"
    if list(horizons) == list(range(horizons[0], horizons[-1] + 1)):
        return f"weeks {horizons[0]}-{horizons[-1]} are"
    return f"weeks {', '.join(map(str, horizons))} are"


def _facts(frame: pd.DataFrame, settings: Settings, why: str) -> dict[str, Any]:
    return {
        "title": settings.title,
        "unit": settings.target.unit,
        "verdict": publication.FALLBACK,
        "reasons": [why],
        schema.DEGRADED: True,
        schema.DEGRADED_REASONS: [why],
        schema.MODEL_ID: str(frame[schema.MODEL_ID].iloc[0]),
        "entities": int(frame[schema.ENTITY].nunique()),
        "horizon_weeks": int(frame[schema.HORIZON].max()),
        "rows": len(frame),
        "check": None,
        "docs": None,
    }
