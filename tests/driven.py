"""Small panels whose target follows a driver, and models that were really trained on them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from steadycast import models, schema
from steadycast.settings import Settings

AS_OF = dt.date(2016, 6, 6)
WEEKS = 190
ENTITIES = tuple(f"shop_{i}" for i in range(6))


def settings(*, drivers: tuple[str, ...] = ("rain",), signs: Any = None, groups: Any = None) -> Settings:
    """Six shops and some series of weather."""
    table = {"layout": {"entity_field": "shop"}, "kind": "local_file", "path": "/data/sales.csv"}
    sold = {"name": "units", "unit": "units per day", "weekly": "sum"}
    return Settings.model_validate(
        {
            "title": "Six shops",
            "schedule": {"first_week": AS_OF},
            "target": {"source": "sales", "variable": "units", "unit": "units per week"},
            "sources": [
                {"name": "sales", "role": "fundamental", "variables": [sold], **table},
                {"name": "weather", "variables": [{"name": n, "unit": "mm"} for n in drivers], **table},
            ],
            "forecast": {
                "features": {"weather": list(drivers)},
                "signs": signs or {},
                "groups": groups or {},
                "model": {"rounds": 60, "calibration_origins": 8},
            },
        }
    )


def panel(effect: float, *, copies: tuple[str, ...] = ("rain",), swing: float = 0.1) -> pd.DataFrame:
    """Units that move with the rain of the week before; rain that lasts for weeks.

    Args:
        effect: share of the level that one standard deviation of rain adds.
        copies: variables that are the rain, each but the first with a little noise.
        swing: of the season, as a share of the level; a large one leaves the last value behind.
    """
    weeks = pd.date_range(end=pd.Timestamp(AS_OF) - pd.Timedelta(weeks=1), periods=WEEKS, freq="7D")
    noise = np.random.default_rng(5)
    rain = np.zeros(WEEKS)
    for i in range(1, WEEKS):
        rain[i] = 0.8 * rain[i - 1] + 0.6 * noise.standard_normal()
    season = np.sin(2 * np.pi * weeks.day_of_year.to_numpy() / 365.25)
    tables = []
    for i, entity in enumerate(ENTITIES):
        told = 1 + swing * season + effect * np.roll(rain, 1) + 0.01 * noise.standard_normal(WEEKS)
        tables.append(rows("sales", entity, weeks, "units", 100.0 * (i + 1) * told))
    for j, name in enumerate(copies):
        copy = rain + 0.05 * j * noise.standard_normal(WEEKS)
        tables.append(rows("weather", "town", weeks, name, 20 + 5 * copy))
    return pd.concat(tables, ignore_index=True)


def rows(source: str, entity: str, weeks: pd.DatetimeIndex, variable: str, value: Any) -> pd.DataFrame:
    """PANEL_DTYPES rows of one series."""
    return pd.DataFrame(
        {
            schema.SOURCE: source,
            schema.ENTITY: entity,
            schema.WEEK: weeks,
            schema.VARIABLE: variable,
            schema.VALUE: value,
            schema.HOW: "observed",
        }
    ).astype(schema.PANEL_DTYPES)


def trained(frame: pd.DataFrame, chosen: Settings) -> tuple[models.Forecaster, models.Model]:
    """A forecaster on all of the panel before AS_OF, and its model."""
    forecaster = models.forecaster(models.known_history(frame, chosen, AS_OF), chosen)
    texts = forecaster.train(len(forecaster.history.weeks))
    return forecaster, models.load(texts, forecaster.feature_names)
