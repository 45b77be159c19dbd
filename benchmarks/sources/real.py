"""What is really wrong in real files, found by the product's own connector, gate and quarantine rule.

Every file goes the way of a first poll: ``sources.fetch`` (local_file), ``ingest.clean``, the gate's suites
in Great Expectations, and ``quarantine.plausible`` with its default rules. Settings say columns, units and
ranges as a data engineer would; nothing knows where the faults are.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.data import ROOT
from benchmarks.sources import clean_gates
from steadycast import ingest
from steadycast.expectations import Outcome, run_suites
from steadycast.expectations.evidence import Evidence
from steadycast.expectations.source_gate import suites
from steadycast.expectations.spikes import SPIKE, judged
from steadycast.quarantine.plausible import implausible
from steadycast.settings import LocalFileSource, QuarantineSettings
from steadycast.sources import Poll, Window, fetch

CELL = ["entity", "date", "variable"]
START, END = dt.date(2000, 1, 1), dt.date(2021, 1, 4)
AT = dt.datetime(2021, 1, 4, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Found:
    """What the product says of a file."""

    poll: Poll
    cells: pd.DataFrame
    conflicts: pd.DataFrame
    outcome: Outcome
    flagged: pd.DataFrame


def run(data: Path) -> bool:
    """Print recall and precision per file, then the false alarms of clean weeks."""
    good = [_eia(data), _midway(data), _walmart(data), _bom(data)]
    return all([*good, clean_gates.run(data)])


def source(
    name: str, path: Path, variables: Iterable[Mapping[str, object]], **more: object
) -> LocalFileSource:
    """A local file as in pipeline.yaml."""
    raw = {"name": name, "kind": "local_file", "path": str(path), "variables": list(variables), **more}
    return LocalFileSource.model_validate(raw)


def look_at(file: LocalFileSource) -> Found:
    """Poll a file on the Monday after its end, judge it at the gate, and ask the quarantine's rule."""
    poll = fetch(file, Window(START, END, END), None)
    newest = poll.frame["date"].max().date()
    end = newest + dt.timedelta(days=7 - newest.weekday())
    cells, conflicts = ingest.clean(poll.frame)
    evidence = Evidence(file, end, START, poll.frame, cells.iloc[:0])
    outcome = run_suites(suites(evidence), run_name="real", run_time=AT)
    spikes = judged(cells, cells, file)
    rules = QuarantineSettings()
    held = [implausible(cells, variable, file.cadence, rules) for variable in file.variables]
    both = pd.concat([spikes[spikes[SPIKE] == 1], *held], ignore_index=True)[[*CELL, "value"]]
    return Found(poll, cells, conflicts, outcome, both.drop_duplicates(CELL, ignore_index=True))


def _eia(data: Path) -> bool:
    """Demand of 54 regions as published in 2020, against the publisher's own flags and corrections."""
    path = data / "eia_demand_daily_54ba.csv.gz"
    demand = {"name": "demand", "field": "raw_2020oct", "unit": "MWh", "minimum": 0, "weekly": "sum"}
    found = look_at(source("eia", path, [demand], layout={"entity_field": "ba"}))
    truth = pd.read_csv(path, parse_dates=["date"]).rename(columns={"ba": "entity"})
    truth = truth[truth["raw_2020oct"].notna()]
    truth["off"] = (truth["raw_2020oct"] - truth["cleaned"]).abs() / truth["cleaned"]
    truth["flagged"] = truth["n_flagged"] > 0
    truth["wrong"] = truth["flagged"] | (truth["n_missing"] > 0) | (truth["off"] > 0.05)
    seen = truth.merge(found.flagged, on=["entity", "date"], how="left", indicator=True)
    seen["found"] = seen["_merge"] == "both"
    print(f"EIA, {len(truth)} days of {truth['entity'].nunique()} regions, {seen['found'].sum()} found:")
    for least, name in (
        (0.05, "5 %"),
        (0.25, "a quarter"),
        (1.0, "all of it"),
        (10.0, "ten times"),
        (100.0, "100 times"),
    ):
        meant = seen["flagged"] & (seen["off"] > least)
        print(f"  recall, flagged days off by more than {name:10} {_share(seen['found'], meant)}")
    print(f"  recall, all flagged days (an hour or more)     {_share(seen['found'], seen['flagged'])}")
    print(f"  precision, found days that are flagged         {_share(seen['flagged'], seen['found'])}")
    print(f"  precision, flagged, incomplete or off by 5 %   {_share(seen['wrong'], seen['found'])}")
    named = {"139,740,500": seen["raw_2020oct"].idxmax(), "-99,913,317": seen["raw_2020oct"].idxmin()}
    for hour, row in named.items():
        day = seen.loc[row]
        print(
            f"  the hour of {hour:>11} MW is in {day['entity']} {day['date']:%Y-%m-%d}, "
            f"{day['raw_2020oct']:,.0f} MWh: {'found' if day['found'] else 'MISSED'}"
        )
    return bool(seen.loc[list(named.values()), "found"].all())


def _midway(data: Path) -> bool:
    """Weather at Midway with the ranges that pipeline.yaml gives the demo's station."""
    path = data / "chicago_wu_midway_daily.csv"
    variables = [
        {"name": "tmax_f", "unit": "degF", "minimum": -40, "maximum": 115},
        {"name": "tmin_f", "unit": "degF", "minimum": -45, "maximum": 100},
        {"name": "tmean_f", "unit": "degF", "minimum": -40, "maximum": 110},
        {"name": "wind_max_mph", "unit": "mph", "minimum": 0, "maximum": 90},
    ]
    print("\nMidway, daily weather:")
    good = True
    for ranged in (True, False):
        told = variables if ranged else [{k: v for k, v in x.items() if k != "maximum"} for x in variables]
        found = look_at(source("midway", path, told, layout={"entity": "midway"}))
        values = found.flagged[found.flagged["variable"] == "wind_max_mph"]["value"].tolist()
        others = len(found.flagged) - len(values)
        how = "with ranges" if ranged else "without a maximum"
        winds = ", ".join(f"{v:g}" for v in sorted(values, reverse=True))
        print(f"  {how}: wind {winds} mph; {others} other cells")
        good &= 406.2 in values
    header = path.open(encoding="utf-8").readline().strip()
    print(f"  2.95 inHg: the file has no pressure (its columns: {header}); typed into the demo's instead:")
    return good & _pressure()


def _pressure() -> bool:
    """One real 29.50 inHg of the demo's barometer (same airport) is typed as 2.95."""
    path = Path(os.environ.get("STEADYCAST_DEMO_DATA", ROOT / ".steadycast" / "demo")) / "weather_a_daily.csv"
    if not path.is_file():
        print("    left out: `make demo-data` builds the file with the airport's pressure")
        return True
    rows = pd.read_csv(path)
    typed = rows.index[rows["pressure"] == 29.5][0]
    rows.loc[typed, "pressure"] = 2.95
    good = True
    with tempfile.TemporaryDirectory() as folder:
        rows.to_csv(Path(folder) / "weather.csv", index=False)
        for low in (28.0, 0.0):
            pressure = {"name": "pressure_inhg", "field": "pressure", "unit": "inHg", "minimum": low}
            file = source("demo", Path(folder) / "weather.csv", [pressure], layout={"entity": "midway"})
            found = look_at(file).flagged
            hit = found["date"] == rows.loc[typed, "date"]
            good &= bool(hit.any())
            print(f"    minimum {low:g}: {'found' if hit.any() else 'MISSED'}; {(~hit).sum()} other cells")
    return good


WALMART = [
    {"name": "sales", "field": "Weekly_Sales", "unit": "USD", "minimum": 0, "weekly": "sum"},
    {"name": "temperature", "field": "Temperature", "unit": "degF"},
    {"name": "fuel", "field": "Fuel_Price", "unit": "USD per gallon", "minimum": 0},
    {"name": "cpi", "field": "CPI", "unit": "index", "minimum": 0},
    {"name": "unemployment", "field": "Unemployment", "unit": "%", "minimum": 0},
]


def _walmart(data: Path) -> bool:
    """A copy with rows that come twice, altered values, empty cells and a row without its store."""
    layout = {"date_field": "Date", "entity_field": "Store", "date_format": "%d-%m-%Y"}
    more = {"layout": layout, "cadence": "weekly", "expected_lag_days": 3}
    clean = look_at(source("walmart", data / "walmart_45stores_weekly.csv", WALMART, **more))
    copy = look_at(source("walmart_copy", data / "walmart_copy_dups_altered.csv", WALMART, **more))
    truth = _numbered(clean.cells)
    cells, rows = _numbered(copy.cells), _numbered(copy.poll.frame)
    twice = rows[rows.duplicated(CELL)]
    told = any("come more than once" in text for text in copy.outcome.warnings)
    both = cells.merge(truth, on=CELL, suffixes=("", "_true"))
    altered = both[(both["value"] - both["value_true"]).abs() > 1e-6 * both["value_true"].abs()]
    hit = altered.merge(_numbered(copy.flagged)[CELL], on=CELL)
    wrong = len(copy.flagged) - len(hit)
    print("\nWalmart, the copy with duplicates and altered values:")
    lines = len(twice.drop_duplicates(["entity", "date"]))
    print(f"  duplicates: {len(twice)} in {lines} rows, told: {told}; contradicting: {len(copy.conflicts)}")
    print(
        f"  altered values: {len(hit)} of {len(altered)} found; other cells found: {wrong} in the copy, "
        f"{len(clean.flagged)} in the original"
    )
    for row in altered.itertuples():
        print(
            f"    {row.variable} of {row.entity} on {row.date:%Y-%m-%d}: {row.value:g} for {row.value_true:g}"
        )
    missing = truth.merge(cells[CELL], on=CELL, how="left", indicator=True)
    gone = missing[missing["_merge"] == "left_only"]
    said = [text for text in copy.outcome.warnings if "incomplete" in text or "no cell of" in text]
    print(f"  cells that are gone: {len(gone)} (empty cells, one row, one row without its store)")
    for note in [*copy.poll.notes, *said]:
        print(f"    {note[:150]}")
    return told and len(hit) == len(altered)


def _bom(data: Path) -> bool:
    """The copy with a byte order mark and CR line ends reads as the original does."""
    more = {"cadence": "weekly", "expected_lag_days": 3}
    layout = {"date_field": "Date", "entity_field": "Store"}
    copy = look_at(source("walmart_bom", data / "walmart_copy_bom_cr.csv", WALMART, layout=layout, **more))
    clean = look_at(
        source(
            "walmart",
            data / "walmart_45stores_weekly.csv",
            WALMART,
            layout={**layout, "date_format": "%d-%m-%Y"},
            **more,
        )
    )
    both = _numbered(copy.cells).merge(_numbered(clean.cells), on=[*CELL, "value"])
    print(f"\nWalmart, the copy with BOM and CR: {len(both)} of {len(clean.cells)} cells read alike")
    return len(both) == len(clean.cells)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Stores by their number: one copy writes 1 as 1.0."""
    stores = pd.to_numeric(frame["entity"], errors="coerce")
    return frame.assign(entity=stores)[stores.notna()].reset_index(drop=True)


def _share(hits: pd.Series, of: pd.Series) -> str:
    meant = int(of.sum())
    return f"{int((hits & of).sum()):5} of {meant:5}  {100 * (hits & of).sum() / max(meant, 1):5.1f} %"
