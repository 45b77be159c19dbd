"""Time and memory of train, infer and intervals for many series: ``python -m benchmarks.scale``.

The series are made from the real ones: 280 weeks of a station's entries, mixed with those of a second one and
scaled. Each size runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import data, folds, ours, peers

SIZES = (1_000, 30_490)
WEEKS = 280
LIMIT_S, LIMIT_GB, LIMIT_RATIO, LIMIT_GROWTH = 600.0, 8.0, 1.5, 1.3
RECIPE = "scaled"
RESULTS = Path(__file__).parent / "results"


def series(folder: Path, count: int) -> pd.DataFrame:
    """``count`` series of 280 weeks, made from the real ones."""
    real = np.log(data.cta(folder).to_numpy(np.float64))
    dice = np.random.default_rng(20160606)
    weeks, entities = real.shape
    start = dice.integers(0, weeks - WEEKS + 1)
    window = real[start : start + WEEKS]
    one, other = dice.integers(0, entities, (2, count))
    share = dice.uniform(0.5, 1.0, count)
    mixed = window[:, one] * share + window[:, other] * (1 - share) + dice.normal(0.0, 1.0, count)
    index = pd.DatetimeIndex(data.cta(folder).index[start : start + WEEKS], name="week")
    return pd.DataFrame(np.exp(mixed), index=index, columns=[f"s{i:05d}" for i in range(count)])


def _ours(weekly: pd.DataFrame) -> None:
    panel = ours.panel(weekly)
    ours.forecast(panel, ours.settings(), (weekly.index[-1] + pd.Timedelta(weeks=1)).date())


def _plain(weekly: pd.DataFrame) -> None:
    peers.plain_recipe(weekly, folds.HORIZONS, RECIPE, intervals=True)


WHO = {"ours": _ours, "plain": _plain}


def main(arguments: list[str] | None = None) -> int:
    """Print seconds and peak memory per size, and what of the limits is met; 0 if all are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--data", type=Path, default=data.folder())
    parser.add_argument("--child", nargs=2, metavar=("WHO", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        return _child(options.child[0], int(options.child[1]), options.data)
    told = {f"{who} {size}": _measured(who, size, options.data) for size in options.sizes for who in WHO}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scale.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(report(told, options.sizes))
    return 0


def _child(who: str, size: int, folder: Path) -> int:
    weekly = series(folder, size)
    start, cpu = time.monotonic(), time.process_time()
    WHO[who](weekly)
    print(
        json.dumps(
            {
                "seconds": round(time.monotonic() - start, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
                "gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            }
        )
    )
    return 0


def _measured(who: str, size: int, folder: Path) -> dict[str, float]:
    print(f"{who}, {size} series", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.scale", "--data", str(folder), "--child", who, str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(told: dict[str, dict[str, float]], sizes: list[int]) -> str:
    """The measurements as a table, and the limits of the largest size."""
    first, last = f"ours {min(sizes)}", f"ours {max(sizes)}"
    ratio = told[last]["cpu_seconds"] / told[f"plain {max(sizes)}"]["cpu_seconds"]
    growth = told[last]["cpu_seconds"] / told[first]["cpu_seconds"] / (max(sizes) / min(sizes))
    lines = [
        (told[last]["seconds"] < LIMIT_S, f"{told[last]['seconds']:.0f} s, under {LIMIT_S:.0f}"),
        (told[last]["gigabytes"] < LIMIT_GB, f"{told[last]['gigabytes']} GB, under {LIMIT_GB:.0f}"),
        (
            ratio <= LIMIT_RATIO,
            f"{ratio:.2f} × the processor time of plain mlforecast, at most {LIMIT_RATIO}",
        ),
        (growth <= LIMIT_GROWTH, f"{growth:.2f} × the time per series of {min(sizes)} series, near linear"),
    ]
    table = pd.DataFrame(told).T.to_string()
    title = (
        f"Train, infer and intervals, {WEEKS} weeks, plain mlforecast with its conformal intervals beside it"
    )
    return "\n".join(
        [title, table, "", *(f"{'met    ' if met else 'NOT met'}  {text}" for met, text in lines)]
    )


if __name__ == "__main__":
    sys.exit(main())
