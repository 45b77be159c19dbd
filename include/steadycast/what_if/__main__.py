"""What if a driver had been otherwise? The model of a week, its panel, moved inputs; nothing is stored."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from steadycast.errors import MoveRefused, SteadycastError
from steadycast.lake import open_lake
from steadycast.settings import load
from steadycast.what_if.asking import of_week
from steadycast.what_if.moves import HOWS, Move
from steadycast.what_if.telling import SHOWN, table


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what would be; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m steadycast.what_if", description=__doc__)
    parser.add_argument("--lake", required=True, help="file:///folder or s3://bucket/prefix")
    parser.add_argument("--settings", required=True, type=Path, help="pipeline.yaml")
    parser.add_argument("--week", required=True, type=dt.date.fromisoformat, help="the week's Monday")
    for how, says in (("to", "set a driver"), ("by", "add to it"), ("times", "multiply it")):
        parser.add_argument(
            f"--{how}", action="append", default=[], metavar="source.variable=number", help=says
        )
    parser.add_argument("--first", type=dt.date.fromisoformat, help="first Monday that is moved")
    parser.add_argument("--last", type=dt.date.fromisoformat, help="last Monday that is moved")
    parser.add_argument("--entity", action="append", default=[], help="of the driver; may be repeated")
    parser.add_argument("--show", type=int, default=SHOWN, help="entities shown, the most changed first")
    chosen = parser.parse_args(arguments)
    try:
        moves = [
            Move(*_read(text, how), chosen.first, chosen.last, tuple(chosen.entity))
            for how in HOWS
            for text in getattr(chosen, how)
        ]
        if not moves:
            raise MoveRefused("driver", "nothing is moved", remedy="give --to, --by or --times")
        settings = load(chosen.settings)
        found = of_week(open_lake(chosen.lake), settings, chosen.week, moves)
    except SteadycastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{table(found, settings.target.unit, shown=chosen.show)}\n")
    return 0


def _read(text: str, how: str) -> tuple[str, str, float]:
    driver, _, number = text.partition("=")
    try:
        return driver, how, float(number)
    except ValueError:
        raise MoveRefused(
            "value", f"--{how} {text} has no number", remedy=f"write --{how} {driver}=5"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
