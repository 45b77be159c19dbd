"""Same week last year for every target week, with intervals from the errors which that rule made lately."""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import pandas as pd

from steadycast import intervals, models, schema
from steadycast.errors import SourceAbsent
from steadycast.known import known_rows
from steadycast.lake import Lake
from steadycast.panel import weekly_panel
from steadycast.settings import Settings

MADE_BY: Final = "made_by"
"""Column while the table is made: which rule gave the row."""
LAST_YEAR: Final = "same week last year"
RECENT: Final = "the mean of the last weeks"
_KEYS = [schema.ENTITY, schema.WEEK]


def _without_features(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"forecast": settings.forecast.model_copy(update={"features": {}, "ahead": {}})}
    )


def targets(panel: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The target's rows of a panel: entity, week, value."""
    target = settings.target
    mine = (panel[schema.SOURCE] == target.source) & (panel[schema.VARIABLE] == target.variable)
    return panel.loc[mine, [*_KEYS, schema.VALUE]]


def known_panel(lake: Lake, settings: Settings, as_of: dt.date) -> pd.DataFrame:
    """The target's weekly values and the client's forecast as known then: PANEL_DTYPES, maybe no row.

    The same rules as for the model's panel, so that an unbelievable value does not come in by this door.
    """
    only = _without_features(settings)
    names = {settings.target.source, settings.benchmarks.client_forecast} - {None}
    ahead = as_of + dt.timedelta(weeks=settings.forecast.horizon_weeks)
    target = settings.target.source
    rows = {
        str(name): known_rows(lake, str(name), as_of, end=None if name == target else ahead) for name in names
    }
    try:
        return weekly_panel(only, rows, as_of=as_of)
    except SourceAbsent:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in schema.PANEL_DTYPES.items()})


def benchmark(panel: pd.DataFrame, settings: Settings, as_of: dt.date) -> pd.DataFrame:
    """Same week last year for each entity and week, with intervals and all benchmarks.

    Args:
        panel: of ``known_panel``.
        settings: the pipeline's.
        as_of: the week's Monday.

    Returns: entity, week, horizon, point, bounds, benchmarks and made_by; no row without history. Where last
        year's week is not known, the mean of the last weeks stands in; the bounds are missing without any
        past error.
    """
    values = targets(panel, settings).rename(columns={schema.VALUE: schema.ACTUAL})
    if not values[schema.ACTUAL].notna().any():
        return pd.DataFrame()
    only = _without_features(settings)
    forecaster = models.forecaster(models.known_history(panel, only, as_of), only)
    weeks = len(forecaster.history.weeks)
    count = settings.forecast.model.calibration_origins
    past = models.past_origins(weeks, forecaster.horizons, count)
    made = models.forecast_table(
        forecaster,
        models.Model(),
        np.array([*past, weeks], dtype=np.int64),
        moving_average_weeks=settings.benchmarks.moving_average_weeks,
    )
    last_year = made[schema.SAME_WEEK_LAST_YEAR]
    made[schema.POINT] = last_year.fillna(made[models.LEVEL])
    made[MADE_BY] = pd.Series(np.where(last_year.notna(), LAST_YEAR, RECENT), index=made.index, dtype="str")
    now = made[schema.ORIGIN] == pd.Timestamp(as_of)
    errors = made[~now].merge(values, on=_KEYS, how="inner", validate="m:1")
    errors[schema.RESIDUAL] = errors[schema.ACTUAL] - errors[schema.POINT]
    table = _bounded(made[now].reset_index(drop=True), errors, nonnegative=settings.target.nonnegative)
    client = panel[panel[schema.SOURCE] == (settings.benchmarks.client_forecast or "")]
    told = client[[*_KEYS, schema.VALUE]].rename(columns={schema.VALUE: schema.CLIENT_FORECAST})
    return table.merge(told, on=_KEYS, how="left", validate="1:1")


def _bounded(table: pd.DataFrame, errors: pd.DataFrame, *, nonnegative: bool) -> pd.DataFrame:
    if not (errors[schema.RESIDUAL].notna() & (errors[models.LEVEL] > 0)).any():
        return table.assign(**{bound: np.nan for bound in schema.BOUNDS})
    # Without a recent level last year's own size tells how wide the band has to be
    levels = table[models.LEVEL].fillna(table[schema.POINT].abs())
    bands = intervals.learn(errors)
    return intervals.add_bounds(table.assign(**{models.LEVEL: levels}), bands, nonnegative=nonnegative)
