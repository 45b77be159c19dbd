"""A source's past and one more poll of it, made by hand, for the tests of revisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from steadycast.lake.cells import Versions, from_frame
from steadycast.revisions import Review, review
from steadycast.settings.sources import LocalFileSource

AS_OF = pd.Timestamp("2016-06-06")
EPOCH = pd.Timestamp("1970-01-01")
WEEKS = 110


def source(cadence: str = "daily", unit: str = "degC", lookback_weeks: int = 8) -> LocalFileSource:
    """A source of one variable, x."""
    return LocalFileSource.model_validate(
        {
            "name": "s",
            "kind": "local_file",
            "path": "/none",
            "layout": {"entity": "one"},
            "cadence": cadence,
            "lookback_weeks": lookback_weeks,
            "variables": [{"name": "x", "unit": unit}],
        }
    )


def dates(cadence: str = "daily", weeks: int = WEEKS) -> pd.DatetimeIndex:
    """All dates before AS_OF."""
    freq = {"daily": "D", "weekly": "W-FRI", "monthly": "MS"}[cadence]
    return pd.date_range(AS_OF - pd.Timedelta(weeks=weeks), AS_OF - pd.Timedelta(days=1), freq=freq)


def winter(entities: Sequence[str] = ("a", "b"), cadence: str = "daily") -> pd.DataFrame:
    """Temperatures in degC that are far below zero in winter, one decimal; each entity has its own."""
    rng = np.random.default_rng(3)
    days = dates(cadence)
    season = -12 - 12 * np.cos(2 * np.pi * (days.day_of_year - 15) / 365.25)
    found = {e: season + 3 * i + rng.normal(0, 3, len(days)) for i, e in enumerate(entities)}
    return pd.DataFrame(found, index=days).round(1)


def rides(entities: Sequence[str] = ("a", "b", "c", "d"), cadence: str = "daily") -> pd.DataFrame:
    """Counts with quiet weekends, never negative, three decimals; levels differ by entity."""
    rng = np.random.default_rng(4)
    days = dates(cadence)
    week = np.where(days.day_of_week >= 5, 0.5, 1.0) if cadence == "daily" else np.ones(len(days))
    found = {e: (2.0 + 5 * i) * week * np.exp(rng.normal(0, 0.05, len(days))) for i, e in enumerate(entities)}
    return pd.DataFrame(found, index=days).round(3)


def long(wide: pd.DataFrame) -> pd.DataFrame:
    """entity, date, variable, value of what is there."""
    rows = wide.rename_axis("date").reset_index().melt("date", var_name="entity", value_name="value")
    return rows[rows["value"].notna()].assign(variable="x")


@dataclass
class Story:
    """What was told, and by how many polls; ``tell`` judges one more of them.

    Attributes:
        wide: dates × entities as they stand; the newest period is still unknown.
        setting: the source.
        polls: polls before, one a week.
        before: earlier versions of cells: (entity, date) to (value, moment), older than what stands.
    """

    wide: pd.DataFrame
    setting: LocalFileSource = field(default_factory=source)
    polls: int = 60
    before: Mapping[tuple[str, pd.Timestamp], tuple[float, pd.Timestamp]] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """Rows that the poll brings for the first time."""
        return {"daily": 7, "weekly": 1, "monthly": 1}[self.setting.cadence]

    def known(self) -> Versions:
        rows = long(self.wide.iloc[: -self.newest])
        after = rows["date"] + pd.to_timedelta(7 - rows["date"].dt.day_of_week, unit="D")
        rows["moment"] = (after - EPOCH).dt.days.astype("float64")
        if self.before:
            earlier = pd.DataFrame(
                [(e, d, v, (m - EPOCH).days) for (e, d), (v, m) in self.before.items()],
                columns=["entity", "date", "first", "since"],
            )
            rows = rows.merge(earlier, on=["entity", "date"], how="left")
            revised = rows["first"].notna()
            first = rows[revised].assign(value=rows["first"])
            rows["moment"] = rows["moment"].mask(revised, rows["since"])
            rows = pd.concat([rows, first])
        cells = from_frame("s", rows)
        moment = rows["moment"].to_numpy()
        order = np.lexsort((moment, cells.day, cells.variable, cells.entity))
        cells, moment = cells.take(order), moment[order]
        same = (cells.entity[1:] == cells.entity[:-1]) & (cells.day[1:] == cells.day[:-1])
        as_of, back = (AS_OF - EPOCH).days, 7 * self.setting.lookback_weeks
        weeks = [as_of - 7 * k for k in range(self.polls, 0, -1)]
        polls = np.array([[w, w - back, w - 1] for w in weeks], dtype="float64").reshape(-1, 3)
        return Versions(cells, np.append(True, ~same), moment, polls)

    def window(self) -> pd.DataFrame:
        """What an honest poll says."""
        return self.wide[AS_OF - pd.Timedelta(weeks=self.setting.lookback_weeks) :].copy()

    def tell(self, spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda poll: poll) -> Review:
        as_of = (AS_OF - EPOCH).days
        start = as_of - 7 * self.setting.lookback_weeks
        polled = from_frame("s", long(spoil(self.window())))
        return review(self.setting, polled, self.known(), start=start, as_of=as_of)
