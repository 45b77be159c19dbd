"""A month of nonsense from provider A: what it does to the demo's WAPE, with the guard and without it.

``python -m benchmarks.sources nonsense``. Four weeks of the demo are run from ingest to infer: clean, and for
each kind of nonsense guarded (the pipeline as it ships) and unguarded (the first provider is believed, as no
twin is named). From the second week on the provider's newest days, up to four weeks of them, are wrong. The
nonsense passes the source's gate: all values lie within their ranges.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.sources.demo import REPO, Demo, Distort

SEED = 20160704
FIRST = dt.date(2016, 6, 27)
"""The newest clean week; the nonsense begins on this Monday."""
WEEKS = tuple(FIRST + dt.timedelta(weeks=i) for i in range(1, 5))
BEGIN, END = FIRST, WEEKS[-1]
COLUMNS = ("temp_min", "temp", "temp_max", "humidity", "wind")
RANGES = {
    "temp_min": (-45, 100),
    "temp": (-40, 110),
    "temp_max": (-40, 115),
    "humidity": (0, 100),
    "wind": (0, 90),
}
RESULTS = Path(__file__).parents[1] / "results"
MOST_POINTS = 0.3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """One way in which a provider talks nonsense: the values of the wrong days, from the true ones."""

    name: str
    change: Callable[[Floats, np.random.Generator], Floats]
    temperatures_only: bool = False


KINDS = (
    Kind("another season (-45 degF)", lambda v, _: v - 45, temperatures_only=True),
    Kind("degC for degF", lambda v, _: (v - 32) * 5 / 9, temperatures_only=True),
    Kind("too warm (+20 degF)", lambda v, _: v + 20, temperatures_only=True),
    Kind("stuck at the first day", lambda v, _: np.full(len(v), v[0])),
    Kind("random within the ranges", lambda v, r: r.uniform(0.2, 1.4, len(v)) * v.mean()),
    Kind("noise (20 % of the mean)", lambda v, r: v + r.normal(0, 0.2 * v.mean(), len(v))),
)


def distort(kind: Kind) -> Distort:
    """The provider's answers with the nonsense in them; the same days say the same in each later week."""

    def answer(source: str, table: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
        wrong = (
            (table["date"] >= BEGIN.isoformat()) & (table["date"] < END.isoformat())
            if source == "weather_a"
            else None
        )
        if wrong is None or not wrong.any():
            return table
        out = table.copy()
        days = int((END - BEGIN).days)
        for place, column in enumerate(COLUMNS):
            if kind.temperatures_only and not column.startswith("temp"):
                continue
            generator = np.random.default_rng([SEED, place])
            true = out.loc[wrong, column].astype("float64").to_numpy()
            whole = np.pad(true, (0, days - len(true)), constant_values=true.mean())
            changed = kind.change(whole, generator)[: len(true)].clip(*RANGES[column])
            out.loc[wrong, column] = [f"{value:.2f}" for value in changed]
        return out

    return answer


@dataclass(frozen=True)
class Scored:
    """WAPE in percent, and what the comparison said in the last of the weeks."""

    wape: float
    verdicts: dict[str, str]


def score(data: Path, folder: Path, answers: Distort | None, *, guarded: bool) -> Scored:
    """Run the weeks and score their forecasts against what happened."""
    change = {} if guarded else {"weather_a": {"twin": None, "twin_tolerance": {}}}
    shutil.copytree(folder.parent / "first", folder)
    demo = Demo(data, folder, **change)
    forecasts = pd.concat([demo.week(week, answers) for week in WEEKS])
    report = demo.lake.read_json(f"runs/{WEEKS[-1]}/compare_sources.json")
    verdicts = {name: told["verdict"] for pair in report["pairs"] for name, told in pair["variables"].items()}
    both = forecasts.merge(actuals(demo), on=["entity", "week"])
    return Scored(100 * float((both["point"] - both["actual"]).abs().sum() / both["actual"].sum()), verdicts)


def actuals(demo: Demo) -> pd.DataFrame:
    """Weekly entries as they came, full weeks only: entity, week, actual."""
    table = demo.tables["ridership"]
    days = pd.DataFrame(
        {
            "entity": table["station"],
            "date": pd.to_datetime(table["date"]),
            "value": table["entries"].astype(float),
        }
    )
    days["week"] = (days["date"] - pd.to_timedelta(days["date"].dt.day_of_week, unit="D")).astype(
        "datetime64[us]"
    )
    found = days.groupby(["entity", "week"])["value"].agg(["sum", "size"])
    return found[found["size"] == 7]["sum"].rename("actual").reset_index()


def run(_: Path | None = None, kinds: Sequence[Kind] = KINDS) -> bool:
    """Print the table; does the guarded WAPE stay within the limit for every kind?

    Args:
        _: folder of the real histories, which this section does without: it uses the demo's data.
        kinds: of nonsense.
    """
    data = Path(os.environ.get("STEADYCAST_DEMO_DATA", REPO / ".steadycast/demo"))
    if not (data / "weather_a_daily.csv").exists():
        print(f"There are no demo data in {data}.\nNext: run `make demo-data`, or set STEADYCAST_DEMO_DATA.")
        return False
    rows = []
    with tempfile.TemporaryDirectory(prefix="steadycast-nonsense-") as name:
        # the week before the nonsense is the same for all
        Demo(data, Path(name) / "first").inputs(FIRST)
        clean = score(data, Path(name) / "clean", None, guarded=True)
        print(f"clean: WAPE {clean.wape:.2f} % over {len(WEEKS)} forecasts of 4 weeks\n", flush=True)
        print(
            f"{'nonsense':<28}{'guarded':>9}{'change':>9}{'unguarded':>11}{'change':>9}  verdicts", flush=True
        )
        for number, kind in enumerate(kinds):
            guarded = score(data, Path(name) / f"{number}-guarded", distort(kind), guarded=True)
            bare = score(data, Path(name) / f"{number}-bare", distort(kind), guarded=False)
            rows.append((kind.name, guarded, bare))
            told = ", ".join(sorted(set(guarded.verdicts.values())))
            print(
                f"{kind.name:<28}{guarded.wape:>9.2f}{guarded.wape - clean.wape:>+9.2f}"
                f"{bare.wape:>11.2f}{bare.wape - clean.wape:>+9.2f}  {told}",
                flush=True,
            )
    worst = max(abs(guarded.wape - clean.wape) for _, guarded, _ in rows)
    print(f"\nWith the guard the WAPE changes by at most {worst:.2f} points (limit {MOST_POINTS}).")
    RESULTS.mkdir(exist_ok=True)
    told = {kind: {"guarded": g.wape, "unguarded": b.wape, "verdicts": g.verdicts} for kind, g, b in rows}
    text = json.dumps({"clean": clean.wape, "kinds": told}, indent=2, sort_keys=True)
    (RESULTS / "nonsense.json").write_text(f"{text}\n", encoding="utf-8")
    return worst < MOST_POINTS
