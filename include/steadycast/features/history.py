"""The weekly past of all series as arrays.

The panel becomes wide arrays, weeks × entities. An *origin* is the index of the first unknown week; a
feature of (origin, horizon) reads indices below the origin, or the calendar, which is known for ever, or what
was said by the origin's Monday of the week ``horizon``. That rule is the whole defence against looking into
the future, so every slice below is written as an offset back from the origin.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from steadycast import schema
from steadycast.errors import ModelError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """The weekly past of all series, wide.

    Attributes:
        weeks: Mondays without a gap, shape (T,).
        entities: sorted, N of them.
        target: value per week, NaN where missing, shape (T, N), in the target's unit.
        drivers: feature series by name ``source.variable``, each (T, N), or (T, 1) where one series serves
            all.
        ahead: what was said of weeks to come, by name, each (H, T + H, N) or (H, T + H, 1): element
            [h - 1, t] is what was known of week t at the origin t - h + 1; NaN where that has not come yet.
    """

    weeks: npt.NDArray[np.datetime64]
    entities: tuple[str, ...]
    target: Floats
    drivers: Mapping[str, Floats]
    ahead: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, Floats]:
        """Each series that the model sees beside the target, (T, N) or (T, 1).

        Of one that it sees of weeks to come only, what was known of each week when it began.
        """
        return {name: said[0, : len(self.weeks)] for name, said in self.ahead.items()} | dict(self.drivers)

    @property
    def as_of(self) -> dt.date:
        """The Monday after the last week."""
        return (self.weeks[-1] + np.timedelta64(7, "D")).astype("datetime64[D]").item()  # type: ignore[no-any-return]

    def until(self, weeks: int) -> History:
        """The first ``weeks`` weeks of it, as if the rest had not happened."""
        return History(
            self.weeks[:weeks],
            self.entities,
            self.target[:weeks],
            {name: values[:weeks] for name, values in self.drivers.items()},
            {name: _by(said[:, : weeks + len(said)], weeks) for name, said in self.ahead.items()},
        )

    def part(self, chosen: Indices) -> History:
        """The history of some entities, by their positions."""
        return History(
            self.weeks,
            tuple(self.entities[i] for i in chosen),
            self.target[:, chosen],
            {name: _some(values, chosen) for name, values in self.drivers.items()},
            {name: _some(said, chosen) for name, said in self.ahead.items()},
        )


def _some(values: Floats, chosen: Indices) -> Floats:
    """The chosen entities along the last axis; one series for all stays."""
    return values if values.shape[-1] == 1 else values[..., chosen]


def _by(said: Floats, origin: int) -> Floats:
    """What was said until an origin; the rest is missing."""
    told = said.copy()
    for step in range(len(said)):
        told[step, origin + step + 1 :] = np.nan
    return told


def history(
    panel: pd.DataFrame,
    *,
    source: str,
    variable: str,
    features: Mapping[str, Sequence[str]],
    late_weeks: Mapping[str, int],
    as_of: dt.date,
    max_weeks: int,
    ahead: Mapping[str, Sequence[str]] = MappingProxyType({}),
    horizons: int = 0,
) -> History:
    """Turn the long panel into arrays, leaving out all weeks from ``as_of`` on.

    Args:
        panel: rows of PANEL_DTYPES.
        source: the target's source.
        variable: the target's variable.
        features: per source, the variables that the model may see; one that the panel lacks stays missing.
        late_weeks: per source, weeks by which its values usually come late; they are moved there by so many
            weeks, lest the model learns from values that a Monday does not have yet.
        as_of: the origin, a Monday.
        max_weeks: how many weeks back from ``as_of`` to keep at most.
        ahead: per source, the variables of which the model may see what was known of the weeks to come.
        horizons: weeks ahead.

    Raises:
        ModelError: the panel has no value of the target before ``as_of``.
    """
    known = panel[panel[schema.WEEK] < pd.Timestamp(as_of)]
    mine = known[(known[schema.SOURCE] == source) & (known[schema.VARIABLE] == variable)]
    if not mine[schema.VALUE].notna().any():
        raise ModelError(
            f"the panel has no value of {source}.{variable} before {as_of}",
            remedy=f"look at the impute task of {as_of} and at what {source} delivered",
        )
    earliest = mine.loc[mine[schema.VALUE].notna(), schema.WEEK].min()
    first = max(earliest, pd.Timestamp(as_of) - pd.Timedelta(weeks=max_weeks))
    weeks = pd.date_range(first, pd.Timestamp(as_of) - pd.Timedelta(weeks=1), freq="7D", unit="us")
    target = _wide(mine, weeks)
    entities = tuple(str(entity) for entity in target.columns)
    drivers = {
        f"{name}.{wanted}": late(_driver(known, name, wanted, weeks, entities), late_weeks.get(name, 0))
        for name, variables in features.items()
        for wanted in variables
    }
    said = {
        f"{name}.{wanted}": _said(panel, name, wanted, weeks, entities, horizons)
        for name, variables in ahead.items()
        for wanted in variables
    }
    mondays = weeks.to_numpy().astype("datetime64[D]")
    return History(mondays, entities, target.to_numpy(np.float64), drivers, said)


def _said(
    panel: pd.DataFrame,
    source: str,
    variable: str,
    weeks: pd.DatetimeIndex,
    entities: Sequence[str],
    horizons: int,
) -> Floats:
    """What was known of a variable's weeks at each horizon, (H, T + H, N) or (H, T + H, 1)."""
    longer = pd.date_range(weeks[0], periods=len(weeks) + horizons, freq="7D", unit="us")
    each = [
        _driver(panel, source, schema.ahead(variable, horizon), longer, entities)
        for horizon in range(1, horizons + 1)
    ]
    wide = max(part.shape[1] for part in each)
    # a horizon that the source never speaks of has no entities of its own
    return _by(np.stack([np.broadcast_to(part, (len(longer), wide)) for part in each]), len(weeks))


def _wide(rows: pd.DataFrame, weeks: pd.DatetimeIndex) -> pd.DataFrame:
    wide = rows.pivot(index=schema.WEEK, columns=schema.ENTITY, values=schema.VALUE)
    return wide.sort_index(axis=1).reindex(weeks)


def _driver(
    known: pd.DataFrame, source: str, variable: str, weeks: pd.DatetimeIndex, entities: Sequence[str]
) -> Floats:
    rows = known[(known[schema.SOURCE] == source) & (known[schema.VARIABLE] == variable)]
    wide = _wide(rows, weeks)
    if set(wide.columns) & set(entities):
        return wide.reindex(columns=list(entities)).to_numpy(np.float64)
    # Weather of one city, prices of one country: every series sees the mean of what there is
    return row_means(wide.to_numpy(np.float64))


def late(values: Floats, weeks: int) -> Floats:
    """The values moved ``weeks`` rows down, missing at the beginning."""
    moved = np.full(values.shape, np.nan)
    moved[weeks:] = values[: len(values) - weeks] if weeks else values
    return moved


def row_means(values: Floats) -> Floats:
    """Mean over entities of what is there, NaN where nothing is; shape (T, N) -> (T, 1)."""
    there = ~np.isnan(values)
    count = there.sum(axis=1, keepdims=True)
    total = np.where(there, values, 0.0).sum(axis=1, keepdims=True)
    means: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means
