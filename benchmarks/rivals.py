"""Slower peers: AutoARIMA, MSTL, Prophet and skforecast, each as its own guides start it.

A season of 52 weeks makes AutoARIMA take minutes per series; without one it is what the library gives for
weekly data in reasonable time. Prophet and skforecast come from requirements-bench.txt.
"""

from __future__ import annotations

import logging
import warnings

import lightgbm as lgb
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoARIMA

from benchmarks.peers import YEAR, long

LEVEL = 80


def arima(known: pd.DataFrame, horizons: int) -> dict[str, pd.DataFrame]:
    """AutoARIMA without a season, with the bounds of its 80 % interval."""
    return _stats(AutoARIMA(season_length=1), "AutoARIMA", known, horizons)


def mstl(known: pd.DataFrame, horizons: int) -> dict[str, pd.DataFrame]:
    """MSTL with a season of 52 weeks and AutoETS for the trend; it needs two years.

    In Walmart's first folds the series are barely longer, and the season is last year's week.
    """
    return _stats(MSTL(season_length=YEAR), "MSTL", known, horizons)


def _stats(model: object, name: str, known: pd.DataFrame, horizons: int) -> dict[str, pd.DataFrame]:
    made = StatsForecast([model], freq="W-MON", n_jobs=1).forecast(df=long(known), h=horizons, level=[LEVEL])
    columns = (name, f"{name}-lo-{LEVEL}", f"{name}-hi-{LEVEL}")
    return {c: made.pivot(index="ds", columns="unique_id", values=c)[list(known.columns)] for c in columns}


def prophet(known: pd.DataFrame, horizons: int) -> dict[str, pd.DataFrame]:
    """Prophet with its defaults and the holidays of the United States."""
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    logging.getLogger("prophet").setLevel(logging.ERROR)
    weeks = pd.date_range(known.index[-1] + pd.Timedelta(weeks=1), periods=horizons, freq="7D")
    columns = {"Prophet": "yhat", f"Prophet-lo-{LEVEL}": "yhat_lower", f"Prophet-hi-{LEVEL}": "yhat_upper"}
    found: dict[str, dict[str, pd.Series]] = {name: {} for name in columns}
    for entity in known.columns:
        model = Prophet(interval_width=LEVEL / 100)
        model.add_country_holidays("US")
        model.fit(pd.DataFrame({"ds": known.index, "y": known[entity].to_numpy()}), seed=1)
        made = model.predict(pd.DataFrame({"ds": weeks})).set_index("ds")
        for name, column in columns.items():
            found[name][entity] = made[column]
    return {name: pd.DataFrame(series) for name, series in found.items()}


def skforecast(known: pd.DataFrame, horizons: int) -> dict[str, pd.DataFrame]:
    """One recursive LightGBM for all series, as skforecast's guide for many series has it; a year of lags."""
    from skforecast.recursive import ForecasterRecursiveMultiSeries

    estimator = lgb.LGBMRegressor(random_state=0, verbosity=-1, n_jobs=1)
    model = ForecasterRecursiveMultiSeries(estimator, lags=YEAR, encoding="ordinal")
    rows = known.asfreq("W-MON")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(series=rows)
        made = model.predict(steps=horizons)
    wide = made.rename_axis("ds").reset_index().pivot(index="ds", columns="level", values="pred")
    return {"skforecast": wide[list(known.columns)]}


RIVALS = {"AutoARIMA": arima, "MSTL": mstl, "Prophet": prophet, "skforecast": skforecast}
