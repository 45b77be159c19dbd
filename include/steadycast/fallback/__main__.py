"""``python -m steadycast.fallback --lake URL --settings FILE --week 2016-06-06 --reason "..."``."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from steadycast.errors import SteadycastError
from steadycast.fallback import run
from steadycast.lake import open_lake
from steadycast.settings import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish one fallback; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m steadycast.fallback", description="Publish a fallback.")
    parser.add_argument("--lake", required=True, help="file:///folder or s3://bucket/prefix")
    parser.add_argument("--settings", required=True, type=Path, help="pipeline.yaml")
    parser.add_argument("--week", required=True, type=dt.date.fromisoformat, help="the week's Monday")
    parser.add_argument("--reason", required=True, help="why, as readers of the forecast shall read it")
    chosen = parser.parse_args(arguments)
    try:
        lake = open_lake(chosen.lake)
        path = run(lake, load(chosen.settings), as_of=chosen.week, reason=chosen.reason)
        manifest = lake.read_json(path)
    except SteadycastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{lake.link(path)}: {manifest['verdict']}. {' '.join(manifest['reasons'])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
