"""Backtest: what was published against what happened, beside every benchmark.

Once a month it also prices the absence of each source (``absence``).

If it fails: the error names the artefact that is missing; the score changes nothing that was published.
"""

from __future__ import annotations

import datetime as dt
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from steadycast import absence, champion, drift, findings, impute, plots, schema, scores
from steadycast.errors import ArtefactMissing, ArtefactUnreadable, ModelError
from steadycast.known import known_rows
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.publication import published_weeks, read_published
from steadycast.settings import Settings
from steadycast.weekly import to_weekly

_LOG = logging.getLogger(__name__)
_READERS = 8
"""Publications read at once; on S3 each is two round trips."""


def run(lake: Lake, settings: Settings, *, as_of: dt.date, progress: Progress = silent) -> str:
    """Score all forecasts published up to ``as_of`` with the actual values known then.

    A value that its source revised counts as it was known last. A week that is not complete is left out and
    counted.

    Args:
        lake: where everything is.
        settings: name the target.
        as_of: the run's Monday; weeks before it are over.
        progress: told what is done.

    Returns: path of ``report.json``; beside it are ``report.txt`` (the same for people, with the table),
        ``report.png``, ``summary.csv``, ``scores.parquet``, and ``challengers.json`` if there are any.
        ``runs/<as_of>/drift.json`` says what drifted.
    """
    progress("backtest: published forecasts", 0, 3)
    frames, unreadable = _published(lake, as_of)
    progress("backtest: actual values", 1, 3)
    known = actuals(lake, settings, as_of)
    scored = scores.score(frames, known, as_of)
    progress("backtest: scores", 2, 3)
    drifted = drift.assess(lake, settings, scored.rows, as_of=as_of)
    summary = scores.summarise(scored.rows)
    if len(scored.rows):
        told = [*scores.sentences(summary, scored), *drifted.sentences(), *unreadable]
        picture = _picture(summary, settings, as_of)
    else:
        told = [_nothing(len(frames), as_of), *scores.left_out(scored), *unreadable]
        picture = plots.text_png(_title(settings, as_of), told)
    told += _challengers(lake, drift.with_trial(lake, settings, as_of), known, as_of)
    folder = f"backtest/{as_of}"
    text = "\n".join([_title(settings, as_of), "", *told])
    if len(scored.rows):
        text += f"\n\nWAPE in %\n{scores.table(summary)}"
    _LOG.info("%s", text)
    lake.write_frame(f"{folder}/scores.parquet", scored.rows)
    lake.write_bytes(f"{folder}/summary.csv", _csv(summary))
    lake.write_bytes(f"{folder}/report.png", picture)
    lake.write_bytes(f"{folder}/report.txt", f"{text}\n".encode())
    _price_absence(lake, settings, as_of, progress)
    report = {"as_of": as_of, "origins": len(frames), "sentences": told, "overall": _overall(summary)}
    drift.write(lake, drifted, settings, as_of=as_of)
    findings.write(lake, drift.findings_of(drifted, settings), as_of=as_of, stage="backtest")
    path = lake.write_json(f"{folder}/report.json", report | _left_out(scored))
    progress(f"backtest: {told[0]}", 3, 3)
    return path


def _challengers(lake: Lake, settings: Settings, known: pd.DataFrame, as_of: dt.date) -> list[str]:
    """Judge the challengers; a sentence each, and who is promoted or proposed."""
    if len(champion.names(settings)) == 1:
        return []
    weeks = [week for week in published_weeks(lake) if week <= as_of]
    report = champion.stand(lake, settings, known, weeks, as_of=as_of, season=scores.season)
    told = [f"Challenger {standing['says']}." for standing in report["standings"].values()]
    for done in ("promoted", "proposed"):
        if report[done]:
            told.append(f"{report[done]} is {done} as champion instead of {report['champion']}.")
    return told


def _price_absence(lake: Lake, settings: Settings, as_of: dt.date, progress: Progress) -> None:
    """Once a month, what the absence of each source would cost; on the newest week that was imputed."""
    weeks = [week for week in published_weeks(lake) if week <= as_of]
    panels = [week for week in weeks[-1:] if lake.exists(f"runs/{week}/impute/panel.parquet")]
    if not panels or not settings.forecast.drivers or not absence.due(lake, as_of):
        return
    week = panels[0]
    panel = lake.read_frame(f"runs/{week}/impute/panel.parquet")
    try:
        stand_ins = impute.stand_ins(settings, lake, as_of=week)
        prices = absence.price(panel, stand_ins, settings, as_of=week, progress=progress)
    except (
        ArtefactMissing,
        ModelError,
    ) as error:  # the scores do not depend on it, and next week tries again
        _LOG.warning("the price of absence is not known this month: %s", error)
        return
    findings.write(lake, absence.findings_of(prices), as_of=as_of, stage="absence")
    # last, because it is what says that the month is done
    lake.write_json(absence.place(as_of), {**prices, "as_of": as_of})


def actuals(lake: Lake, settings: Settings, as_of: dt.date) -> pd.DataFrame:
    """The target's weekly values as known at ``as_of``: columns entity, week, value; complete weeks only."""
    source, target = settings.target_source, settings.target
    rows = known_rows(lake, source.name, as_of)
    return to_weekly(rows, source.variable(target.variable), cadence=source.cadence)


def _published(lake: Lake, as_of: dt.date) -> tuple[list[pd.DataFrame], list[str]]:
    """Forecasts by origin, oldest first, and a sentence for each that can not be read."""

    def read(week: dt.date) -> pd.DataFrame | str:
        try:
            return read_published(lake, week)[0]
        except ArtefactUnreadable as error:
            return f"The forecast of {week} is not scored: {error.what}."

    weeks = [week for week in published_weeks(lake) if week <= as_of]
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(read, weeks))
    return [f for f in found if not isinstance(f, str)], [f for f in found if isinstance(f, str)]


def _title(settings: Settings, as_of: dt.date) -> str:
    return f"{settings.title}: published forecasts against actual values, as of {as_of}"


def _nothing(origins: int, as_of: dt.date) -> str:
    if not origins:
        return f"Nothing to score yet: no forecast is published up to {as_of}."
    weeks = "week has" if origins == 1 else "weeks have"
    return f"Nothing to score yet: the {origins} published {weeks} no complete actual value before {as_of}."


def _picture(summary: pd.DataFrame, settings: Settings, as_of: dt.date) -> bytes:
    weeks = summary[summary[scores.GROUP] == schema.WEEK]
    weeks = weeks.set_index(pd.to_datetime(weeks[scores.KEY]))
    wape = weeks[[scores.wape_name(model) for model in scores.MODELS]].set_axis(list(scores.MODELS), axis=1)
    return plots.scores_png(
        wape.dropna(axis=1, how="all"),
        weeks[[schema.COVERAGE_80, schema.COVERAGE_95]],
        title=_title(settings, as_of),
        names=scores.MODEL_NAMES,
    )


def _csv(summary: pd.DataFrame) -> bytes:
    """Shares with 4 decimals, so that 0.0412 is 4.12 %."""
    return summary.to_csv(index=False, float_format="%.4f", lineterminator="\n").encode("utf-8")


def _overall(summary: pd.DataFrame) -> dict[str, Any] | None:
    rows = summary[summary[scores.GROUP] == scores.OVERALL]
    if rows.empty:
        return None
    values = rows.iloc[0].drop([scores.GROUP, scores.KEY]).to_dict()
    return {str(name): None if pd.isna(value) else value for name, value in values.items()}


def _left_out(scored: scores.Scored) -> dict[str, Any]:
    missing = scored.without_actual.sort_values([schema.WEEK, schema.ENTITY], kind="stable")
    return {
        "pending": scored.pending,
        "without_actual": [
            {schema.ENTITY: str(row.entity), schema.WEEK: f"{row.week:%Y-%m-%d}"}
            for row in missing.itertuples(index=False)
        ],
    }
