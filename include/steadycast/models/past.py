"""Errors on past weeks that the model had not seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.features import Indices
from steadycast.models import shares as mixing
from steadycast.models.forecaster import FIRST_ORIGIN, Forecaster
from steadycast.models.model import Model, load
from steadycast.models.table import forecast_table
from steadycast.progress import Progress, silent

REFITS = 4
"""Models trained for the past origins: each serves a quarter of them and has seen none of their weeks."""
NEWEST = 2
"""Weeks between the newest past origin and now; what lies farther ahead of it is not known yet and left out,
but its first weeks tell how large the errors are just now."""
SHORTEST_ORIGIN = 9
"""An origin needs 8 weeks of level before it."""


@dataclass(frozen=True)
class PastModels:
    """A model, and the past origins that it serves and whose weeks it has not seen."""

    origins: Indices
    model: Model


@dataclass(frozen=True)
class Past:
    """What past origins tell.

    Attributes:
        errors: the forecast table with actual and residual (actual - point); rows without an actual are left
            out.
        shares: how much the curve's view counts, per horizon.
    """

    errors: pd.DataFrame
    shares: tuple[float, ...]


def past_origins(weeks: int, horizons: int, count: int) -> Indices:
    """Origins whose forecasts can be compared with what came, the newest last.

    Every second week, so that 26 of them see all seasons; closer together where the history is too short for
    that.
    """
    newest = weeks - min(horizons, NEWEST)
    earliest = FIRST_ORIGIN + 12 if newest > FIRST_ORIGIN + 12 + count else SHORTEST_ORIGIN
    step = 2 if newest - 2 * (count - 1) >= earliest else 1
    origins = newest - step * np.arange(count)[::-1]
    return origins[origins >= earliest].astype(np.int64)


def past_errors(
    forecaster: Forecaster, *, count: int, moving_average_weeks: int, progress: Progress = silent
) -> Past:
    """Replay past origins, each with a model trained before it, and learn how much each view counts."""
    weeks = len(forecaster.history.weeks)
    tables = [
        forecast_table(forecaster, block.model, block.origins, moving_average_weeks=moving_average_weeks)
        for block in past_models(forecaster, count=count, progress=progress)
    ]
    if not tables:
        tables = [
            forecast_table(forecaster, Model(), np.array([weeks]), moving_average_weeks=moving_average_weeks)
        ]
    table = with_actuals(pd.concat(tables, ignore_index=True), forecaster)
    shares = mixing.learn(table, forecaster.horizons)
    table = mixing.mixed(table, shares)
    return Past(table.assign(**{schema.RESIDUAL: table[schema.ACTUAL] - table[schema.POINT]}), shares)


def past_models(forecaster: Forecaster, *, count: int, progress: Progress = silent) -> list[PastModels]:
    """Models for past origins, each trained on the weeks before the first origin that it serves."""
    origins = past_origins(len(forecaster.history.weeks), forecaster.horizons, count)
    names = forecaster.feature_names
    blocks = [block for block in np.array_split(origins, REFITS) if len(block)]
    progress("training for past origins", 0, len(blocks))
    with ThreadPoolExecutor(forecaster.threads) as pool:
        texts = list(pool.map(lambda block: forecaster.train(int(block[0]), progress), blocks))
    progress("training for past origins", len(blocks), len(blocks))
    return [PastModels(block, load(trained, names)) for block, trained in zip(blocks, texts, strict=True)]


def with_actuals(table: pd.DataFrame, forecaster: Forecaster) -> pd.DataFrame:
    """The forecast table with actual and residual; rows without an actual are left out."""
    history = forecaster.history
    row = ((table[schema.WEEK].to_numpy() - history.weeks[0]) // np.timedelta64(7, "D")).astype(np.int64)
    column = pd.Index(history.entities).get_indexer(pd.Index(table[schema.ENTITY]))
    known = row < len(history.weeks)
    actual = np.where(known, history.target[np.where(known, row, 0), column], np.nan)
    table = table.assign(**{schema.ACTUAL: actual, schema.RESIDUAL: actual - table[schema.POINT]})
    return table[table[schema.ACTUAL].notna()].reset_index(drop=True)


def wape(table: pd.DataFrame, column: str) -> float | None:
    """Sum of absolute errors over sum of absolute actuals, on rows that have both; None if there are none."""
    rows = table[table[column].notna() & table[schema.ACTUAL].notna()]
    size = float(rows[schema.ACTUAL].abs().sum())
    return float((rows[column] - rows[schema.ACTUAL]).abs().sum()) / size if size > 0 else None
