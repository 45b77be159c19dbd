"""The weekly panel: what happened, what was known when a week began, and what was said of weeks to come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast import timing, twins
from steadycast.errors import SourceAbsent
from steadycast.filling import carry, climatology, from_twin
from steadycast.settings import Settings, SourceSettings, Variable
from steadycast.weekly import to_weekly

_SERIES: Final = [c.ENTITY, c.VARIABLE]
Said = Mapping[str, Sequence[pd.DataFrame]]
"""Per source, what was known at each horizon, as ``ahead.said`` reads it."""


def weekly_panel(
    settings: Settings,
    observed: Mapping[str, pd.DataFrame],
    arbitration: twins.Arbitration | None = None,
    said: Said = MappingProxyType({}),
    *,
    as_of: dt.date,
) -> pd.DataFrame:
    """The weekly panel of target, features, what was said of weeks to come, and the client's forecast.

    Args:
        settings: which sources and variables, and their rules.
        observed: per source: entity, date, variable, value; not changed.
        arbitration: the usual differences of the twins; none if left out.
        said: of the sources of ``forecast.ahead``, what was known at each horizon.
        as_of: weeks before it; of the client's forecast and of what is said ahead also those of the horizon.

    Returns: PANEL_DTYPES, one row per source, entity, variable and week from the target's first week on,
        sorted.

    Raises:
        SourceAbsent: the target has no observation before as_of.
    """
    target = settings.target_source
    rows = _of(observed[target.name], target.variable(settings.target.variable), before=as_of)
    if rows.empty:
        raise SourceAbsent(
            target.name,
            f"has no value of {settings.target.variable} before {as_of}",
            remedy=f"look at ingest and validate of {target.name} for the week {as_of}",
        )
    weeks = timing.weeks_of(rows[c.DATE].min().date(), as_of)
    parts = [_own_weeks(observed, target, settings.target.variable, weeks, as_of)]
    for name, variables in settings.forecast.features.items():
        for variable in variables:
            parts.append(
                _feature(settings, observed, arbitration or twins.nothing(), (name, variable), weeks, as_of)
            )
    for name, variables in settings.forecast.ahead.items():
        for variable in variables:
            parts += _ahead(settings, observed[name], said[name], (name, variable), weeks, as_of)
    client = settings.benchmarks.client_forecast
    if client is not None:
        end = as_of + dt.timedelta(weeks=settings.forecast.horizon_weeks)
        ahead = timing.weeks_of(weeks[0].date(), end)
        for own in settings.source(client).variables:
            parts.append(_own_weeks(observed, settings.source(client), own.name, ahead, end))
    found = pd.concat(parts, ignore_index=True)[list(c.PANEL_DTYPES)].astype(c.PANEL_DTYPES)
    return found.sort_values([c.SOURCE, *_SERIES, c.WEEK], ignore_index=True)


def _of(observed: pd.DataFrame, variable: Variable, *, before: dt.date) -> pd.DataFrame:
    """Believable values of one variable before a day."""
    value = observed[c.VALUE]
    keep = (observed[c.VARIABLE] == variable.name) & (observed[c.DATE] < pd.Timestamp(before)) & value.notna()
    if variable.minimum is not None:
        keep &= value >= variable.minimum
    if variable.maximum is not None:
        keep &= value <= variable.maximum
    return observed.loc[keep, [*c.CELL, c.VALUE]]


def _own_weeks(
    observed: Mapping[str, pd.DataFrame],
    source: SourceSettings,
    variable: str,
    weeks: pd.DatetimeIndex,
    before: dt.date,
) -> pd.DataFrame:
    """What happened in each week (or is said of it), as reported; not filled."""
    own = source.variable(variable)
    rows = _of(observed[source.name], own, before=before)
    values = to_weekly(rows, own, cadence=source.cadence)
    return _observed(_on_grid(values, weeks, _entities(source, observed[source.name])), source.name, variable)


def _feature(
    settings: Settings,
    observed: Mapping[str, pd.DataFrame],
    arbitration: twins.Arbitration,
    feature: tuple[str, str],
    weeks: pd.DatetimeIndex,
    as_of: dt.date,
) -> pd.DataFrame:
    """One feature of all its entities, filled by its source's method."""
    source, variable = settings.source(feature[0]), feature[1]
    found, overdue = reported(observed, source, variable, weeks, as_of)
    if source.imputation.method == "carry":
        return carry(found, overdue, source.imputation.max_gap_weeks)
    found = found.assign(**{c.VALUE: found[c.VALUE].where(found[c.HOW] == "observed")})
    if source.imputation.method == "climatology":
        return climatology(found)
    if source.imputation.method == "twin" and source.twin is not None:
        twin = settings.source(source.twin)
        if variable in {v.name for v in twin.variables}:
            usual = arbitration.usual_bias(source.name, twin.name, variable)
            return from_twin(found, reported(observed, twin, variable, weeks, as_of)[0], usual)
    return found


def _ahead(
    settings: Settings,
    observed: pd.DataFrame,
    said: Sequence[pd.DataFrame],
    feature: tuple[str, str],
    weeks: pd.DatetimeIndex,
    as_of: dt.date,
) -> list[pd.DataFrame]:
    """What was known of a variable's weeks at each horizon: of this Monday's, all that is known now."""
    source = settings.source(feature[0])
    variable, entities = source.variable(feature[1]), _entities(source, observed)
    last = as_of + dt.timedelta(weeks=len(said))
    now = to_weekly(_of(observed, variable, before=last), variable, cadence=source.cadence)
    parts = []
    for horizon, then in enumerate(said, start=1):
        week = pd.Timestamp(as_of) + pd.Timedelta(weeks=horizon - 1)
        end = (week + pd.Timedelta(weeks=1)).date()
        before = to_weekly(_of(then, variable, before=week.date()), variable, cadence=source.cadence)
        values = pd.concat([before, now[now[c.WEEK] == week]])
        grid = _on_grid(values, timing.weeks_of(weeks[0].date(), end), entities)
        parts.append(_observed(grid, source.name, c.ahead(variable.name, horizon)))
    return parts


def reported(
    observed: Mapping[str, pd.DataFrame],
    source: SourceSettings,
    variable: str,
    weeks: pd.DatetimeIndex,
    as_of: dt.date,
) -> tuple[pd.DataFrame, pd.Series]:
    """A variable as reported, and for how many weeks its newer value has been due (0: it is not)."""
    own = source.variable(variable)
    entities = _entities(source, observed[source.name])
    rows = _of(observed[source.name], own, before=as_of)
    if source.cadence == "daily":
        found = _observed(_on_grid(to_weekly(rows, own), weeks, entities), source.name, variable)
        return found, _weeks_since(found)
    known = timing.known_at_start(rows, source, weeks, entities)
    overdue = timing.overdue_weeks(known, source)
    found = _observed(known[[c.ENTITY, c.WEEK, c.VALUE]], source.name, variable)
    found.loc[overdue > 0, c.HOW] = "missing"
    return found, overdue


def _entities(source: SourceSettings, observed: pd.DataFrame) -> list[str]:
    return list(source.entities) if source.entities else sorted(observed[c.ENTITY].unique())


def _on_grid(values: pd.DataFrame, weeks: pd.DatetimeIndex, entities: list[str]) -> pd.DataFrame:
    grid = pd.MultiIndex.from_product([entities, weeks], names=[c.ENTITY, c.WEEK])
    found: pd.DataFrame = values.set_index([c.ENTITY, c.WEEK])[[c.VALUE]].reindex(grid).reset_index()
    return found


def _observed(values: pd.DataFrame, source: str, variable: str) -> pd.DataFrame:
    found = values.sort_values([c.ENTITY, c.WEEK], ignore_index=True)
    found[c.SOURCE], found[c.VARIABLE] = source, variable
    found[c.HOW] = pd.Series(np.where(found[c.VALUE].notna(), "observed", "missing"), dtype="str")
    return found


def _weeks_since(found: pd.DataFrame) -> pd.Series:
    """Weeks since the entity's last value; 0 in a week that has one, NaN before the first."""
    last = found[c.WEEK].where(found[c.VALUE].notna()).groupby(found[c.ENTITY]).ffill()
    since: pd.Series = (found[c.WEEK] - last).dt.days / 7
    return since
