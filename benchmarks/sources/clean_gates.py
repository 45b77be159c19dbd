"""False alarms of the gates' own expectations: 52 clean weeks of the demo's sources and of the real sets.

Each week is judged on the tables and limits of ``expectations.own_suites``, as the gate does, with what was
known on the Monday before. What is told there is counted by week and source; the demo's weeks are its last.
"""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.data import ROOT
from benchmarks.sources import histories
from steadycast.expectations import arrival
from steadycast.expectations.evidence import Evidence
from steadycast.expectations.own_suites import own_suites
from steadycast.schema import POLL_DTYPES
from steadycast.settings import SourceSettings, load

WEEKS = 52
MOST = 1
KEPT_YEARS = 6
EPOCH = pd.Timestamp(1970, 1, 1)


def run(data: Path) -> bool:
    """Print the alarms per source; true if none has more than one in 52 weeks."""
    print(f"\nFalse alarms of the own expectations in {WEEKS} clean weeks:")
    good = True
    for name, settings, final, mondays in _sources(data):
        alarms: list[str] = []
        for monday in mondays:
            alarms += [f"{monday} {text}" for text in judge(settings, final, monday)]
        rate = len(alarms) * WEEKS / len(mondays)
        good &= rate <= MOST
        kinds = dict(Counter(alarm.split()[1] for alarm in alarms))
        print(
            f"  {name:12} {len(mondays):3} weeks {len(alarms):3} alarms ({rate:.2f} per 52) {kinds or ''}",
            flush=True,
        )
        for alarm in alarms[:6]:
            print(f"    {alarm[:170]}")
    return good


def judge(settings: SourceSettings, final: pd.DataFrame, as_of: dt.date) -> list[str]:
    """The sentences of one week: class and finding."""
    day = pd.Timestamp(as_of)
    start = as_of - dt.timedelta(weeks=settings.lookback_weeks)
    lag = pd.Timedelta(days=settings.expected_lag_days - 1)
    upto = final[(final["date"] < day - lag) & (final["date"] >= day - pd.Timedelta(days=366 * KEPT_YEARS))]
    known = upto[upto["date"] < day - lag - pd.Timedelta(days=7)].assign(
        retrieved_at=lambda f: (
            f["date"] + lag + pd.Timedelta(days=7) - pd.to_timedelta(f["date"].dt.day_of_week, unit="D")
        ).dt.tz_localize("UTC")
    )
    poll = upto[upto["date"] >= pd.Timestamp(start)]
    poll = poll.assign(raw="", row=np.arange(1, len(poll) + 1)).astype(POLL_DTYPES)
    evidence = Evidence(settings, as_of, start, poll, known)
    found = []
    for suite in own_suites(evidence, arrival.periods(evidence)):
        for check in suite.checks:
            asked = check.expectation
            values = suite.frame[asked.column].astype("float64")
            low = -np.inf if asked.min_value is None else asked.min_value
            high = np.inf if asked.max_value is None else asked.max_value
            bad = suite.frame[values.notna() & ~values.between(low, high)]
            if len(bad):
                told = bad.iloc[0].to_dict()
                found.append(f"{type(asked).__name__} {len(bad)} rows, first {told}")
    return found


def _sources(data: Path) -> Iterator[tuple[str, SourceSettings, pd.DataFrame, list[dt.date]]]:
    """Name, settings, the final values as a long table, and the weeks."""
    for name, load_set in histories.SOURCES.items():
        if name == "macro":
            continue
        found = load_set(data)
        parts = [histories._long(variable, wide) for variable, wide in found.final.items()]
        rows = pd.concat(parts, ignore_index=True).astype({"entity": "str", "variable": "str"})
        yield name, found.settings, rows, found.mondays()[-WEEKS:]
    yield from _demo()


def _demo() -> Iterator[tuple[str, SourceSettings, pd.DataFrame, list[dt.date]]]:
    folder = Path(os.environ.get("STEADYCAST_DEMO_DATA", ROOT / ".steadycast" / "demo"))
    if not folder.is_dir():
        print("  demo: left out, `make demo-data` builds it")
        return
    settings = load(ROOT / "include/config/pipeline.yaml")
    last = dt.date(2016, 8, 8)
    mondays = [last - dt.timedelta(weeks=k) for k in reversed(range(WEEKS))]
    files = {
        "ridership": ("cta_entries_daily.csv.gz", "date", "station", {"entries": "entries"}),
        "weather_a": ("weather_a_daily.csv", "date", None, {}),
        "weather_b": ("weather_b_daily.csv", "date", None, {}),
        "fuel": ("petrol_weekly.csv", "datetime", None, {}),
    }
    for name, (file, date, entity, _) in files.items():
        source = settings.source(name)
        rows = pd.read_csv(folder / file, na_values=["T"])
        only = (source.entities or (name,))[0]
        parts = []
        for variable in source.variables:
            part = pd.DataFrame(
                {
                    "entity": rows[entity] if entity else only,
                    "date": pd.to_datetime(rows[date]).astype("datetime64[us]"),
                    "variable": variable.name,
                    "value": pd.to_numeric(rows[variable.source_field], errors="coerce"),
                }
            )
            parts.append(part.dropna())
        table = pd.concat(parts, ignore_index=True).astype({"entity": "str", "variable": "str"})
        if source.entities:
            table = table[table["entity"].isin(source.entities)]
        weeks = mondays if name != "weather_b" else [d + dt.timedelta(weeks=60) for d in mondays]
        yield name, source, table.sort_values(["entity", "variable", "date"], ignore_index=True), weeks
    yield "government", settings.source("government"), _vintage(folder), mondays


def _vintage(folder: Path) -> pd.DataFrame:
    """The newest vintage of the demo's macro series."""
    rows = pd.read_csv(folder / "us_macro_vintages.csv.gz")
    rows = rows[rows["vintage_date"] == rows["vintage_date"].max()]
    names = {"UNRATE": "unemployment_pct", "CPIAUCSL": "consumer_prices", "PAYEMS": "payrolls"}
    rows = rows[rows["series"].isin(names)]
    table = pd.DataFrame(
        {
            "entity": "US",
            "date": pd.to_datetime(rows["period"]).astype("datetime64[us]"),
            "variable": rows["series"].map(names),
            "value": rows["value"],
        }
    )
    return table.dropna().astype({"entity": "str", "variable": "str"}).sort_values(["variable", "date"])
