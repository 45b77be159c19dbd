"""Five real sources as a weekly run sees them: what is known on a Monday, and what the provider says then.

CTA is given preliminary values: a fifth of the newest week's cells differ by a little and are final a week
later, so that "usual" is not nothing. The macro series come in their true vintages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from steadycast.lake.cells import Cells, Versions, from_frame
from steadycast.settings import SourceSettings
from steadycast.settings.sources import LocalFileSource

Wide = dict[str, pd.DataFrame]
"""Per variable: dates × entities."""
_EPOCH = pd.Timestamp(1970, 1, 1)
POLLS_BACK = 60
_BACK = 3 * 366 + 90


@dataclass(frozen=True)
class Source:
    """A source's history.

    Attributes:
        settings: cadence, lag, look-back and units.
        decimals: per variable.
        first: first Monday with enough history behind it.
        last: last Monday.
        final: the values in the end.
        early: the values as first told; the same frames where nothing is preliminary.
        versions: long table of true versions (entity, date, variable, value, moment), if there is one.
    """

    settings: SourceSettings
    decimals: Mapping[str, int]
    first: dt.date
    last: dt.date
    final: Wide
    early: Wide
    versions: pd.DataFrame | None = None
    vintages: Callable[[dt.date], Wide] | None = None
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the settings."""
        return self.settings.name

    def mondays(self) -> list[dt.date]:
        """All weeks that can be judged."""
        count = (self.last - self.first).days // 7 + 1
        return [self.first + dt.timedelta(weeks=k) for k in range(count)]

    def start(self, as_of: dt.date) -> dt.date:
        """First day that is asked for."""
        return as_of - dt.timedelta(weeks=self.settings.lookback_weeks)

    def told(self, as_of: dt.date) -> Wide:
        """What the provider says on a Monday, of all dates before it."""
        if self.vintages is not None:
            return self.vintages(as_of)
        young = pd.Timestamp(as_of) - pd.Timedelta(days=7)
        return {
            v: pd.concat([self.final[v][: young - pd.Timedelta(days=1)], self.early[v][young:]])[
                : pd.Timestamp(as_of) - pd.Timedelta(days=1)
            ]
            for v in self.final
        }

    def known(self, as_of: dt.date) -> Versions:
        """What the runs of the weeks before have stored."""
        before = as_of - dt.timedelta(weeks=1)
        if self.versions is not None:
            polls = self._polls([d for d in self.mondays() if d <= before])
            return versions(self.name, self.versions[self.versions["moment"] <= _day(before)], polls)
        polls = self._polls([before - dt.timedelta(weeks=k) for k in reversed(range(POLLS_BACK))])
        back, last = pd.Timestamp(before) - pd.Timedelta(days=_BACK), pd.Timestamp(before)
        names = sorted(self.final)
        early = [self.early[v][back : last - pd.Timedelta(days=1)] for v in names]
        final = [self.final[v][back : last - pd.Timedelta(days=1)] for v in names]
        dates = early[0].index
        days = (dates - _EPOCH).days.to_numpy()
        told = days + 7 - dates.day_of_week.to_numpy()  # the Monday after each date
        first, second = (np.stack([f.to_numpy(dtype="float64").T for f in part]) for part in (early, final))
        second = np.where((second != first) & (told < _day(before)), second, np.nan)
        # variables × entities × dates × versions, then entities first: the order of Versions
        value = np.stack([first, second], axis=-1).swapaxes(0, 1)
        table, kept = _cells(value, early[0].columns, names, days)
        moment = np.broadcast_to(np.stack([told, told + 7], axis=-1), value.shape).ravel()[kept]
        version = np.broadcast_to(np.array([0, 1]), value.shape).ravel()[kept]
        return Versions(table, version == 0, moment.astype("float64"), polls)

    def _polls(self, mondays: list[dt.date]) -> np.ndarray:
        polls = [[_day(m), _day(self.start(m)), _day(m) - 1] for m in mondays]
        return np.array(polls, dtype="float64").reshape(-1, 3)


def cells(source: Source, wide: Wide, as_of: dt.date) -> Cells:
    """A poll as cells."""
    window = slice(pd.Timestamp(source.start(as_of)), pd.Timestamp(as_of) - pd.Timedelta(days=1))
    names = sorted(wide)
    parts = [wide[v][window] for v in names]
    value = np.stack([part.to_numpy(dtype="float64").T for part in parts])[..., None].swapaxes(0, 1)
    days = (parts[0].index - _EPOCH).days.to_numpy()
    return _cells(value, parts[0].columns, names, days)[0]


def _cells(
    value: np.ndarray, entities: pd.Index, variables: list[str], days: np.ndarray
) -> tuple[Cells, np.ndarray]:
    """The cells of a block of entities × variables × dates × versions, and which of the block they are."""
    order = np.argsort(np.asarray(entities, dtype=object))
    rank = np.argsort(order)
    where = np.indices(value.shape, dtype=np.int32)
    kept = np.isfinite(value).ravel()
    entity, variable, date = (where[i].ravel()[kept] for i in range(3))
    table = Cells(
        np.asarray(entities, dtype=object)[order],
        np.array(variables, dtype=object),
        rank[entity].astype(np.int32),
        variable,
        days[date].astype(np.int32),
        value.ravel()[kept],
    )
    return table, kept


def versions(name: str, rows: pd.DataFrame, polls: np.ndarray) -> Versions:
    """Sorted versions of a long table with ``moment`` in days since 1970-01-01."""
    table = from_frame(name, rows)
    moment = rows.loc[rows["value"].notna(), "moment"].to_numpy(dtype="float64")
    order = np.lexsort((moment, table.day, table.variable, table.entity))
    table, moment = table.take(order), moment[order]
    same = (table.entity[1:] == table.entity[:-1]) & (table.variable[1:] == table.variable[:-1])
    first = np.append(True, ~(same & (table.day[1:] == table.day[:-1])))
    return Versions(table, first[: len(table)], moment, polls)


def _long(variable: str, wide: pd.DataFrame) -> pd.DataFrame:
    values = wide.to_numpy(dtype="float64")
    dates, entities = np.repeat(wide.index.to_numpy(), values.shape[1]), np.tile(wide.columns, len(wide))
    found = pd.DataFrame({"entity": entities, "date": dates, "variable": variable, "value": values.ravel()})
    return found[found["value"].notna()].reset_index(drop=True)


def _day(date: dt.date) -> int:
    return (pd.Timestamp(date) - _EPOCH).days


def settings_of(
    name: str, cadence: str, units: Mapping[str, str], *, signed: Collection[str] = (), **more: object
) -> SourceSettings:
    """Settings of a source that is read from a file; units by variable, and which can be negative."""
    return LocalFileSource.model_validate(
        {
            "name": name,
            "kind": "local_file",
            "path": "/none",
            "layout": {"entity": "one"},
            "cadence": cadence,
            "variables": [
                {"name": v, "unit": unit, **({} if v in signed else {"minimum": 0})}
                for v, unit in units.items()
            ],
            **more,
        }
    )


def cta(data: Path) -> Source:
    """Entries at 146 stations in thousands per day."""
    days = pd.read_csv(data / "cta_L_entries_daily_147.csv.gz", parse_dates=["date"]).set_index("date")
    rng = np.random.default_rng(1)
    preliminary = rng.random(days.shape) < 0.2
    early = days.where(~preliminary, (days * (1 + 0.01 * rng.standard_normal(days.shape))).round(3))
    settings = settings_of("cta", "daily", {"entries": "thousand entries per day"})
    last = days.index[-1].date() - dt.timedelta(days=7)
    return Source(
        settings, {"entries": 3}, dt.date(2004, 1, 5), _monday(last), {"entries": days}, {"entries": early}
    )


def weather(data: Path) -> Source:
    """Midway's weather: two temperatures in degF, one in degC, wind in mph; spikes of the file removed."""
    rows = pd.read_csv(data / "chicago_wu_midway_daily.csv", parse_dates=["date"]).set_index("date")
    rows = rows.asfreq("D")
    wind = rows["wind_max_mph"].where(rows["wind_max_mph"] < 100)
    wide = {
        "tmax_f": rows[["tmax_f"]].round(1),
        "tmin_f": rows[["tmin_f"]].round(1),
        "tmean_c": ((rows[["tmean_f"]] - 32) / 1.8).round(1),
        "wind_mph": wind.to_frame().round(1),
    }
    wide = {v: frame.set_axis(["midway"], axis=1) for v, frame in wide.items()}
    bad = rows[["tmax_f_badtz"]].round(1).set_axis(["midway"], axis=1)
    settings = settings_of(
        "weather", "daily", {"tmax_f": "degF", "tmin_f": "degF", "tmean_c": "degC", "wind_mph": "mph"},
        signed=("tmax_f", "tmin_f", "tmean_c"),
    )  # fmt: skip
    last = _monday(rows.index[-1].date() - dt.timedelta(days=7))
    decimals = dict.fromkeys(wide, 1)
    return Source(settings, decimals, dt.date(2004, 1, 5), last, wide, wide, extra={"tmax_f": bad})


def walmart(data: Path) -> Source:
    """45 stores, weekly."""
    rows = pd.read_csv(data / "walmart_45stores_weekly.csv")
    rows["date"] = pd.to_datetime(rows["Date"], format="%d-%m-%Y")
    rows["store"] = "store_" + rows["Store"].astype(str)
    names = {
        "sales_usd": ("Weekly_Sales", "USD", 2),
        "temperature_f": ("Temperature", "degF", 2),
        "fuel_usd_gal": ("Fuel_Price", "USD per gallon", 3),
        "cpi": ("CPI", "index", 6),
        "unemployment_pct": ("Unemployment", "%", 3),
    }
    wide = {
        v: rows.pivot(index="date", columns="store", values=column) for v, (column, _, _) in names.items()
    }
    settings = settings_of(
        "walmart", "weekly", {v: unit for v, (_, unit, _) in names.items()}, expected_lag_days=3,
        signed=("sales_usd", "temperature_f"),
    )  # fmt: skip
    decimals = {v: places for v, (_, _, places) in names.items()}
    return Source(settings, decimals, dt.date(2011, 8, 1), dt.date(2012, 10, 22), wide, wide)


def eia(data: Path) -> Source:
    """Electricity demand of 54 regions in MWh per day, cleaned by the publisher."""
    rows = pd.read_csv(data / "eia_demand_daily_54ba.csv.gz", parse_dates=["date"])
    wide = {"demand_mwh": rows.pivot(index="date", columns="ba", values="cleaned").round(0)}
    settings = settings_of("eia", "daily", {"demand_mwh": "MWh"})
    return Source(settings, {"demand_mwh": 0}, dt.date(2017, 8, 7), dt.date(2020, 6, 15), wide, wide)


MACRO = ("unrate", "cpiaucsl", "payems")


def macro(data: Path, series: tuple[str, ...] = MACRO) -> Source:
    """US macro series in their true vintages, asked every Monday from 2016-07-04 to 2017-01-30."""
    rows = pd.read_csv(data / "frbny_us_vintages_long.csv.gz", parse_dates=["vintage_date"])
    rows["series"] = rows["series"].str.lower()
    rows = rows[rows["series"].isin(series)].copy()
    rows["date"] = pd.to_datetime(rows["period"])
    rows = rows.sort_values("vintage_date", kind="stable")
    units = {v: {"unrate": "%", "payems": "thousand persons"}.get(v, "index") for v in series}
    settings = settings_of("macro", "monthly", units, lookback_weeks=26, expected_lag_days=47)

    def as_of(day: dt.date) -> Wide:
        seen = rows[(rows["vintage_date"] <= pd.Timestamp(day)) & (rows["date"] < pd.Timestamp(day))]
        newest = seen.drop_duplicates(["series", "date"], keep="last")
        wide = newest.pivot(index="date", columns="series", values="value").sort_index()
        return {v: wide[[v]].set_axis(["US"], axis=1) for v in series}

    first, last = dt.date(2016, 7, 4), dt.date(2017, 1, 30)
    decimals = {"unrate": 1, "cpiaucsl": 3, "payems": 0}
    source = Source(settings, decimals, first, last, {}, {}, vintages=as_of)
    parts = []
    for monday in source.mondays():
        start = pd.Timestamp(source.start(monday)) if monday > first else pd.Timestamp(1985, 1, 1)
        for variable, wide in as_of(monday).items():
            parts.append(_long(variable, wide[start:]).assign(moment=float(_day(monday))))
    told = pd.concat(parts, ignore_index=True).sort_values(["variable", "date", "moment"], kind="stable")
    repeated = (told["value"] == told.groupby(["variable", "date"])["value"].shift()).to_numpy()
    return Source(settings, decimals, first, last, {}, {}, told[~repeated].reset_index(drop=True), as_of)


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


SOURCES: dict[str, Callable[[Path], Source]] = {
    "cta": cta,
    "weather": weather,
    "walmart": walmart,
    "eia": eia,
    "macro": macro,
}
