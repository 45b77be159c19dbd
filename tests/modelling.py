"""Small panels with a season, a trend and noise, and settings to model them."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.settings import Settings

AS_OF = dt.date(2016, 6, 6)
ENTITIES = ("Clark_Lake", "Polk", "Western")
WEEKS = 170


def settings(**model: Any) -> Settings:
    """Three stations and one weather series; ``model`` sets fields of the model."""
    table = {"layout": {"entity_field": "station"}, "kind": "local_file", "path": "/data/rides.csv"}
    rides = {"name": "entries", "unit": "thousand entries per day", "weekly": "sum"}
    warmth = {"name": "tmean_c", "unit": "degC"}
    return Settings.model_validate(
        {
            "title": "Three stations",
            "schedule": {"first_week": AS_OF},
            "target": {"source": "ridership", "variable": "entries", "unit": "thousand entries per week"},
            "sources": [
                {"name": "ridership", "role": "fundamental", "variables": [rides], **table},
                {"name": "weather", "variables": [warmth], **table},
            ],
            "forecast": {
                "features": {"weather": ["tmean_c"]},
                "model": {"rounds": 30, "calibration_origins": 8, **model},
            },
        }
    )


def panel(weeks: int = WEEKS, after: int = 0) -> pd.DataFrame:
    """PANEL_DTYPES rows of ``weeks`` weeks before AS_OF, and of ``after`` unknowable weeks from it on."""
    mondays = pd.date_range(end=pd.Timestamp(AS_OF) - pd.Timedelta(weeks=1), periods=weeks, freq="7D")
    mondays = mondays.append(pd.date_range(AS_OF, periods=after, freq="7D"))
    season = np.sin(2 * np.pi * mondays.day_of_year.to_numpy() / 365.25)
    tables = []
    for size, entity in zip((100.0, 10.0, 50.0), ENTITIES, strict=True):
        # one generator per series: weeks added at the end leave the earlier ones as they are
        noise = np.random.default_rng(int(size))
        value = size * (1 + 0.2 * season + 0.001 * np.arange(len(mondays)))
        value = value * (1 + 0.02 * noise.standard_normal(len(mondays)))
        tables.append(_rows("ridership", entity, mondays, "entries", value))
    noise = np.random.default_rng(7)
    warmth = 10 - 12 * season + noise.standard_normal(len(mondays))
    tables.append(_rows("weather", "midway", mondays, "tmean_c", warmth))
    return pd.concat(tables, ignore_index=True)


def _rows(source: str, entity: str, weeks: pd.DatetimeIndex, variable: str, value: Any) -> pd.DataFrame:
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
