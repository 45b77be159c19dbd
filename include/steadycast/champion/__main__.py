"""``python -m steadycast.champion list|promote|rollback``: who is champion, and changes of it."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from steadycast.champion import office, weekly
from steadycast.errors import ArtefactMissing, SteadycastError
from steadycast.lake import Lake, open_lake
from steadycast.publication import published_weeks
from steadycast.settings import Settings, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer or change; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = load(chosen.settings)
        text = chosen.does(open_lake(chosen.lake), settings, chosen)
    except SteadycastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m steadycast.champion", description="Who is champion, and changes of it."
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--lake", default=".steadycast/lake", help="file:///folder or s3://bucket/prefix")
    common.add_argument("--settings", default=Path("include/config/pipeline.yaml"), type=Path)
    common.add_argument(
        "--week", type=dt.date.fromisoformat,
        help="the first Monday that it counts for; the week after the newest published one if left out",
    )  # fmt: skip
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", parents=[common], help="champion, changes and challengers")
    listing.set_defaults(does=_list)
    change = argparse.ArgumentParser(add_help=False)
    change.add_argument("--owner", default="command line", help="who decides")
    change.add_argument("--reason", default="", help="why, for whoever asks in a year")
    promote = commands.add_parser("promote", parents=[common, change], help="make a challenger champion")
    promote.add_argument("name", help="of forecast.challengers, or base")
    promote.set_defaults(does=_promote)
    rollback = commands.add_parser("rollback", parents=[common, change], help="take the last change back")
    rollback.set_defaults(does=_rollback)
    return parser


def _week(lake: Lake, settings: Settings, chosen: argparse.Namespace) -> dt.date:
    if chosen.week:
        return dt.date.fromordinal(chosen.week.toordinal())
    weeks = published_weeks(lake)
    return weeks[-1] + dt.timedelta(weeks=1) if weeks else settings.schedule.first_week


def _list(lake: Lake, settings: Settings, chosen: argparse.Namespace) -> str:
    week = _week(lake, settings, chosen)
    lines = [f"champion of the week {week}: {office.champion(lake, settings, week)}"]
    lines += [
        f"  from {event.week}: {event.champion} instead of {event.before}, {event.kind} by {event.by}"
        f"{f': {event.reason}' if event.reason else ''}"
        for event in office.events(lake)
    ]
    weeks = [day for day in published_weeks(lake) if day <= week]
    for day in reversed(weeks):
        try:
            report = lake.read_json(weekly.report_path(day))
        except ArtefactMissing:
            continue
        lines += [f"challengers as of {day}:"]
        lines += [f"  {standing['says']}" for standing in report["standings"].values()]
        break
    return "\n".join(lines)


def _promote(lake: Lake, settings: Settings, chosen: argparse.Namespace) -> str:
    event = office.promote(
        lake, settings, chosen.name, week=_week(lake, settings, chosen), by=chosen.owner,
        reason=chosen.reason, at=_now(),
    )  # fmt: skip
    return f"{event.champion} is champion from {event.week} on, instead of {event.before}"


def _rollback(lake: Lake, settings: Settings, chosen: argparse.Namespace) -> str:
    event = office.rollback(
        lake, settings, week=_week(lake, settings, chosen), by=chosen.owner, reason=chosen.reason, at=_now()
    )
    return f"{event.champion} is champion again from {event.week} on, instead of {event.before}"


def _now() -> str:
    """The moment of a person's command; a program's edge may read the clock."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")  # noqa: TID251


if __name__ == "__main__":
    sys.exit(main())
