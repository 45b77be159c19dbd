"""The forecasting model, its past errors, and what it was made from."""

from steadycast.models.card import code_sha256, data_sha256, model_id, settings_sha256
from steadycast.models.forecaster import Forecast, Forecaster, load
from steadycast.models.parts import Parts, parts
from steadycast.models.past import past_errors, past_origins, wape
from steadycast.models.promotion import Promotion, as_published, promotion
from steadycast.models.setup import client_rows, forecaster, known_history, with_client
from steadycast.models.table import LEVEL, forecast_table

__all__ = [
    "LEVEL",
    "Forecast",
    "Forecaster",
    "Parts",
    "Promotion",
    "as_published",
    "client_rows",
    "code_sha256",
    "data_sha256",
    "forecast_table",
    "forecaster",
    "known_history",
    "load",
    "model_id",
    "parts",
    "past_errors",
    "past_origins",
    "promotion",
    "settings_sha256",
    "wape",
    "with_client",
]
