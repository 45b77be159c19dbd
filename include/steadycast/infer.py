"""Infer: the forecast of the next weeks with intervals and benchmarks, from the stored model.

If it fails: the error says which artefact of train does not fit; run the train task of the same week again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from steadycast import champion, explain, findings, impact, intervals, models, schema
from steadycast.errors import ModelError
from steadycast.features import History
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings

_LOG = logging.getLogger(__name__)
NO_LAST_YEAR = "no value of the same week last year, the recent level stands in"
NO_RECENT = "less than 4 of the last 8 weeks are known"


@dataclass(frozen=True)
class Degraded:
    """What the run lacks, for all entities alike."""

    reasons: tuple[str, ...] = ()


def infer(
    history: History,
    settings: Settings,
    texts: Mapping[str, str],
    residuals: pd.DataFrame,
    *,
    feature_names: tuple[str, ...],
    model_id: str,
    degraded: Degraded = Degraded(),
    client: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Forecast the weeks from ``history.as_of`` on.

    A model that some benchmark beats on past weeks is not published; the benchmark is, and each row says so.

    Args:
        history: all that is known.
        settings: the pipeline's.
        texts: of the model, as train made them.
        residuals: past out-of-sample errors, as train made them.
        feature_names: that the models were trained on.
        model_id: of the card.
        degraded: what the inputs lack; the benchmark's reason is added.
        client: entity, week, value of the client's own forecast.

    Returns: FORECAST_DTYPES, sorted by entity and horizon.

    Raises:
        ModelError: the models do not fit this version, or there are no past errors.
    """
    forecaster = models.forecaster(history, settings)
    model = models.load(texts, feature_names)
    _same_features(feature_names, forecaster.feature_names)
    table = models.forecast_table(
        forecaster,
        model,
        np.array([len(history.weeks)]),
        moving_average_weeks=settings.benchmarks.moving_average_weeks,
    )
    table = models.with_client(table, client)
    chosen = models.promotion(residuals)
    if chosen.reason:
        degraded = Degraded((*degraded.reasons, chosen.reason))
    reasons = _reasons(table, degraded)
    table, residuals = models.as_published(table, residuals, chosen)
    bands = intervals.learn(residuals)
    table = intervals.add_bounds(_filled(table), bands, nonnegative=settings.target.nonnegative)
    table[schema.DEGRADED] = reasons != ""
    table[schema.DEGRADED_REASONS] = reasons
    table[schema.MODEL_ID] = model_id
    table[schema.AS_OF] = table[schema.ORIGIN]
    table = table[list(schema.FORECAST_DTYPES)].astype(schema.FORECAST_DTYPES)
    return table.sort_values([schema.ENTITY, schema.HORIZON], ignore_index=True)


def _same_features(stored: tuple[str, ...], ours: tuple[str, ...]) -> None:
    if stored != ours:
        raise ModelError(
            "the stored models were trained on other features than this version makes",
            remedy="run the train task of this week again",
        )


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """The last value where the recent weeks allow no forecast, and a size where they allow no level."""
    point = table[schema.POINT].fillna(table[schema.LAST_VALUE])
    return table.assign(**{schema.POINT: point, models.LEVEL: table[models.LEVEL].fillna(point.abs())})


def _reasons(table: pd.DataFrame, degraded: Degraded) -> pd.Series:
    reasons = pd.Series("; ".join(degraded.reasons), index=table.index, dtype="str")
    for lacking, reason in (
        (table[schema.SAME_WEEK_LAST_YEAR].isna(), NO_LAST_YEAR),
        (table[models.LEVEL].isna(), NO_RECENT),
    ):
        joined = reasons.where(reasons == "", reasons + "; ") + reason
        reasons = reasons.mask(lacking, joined)
    return reasons


def run(
    lake: Lake, settings: Settings, panel: str, card: str, *, as_of: dt.date, progress: Progress = silent
) -> str:
    """Forecast from the stored model and store the table, and beside it why it is what it is.

    Returns: path of the forecast, ``runs/<as_of>/infer/forecast.parquet``.

    Raises:
        ModelError: the card is of another week, or does not fit this version.
    """
    described = lake.read_json(card)
    if described["as_of"] != as_of.isoformat():
        raise ModelError(
            f"{card} is the model of {described['as_of']}, not of {as_of}",
            remedy="run the train task of this week again",
        )
    settings = champion.variation(settings, described.get("champion", champion.BASE))
    rows = lake.read_frame(panel)
    history = models.known_history(rows, settings, as_of)
    progress("forecasting", 0, 2)
    made, client = stored(lake, described), models.client_rows(rows, settings)
    forecast = infer(history, settings, **made, client=client)
    moves = impact.measure(
        lake,
        settings,
        forecast,
        lambda other: infer(models.known_history(other, settings, as_of), settings, **made, client=client),
        as_of=as_of,
    )
    lacks = degraded(lake, as_of, moves)
    if lacks.reasons:
        forecast = infer(history, settings, **made, degraded=lacks, client=client)
    del rows  # the wide history has what is needed of it
    path = lake.write_frame(f"runs/{as_of.isoformat()}/infer/forecast.parquet", forecast)
    progress("explaining", 1, 2)
    _explain(lake, settings, history, described, path)
    progress("explained", 2, 2)
    return path


def stored(lake: Lake, card: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``infer`` that train left in the lake."""
    return {
        "texts": {kind: lake.read_bytes(path).decode() for kind, path in card["models"].items()},
        "residuals": lake.read_frame(card["residuals"]),
        "feature_names": tuple(card["features"]),
        "model_id": card["model_id"],
    }


def _explain(
    lake: Lake, settings: Settings, history: History, card: Mapping[str, Any], forecast: str
) -> None:
    """Keep why the forecast is what it is; a forecast that can not be explained is still a forecast."""

    def model_of(described: Mapping[str, Any]) -> explain.Forecasting:
        made = stored(lake, described)
        _same_features(made["feature_names"], models.forecaster(history, settings).feature_names)
        return lambda known: infer(known, settings, **made)

    as_of = history.as_of
    try:
        forecaster = models.forecaster(history, settings)
        mine = stored(lake, card)
        explanation = explain.explain(
            forecaster,
            models.load(mine["texts"], forecaster.feature_names),
            lake.read_frame(forecast),
            settings,
            explain.previous(lake, settings, as_of, model_of, lambda known: infer(known, settings, **mine)),
        )
        explain.write(lake, explanation, forecast=forecast, as_of=as_of, title=settings.title)
        found = explanation.findings
    except Exception as error:
        _LOG.warning("the forecast of %s is not explained: %s", as_of, error, exc_info=error)
        found = [explain.failed(error)]
    findings.write(lake, found, as_of=as_of, stage="infer")


def degraded(lake: Lake, as_of: dt.date, moves: Sequence[str] = ()) -> Degraded:
    """The reasons that impute found, and what revisions move if the forecast is degraded anyway."""
    path = f"runs/{as_of.isoformat()}/impute/degraded.json"
    if not lake.exists(path):
        return Degraded()
    told: dict[str, Any] = lake.read_json(path)
    return Degraded((*told["reasons"], *moves) if told["degraded"] else ())
