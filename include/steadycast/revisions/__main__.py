"""``python -m steadycast.revisions list|believe``: what sources revised, and whom a person believes."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence

from steadycast.errors import SteadycastError
from steadycast.lake import Lake, open_lake
from steadycast.revisions.week import path


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer or accept; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        text = chosen.does(open_lake(chosen.lake), chosen)
    except SteadycastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m steadycast.revisions", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--lake", required=True, help="file:///folder or s3://bucket/prefix")
    common.add_argument("--week", type=dt.date.fromisoformat, required=True, help="Monday of the run")
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", parents=[common], help="what the week's polls revised")
    listing.set_defaults(does=_list)
    believe = commands.add_parser("believe", parents=[common], help="accept a poll as the source told it")
    believe.add_argument("source")
    believe.add_argument("--by", required=True, help="who believes it; kept with the poll")
    believe.set_defaults(does=_believe)
    return parser


def _list(lake: Lake, chosen: argparse.Namespace) -> str:
    folder = f"runs/{chosen.week}/revisions"
    reports = [lake.read_json(name) for name in lake.list(folder) if name.endswith(".json")]
    told = [sentence for report in reports for sentence in report["sentences"]]
    return "\n".join(told) if told else f"week {chosen.week}: nothing was revised beyond usual"


def _believe(lake: Lake, chosen: argparse.Namespace) -> str:
    report = lake.read_json(path(chosen.week, chosen.source))
    segment = lake.read_json(f"runs/{chosen.week}/ingest/{chosen.source}.json")["segment"]
    lake.observations(chosen.source).accept(segment, by=chosen.by)
    return (
        f"The poll of {chosen.source} for the week {chosen.week} is accepted as told by {chosen.by}; "
        f"{report['held']} value(s) had been kept out. It counts from the next run on; for this week, clear "
        f"validate of {chosen.source} and all after it."
    )


if __name__ == "__main__":
    sys.exit(main())
