"""What a switch of providers does to the forecast: the same model on the history with and without it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import models, schema
from steadycast.errors import ArtefactMissing, ModelError
from steadycast.lake import Lake
from steadycast.settings import Settings

_BACK_WEEKS: Final = 8


def moves(
    lake: Lake, settings: Settings, guarded: pd.DataFrame, unguarded: pd.DataFrame, as_of: dt.date
) -> str:
    """A sentence that says what the values that were set aside would do to the next week's total.

    The model is that of the newest earlier week, because this week's is yet to be trained.

    Args:
        lake: where the model is.
        settings: the pipeline's.
        guarded: the week's panel.
        unguarded: the panel as it would be without the switch.
        as_of: the run's Monday.
    """
    card = _card(lake, as_of)
    if card is None:
        return "How much that moves the forecast is not known yet, as no earlier week has a model."
    try:
        with_it, without = (_total(lake, settings, panel, card, as_of) for panel in (guarded, unguarded))
    except ModelError:
        return "How much that moves the forecast is not known, as its features are new."
    if not with_it > 0:
        return "How much that moves the forecast is not known, as its total is not above zero."
    if not without > 0:
        return "Without the switch next week's total would not be above zero."
    change = with_it / without - 1
    return f"The switch moves next week's total by {change:+.1%}, by the model of {card['as_of']}."


def _card(lake: Lake, as_of: dt.date) -> dict[str, Any] | None:
    for back in range(1, _BACK_WEEKS + 1):
        try:
            found: dict[str, Any] = lake.read_json(f"runs/{as_of - dt.timedelta(weeks=back)}/train/card.json")
        except ArtefactMissing:
            continue
        return found
    return None


def _total(
    lake: Lake, settings: Settings, panel: pd.DataFrame, card: dict[str, Any], as_of: dt.date
) -> float:
    """Sum of the points of the first week; entities without a forecast are left out."""
    history = models.known_history(panel, settings, as_of)
    forecaster = models.forecaster(history, settings)
    if list(forecaster.feature_names) != list(card["features"]):
        raise ModelError("the model has other features", remedy="train again")
    texts = {kind: lake.read_bytes(path).decode() for kind, path in card["models"].items()}
    table = models.forecast_table(
        forecaster,
        models.load(texts, forecaster.feature_names),
        np.array([len(history.weeks)]),
        moving_average_weeks=settings.benchmarks.moving_average_weeks,
    )
    return float(table.loc[table[schema.HORIZON] == 1, schema.POINT].sum())
