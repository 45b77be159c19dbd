"""``python -m steadycast.quarantine list|show|decide``: implausible values, and decisions about them."""

from __future__ import annotations

import argparse
import datetime as dt
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from steadycast import schema as c
from steadycast.errors import ArtefactMissing, DecisionRefused, SteadycastError
from steadycast.lake import Lake, open_lake
from steadycast.quarantine import decisions, telling
from steadycast.quarantine.asking import cells_of
from steadycast.quarantine.decisions import CHOICES, MEANING
from steadycast.quarantine.plausible import PROPOSED
from steadycast.quarantine.review import CELL_DTYPES, CHOICE, ID, NAMED, none_held

_REPORT = re.compile(r"runs/(\d{4}-\d{2}-\d{2})/quarantine/report\.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer or decide; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        text = chosen.does(open_lake(chosen.lake), chosen)
    except SteadycastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m steadycast.quarantine", description="Implausible values and decisions about them."
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--lake", required=True, help="file:///folder or s3://bucket/prefix")
    common.add_argument(
        "--week", type=dt.date.fromisoformat, help="Monday of the run; the newest if left out"
    )
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", parents=[common], help="values that wait for a decision")
    listing.add_argument("--all", action="store_true", help="also those that are decided")
    listing.set_defaults(does=_list)
    show = commands.add_parser("show", parents=[common], help="one value, its neighbours and its decisions")
    show.add_argument("id", help="as list shows it")
    show.set_defaults(does=_show)
    meanings = "; ".join(f"{name}: {text}" for name, text in MEANING.items())
    decide = commands.add_parser("decide", parents=[common], help="decide about values", epilog=meanings)
    decide.add_argument("ids", nargs="*", metavar="ID", help="as list shows them")
    decide.add_argument(
        "--cell", action="append", nargs=4, default=[], metavar=("SOURCE", "ENTITY", "DATE", "VARIABLE"),
        help="a value that is not flagged",
    )  # fmt: skip
    decide.add_argument("--as", dest="choice", required=True, choices=CHOICES)
    decide.add_argument("--value", type=float, help="the right value, in the variable's unit")
    decide.add_argument(
        "--as-proposed", action="store_true", help="take the value that list proposes, for each"
    )
    decide.add_argument("--owner", required=True, help="who decides")
    decide.add_argument("--reason", required=True, help="why, for whoever asks in a year")
    decide.add_argument(
        "--at", type=_moment, help="ISO 8601 with time zone, e.g. 2016-06-07T09:00Z; now if left out"
    )
    decide.set_defaults(does=_decide)
    return parser


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone; write {text}Z for UTC")
    return moment


def _held(lake: Lake, week: dt.date | None) -> tuple[dt.date, pd.DataFrame]:
    """The week's values, with decisions made since its run."""
    weeks = sorted(match[1] for path in lake.list("runs") if (match := _REPORT.fullmatch(path)))
    if week is not None and week.isoformat() not in weeks:
        known = f"{weeks[0]} to {weeks[-1]}" if weeks else "none"
        raise ArtefactMissing(
            f"runs/{week}/quarantine/report.json", remedy=f"name the Monday of a run; there are {known}"
        )
    if not weeks:
        raise ArtefactMissing(
            "runs/<week>/quarantine/report.json", remedy="run weekly_forecast for a week first"
        )
    newest = week or dt.date.fromisoformat(weeks[-1])
    held = lake.read_frame(lake.read_json(f"runs/{newest}/quarantine/report.json")["cells"])
    return newest, _now(lake, held)


def _now(lake: Lake, held: pd.DataFrame) -> pd.DataFrame:
    found = held.copy()
    for name, rows in held.groupby(c.SOURCE):
        known = decisions.standing(decisions.every(lake, str(name)))
        for row, cell in zip(rows.index, cells_of(rows), strict=True):
            if cell.key in known:
                decision, decided = known[cell.key]
                found.loc[row, [CHOICE, "used"]] = [decision.choice, decided.value]
    return found


def _list(lake: Lake, chosen: argparse.Namespace) -> str:
    week, held = _held(lake, chosen.week)
    rows = held if chosen.all else held[held[CHOICE] == ""]
    if rows.empty:
        return f"week {week}: no value waits for a decision"
    return f"week {week}: {len(rows)} value(s)\n\n{telling.table(rows)}"


def _show(lake: Lake, chosen: argparse.Namespace) -> str:
    week, held = _held(lake, chosen.week)
    row = _pick(held, [chosen.id], week)
    source, cell = str(row[c.SOURCE].iloc[0]), cells_of(row)[0]
    days = pd.Timedelta(days=14)
    around = lake.observations(source).versions(
        start=(row[c.DATE].iloc[0] - days).date(), end=(row[c.DATE].iloc[0] + days).date()
    )
    around = around[(around[c.ENTITY] == cell.entity) & (around[c.VARIABLE] == cell.variable)]
    known = [
        f"{one.at} {one.owner}: {one.choice}{'' if own.value is None else f' {own.value:g}'}"
        f" ({one.reason}; {one.via})"
        for one in decisions.every(lake, source)
        for own in one.cells
        if own.key[:3] == cell.key[:3]
    ]
    lines = [telling.table(row), "", "Versions around it:", around.to_string(index=False), "", "Decisions:"]
    return "\n".join([*lines, *(known or ["none"])])


def _decide(lake: Lake, chosen: argparse.Namespace) -> str:
    rows = none_held()
    if chosen.ids:
        week, held = _held(lake, chosen.week)
        rows = _pick(held, chosen.ids, week)
    rows = pd.concat([rows, *(_named(lake, *cell) for cell in chosen.cell)], ignore_index=True)
    if chosen.value is not None and len(rows) > 1:
        raise DecisionRefused(
            "one value can not be right for several", remedy="decide about each, or --as-proposed"
        )
    if chosen.as_proposed and rows[PROPOSED].isna().any():
        lacking = ", ".join(rows.loc[rows[PROPOSED].isna(), ID])
        raise DecisionRefused(
            f"nothing is proposed for {lacking}", remedy="give those a --value of their own"
        )
    # a person at a terminal decides now; whoever replays a decision says --at
    at = chosen.at or dt.datetime.now(dt.UTC)  # noqa: TID251
    proposed = rows[PROPOSED] if chosen.as_proposed else [chosen.value] * len(rows)
    cells = [replace(cell, value=value) for cell, value in zip(cells_of(rows), proposed, strict=True)]
    by_source: dict[str, list[decisions.Cell]] = {}
    for source, cell in zip(rows[c.SOURCE], cells, strict=True):
        by_source.setdefault(str(source), []).append(cell)
    if not by_source:
        raise DecisionRefused("no value was named", remedy="name ids as `list` shows them, or a --cell")
    made = [
        decisions.record(
            lake, source, mine, chosen.choice, owner=chosen.owner, reason=chosen.reason, at=at, via="cli"
        )
        for source, mine in sorted(by_source.items())
    ]
    told = [f"{one.id}: {one.choice} of {len(one.cells)} value(s) of {one.source}" for one in made]
    return "\n".join([*told, "The next run uses it; published weeks stay as they are."])


def _pick(held: pd.DataFrame, ids: Sequence[str], week: dt.date) -> pd.DataFrame:
    unknown = sorted(set(ids) - set(held[ID]))
    if unknown:
        raise DecisionRefused(
            f"week {week} has no value {', '.join(unknown)}",
            remedy="see `list --all`; the source may have changed the value, or name another --week",
        )
    return held[held[ID].isin(ids)].reset_index(drop=True)


def _named(lake: Lake, source: str, entity: str, date: str, variable: str) -> pd.DataFrame:
    """A value that nobody flagged."""
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise DecisionRefused(f"{date!r} is no date", remedy="write it as YYYY-MM-DD") from None
    rows = lake.observations(source).read(start=day, end=day + dt.timedelta(days=1))
    rows = rows[(rows[c.ENTITY] == entity) & (rows[c.VARIABLE] == variable)]
    if rows.empty:
        raise DecisionRefused(
            f"{source} has no {variable} of {entity} on {day}",
            remedy="look at how source and entity are spelt",
        )
    seen = decisions.seen(float(rows[c.VALUE].iloc[0]))
    key = (entity, day.isoformat(), variable, seen)
    own: dict[str, Any] = {c.SOURCE: source, "kind": NAMED, "seen": seen, ID: decisions.cell_id(source, key)}
    texts = {name: "" for name, kind in CELL_DTYPES.items() if kind == "str"}
    own |= dict.fromkeys(("usual", PROPOSED, "used"), float("nan"))
    found = rows.assign(**(texts | own))
    return found.assign(**{c.ENTITY: entity, c.VARIABLE: variable})[list(CELL_DTYPES)].astype(CELL_DTYPES)


if __name__ == "__main__":
    sys.exit(main())
