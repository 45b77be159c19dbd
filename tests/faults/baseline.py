"""The weeks' forecasts when nothing goes wrong: the stages one after another, without Airflow."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from steadycast.lake import open_lake
from steadycast.settings import load
from steadycast.sources import Connection
from tests.faults.strike import VARIABLE
from tests.sandbox_server import REPO

NOTES = ("runs/{week}/failures/", "runs/{week}/findings/", "alerts/")
"""Folders in which a run with faults has something to tell."""
_VERSION = re.compile(r"published/[^/]+/versions/[^/]+/")
FILES = ("forecast.parquet", "forecast.csv")
SAID = ["degraded", "degraded_reasons"]


def clean_weeks(settings: Path, sandbox: str, folder: Path, weeks: Iterable[dt.date]) -> dict[str, dict]:
    """Digests of the published files by week, made in a process of its own and kept for the next call."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "clean.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    missing = [str(week) for week in weeks if str(week) not in known]
    if missing:
        command = [
            sys.executable,
            "-m",
            "tests.faults.baseline",
            str(settings),
            sandbox,
            str(folder),
            *missing,
        ]
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        environment["PYTHONPATH"] = os.pathsep.join([str(REPO), str(REPO / "include")])
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
        known |= json.loads(done.stdout.splitlines()[-1])
        kept.write_text(json.dumps(known))
    return known


def digests(folder: Path) -> dict[str, str]:
    """Digests of a published week's numbers; what is said of them depends on the weeks before, too."""
    read = {"forecast.parquet": pd.read_parquet, "forecast.csv": pd.read_csv}
    numbers = {name: read[name](folder / name).drop(columns=SAID).to_csv() for name in FILES}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in numbers.items()}


def compare(clean: Path, lake: Path, week: dt.date, expected: dict[str, str]) -> str:
    """What is lost, doubled or different in a week's outputs, compared with a clean run; "" if nothing.

    Args:
        clean: lake in which the week was run without faults.
        lake: the lake to judge.
        week: which.
        expected: digests of the clean week's published files.
    """
    folder = lake / "published" / str(week)
    if not (folder / "manifest.json").exists():
        return "lost: not published"
    ours, theirs = files_of(lake, week), files_of(clean, week)
    different = [name for name, digest in digests(folder).items() if digest != expected[name]]
    told = {"lost": sorted(theirs - ours), "doubled": sorted(ours - theirs), "different": different}
    return "; ".join(
        f"{word}: {', '.join(files[:3])} ({len(files)})" for word, files in told.items() if files
    )


def files_of(lake: Path, week: dt.date) -> set[str]:
    """Everything in a lake that belongs to a week, but what a run with faults tells of them."""
    paths = (str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file())
    mine = {path for path in paths if str(week) in path or f"{week:%Y%m%d}T" in path}
    notes = tuple(folder.format(week=week) for folder in NOTES)
    return _numbered({path for path in mine if not path.startswith(notes)})


def _numbered(paths: set[str]) -> set[str]:
    """Versions of a publication by number: their digests depend on the week before, which may be missing."""
    versions = sorted({match[0] for path in paths if (match := _VERSION.match(path))})
    numbers = {version: f"versions/{n}/" for n, version in enumerate(versions, 1)}
    return {_VERSION.sub(lambda found: numbers[found[0]], path) for path in paths}


def _clean_week(settings_file: Path, sandbox: str, folder: Path, as_of: dt.date) -> dict[str, str]:
    settings, lake = load(settings_file), open_lake(str(folder / str(as_of)))

    def stage(name: str, *arguments: object, **named: object) -> str:
        return importlib.import_module(f"steadycast.{name}").run(lake, *arguments, as_of=as_of, **named)

    for source in settings.sources:
        moment = dt.datetime.combine(as_of, dt.time(), dt.UTC)
        connection = Connection(id=source.connection or "", address=sandbox, password="a" * 32)
        stage("ingest", source, retrieved_at=moment, connection=connection)
        stage("validate", source)
    stage("compare_sources", settings)
    stage("quarantine", settings)
    panel = stage("impute", settings)
    card = stage("train", settings, panel, git_commit="faults")
    forecast = stage("infer", settings, panel, card)
    stage("publish", settings, forecast, stage("check_forecast", settings, forecast))
    return digests(folder / str(as_of) / "published" / str(as_of))


if __name__ == "__main__":
    file, url, where, *named = sys.argv[1:]
    found = {w: _clean_week(Path(file), url, Path(where), dt.date.fromisoformat(w)) for w in named}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
