"""What the backtest of a week does about challengers: score them, judge them, promote or propose one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pandas as pd

from steadycast import findings, schema
from steadycast.champion import office
from steadycast.champion.judging import Standing, judge
from steadycast.champion.pairs import CHALLENGER, CHAMPION, losses
from steadycast.lake import Lake
from steadycast.settings import Settings

Season = Callable[[pd.Series], pd.Series]


def report_path(as_of: dt.date) -> str:
    """Where the standings of a week are."""
    return f"backtest/{as_of}/challengers.json"


def stand(
    lake: Lake,
    settings: Settings,
    actuals: pd.DataFrame,
    weeks: list[dt.date],
    *,
    as_of: dt.date,
    season: Season,
) -> dict[str, Any]:
    """Judge all challengers on the weeks that are over, and promote or propose the best of those that won.

    Args:
        lake: where forecasts are, and where the report goes.
        settings: name the challengers and who promotes.
        actuals: entity, week, value of the target.
        weeks: published Mondays up to ``as_of``.
        as_of: the backtest's Monday; a promotion counts from the week after it.
        season: the season of each Monday.

    Returns: the report: champion, standings by challenger, promoted or proposed.
    """
    in_office = office.champion(lake, settings, as_of)
    first = office.since(lake, as_of)
    counted = [week for week in weeks if first is None or week >= first]
    others = [name for name in office.names(settings) if name != in_office]
    error = settings.forecast.promotion.error / max(len(others), 1)
    standings: dict[str, Standing] = {}
    tables = []
    for name in others:
        paired = losses(lake, actuals, counted, champion=in_office, challenger=name)
        seasons = [str(text) for text in season(paired[schema.ORIGIN])] if len(paired) else []
        standings[name] = judge(
            paired[CHAMPION].tolist(), paired[CHALLENGER].tolist(), seasons, error=error, name=name
        )
        tables.append(paired.assign(name=pd.Series(name, index=paired.index, dtype="str")))
    if tables:
        lake.write_frame(f"backtest/{as_of}/challengers.parquet", pd.concat(tables, ignore_index=True))
    report: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "champion": in_office,
        "standings": {name: asdict(standing) for name, standing in standings.items()},
        "promoted": None,
        "proposed": None,
    }
    report |= _act(lake, settings, standings, in_office, as_of)
    lake.write_json(report_path(as_of), report)
    return report


def _act(
    lake: Lake, settings: Settings, standings: dict[str, Standing], in_office: str, as_of: dt.date
) -> dict[str, Any]:
    winners = {name: s for name, s in standings.items() if s.verdict == "promote"}
    found: list[findings.Finding] = []
    done: dict[str, Any] = {}
    if winners:
        name = max(winners, key=lambda winner: winners[winner].gain or 0.0)
        week = as_of + dt.timedelta(weeks=1)
        if settings.forecast.promotion.by == "rule":
            office.promote(
                lake, settings, name, week=week, by="rule", reason=winners[name].says, at=as_of.isoformat()
            )
            done = {"promoted": name}
            found = [_told("is champion", name, in_office, week, winners[name])]
        elif _new(lake, name, winners[name], as_of):
            done = {"proposed": name}
            found = [_told("is proposed as champion", name, in_office, week, winners[name])]
    findings.write(lake, found, as_of=as_of, stage="challengers")
    return done


def _new(lake: Lake, name: str, standing: Standing, as_of: dt.date) -> bool:
    """Is it proposed for the first time at this look? The same week proposes it again when it is re-run."""
    number = len(office.events(lake))
    path = f"champion/proposals/{number:06d}-{standing.weeks // 13:02d}-{name}.json"
    mine = json.dumps({"as_of": as_of.isoformat(), "challenger": name, "says": standing.says}).encode()
    lake.write_bytes_if_absent(path, mine)
    return bool(lake.read_json(path)["as_of"] == as_of.isoformat())


def _told(what: str, name: str, in_office: str, week: dt.date, standing: Standing) -> findings.Finding:
    promoted = what == "is champion"
    return findings.Finding(
        kind="champion",
        severity="info" if promoted else "warning",
        key=f"champion/{name}",
        title=f"{name} {what} instead of {in_office}",
        text=f"{standing.says}. It counts from the week of {week} on.",
        next="`python -m steadycast.champion rollback` takes it back"
        if promoted
        else "answer the question in the DAG promotion; without an answer the champion stays",
    )


def proposal(lake: Lake, as_of: dt.date) -> dict[str, Any] | None:
    """What the backtest of a week proposes: challenger, champion and what is said for it; None if nothing."""
    if not lake.exists(report_path(as_of)):
        return None
    report = lake.read_json(report_path(as_of))
    name = report["proposed"]
    if not name:
        return None
    return {"challenger": name, "champion": report["champion"], **report["standings"][name]}


def question(told: dict[str, Any], as_of: dt.date, hours: float) -> str:
    """The question in Markdown."""
    lines = [
        f"Shall **{told['challenger']}** take the place of **{told['champion']}** from the week of "
        f"{as_of + dt.timedelta(weeks=1)} on?",
        "",
        f"{told['says']}.",
        "",
        "| season | gain |",
        "| --- | --- |",
        *(f"| {season} | {100 * share:+.1f} % |" for season, share in told["seasons"].items()),
        "",
        f"Without an answer within {hours:g} hours the champion stays. "
        "`python -m steadycast.champion rollback` takes a promotion back.",
    ]
    return "\n".join(lines)


def answer(
    lake: Lake, settings: Settings, as_of: dt.date, choice: str, *, by: str | None, reason: str, at: str
) -> office.Event | None:
    """Promote what was proposed if the answer says so; returns the event, None if the champion stays."""
    told = proposal(lake, as_of)
    if told is None or choice != "promote":
        return None
    return office.promote(
        lake,
        settings,
        told["challenger"],
        week=as_of + dt.timedelta(weeks=1),
        by=by or "nobody",
        reason="; ".join(text for text in (reason, told["says"]) if text),
        at=at,
    )
