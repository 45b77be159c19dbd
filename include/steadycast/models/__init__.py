"""The forecasting model, its past errors, and what it was made from."""

from steadycast.models.card import code_sha256, data_sha256, model_id, settings_sha256
from steadycast.models.forecaster import FIRST_ORIGIN, Forecast, Forecaster, load
from steadycast.models.parts import Parts, parts
from steadycast.models.past import PastModels, past_errors, past_models, past_origins, wape, with_actuals
from steadycast.models.promotion import Promotion, as_published, promotion
from steadycast.models.setup import client_rows, forecaster, known_history, late_weeks, with_client
from steadycast.models.table import LEVEL, forecast_table

__all__ = [
    "FIRST_ORIGIN",
    "LEVEL",
    "Forecast",
    "Forecaster",
    "Parts",
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
    "load",
    "model_id",
    "parts",
    "past_errors",
    "past_models",
    "past_origins",
    "promotion",
    "settings_sha256",
    "wape",
    "with_actuals",
    "with_client",
]
