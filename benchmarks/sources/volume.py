"""Ten million stored cells: one weekly diff of 8 weeks × 10,000 entities × 5 variables.

Weekly cells: 200 weeks of 50,000 series are stored in a lake in two polls. The diff is the product's: it
reads what is known, compares the new poll cell by cell, learns what is usual and names what is wrong. Beside
it the same join in plain pandas, which says no more than which cells changed. Each runs in a process of its
own; the peak is that of the whole process.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.sources.histories import settings_of
from steadycast.lake import open_lake
from steadycast.lake.cells import days, from_frame
from steadycast.revisions import review
from steadycast.revisions.grid import CONTEXT_DAYS

WEEKS, ENTITIES, VARIABLES, LOOK_BACK = 200, 10_000, 5, 8
AS_OF = dt.date(2016, 6, 6)
MOST_S, MOST_GB = 20.0, 2.0


def run(data: Path) -> bool:
    """Build the lake, then measure both ways."""
    del data  # made, since no public set is this large
    with tempfile.TemporaryDirectory(prefix="steadycast-volume-") as folder:
        print(f"storing {WEEKS * ENTITIES * VARIABLES:,} cells", flush=True)
        _run_apart("store", folder)
        ours, plain = _run_apart("ours", folder), _run_apart("plain", folder)
    print(f"{'':10} {'seconds':>8} {'of CPU':>7} {'peak GB':>8}  finds")
    for name, found in (("ours", ours), ("pandas", plain)):
        print(f"{name:10} {found['seconds']:8.1f} {found['cpu']:7.1f} {found['gb']:8.2f}  {found['says']}")
    print(
        f"ours takes {ours['seconds'] / plain['seconds']:.2f} times as long as the plain join, "
        f"{ours['gb'] / plain['gb']:.2f} times the memory"
    )
    return bool(ours["seconds"] < MOST_S and ours["gb"] < MOST_GB)


def _run_apart(what: str, folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.sources.volume", what, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _store(folder: Path) -> str:
    lake = open_lake(str(folder / "lake"))
    observations = lake.observations("big")
    for first, newest in ((WEEKS + 1, 3), (LOOK_BACK + 1, 2)):  # the run two weeks ago, and the last one
        at = dt.datetime.combine(AS_OF - dt.timedelta(weeks=newest - 1), dt.time(), dt.UTC)
        observations.accept(observations.append(_cells(first, newest), at).segment, by="bench")
    _poll().to_parquet(folder / "poll.parquet")
    return "stored"


def _cells(first: int, last: int) -> pd.DataFrame:
    """Cells of the weeks from ``first`` to ``last`` before AS_OF; the same cell has the same value always."""
    dates = [pd.Timestamp(AS_OF) - pd.Timedelta(days=7 * k + 3) for k in range(first, last - 1, -1)]
    parts = []
    levels = np.exp(np.random.default_rng(1).normal(5, 1, (ENTITIES, VARIABLES)))
    entities = pd.Series([f"entity_{i:05}" for i in range(ENTITIES)], dtype="str")
    for date in dates:
        noise = np.random.default_rng(date.toordinal()).normal(0, 0.05, (ENTITIES, VARIABLES))
        values = (levels * np.exp(noise)).round(2)
        for v in range(VARIABLES):
            parts.append(
                pd.DataFrame({"entity": entities, "date": date, "variable": f"v{v}", "value": values[:, v]})
            )
    return pd.concat(parts, ignore_index=True).astype({"variable": "str"})


def _poll() -> pd.DataFrame:
    """The newest 8 weeks: 100 entities scaled in one variable, 200 single values changed."""
    poll = _cells(LOOK_BACK, 1)
    scaled = poll["entity"].str.endswith("77") & (poll["variable"] == "v2")
    poll.loc[scaled, "value"] = (1.1 * poll.loc[scaled, "value"]).round(2)
    some = np.random.default_rng(2).choice(len(poll), 200, replace=False)
    poll.loc[some, "value"] *= 10
    return poll


def _ours(folder: Path) -> str:
    units = {f"v{v}": "units" for v in range(VARIABLES)}
    source = settings_of("big", "weekly", units, signed=units)
    observations = open_lake(str(folder / "lake")).observations("big")
    start = AS_OF - dt.timedelta(weeks=LOOK_BACK)
    back = start - dt.timedelta(days=CONTEXT_DAYS["weekly"])
    known = observations.told(observations.segments(), back, AS_OF)
    poll = from_frame("big", pd.read_parquet(folder / "poll.parquet"))
    found = review(source, poll, known, start=days(start), as_of=days(AS_OF))
    told = ", ".join(f"{a.kind} {a.variable} ({len(a.entities)} entities)" for a in found.alarms[:4])
    return f"{len(known.cells):,} cells known; {found.counts}; {told}"


def _plain(folder: Path) -> str:
    """What a careful colleague would write in a notebook: all stored cells, newest versions, outer join."""
    observations = open_lake(str(folder / "lake")).observations("big")
    stored = observations.versions()
    newest = stored.sort_values("retrieved_at").drop_duplicates(["entity", "date", "variable"], keep="last")
    start = pd.Timestamp(AS_OF) - pd.Timedelta(weeks=LOOK_BACK)
    window = newest[newest["date"] >= start]
    poll = pd.read_parquet(folder / "poll.parquet")
    both = window.merge(poll, on=["entity", "date", "variable"], how="outer", suffixes=("_old", "_new"))
    changed = both["value_old"].notna() & both["value_new"].notna() & (both["value_old"] != both["value_new"])
    return f"{len(stored):,} cells known; {int(changed.sum())} changed"


def main(what: str, folder: str) -> None:
    """One of the ways, measured; prints JSON."""
    start, cpu = time.perf_counter(), time.process_time()
    says = {"store": _store, "ours": _ours, "plain": _plain}[what](Path(folder))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    cpu = time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "gb": peak, "says": says}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
