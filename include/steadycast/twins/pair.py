"""Two providers side by side as arrays: days down, series (entity and variable) across."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadycast import schema as c
from steadycast.settings import SourceSettings

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Side = str
SERIES = [c.ENTITY, c.VARIABLE]


@dataclass(frozen=True)
class Pair:
    """What two providers know before a week, on common days and series.

    Attributes:
        source: the first provider, whose values are used while the two agree.
        twin: the second.
        as_of: all days are before it.
        days: the dates, oldest first; every day of a daily source, else those that one of the two reports.
        series: columns entity and variable; one row per column of the arrays.
        x: values of the source, NaN where it has none, shape (days, series), in the variable's unit.
        y: the same of the twin.
    """

    source: SourceSettings
    twin: SourceSettings
    as_of: dt.date
    days: pd.DatetimeIndex
    series: pd.DataFrame
    x: Floats
    y: Floats

    @property
    def tolerance(self) -> Floats:
        """``twin_tolerance`` per series, NaN where none is set."""
        known = self.series[c.VARIABLE].map(dict(self.source.twin_tolerance))
        return np.array(known, dtype=np.float64)

    def since(self, weeks: int) -> Mask:
        """The days of the last so many weeks."""
        mask: Mask = np.asarray(self.days >= pd.Timestamp(self.as_of - dt.timedelta(weeks=weeks)))
        return mask

    def side(self, name: str) -> tuple[SourceSettings, Floats]:
        """Settings and values of one of the two, by its name."""
        return (self.source, self.x) if name == self.source.name else (self.twin, self.y)

    def other(self, name: str) -> str:
        """The name of the other one."""
        return self.twin.name if name == self.source.name else self.source.name


def build(
    cells: pd.DataFrame,
    twin_cells: pd.DataFrame,
    source: SourceSettings,
    twin: SourceSettings,
    as_of: dt.date,
) -> Pair:
    """Lay the cells of two sources side by side.

    Args:
        cells: entity, date, variable, value of the source; days from as_of on are left out.
        twin_cells: the same of the twin.
        source: its settings.
        twin: its settings.
        as_of: the run's Monday.
    """
    series = _series(cells, twin_cells, source, twin)
    before = pd.Timestamp(as_of)
    frames = [frame[(frame[c.DATE] < before) & frame[c.VALUE].notna()] for frame in (cells, twin_cells)]
    dates = pd.DatetimeIndex(sorted({*frames[0][c.DATE].unique(), *frames[1][c.DATE].unique()}))
    if source.cadence == "daily" and len(dates):
        dates = pd.date_range(dates[0], before - pd.Timedelta(days=1), unit="us")
    x, y = (wide(frame, dates, series) for frame in frames)
    return Pair(source, twin, as_of, dates, series, x, y)


def wide(frame: pd.DataFrame, days: pd.DatetimeIndex, series: pd.DataFrame) -> Floats:
    """Values by day and series; NaN where there is none."""
    index = pd.MultiIndex.from_frame(series)
    place = index.get_indexer(pd.MultiIndex.from_frame(frame[SERIES]))
    row = days.get_indexer(pd.DatetimeIndex(frame[c.DATE]))
    there = (place >= 0) & (row >= 0)
    out = np.full((len(days), len(series)), np.nan)
    out[row[there], place[there]] = frame[c.VALUE].to_numpy(dtype=np.float64)[there]
    return out


def _series(
    cells: pd.DataFrame, twin_cells: pd.DataFrame, source: SourceSettings, twin: SourceSettings
) -> pd.DataFrame:
    """Entity and variable of what both report or should report."""
    shared = shared_variables(source, twin)
    entities = source.entities or sorted({*cells[c.ENTITY], *twin_cells[c.ENTITY]})
    product = pd.MultiIndex.from_product([entities, shared], names=SERIES)
    return product.to_frame(index=False).astype("str").sort_values(SERIES, ignore_index=True)


def shared_variables(source: SourceSettings, twin: SourceSettings) -> list[str]:
    """Variables that both report, in the source's order."""
    theirs = {variable.name for variable in twin.variables}
    return [variable.name for variable in source.variables if variable.name in theirs]
