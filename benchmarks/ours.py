"""The product's own training and inference, called as its stages call them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from steadycast import infer, models, schema, train
from steadycast.settings import Settings

SOURCE, VARIABLE = "actuals", "amount"
DEFAULT = "with boosters"


def settings(**model: Any) -> Settings:  # noqa: ANN401 - any field of ModelSettings
    """The same settings for every data set; fields of the model can be given for trials."""
    return Settings.model_validate(
        {
            "title": "Benchmark",
            "schedule": {"first_week": "2012-01-02"},
            "target": {"source": SOURCE, "variable": VARIABLE, "unit": "amount per week"},
            "sources": [
                {
                    "name": SOURCE,
                    "kind": "local_file",
                    "role": "fundamental",
                    "path": "unused.csv",
                    "layout": {"entity_field": "entity"},
                    "variables": [{"name": VARIABLE, "unit": "amount per day", "weekly": "sum"}],
                }
            ],
            "forecast": {"model": model},
        }
    )


def panel(weekly: pd.DataFrame) -> pd.DataFrame:
    """The weekly table as the panel that impute hands to train."""
    long = weekly.rename_axis(columns=schema.ENTITY).stack().rename(schema.VALUE).reset_index()
    long = long.assign(
        **{schema.SOURCE: SOURCE, schema.VARIABLE: VARIABLE, schema.HOW: "observed"},
    )
    return long[list(schema.PANEL_DTYPES)].astype(schema.PANEL_DTYPES)


def forecast(rows: pd.DataFrame, of: Settings, as_of: dt.date) -> pd.DataFrame:
    """Train on the panel's weeks before ``as_of`` and forecast, with intervals."""
    history = models.known_history(rows, of, as_of)
    trained = train.train(history, of)
    return infer.infer(
        history,
        of,
        trained.models,
        trained.residuals,
        feature_names=trained.feature_names,
        model_id="benchmark",
    )


def points(rows: pd.DataFrame, of: Settings, as_of: dt.date) -> dict[str, pd.DataFrame]:
    """The product's point forecast, both views alike and no intervals, and the drift that it starts from."""
    history = models.known_history(rows, of, as_of)
    forecaster = models.forecaster(history, of)
    model = models.load(forecaster.train(len(history.weeks)), forecaster.feature_names)
    origin = np.array([len(history.weeks)])
    chosen = {"drift": models.Model(), DEFAULT: model}
    return {
        name: models.forecast_table(forecaster, some, origin, moving_average_weeks=4)
        for name, some in chosen.items()
    }
