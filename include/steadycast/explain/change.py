"""What changed since last week's forecast of the same weeks, split by cause; the causes sum to the change.

Between last week's forecast and this one lie steps that are taken one after the other, each with a forecast
of its own: first the history is changed to what is known of it now, then a week passes that brings what was
expected, then it brings what came, then the new model takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.features import Floats, History, Indices

BEFORE: Final = "before"
AFTER: Final = "after"
REVISION: Final = "revision"
CALENDAR: Final = "calendar"
DATA: Final = "data"
MODEL: Final = "model"
CAUSES: Final = (DATA, REVISION, MODEL, CALENDAR)
COLUMNS: Final[dict[str, str]] = {
    schema.ENTITY: "str",
    schema.WEEK: "datetime64[us]",
    BEFORE: "float64",
    AFTER: "float64",
    **{cause: "float64" for cause in CAUSES},
}
Forecasting = Callable[[History], pd.DataFrame]
"""From a history to entity, week and point, among others, with a fixed model."""
_KEYS = [schema.ENTITY, schema.WEEK]


def change(
    published: pd.DataFrame, forecast: pd.DataFrame, known: History, now: History, old_model: Forecasting
) -> pd.DataFrame:
    """Split the change of the forecast of each week that both Mondays forecast.

    Args:
        published: entity, week and point of last week's forecast.
        forecast: of this one.
        known: what was known last week.
        now: what is known this week, one week more.
        old_model: forecasts from a history with last week's model.

    Returns: COLUMNS, all in the target's unit; ``after - before`` is the sum of the causes.

        * ``revision``: values of past weeks that are not what they were, retracted ones among them.
        * ``calendar``: the week is a week nearer, and the newest week came as forecast; features keep their
          last value, and of the weeks to come nothing new is said.
        * ``data``: what the newest week really brought, and past weeks that were missing before.
        * ``model``: trained anew; also what other code than last week's changes.
    """
    before = aligned(known, now)
    revised = _with(before, now.until(len(before.weeks)), lambda old, new: np.where(np.isnan(old), old, new))
    as_revised = old_model(revised)
    # what last week's code and model say of last week's history: another number is another code's
    as_published = old_model(before)
    expected = _with_expected_week(revised, now, as_revised)
    points = {
        BEFORE: published,
        "as_published": as_published,
        "as_revised": as_revised,
        "as_expected": old_model(expected),
        "as_came": old_model(now),
        AFTER: forecast,
    }
    table = pd.concat({name: _points(told) for name, told in points.items()}, axis=1)
    table = table[table[BEFORE].notna() & table[AFTER].notna()]
    table[REVISION] = table["as_revised"] - table["as_published"]
    table[CALENDAR] = table["as_expected"] - table["as_revised"]
    table[DATA] = table["as_came"] - table["as_expected"]
    # an entity that a step can not forecast has no split; the model's share takes the whole
    table[[REVISION, CALENDAR, DATA]] = table[[REVISION, CALENDAR, DATA]].fillna(0.0)
    table[MODEL] = table[AFTER] - table[BEFORE] - table[[REVISION, CALENDAR, DATA]].sum(axis=1)
    return table.reset_index()[list(COLUMNS)].astype(COLUMNS)


def _points(told: pd.DataFrame) -> pd.Series[float]:
    return told.set_index(_KEYS)[schema.POINT]


def aligned(known: History, now: History) -> History:
    """``known`` on the weeks but the last, entities and features of ``now``; NaN where it has none."""
    weeks = now.weeks[:-1]
    rows = ((weeks - known.weeks[0]) // np.timedelta64(7, "D")).astype(np.int64)
    rows = np.where((rows >= 0) & (rows < len(known.weeks)), rows, -1)
    column = {name: i for i, name in enumerate(known.entities)}
    columns = np.array([column.get(name, -1) for name in now.entities])

    def taken(values: Floats, wide: bool) -> Floats:
        padded = np.pad(values, ((0, 1), (0, 1 if wide else 0)), constant_values=np.nan)
        told: Floats = padded[rows][:, columns] if wide else padded[rows]
        return told

    drivers = {}
    for name, new in now.drivers.items():
        old = known.drivers.get(name)
        wide = new.shape[1] > 1
        if old is not None and wide == (old.shape[1] > 1):
            drivers[name] = taken(old, wide)
        else:  # new, or one series for all became one for each: nothing to compare with
            drivers[name] = np.full((len(weeks), new.shape[1]), np.nan)
    before = now.until(len(weeks))
    ahead = {name: _said_then(known, name, new, weeks[0], columns) for name, new in before.ahead.items()}
    return replace(before, target=taken(known.target, True), drivers=drivers, ahead=ahead)


def _said_then(known: History, name: str, new: Floats, first: np.datetime64, columns: Indices) -> Floats:
    """What ``known`` has of what was said ahead, in the shape of ``new``, which begins with ``first``."""
    old = known.ahead.get(name)
    if old is None or len(old) != len(new) or (old.shape[2] > 1) != (new.shape[2] > 1):
        return np.full(new.shape, np.nan)
    start = int((first - known.weeks[0]) // np.timedelta64(7, "D"))
    rows = start + np.arange(new.shape[1])
    rows = np.where((rows >= 0) & (rows < old.shape[1]), rows, -1)
    padded = np.pad(old, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    told: Floats = padded[:, rows][:, :, columns if new.shape[2] > 1 else np.zeros(1, np.int64)]
    return told


def _with(before: History, now: History, mix: Callable[[Floats, Floats], Floats]) -> History:
    drivers = {name: mix(before.drivers[name], new) for name, new in now.drivers.items()}
    ahead = {name: mix(before.ahead[name], new) for name, new in now.ahead.items()}
    return replace(now, target=mix(before.target, now.target), drivers=drivers, ahead=ahead)


def _with_expected_week(before: History, now: History, told: pd.DataFrame) -> History:
    """One week more, which brings the old forecast, and features as they were."""
    week = pd.Timestamp(now.weeks[-1])
    points = told[told[schema.WEEK] == week].set_index(schema.ENTITY)[schema.POINT]
    target = points.reindex(list(now.entities)).to_numpy(np.float64)
    return replace(
        now,
        target=np.vstack([before.target, target]),
        drivers={name: np.vstack([values, values[-1:]]) for name, values in before.drivers.items()},
        ahead={name: _said_again(said, now.ahead[name]) for name, said in before.ahead.items()},
    )


def _said_again(before: Floats, now: Floats) -> Floats:
    """Of the coming weeks nothing new is said; only of the last one, of which nothing was, what is now."""
    horizons, weeks = len(before), before.shape[1]
    told = np.concatenate([before, np.full((horizons, 1, before.shape[2]), np.nan)], axis=1)
    for step in range(horizons - 1):
        week = weeks - horizons + 1 + step
        told[step, week] = before[step + 1, week]
    told[-1, -1] = now[-1, -1]
    return told


def total(table: pd.DataFrame) -> dict[str, float]:
    """Before, after and the causes, of all entities together in a mean week."""
    weeks = max(int(table[schema.WEEK].nunique()), 1)
    return {name: float(table[name].sum()) / weeks for name in (BEFORE, AFTER, *CAUSES)}
