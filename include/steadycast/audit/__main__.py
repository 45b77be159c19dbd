"""``python -m steadycast.audit SOURCE --lake URL --settings FILE``: the scorecard from the stored polls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from steadycast.audit import run
from steadycast.errors import SteadycastError
from steadycast.lake import open_lake
from steadycast.settings import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one scorecard; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m steadycast.audit", description="Scorecard of a source.")
    parser.add_argument("source", help="a candidate or a source of pipeline.yaml")
    parser.add_argument("--lake", required=True, help="file:///folder or s3://bucket/prefix")
    parser.add_argument("--settings", required=True, type=Path, help="pipeline.yaml")
    chosen = parser.parse_args(arguments)
    try:
        lake = open_lake(chosen.lake)
        path = run(lake, load(chosen.settings), chosen.source)
        card = lake.read_json(path.removesuffix(".html") + ".json")
    except SteadycastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    lines = [f"{one['level']:>4}  {one['sentence']}" for one in card["sentences"]]
    sys.stdout.write("\n".join([card["recommendation"], "", *lines, "", lake.link(path), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
