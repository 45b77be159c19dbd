"""The explanation of a week's forecast, kept beside it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import pandas as pd

from steadycast import models, publication, schema
from steadycast.errors import ArtefactMissing, ModelError
from steadycast.explain import change, groups, made_of, signs, telling
from steadycast.explain.change import Forecasting
from steadycast.explain.picture import why_png
from steadycast.features import History
from steadycast.findings import Finding
from steadycast.lake import Lake
from steadycast.models import Forecaster
from steadycast.settings import Settings

EXPLANATION: Final = "explanation.json"
CONTRIBUTIONS: Final = "contributions.parquet"
CHANGE: Final = "change.parquet"
PICTURE: Final = "why.png"


@dataclass(frozen=True)
class Previous:
    """Last week's forecast and what it was made from.

    Attributes:
        published: FORECAST_DTYPES.
        known: the history as it was known.
        model: forecasts with the model of then.
    """

    published: pd.DataFrame
    known: History
    model: Forecasting


@dataclass(frozen=True)
class Explanation:
    """Why the forecast is what it is.

    Attributes:
        contributions: made_of.COLUMNS.
        change: change.COLUMNS; empty where there is nothing to compare with.
        signs: how the model answers to the features whose sign is declared.
        facts: the rest, for explanation.json.
        findings: what people should look at.
    """

    contributions: pd.DataFrame
    change: pd.DataFrame
    signs: list[signs.Sign]
    facts: dict[str, Any]
    findings: list[Finding]


def explain(
    forecaster: Forecaster,
    model: models.Model,
    forecast: pd.DataFrame,
    settings: Settings,
    previous: Previous | str,
) -> Explanation:
    """Explain a forecast.

    Args:
        forecaster: on the history that is known.
        model: of the forecast.
        forecast: FORECAST_DTYPES, made from these.
        settings: the pipeline's.
        previous: last week's, or why there is none.
    """
    drivers = groups.of_drivers(forecaster.history, settings.forecast.groups)
    parts = made_of.contributions(forecaster, model, forecast, drivers)
    checked = signs.check(forecaster, model, settings.forecast.signs)
    moved, note = pd.DataFrame(columns=list(change.COLUMNS)).astype(change.COLUMNS), previous
    if isinstance(previous, Previous):
        moved = change.change(
            previous.published, forecast, previous.known, forecaster.history, previous.model
        )
        note = ""
    found = telling.sign_findings(checked, _units(settings))
    total = made_of.total(parts)
    unit = settings.target.unit
    told = [
        telling.contributions_sentence(total, forecast[schema.ENTITY].nunique(), unit),
        *(telling.change_sentences(moved) or [f"No comparison with last week: {note}."]),
        *(finding.text for finding in found),
    ]
    facts = {
        "unit": unit,
        "groups": _members(forecaster.feature_names, drivers),
        "total": [{"group": str(name), "value": float(value)} for name, value in total.items()],
        "change": change.total(moved) if len(moved) else None,
        "signs": [asdict(sign) | {"contradicts": sign.contradicts} for sign in checked],
        "sentences": told,
    }
    return Explanation(parts, moved, checked, facts, found)


def _units(settings: Settings) -> dict[str, str]:
    return {
        f"{name}.{variable}": settings.source(name).variable(variable).unit
        for name, variable in settings.forecast.covariates
    }


def _members(columns: tuple[str, ...], drivers: Mapping[str, str]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for column, group in zip(columns, groups.of_columns(columns, drivers), strict=True):
        members.setdefault(group, []).append(column)
    return members


def previous(
    lake: Lake,
    settings: Settings,
    as_of: dt.date,
    model_of: Callable[[Mapping[str, Any]], Forecasting],
    new_model: Forecasting,
) -> Previous | str:
    """Last week's forecast as readers had it, with its data and model; or why there is none.

    Args:
        lake: where everything is.
        settings: the pipeline's.
        as_of: this week's Monday.
        model_of: forecasts with the model of a card.
        new_model: forecasts with this week's model; stands in for one that this version can not load, which
            leaves the difference to the model's share.
    """
    before = as_of - dt.timedelta(weeks=1)
    try:
        published, manifest = publication.read_published(lake, before)
        if manifest.get("verdict") == publication.FALLBACK:
            return f"what was published for {before} is a fallback"
        card = lake.read_json(f"runs/{before}/train/card.json")
        panel = lake.read_frame(card["panel"])
    except ArtefactMissing as error:
        return f"{error.path} is not in the lake"
    known = models.known_history(panel, settings, before)
    try:
        model = model_of(card)
    except ModelError:
        model = new_model
    return Previous(published, known, model)


def write(lake: Lake, explanation: Explanation, *, forecast: str, as_of: dt.date, title: str) -> str:
    """Keep the explanation and its picture beside the forecast; returns the path of its JSON.

    Args:
        lake: where to.
        explanation: of the forecast.
        forecast: path of it.
        as_of: the week's Monday.
        title: of the pipeline.
    """
    folder = forecast.rpartition("/")[0]
    lake.write_frame(f"{folder}/{CONTRIBUTIONS}", explanation.contributions)
    lake.write_frame(f"{folder}/{CHANGE}", explanation.change)
    drawn = why_png(
        explanation.contributions,
        explanation.change,
        title=f"{title}: why the forecast of {as_of} is what it is",
        unit=str(explanation.facts["unit"]),
    )
    lake.write_bytes(f"{folder}/{PICTURE}", drawn)
    of = hashlib.sha256(lake.read_bytes(forecast)).hexdigest()
    facts = explanation.facts | {"as_of": as_of, "forecast_sha256": of}
    return lake.write_json(f"{folder}/{EXPLANATION}", facts)


def files(lake: Lake, forecast: str) -> dict[str, bytes]:
    """The files of the explanation of this very forecast, by name; none if it is not explained."""
    folder = forecast.rpartition("/")[0]
    try:
        facts = lake.read_json(f"{folder}/{EXPLANATION}")
        if facts["forecast_sha256"] != hashlib.sha256(lake.read_bytes(forecast)).hexdigest():
            return {}
        names = (EXPLANATION, CONTRIBUTIONS, CHANGE, PICTURE)
        return {name: lake.read_bytes(f"{folder}/{name}") for name in names}
    except ArtefactMissing:
        return {}
