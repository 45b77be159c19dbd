"""Twelve kinds of rewrite and fault, as functions that spoil a provider's answer at a random place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.sources.histories import Source, Wide
from steadycast.revisions import kinds


@dataclass
class Place:
    """Where a fault goes.

    Attributes:
        source: the source.
        as_of: the Monday.
        rng: decides everything else.
        told: what the provider says, all dates before the Monday.
        ahead: the same with the week after it: a provider knows the hours after midnight.
        new_only: spoil the newest period only, else also what was known.
        variable: the variable.
        entities: the entities.
    """

    source: Source
    as_of: dt.date
    rng: np.random.Generator
    told: Wide
    ahead: Wide
    new_only: bool
    variable: str
    entities: list[str]

    @property
    def window(self) -> slice:
        """Dates that are spoilt: the look-back window, or the newest period."""
        start = pd.Timestamp(self.source.start(self.as_of))
        if self.new_only:
            size = 7 if self.source.settings.cadence == "daily" else 1
            start = self.told[self.variable].index[-size]
        return slice(start, None)

    @property
    def part(self) -> pd.DataFrame:
        """The values that are spoilt."""
        return self.told[self.variable].loc[self.window, self.entities]

    def noise(self) -> float:
        """How far the series usually move from period to period."""
        lag = 7 if self.source.settings.cadence == "daily" else 1
        recent = self.told[self.variable][self.entities].iloc[-365 if lag == 7 else -60 :]
        return float(np.nanmedian(recent.diff(lag).abs().to_numpy()) * 1.05)

    def put(self, part: pd.DataFrame, decimals: int | None = None) -> Wide:
        """The answer with the spoilt values in it."""
        places = self.source.decimals[self.variable] if decimals is None else decimals
        whole = self.told[self.variable].copy()
        whole.loc[part.index, part.columns] = part.round(places)
        return {**self.told, self.variable: whole}


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return size if rng.random() < 0.5 else 1 / size


def scaled(at: Place) -> Wide:
    """Times 1.05 to 3 (or its inverse); a new week alone times 2.5 to 10."""
    low, high = (2.5, 10.0) if at.new_only else (1.05, 3.0)
    return at.put(at.part * _log_uniform(at.rng, low, high))


def offset(at: Place) -> Wide:
    """Plus or minus 0.5 to 5 noises; a new week alone plus 8 to 15."""
    low, high = (8.0, 15.0) if at.new_only else (0.5, 5.0)
    amount = at.rng.uniform(low, high) * at.noise()
    signed = float(np.nanmin(at.part.to_numpy())) < 0
    return at.put(at.part + (amount if at.rng.random() < 0.7 or not signed else -amount))


UNITS = {
    "entries": (1000.0, 0.0), "tmax_f": (1 / 1.8, -32 / 1.8), "tmin_f": (1 / 1.8, -32 / 1.8),
    "tmean_c": (1.8, 32.0), "wind_mph": (1.609344, 0.0), "sales_usd": (0.001, 0.0),
    "temperature_f": (1 / 1.8, -32 / 1.8), "fuel_usd_gal": (1 / 3.785411784, 0.0), "demand_mwh": (0.001, 0.0),
    "unrate": (0.01, 0.0), "payems": (1000.0, 0.0),
}  # fmt: skip


def unit(at: Place) -> Wide:
    """Persons for thousands, degC for degF and back, km/h, GWh, USD per litre and so on."""
    times, plus = UNITS[at.variable]
    more = 3 if times < 0.1 else 1
    return at.put(at.part * times + plus, at.source.decimals[at.variable] + more)


def shift_day(at: Place) -> Wide:
    """All dates one day late or early."""
    return _shift(at, 1 if at.rng.random() < 0.5 else -1)


def shift_week(at: Place) -> Wide:
    """All dates one week late or early."""
    step = 7 if at.source.settings.cadence == "daily" else 1
    return _shift(at, step if at.rng.random() < 0.5 else -step)


def _shift(at: Place, steps: int) -> Wide:
    moved = at.ahead[at.variable].shift(steps)
    return at.put(moved.loc[at.part.index, at.entities])


def stuck(at: Place) -> Wide:
    """The newest 4 to 21 days (3 to 6 dates, if not daily) repeat the value before them."""
    part = at.part
    if not at.new_only:
        daily = at.source.settings.cadence == "daily"
        part = part.iloc[-int(at.rng.integers(8, 22) if daily else at.rng.integers(3, 6)) :]
    before = at.told[at.variable].loc[: part.index[0], at.entities].iloc[:-1].ffill().iloc[-1]
    return at.put(part.where(part.isna(), before, axis=1))


def swapped(at: Place) -> Wide:
    """Two entities, or two variables of one entity, change places."""
    whole = at.told[at.variable]
    others = [e for e in whole.columns if e not in at.entities[:1]]
    one = at.entities[0]
    if others:
        other = str(at.rng.choice(others))
        at.entities = [one, other]
        return at.put(at.part.rename(columns={one: other, other: one}))
    variable = str(at.rng.choice([v for v in at.told if v != at.variable]))
    here, there = at.part, at.told[variable].loc[at.part.index, at.part.columns]
    answer = at.put(there)
    answer[variable] = answer[variable].copy()
    answer[variable].loc[here.index, here.columns] = here
    return answer


def holes(at: Place) -> Wide:
    """15 to 50 % of the dates are missing here and there."""
    part = at.part
    gone = at.rng.random(part.shape) < at.rng.uniform(0.15, 0.5)
    return at.put(part.mask(gone))


def cut(at: Place) -> Wide:
    """Midnight of another time zone: 10 to 40 % of the day beside it; for tmax the file's own wrong cut."""
    if at.variable in at.source.extra:
        return at.put(at.source.extra[at.variable].loc[at.part.index, at.entities])
    beside = at.ahead[at.variable].shift(-1 if at.rng.random() < 0.5 else 1).loc[at.part.index, at.entities]
    share = at.rng.uniform(0.1, 0.4) * (1 + 0.1 * at.rng.standard_normal(at.part.shape))
    return at.put((1 - share) * at.part + share * beside)


def deleted(at: Place) -> Wide:
    """5 to 28 days in a row (1 to 4 dates, if not daily) that were known are gone."""
    daily = at.source.settings.cadence == "daily"
    part = at.part.iloc[: -7 if daily else -1]
    length = int(at.rng.integers(5, 29) if daily else at.rng.integers(1, 4))
    begin = int(at.rng.integers(0, max(len(part) - length, 1)))
    return at.put(part.iloc[begin : begin + length] * np.nan)


def outlier(at: Place) -> Wide:
    """One value with a slipped decimal point."""
    part = at.part
    at.entities = at.entities[:1]
    row = int(at.rng.integers(0, len(part)))
    one = part[at.entities].iloc[[row]]
    return at.put(one * float(at.rng.choice([10.0, 0.1, 100.0])))


def rewritten(at: Place) -> Wide:
    """30 to 100 % of the known dates show the value of one to four weeks (dates) earlier."""
    daily = at.source.settings.cadence == "daily"
    part = at.part.iloc[: -7 if daily else -1].copy()
    whole = at.told[at.variable]
    share = at.rng.uniform(0.3, 1.0)
    for entity in part.columns:
        back = at.rng.integers(1, 5, len(part)) * (7 if daily else 1)
        places = whole.index.get_indexer(part.index) - back
        other = whole[entity].to_numpy()[places]
        hit = at.rng.random(len(part)) < share
        part[entity] = np.where(hit, other, part[entity])
    return at.put(part)


FAULTS: dict[str, Callable[[Place], Wide]] = {
    kinds.SCALED: scaled,
    kinds.OFFSET: offset,
    kinds.UNIT: unit,
    kinds.SHIFT_DAY: shift_day,
    kinds.SHIFT_WEEK: shift_week,
    kinds.STUCK: stuck,
    kinds.SWAPPED: swapped,
    kinds.HOLES: holes,
    kinds.CUT: cut,
    kinds.DELETED: deleted,
    kinds.OUTLIER: outlier,
    kinds.REWRITTEN: rewritten,
}
ALSO_NEW = (kinds.SCALED, kinds.OFFSET, kinds.UNIT, kinds.STUCK, kinds.SWAPPED, kinds.HOLES, kinds.OUTLIER)
"""Kinds that can also hit nothing but the newest week."""
