"""How much the view from the yearly curve counts, learnt from past forecasts of unseen weeks.

On series with a smooth season the curve is nearer, on others the drift; which it is shows in a year of
past origins. Each horizon has its own share, drawn to that of all horizons, since few weeks tell little. A
share that gains less than noise is left at none, so that of two models that do alike the simpler one serves.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.models.model import CURVE, DRIFT

GRID: Final = np.arange(11) / 10
WORTH: Final = 0.99
"""The mixed view's error must be below this multiple of the drift's."""
FEWEST_ORIGINS: Final = 8
"""With fewer past origins chance decides, and what is simpler keeps its place."""
VIEW: Final = "view_"
"""Prefix of the columns that hold each booster's own view."""
VIEWS: Final = (VIEW + DRIFT, VIEW + CURVE)


def learn(errors: pd.DataFrame, horizons: int) -> tuple[float, ...]:
    """Shares of the curve's view per horizon.

    Args:
        errors: origin, horizon, actual and, where both boosters were there, their views.
        horizons: weeks ahead.

    Returns: one share per horizon; all zero if the curve has no say.
    """
    none = (0.0,) * horizons
    if not set(VIEWS) <= set(errors.columns):
        return none
    rows = errors.dropna(subset=[*VIEWS, schema.ACTUAL])
    if rows[schema.ORIGIN].nunique() < FEWEST_ORIGINS:
        return none
    drift, curve = (rows[view].to_numpy() for view in VIEWS)
    misses = [np.abs(drift + share * (curve - drift) - rows[schema.ACTUAL].to_numpy()) for share in GRID]
    horizon = rows[schema.HORIZON].to_numpy() - 1
    each = np.array([np.bincount(horizon, miss, horizons) for miss in misses])
    of_all = each.sum(axis=1)
    if not (each[0] > 0).all():
        return none
    best = np.argmin(each / each[0] + (of_all / of_all[0])[:, None], axis=0)
    gained = each[best, np.arange(horizons)].sum() / of_all[0]
    return tuple(GRID[best].tolist()) if gained < WORTH else none


def mixed(table: pd.DataFrame, shares: tuple[float, ...]) -> pd.DataFrame:
    """The table with the views mixed into its point, and without them.

    Args:
        table: of ``forecast_table``: horizon, point, and the views if there are two.
        shares: as ``learn`` gives them.
    """
    if not set(VIEWS) <= set(table.columns):
        return table
    share = np.array(shares)[table[schema.HORIZON] - 1]
    point = (1 - share) * table[VIEWS[0]] + share * table[VIEWS[1]]
    return table.drop(columns=list(VIEWS)).assign(**{schema.POINT: point})
