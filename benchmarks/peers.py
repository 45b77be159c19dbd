"""What others would use: each takes the weekly table up to the origin and forecasts the next weeks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import Differences, LocalStandardScaler
from mlforecast.utils import PredictionIntervals
from statsforecast import StatsForecast
from statsforecast.models import AutoETS, SeasonalNaive, WindowAverage

YEAR = 52
SHORT, LONG = [1, 2, 3, 4, 8], [1, 2, 3, 4, 8, 51, 52, 53]
RECIPES: dict[str, tuple[list[Callable[[], Any]], list[int]]] = {
    "levels": ([], LONG),
    "scaled": ([LocalStandardScaler], LONG),
    "differences, scaled": ([lambda: Differences([1]), LocalStandardScaler], LONG),
    "yearly differences, scaled": ([lambda: Differences([YEAR]), LocalStandardScaler], SHORT),
}
"""Transforms of the target, and lags. Yearly differences use up the year that the long lags would need."""


def long(weekly: pd.DataFrame) -> pd.DataFrame:
    """The table as Nixtla's libraries read it: unique_id, ds, y."""
    stacked = weekly.rename_axis(index="ds", columns="unique_id").stack().rename("y").reset_index()
    return stacked.sort_values(["unique_id", "ds"], ignore_index=True)[["unique_id", "ds", "y"]]


def statistical(known: pd.DataFrame, horizons: int, *, level: list[int]) -> dict[str, pd.DataFrame]:
    """SeasonalNaive, WindowAverage and AutoETS, and AutoETS's bounds as ``AutoETS-lo-80`` and so on.

    Returns: per name a table weeks × series.
    """
    rows = long(known)
    naive = StatsForecast([SeasonalNaive(YEAR), WindowAverage(4)], freq="W-MON", n_jobs=1)
    # ETS has no states for a season of 52 weeks; without one it is what the library gives for weekly data
    ets = StatsForecast([AutoETS(season_length=1)], freq="W-MON", n_jobs=1)
    plain = naive.forecast(df=rows, h=horizons)
    ranged = ets.forecast(df=rows, h=horizons, level=level)
    found = {name: _wide(plain, name, known) for name in ("SeasonalNaive", "WindowAverage")}
    return found | {name: _wide(ranged, name, known) for name in ranged.columns if name.startswith("AutoETS")}


def drift(known: pd.DataFrame, horizons: int) -> pd.DataFrame:
    """Last year's week times the last 8 weeks over the same 8 weeks a year before."""
    growth = known.iloc[-8:].sum() / known.iloc[-8 - YEAR : -YEAR].sum()
    last_year = known.iloc[len(known) - YEAR : len(known) - YEAR + horizons]
    return (last_year * growth).set_axis(_weeks(known, horizons))


def plain_recipe(known: pd.DataFrame, horizons: int, recipe: str, *, intervals: bool = False) -> pd.DataFrame:
    """Forecast recursively by mlforecast with LightGBM as its guides show it: lags, means, week of year.

    With ``intervals`` it makes its conformal ones too, which are thrown away: they are there to be timed.
    """
    transforms, lags = RECIPES[recipe]
    model = MLForecast(
        models={"plain": lgb.LGBMRegressor(random_state=0, verbosity=-1, n_jobs=1)},
        freq="W-MON",
        lags=lags,
        lag_transforms={1: [RollingMean(4), RollingMean(13)]},
        date_features=["week"],
        target_transforms=[make() for make in transforms],
    )
    conformal = PredictionIntervals(n_windows=2, h=horizons) if intervals else None
    model.fit(long(known), static_features=[], prediction_intervals=conformal)
    made = model.predict(horizons, level=[80, 95] if intervals else None)
    return _wide(made, "plain", known)


def _wide(forecast: pd.DataFrame, column: str, known: pd.DataFrame) -> pd.DataFrame:
    wide = forecast.pivot(index="ds", columns="unique_id", values=column)
    return wide[list(known.columns)]


def _weeks(known: pd.DataFrame, horizons: int) -> pd.DatetimeIndex:
    return pd.date_range(known.index[-1] + pd.Timedelta(weeks=1), periods=horizons, freq="7D", unit="us")
