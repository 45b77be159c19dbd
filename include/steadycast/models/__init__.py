"""The forecasting model, its past errors, and what it was made from."""

from steadycast.models.card import code_sha256, data_sha256, model_id, settings_sha256
from steadycast.models.forecaster import FIRST_ORIGIN, Forecast, Forecaster
from steadycast.models.model import BASES, DRIFT, SHARES, Model, load, shares_text
from steadycast.models.parts import Parts, parts
from steadycast.models.past import (
    Past,
    PastModels,
    past_errors,
    past_models,
    past_origins,
    wape,
    with_actuals,
)
from steadycast.models.promotion import Promotion, as_published, promotion
from steadycast.models.setup import client_rows, forecaster, known_history, late_weeks, with_client
from steadycast.models.shares import learn, mixed
from steadycast.models.table import LEVEL, forecast_table

__all__ = [
    "BASES",
    "DRIFT",
    "FIRST_ORIGIN",
    "LEVEL",
    "SHARES",
    "Forecast",
    "Forecaster",
    "Model",
    "Parts",
    "Past",
    "PastModels",
    "Promotion",
    "as_published",
    "client_rows",
    "code_sha256",
    "data_sha256",
    "forecast_table",
    "forecaster",
    "known_history",
    "late_weeks",
    "learn",
    "load",
    "mixed",
    "model_id",
    "parts",
    "past_errors",
    "past_models",
    "past_origins",
    "promotion",
    "settings_sha256",
    "shares_text",
    "wape",
    "with_actuals",
    "with_client",
]
