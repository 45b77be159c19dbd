"""What each forecast is made of: contributions by group, in the target's unit, that sum to the point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from steadycast import models, schema
from steadycast.explain import groups
from steadycast.features import Floats
from steadycast.models import Forecaster

GROUP: Final = "group"
CONTRIBUTION: Final = "contribution"
COLUMNS: Final[dict[str, str]] = {
    schema.ENTITY: "str",
    schema.WEEK: "datetime64[us]",
    schema.HORIZON: "int64",
    GROUP: "str",
    CONTRIBUTION: "float64",
}
_EXACT = 1e-9


def contributions(
    forecaster: Forecaster,
    model: models.Model,
    forecast: pd.DataFrame,
    drivers: Mapping[str, str],
) -> pd.DataFrame:
    """Contributions to the forecast of the weeks after the history.

    Args:
        forecaster: on the history that is known.
        model: may have no boosters.
        forecast: FORECAST_DTYPES, as infer made it from the same.
        drivers: group per feature of the settings.

    Returns: COLUMNS, one row per entity, week and group; their sum over groups is the point. The group
    ``rest`` has what the model's parts do not explain, e.g. the last value that stands in for a forecast
    where too few weeks are known.
    """
    tables = [
        _of_horizon(
            forecaster,
            model,
            forecast[forecast[schema.HORIZON] == horizon].set_index(schema.ENTITY),
            horizon,
            drivers,
        )
        for horizon in sorted(int(h) for h in forecast[schema.HORIZON].unique())
    ]
    table = pd.concat(tables, ignore_index=True)[list(COLUMNS)].astype(COLUMNS)
    return table.sort_values([schema.ENTITY, schema.WEEK], kind="stable", ignore_index=True)


def _of_horizon(
    forecaster: Forecaster,
    model: models.Model,
    forecast: pd.DataFrame,
    horizon: int,
    drivers: Mapping[str, str],
) -> pd.DataFrame:
    history = forecaster.history
    told = by_group(
        models.parts(forecaster, model, np.array([len(history.weeks)]), horizon),
        groups.of_columns(forecaster.feature_names, drivers),
    )
    wide = pd.DataFrame({group: values[0] for group, values in told.items()}, index=list(history.entities))
    wide = wide.reindex(forecast.index).fillna(0.0)
    rest = forecast[schema.POINT] - wide.sum(axis=1)
    wide[groups.REST] = rest.where(rest.abs() > _EXACT * wide.abs().sum(axis=1), 0.0)
    wide = wide.loc[:, (wide != 0).any()]
    wide = wide.rename_axis(index=schema.ENTITY, columns=GROUP)
    long = wide.reset_index().melt(id_vars=schema.ENTITY, var_name=GROUP, value_name=CONTRIBUTION)
    week = history.weeks[-1] + np.timedelta64(7 * horizon, "D")
    return long.assign(**{schema.HORIZON: horizon, schema.WEEK: week.astype("datetime64[us]")})


def by_group(parts: models.Parts, columns: list[str]) -> dict[str, Floats]:
    """The parts summed by group, each (S, N).

    Args:
        parts: of a forecast.
        columns: group of each of the boosters' columns.
    """
    told: dict[str, Floats] = {
        groups.START: np.where(parts.has_last_year, parts.start, 0.0),
        groups.LEVEL: np.where(parts.has_last_year, 0.0, parts.start),
        groups.GROWTH: parts.growth.copy(),
        groups.SEASON: parts.neighbours + parts.season,
    }
    for j, group in enumerate(columns):
        told[group] = told.get(group, 0.0) + parts.columns[..., j]
    return {**told, groups.MEAN_MISS: parts.mean_miss, groups.BOUND: parts.bound}


def total(table: pd.DataFrame) -> pd.Series[float]:
    """Contribution by group to the sum of all entities, in a mean week; the largest first, the start on top.

    Args:
        table: COLUMNS.
    """
    summed = table.groupby(GROUP, sort=False)[CONTRIBUTION].sum() / max(table[schema.WEEK].nunique(), 1)
    starts = [name for name in (groups.START, groups.LEVEL) if name in summed.index]
    others = summed.drop(starts)
    return summed.reindex([*starts, *others.abs().sort_values(ascending=False, kind="stable").index])
