"""A year of real weekly forecasts per data set, made by the product and kept for the benches that need them.

Each Monday's forecast is made from what was known on it. The model is trained every fourth week, which is
what keeps this to minutes; each training replays its own past errors, as the product does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import data, ours
from steadycast import infer, models, schema, train
from steadycast.settings import Settings

YEAR = 52
HORIZONS = 4
TRAINED_EVERY = 4
EARLIEST = 66
"""An origin needs a year, the weeks of the level and some to train on."""
REPORTED, CHOSEN_ON = "reported", "chosen on"
PARTS = (REPORTED, CHOSEN_ON)
VARIATIONS: dict[str, dict[str, Any]] = {
    "short memory": {"history_weeks": 104},
    "fewer leaves": {"leaves": 4, "rounds": 60},
}
"""Other models, whose errors are paired with the product's own."""
CLOSE = ("fewer leaves",)
"""Those that are much like the product, as a challenger that is 5 % better will be."""


@dataclass(frozen=True)
class Trained:
    """A model as train stores it."""

    texts: Mapping[str, str]
    features: tuple[str, ...]
    residuals: pd.DataFrame


@dataclass(frozen=True)
class Year:
    """The forecasts of a part of the weeks.

    Attributes:
        name: of the data set.
        panel: PANEL_DTYPES, all weeks.
        origins: Mondays of the forecasts, oldest first.
        forecasts: per Monday, FORECAST_DTYPES.
        trained: per Monday, the model that made it; four Mondays share one.
        others: per variation and Monday, entity, week, horizon, point.
    """

    name: str
    panel: pd.DataFrame
    origins: tuple[dt.date, ...]
    forecasts: Mapping[dt.date, pd.DataFrame]
    trained: Mapping[dt.date, Trained]
    others: Mapping[str, Mapping[dt.date, pd.DataFrame]]


def origins(weekly: pd.DataFrame, part: str) -> list[dt.date]:
    """The newest 52 Mondays whose weeks are all known, or the ones before them."""
    newest = len(weekly) - HORIZONS
    first = newest - YEAR + 1
    steps = range(first, newest + 1) if part == REPORTED else range(max(first - YEAR, EARLIEST), first)
    return [weekly.index[step].date() for step in steps]


def years(
    folder: Path, sets: list[str], part: str, cache: Path, *, say: Callable[[str], None]
) -> Iterator[Year]:
    """The years of the sets; made where the cache lacks them, a process per core."""
    with ProcessPoolExecutor(2) as pool:
        waiting = {name: pool.submit(_stored, folder, name, part, cache) for name in reversed(sets)}
        for name in sets:
            where = waiting[name].result()
            say(f"{name}, {part}: {where}")
            yield _read(folder, name, part, where)


def _stored(folder: Path, name: str, part: str, cache: Path) -> Path:
    """Make the year unless the same code has made it already; returns its folder."""
    code = hashlib.sha256((models.code_sha256() + json.dumps(VARIATIONS)).encode()).hexdigest()[:12]
    where = cache / code / name / part.replace(" ", "_")
    if (where / "done").exists():
        return where
    where.mkdir(parents=True, exist_ok=True)
    weekly = data.SETS[name](folder)
    panel = ours.panel(weekly)
    mondays = origins(weekly, part)
    for start in range(0, len(mondays), TRAINED_EVERY):
        _block(panel, mondays[start : start + TRAINED_EVERY], where)
    (where / "done").touch()
    return where


def _block(panel: pd.DataFrame, mondays: list[dt.date], where: Path) -> None:
    if (where / f"{mondays[-1]}.others.parquet").exists():
        return
    own = ours.settings(threads=1)
    made = train.train(models.known_history(panel, own, mondays[0]), own)
    made.residuals.to_parquet(where / f"{mondays[0]}.residuals.parquet")
    stored = {"texts": made.models, "features": list(made.feature_names)}
    (where / f"{mondays[0]}.model.json").write_text(json.dumps(stored), encoding="utf-8")
    trained = Trained(made.models, made.feature_names, made.residuals)
    others = {
        name: _fitted(panel, ours.settings(threads=1, **of), trained, mondays)
        for name, of in VARIATIONS.items()
    }
    for monday in mondays:
        forecast(panel, own, trained, monday).to_parquet(where / f"{monday}.forecast.parquet")
        beside = pd.concat([tables[monday].assign(variation=name) for name, tables in others.items()])
        beside.to_parquet(where / f"{monday}.others.parquet")


def _fitted(
    panel: pd.DataFrame, of: Settings, trained: Trained, mondays: list[dt.date]
) -> dict[dt.date, pd.DataFrame]:
    history = models.known_history(panel, of, mondays[0])
    first = models.forecaster(history, of)
    # Its views are mixed as the product's are, which spares it a replay of its own
    bases = [base for base in trained.texts if base != models.SHARES]
    texts = first.train(len(history.weeks), bases=bases)
    texts |= {name: text for name, text in trained.texts.items() if name == models.SHARES}
    model = models.load(texts, first.feature_names)
    tables = {}
    for monday in mondays:
        known = models.known_history(panel, of, monday)
        made = models.forecast_table(
            models.forecaster(known, of), model, np.array([len(known.weeks)]), moving_average_weeks=4
        )
        tables[monday] = made[[schema.ENTITY, schema.WEEK, schema.HORIZON, schema.POINT]]
    return tables


def forecast(panel: pd.DataFrame, of: Settings, trained: Trained, monday: dt.date) -> pd.DataFrame:
    """The product's forecast of a Monday from a stored model."""
    return infer.infer(
        models.known_history(panel, of, monday), of, trained.texts, trained.residuals,
        feature_names=trained.features, model_id="bench",
    )  # fmt: skip


def _read(folder: Path, name: str, part: str, where: Path) -> Year:
    weekly = data.SETS[name](folder)
    mondays = origins(weekly, part)
    forecasts, trained, others = {}, {}, {}
    for at, monday in enumerate(mondays):
        if at % TRAINED_EVERY == 0:
            stored = json.loads((where / f"{monday}.model.json").read_text(encoding="utf-8"))
            past = pd.read_parquet(where / f"{monday}.residuals.parquet")
            model = Trained(stored["texts"], tuple(stored["features"]), past)
        trained[monday] = model
        table = pd.read_parquet(where / f"{monday}.forecast.parquet")
        forecasts[monday] = table.astype(schema.FORECAST_DTYPES)
        others[monday] = pd.read_parquet(where / f"{monday}.others.parquet")
    beside = {
        variation: {monday: table[table["variation"] == variation] for monday, table in others.items()}
        for variation in VARIATIONS
    }
    return Year(name, ours.panel(weekly), tuple(mondays), forecasts, trained, beside)
