"""Healthy weeks at the product's own limits: how often is a healthy task relaunched, a component restarted?

``python -m tests.faults.soak HOME --runs 25 --load 4``: goes on where it stopped, so that it can be run in
parts (``--minutes``). The data are the demo's real ones (STEADYCAST_DEMO_DATA); ``--small`` takes the made-up
ones of one source and a small model, ``--parallel`` lets weeks run side by side. A relaunch shows as a second
try of a task, whoever caused it.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from steadycast.settings import load
from tests.faults import limits
from tests.faults.listener import running_listener
from tests.faults.stand import DAG, Stand
from tests.sandbox_server import REPO
from tests.services import free_port
from tests.small_data import write_small_data

sys.path.insert(0, str(REPO / "scripts"))

from steadycast_local.api import Run
from steadycast_local.options import Options
from steadycast_local.stack import Stack

RUN_S = 1800


def main() -> int:
    """Run weeks until their number or the time is reached, then sum up; 1 if something was relaunched."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--load", type=int, default=0, help="processes that keep the cores and the disk busy")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no further week after so long")
    parser.add_argument("--parallel", type=int, default=1, help="weeks at a time; the product runs one")
    parser.add_argument("--small", action="store_true", help="made-up data and a small model")
    chosen = parser.parse_args()
    home = chosen.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * chosen.minutes
    with _load(chosen.load, home), _stand(home, small=chosen.small, parallel=chosen.parallel) as stand:
        say(f"up under a load of {os.getloadavg()[0]:.1f}")
        todo = [w for w in limits.weeks(chosen.runs) if str(w) not in {told["week"] for told in _told(home)}]
        while todo and time.monotonic() < end:
            batch, todo = todo[: chosen.parallel], todo[chosen.parallel :]
            known = {run.week: run for run in stand.api.runs(DAG)}
            began = time.monotonic()
            runs = {week: known.get(str(week)) or stand.trigger(week) for week in batch}
            for week, run in runs.items():
                _follow(stand, week, run, began, chosen.load, home)
        _note(home, {"alerts": [text for _, text in stand.listener.alerts]})
    return _sum_up(home)


def say(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _follow(stand: Stand, week: dt.date, run: Run, began: float, load: int, home: Path) -> None:
    state = stand.ended(run, RUN_S).state
    tasks = stand.tasks(run)
    again = [f"{t['task_id']}[{t['map_index']}]" for t in tasks if t["try_number"] > 1]
    found = {
        "week": str(week), "state": state, "seconds": round(time.monotonic() - began), "load": load,
        "loadavg": round(os.getloadavg()[0], 1), "again": again,
        "longest": max((t["duration"] or 0 for t in tasks if t["task_id"] != "watch"), default=0),
    }  # fmt: skip
    _note(home, found)
    say(json.dumps(found))


def _note(home: Path, found: dict[str, Any]) -> None:
    with (home / "soak.jsonl").open("a") as lines:
        lines.write(json.dumps(found) + "\n")


def _told(home: Path) -> list[dict[str, Any]]:
    file = home / "soak.jsonl"
    rows = map(json.loads, file.read_text().splitlines()) if file.exists() else ()
    return [row for row in rows if "week" in row]


def _sum_up(home: Path) -> int:
    rows = _told(home)
    alerts = [
        text
        for line in (home / "soak.jsonl").read_text().splitlines()
        for text in json.loads(line).get("alerts", [])
    ]
    again = [f"{row['week']} {task}" for row in rows for task in row["again"]]
    bad = [row["week"] for row in rows if row["state"] != "success"]
    say(
        f"{len(rows)} runs, {len(bad)} failed, {len(again)} tasks tried twice, {len(alerts)} alerts of the "
        f"watchdog; median {statistics.median(r['seconds'] for r in rows):.0f} s, longest task "
        f"{max(r['longest'] for r in rows):.0f} s, load average to {max(r['loadavg'] for r in rows)}"
    )
    for trouble in (*again, *bad, *alerts):
        say(f"  {trouble}")
    return 1 if again or bad or alerts else 0


@contextlib.contextmanager
def _stand(home: Path, *, small: bool, parallel: int) -> Iterator[Stand]:
    """``make run``'s stack: the product's DAGs, limits and plugins, with an earlier first week."""
    settings = home / "pipeline.yaml"
    raw = yaml.safe_load((REPO / "include/config/pipeline.yaml").read_text())
    raw["schedule"]["first_week"] = limits.FIRST
    if small:
        limits.make_small(raw)
    settings.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    named = os.environ.get("STEADYCAST_DEMO_DATA")
    demo = Path(named) if named else REPO / ".steadycast/demo"
    data = write_small_data(home / "data") if small else demo
    with running_listener() as listener:
        env = {
            "STEADYCAST_SETTINGS": str(settings),
            "STEADYCAST_WATCHDOG_WEBHOOK": f"{listener.url}/webhook",
            # the product's own; read only by the DAG that lets weeks run side by side
            "STEADYCAST_FAULTS_EXECUTION_S": "600",
        }
        dags = REPO / ("tests/faults/dags" if parallel > 1 else "dags")
        options = Options(
            home=home / "stack", port=free_port(), sandbox_port=free_port(), data=data, watchdog=True,
            dags=dags, extra_env=env,
        )  # fmt: skip
        with Stack(options).running(timeout_s=1200, say=lambda _: None) as stack:
            stand = Stand(home, stack, listener, load(settings))
            stand.wait_until_read(DAG)
            yield stand


@contextlib.contextmanager
def _load(count: int, home: Path) -> Iterator[None]:
    """So many busy processes, and with any of them one more that writes and syncs, as ``stress-ng`` does."""
    spawn = multiprocessing.get_context("spawn")
    busy = [spawn.Process(target=_spin, daemon=True) for _ in range(count)]
    busy += [spawn.Process(target=_write, args=(home / "load",), daemon=True)] if count else []
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.join()
        (home / "load").unlink(missing_ok=True)


def _spin() -> None:
    while True:
        sum(i * i for i in range(100_000))


def _write(file: Path) -> None:
    while True:
        with file.open("wb") as handle:
            handle.write(os.urandom(8_000_000))
            handle.flush()
            os.fsync(handle.fileno())


if __name__ == "__main__":
    sys.exit(main())
