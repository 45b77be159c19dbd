"""From the panel and the settings to a forecaster."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd

from steadycast import features
from steadycast.features import History
from steadycast.models.forecaster import Forecaster
from steadycast.settings import Settings, SourceSettings


def known_history(panel: pd.DataFrame, settings: Settings, as_of: dt.date) -> History:
    """What the panel knows before ``as_of``; rows of later weeks are not looked at.

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
    )
