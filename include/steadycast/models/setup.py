"""From the panel and the settings to a forecaster."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd

from steadycast import features, schema
from steadycast.features import History
from steadycast.models.forecaster import Forecaster
from steadycast.settings import Settings, SourceSettings


def known_history(panel: pd.DataFrame, settings: Settings, as_of: dt.date) -> History:
    """What the panel knows before ``as_of``; of later weeks only what was said of them by then.

    Raises:
        ModelError: there is no value of the target.
    """
    wanted = settings.forecast.features
    return features.history(
        panel,
        source=settings.target.source,
        variable=settings.target.variable,
        features=wanted,
        late_weeks={name: late_weeks(settings.source(name)) for name in wanted},
        as_of=as_of,
        max_weeks=settings.forecast.model.history_weeks,
        ahead=settings.forecast.ahead,
        horizons=settings.forecast.horizon_weeks,
    )


def late_weeks(source: SourceSettings) -> int:
    """Weeks back to the newest week that such a source has usually reported by Monday."""
    return math.ceil((source.expected_lag_days - 1) / 7)


def forecaster(history: History, settings: Settings) -> Forecaster:
    """The forecaster of the settings on this history."""
    horizons = settings.forecast.horizon_weeks
    first = history.weeks[0].astype("datetime64[D]").item()
    calendar = features.calendar(first, len(history.weeks) + horizons + 1, settings.forecast.holidays)
    return Forecaster(
        history,
        calendar,
        horizons=horizons,
        settings=settings.forecast.model,
        nonnegative=settings.target.nonnegative,
        signs=settings.forecast.signs,
    )


def client_rows(panel: pd.DataFrame, settings: Settings) -> pd.DataFrame | None:
    """The client's own forecast in the panel: entity, week, value; None if the settings name none."""
    source = settings.benchmarks.client_forecast
    if source is None:
        return None
    # The first variable is the forecast; a client may send bounds or remarks beside it
    variable = settings.source(source).variables[0].name
    return panel[(panel[schema.SOURCE] == source) & (panel[schema.VARIABLE] == variable)]


def with_client(table: pd.DataFrame, client: pd.DataFrame | None) -> pd.DataFrame:
    """A copy of the table (entity, week) with the client's forecast as a column, NaN where there is none."""
    if client is None or client.empty:
        return table.assign(**{schema.CLIENT_FORECAST: np.nan})
    keys = [schema.ENTITY, schema.WEEK]
    merged = table[keys].merge(client[[*keys, schema.VALUE]], on=keys, how="left", validate="m:1")
    return table.assign(**{schema.CLIENT_FORECAST: merged[schema.VALUE].to_numpy(np.float64)})
