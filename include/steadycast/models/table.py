"""Forecasts as a table: one row per origin, entity and horizon, with the benchmarks beside the point."""

from __future__ import annotations

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.features import Indices, Lookback
from steadycast.models.forecaster import Forecaster
from steadycast.models.model import Model
from steadycast.models.shares import VIEW

LEVEL = "level"
"""Column: mean size of the series' last 8 weeks at the origin, in the target's unit."""


def forecast_table(
    forecaster: Forecaster,
    model: Model,
    origins: Indices,
    *,
    moving_average_weeks: int,
) -> pd.DataFrame:
    """Forecasts of all horizons at the origins.

    Args:
        forecaster: on the history that is known.
        model: may have no boosters.
        origins: indices of first unknown weeks; ``len(history.weeks)`` for the forecast to publish.
        moving_average_weeks: of the benchmark.

    Returns: entity, origin (a Monday), week, horizon, point, level, same_week_last_year, moving_average,
    last_value, and each booster's view where two count alike; sorted by origin, entity, horizon.
    """
    tables = [_of_horizon(forecaster, model, origins, h) for h in range(1, forecaster.horizons + 1)]
    past = Lookback(forecaster.history.target)
    level = {
        schema.MOVING_AVERAGE: past.mean(origins, moving_average_weeks).reshape(-1),
        schema.LAST_VALUE: past.at(origins - 1).reshape(-1),
    }
    table = pd.concat([t.assign(**level) for t in tables], ignore_index=True)
    return table.sort_values([schema.ORIGIN, schema.ENTITY, schema.HORIZON], ignore_index=True)


def _of_horizon(forecaster: Forecaster, model: Model, origins: Indices, horizon: int) -> pd.DataFrame:
    made = forecaster.forecast(model, origins, horizon)
    history = forecaster.history
    start = history.weeks[0]
    mondays = (start + origins * np.timedelta64(7, "D")).astype("datetime64[us]")
    origin = np.repeat(mondays, len(history.entities))
    return pd.DataFrame(
        {
            schema.ENTITY: pd.Series(
                np.tile(np.array(history.entities, dtype=object), len(origins)), dtype="str"
            ),
            schema.ORIGIN: origin,
            schema.WEEK: origin + np.timedelta64(7 * (horizon - 1), "D"),
            schema.HORIZON: np.full(len(origin), horizon, dtype=np.int64),
            schema.POINT: made.point.reshape(-1),
            LEVEL: made.anchors.level.reshape(-1),
            schema.SAME_WEEK_LAST_YEAR: made.anchors.last_year.reshape(-1),
            **{VIEW + base: view.reshape(-1) for base, view in made.views.items() if model.unmixed},
        }
    )
