"""Small forecasts, panels and settings for tests of what happens after infer."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from steadycast import schema
from steadycast.settings import Settings

AS_OF = dt.date(2016, 6, 6)
ENTITIES = ("Clark_Lake", "Polk")
LEVEL = {"Clark_Lake": 100.0, "Polk": 10.0}


def settings(**changes: Any) -> Settings:
    """Two entities, two weeks ahead; ``changes`` replace whole sections."""
    raw: dict[str, Any] = {
        "title": "Two stations",
        "schedule": {"first_week": dt.date(2016, 6, 6)},
        "target": {"source": "ridership", "variable": "entries", "unit": "thousand entries per week"},
        "sources": [
            {
                "name": "ridership",
                "kind": "local_file",
                "role": "fundamental",
                "path": "/data/rides.csv",
                "layout": {"entity_field": "station"},
                "variables": [{"name": "entries", "unit": "thousand entries per day", "weekly": "sum"}],
                "entities": list(ENTITIES),
            }
        ],
        "forecast": {"horizon_weeks": 2},
    }
    return Settings.model_validate({**raw, **changes})


def forecast(as_of: dt.date = AS_OF, cells: Mapping[tuple[str, int, str], Any] | None = None) -> pd.DataFrame:
    """A good forecast of both entities and horizons; ``cells`` sets (entity, horizon, column) anew."""
    rows = []
    for entity in ENTITIES:
        level = LEVEL[entity]
        for horizon in (1, 2):
            row: dict[str, Any] = {
                schema.ENTITY: entity,
                schema.WEEK: pd.Timestamp(as_of) + pd.Timedelta(weeks=horizon - 1),
                schema.HORIZON: horizon,
                schema.POINT: level * 1.01,
                schema.LOWER_80: level * 0.9,
                schema.UPPER_80: level * 1.1,
                schema.LOWER_95: level * 0.8,
                schema.UPPER_95: level * 1.2,
                schema.SAME_WEEK_LAST_YEAR: level * 0.95,
                schema.MOVING_AVERAGE: level,
                schema.LAST_VALUE: level * 1.02,
                schema.CLIENT_FORECAST: float("nan"),
                schema.DEGRADED: False,
                schema.DEGRADED_REASONS: "",
                schema.MODEL_ID: "m1",
                schema.AS_OF: pd.Timestamp(as_of),
            }
            for (who, when, column), value in (cells or {}).items():
                if (who, when) == (entity, horizon):
                    row[column] = value
            rows.append(row)
    return pd.DataFrame(rows)[list(schema.FORECAST_DTYPES)].astype(schema.FORECAST_DTYPES)


def panel(as_of: dt.date = AS_OF, weeks: int = 30, scale: float = 1.0) -> pd.DataFrame:
    """Flat weekly actuals of both entities, ending the week before ``as_of``; the benchmarks fit them."""
    mondays = pd.date_range(
        end=pd.Timestamp(as_of) - pd.Timedelta(weeks=1), periods=weeks, freq="7D", unit="us"
    )
    rows = [
        {
            schema.SOURCE: "ridership",
            schema.ENTITY: entity,
            schema.WEEK: week,
            schema.VARIABLE: "entries",
            schema.VALUE: scale * LEVEL[entity] * (1 + 0.02 * (-1) ** (weeks - 1 - i)),
            schema.HOW: "observed",
        }
        for entity in ENTITIES
        for i, week in enumerate(mondays)
    ]
    return pd.DataFrame(rows).astype(schema.PANEL_DTYPES)
