"""Odd forecasts: real ones with a fault in them, at a random series, of a random size."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks import ours, weekly
from steadycast import schema

NUMBERS = [schema.POINT, *schema.BOUNDS]
BENCHMARKS = [schema.SAME_WEEK_LAST_YEAR, schema.MOVING_AVERAGE, schema.LAST_VALUE]
FACTORS = (0.001, 0.01, 0.1, 0.45, 2.2, 10.0, 100.0, 1000.0)
WIDER = (2.5, 3.0, 5.0, 10.0)
Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A week with a fault in it: the forecast, the panel that it was made from, and whose it is.

    Attributes:
        forecast: FORECAST_DTYPES.
        panel: PANEL_DTYPES.
        entities: the series with the fault; empty if all have it.
    """

    forecast: pd.DataFrame
    panel: pd.DataFrame
    entities: tuple[str, ...]


Inject = Callable[[weekly.Year, dt.date, Random], Case]


def _pick(forecast: pd.DataFrame, random: Random, count: int) -> tuple[str, ...]:
    names = sorted(forecast[schema.ENTITY].unique())
    return tuple(str(name) for name in random.choice(names, size=count, replace=False))


def _of(forecast: pd.DataFrame, entities: Sequence[str]) -> pd.Series:
    return forecast[schema.ENTITY].isin(entities) if entities else pd.Series(True, index=forecast.index)


def wide(one: bool) -> Inject:
    """The interval explodes around its point."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        out = year.forecasts[monday].copy()
        entities = _pick(out, random, 1) if one else ()
        mine, factor = _of(out, entities), float(random.choice(WIDER))
        for bound in schema.BOUNDS:
            far = out.loc[mine, schema.POINT] + factor * (out.loc[mine, bound] - out.loc[mine, schema.POINT])
            out.loc[mine, bound] = far.clip(lower=0)
        return Case(out, year.panel, entities)

    return inject


def scaled(one: bool) -> Inject:
    """A forecast in another unit."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        out = year.forecasts[monday].copy()
        entities = _pick(out, random, 1) if one else ()
        out.loc[_of(out, entities), NUMBERS] *= float(random.choice(FACTORS))
        return Case(out, year.panel, entities)

    return inject


def scaled_input(weeks: int) -> Inject:
    """One series' newest weeks arrive in another unit, and the forecast is made from them."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1)
        panel = year.panel.copy()
        new = _newest(panel, monday, weeks) & panel[schema.ENTITY].isin(entities)
        panel.loc[new, schema.VALUE] *= float(random.choice(FACTORS))
        return _remade(year, monday, panel, entities)

    return inject


def missing_input(one: bool) -> Inject:
    """The newest four weeks are not there."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1) if one else ()
        panel = year.panel.copy()
        panel.loc[_newest(panel, monday, 4) & _of(panel, entities), schema.VALUE] = np.nan
        return _remade(year, monday, panel, entities)

    return inject


def stuck_input(one: bool) -> Inject:
    """The value of two to four weeks ago is sent again and again."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1) if one else ()
        weeks = int(random.integers(1, 4))
        return _remade(year, monday, _repeated(year.panel, monday, weeks, 1, entities), entities)

    return inject


def resent_input(one: bool) -> Inject:
    """The newest four weeks are the four weeks before them, sent again."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1) if one else ()
        return _remade(year, monday, _repeated(year.panel, monday, 4, 4, entities), entities)

    return inject


def _repeated(
    panel: pd.DataFrame, monday: dt.date, weeks: int, cycle: int, entities: Sequence[str]
) -> pd.DataFrame:
    wide_ = panel.pivot(index=schema.WEEK, columns=schema.ENTITY, values=schema.VALUE)
    end = wide_.index.get_loc(pd.Timestamp(monday))
    columns = list(entities) or list(wide_.columns)
    for step in range(end - weeks, end):
        wide_.loc[wide_.index[step], columns] = wide_.loc[wide_.index[step - cycle], columns]
    return ours.panel(wide_)


def old_forecast(year: weekly.Year, monday: dt.date, random: Random) -> Case:
    """The forecast of two weeks before, its weeks renamed to this run's."""
    at = year.origins.index(monday)
    old = year.forecasts[year.origins[max(at - 2, 0)]].copy()
    shift = pd.Timestamp(monday) - old[schema.AS_OF]
    old[schema.WEEK] = old[schema.WEEK] + shift
    old[schema.AS_OF] = pd.Timestamp(monday)
    return Case(old, year.panel, ())


def swapped_rows(columns: list[str]) -> Inject:
    """Two series have each other's forecast."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        out = year.forecasts[monday].copy()
        one, other = _pick(out, random, 2)
        mine, theirs = out[schema.ENTITY] == one, out[schema.ENTITY] == other
        kept = out.loc[mine, columns].to_numpy()
        out.loc[mine, columns] = out.loc[theirs, columns].to_numpy()
        out.loc[theirs, columns] = kept
        return Case(out, year.panel, (one, other))

    return inject


def swapped_input(weeks: int) -> Inject:
    """Two series' newest weeks arrive under each other's name."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        one, other = _pick(year.forecasts[monday], random, 2)
        panel = year.panel.copy()
        new = _newest(panel, monday, weeks)
        names = panel.loc[new, schema.ENTITY]
        panel.loc[new, schema.ENTITY] = names.replace({one: other, other: one})
        return _remade(year, monday, panel, (one, other))

    return inject


def cold(weeks: int) -> Inject:
    """A series of which only the newest weeks are known."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1)
        panel = year.panel.copy()
        old = panel[schema.WEEK] < pd.Timestamp(monday) - pd.Timedelta(weeks=weeks)
        panel.loc[old & panel[schema.ENTITY].isin(entities), schema.VALUE] = np.nan
        return _remade(year, monday, panel, entities)

    return inject


def _newest(panel: pd.DataFrame, monday: dt.date, weeks: int) -> pd.Series:
    end = pd.Timestamp(monday)
    return (panel[schema.WEEK] >= end - pd.Timedelta(weeks=weeks)) & (panel[schema.WEEK] < end)


def _remade(year: weekly.Year, monday: dt.date, panel: pd.DataFrame, entities: tuple[str, ...]) -> Case:
    made = weekly.forecast(panel, ours.settings(threads=1), year.trained[monday], monday)
    return Case(made, panel, entities)


VARIANTS: dict[str, Inject] = {
    "exploded width / one series": wide(True),
    "exploded width / all": wide(False),
    "scale error / one series": scaled(True),
    "scale error / all": scaled(False),
    "scale error / newest week of the input": scaled_input(1),
    "scale error / newest 8 weeks of the input": scaled_input(8),
    "stale input / 4 weeks missing, one series": missing_input(True),
    "stale input / 4 weeks missing, all": missing_input(False),
    "stale input / last value stuck, one series": stuck_input(True),
    "stale input / last value stuck, all": stuck_input(False),
    "stale input / 4 weeks sent again, one series": resent_input(True),
    "stale input / 4 weeks sent again, all": resent_input(False),
    "stale input / an old forecast": old_forecast,
    "swapped entity / rows": swapped_rows([*NUMBERS, *BENCHMARKS]),
    "swapped entity / points and bounds": swapped_rows(NUMBERS),
    "swapped entity / newest week of the input": swapped_input(1),
    "swapped entity / newest 8 weeks of the input": swapped_input(8),
    "cold start / 3 weeks known": cold(3),
    "cold start / 12 weeks known": cold(12),
    "cold start / 40 weeks known": cold(40),
}
