"""The pages' contents. Everything that comes from a source or a file is escaped."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import jinja2
from steadycast_runtime.places import lake, settings

from steadycast.errors import ArtefactMissing

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
CHECK = "check_forecast"
STAGES = ("compare_sources", CHECK)
"""Gates that are no source's."""
SILENT = dt.timedelta(minutes=3)


def newest_week() -> str:
    """The newest published week.

    Raises:
        ArtefactMissing: nothing is published yet.
    """
    weeks = published_weeks()
    if not weeks:
        remedy = "trigger `weekly_forecast` with a week's Monday as partition key"
        raise ArtefactMissing("a published forecast", remedy=remedy)
    return weeks[0]


def docs_folder(week: str, gate: str) -> str:
    """Where the Data Docs of a gate are in the lake."""
    return f"runs/{week}/{gate}/docs" if gate in STAGES else f"runs/{week}/validate/docs/{gate}"


def verdict(week: str, gate: str) -> dict[str, Any] | None:
    """What a gate found, None if it has not run."""
    path = f"runs/{week}/{gate}.json" if gate in STAGES else f"runs/{week}/validate/{gate}.json"
    try:
        found: dict[str, Any] = lake().read_json(path)
    except ArtefactMissing:
        return None
    warnings = found.get("warnings") or found.get("reasons") or []
    return {
        "gate": gate,
        "verdict": found["verdict"],
        "failures": found.get("failures") or [],
        "warnings": [text for text in warnings if text not in (found.get("failures") or [])],
        "docs": bool(found.get("docs")),
    }


def verdicts(week: str) -> list[dict[str, Any]]:
    """What all gates of a week found, in the order of the run."""
    names = [source.name for source in settings().sources]
    return [found for gate in (*names, *STAGES) if (found := verdict(week, gate))]


def forecast_page(week: str, entity: str | None, prefix: str) -> str:
    """The published forecast of a week: verdict and reasons, one entity's plot, all rows of it."""
    from steadycast import schema as c
    from steadycast.publication import read_published

    frame, manifest = read_published(lake(), dt.date.fromisoformat(week))
    entities = sorted(frame[c.ENTITY].unique())
    shown = entity if entity in entities else None
    rows = frame[frame[c.ENTITY] == (shown or entities[0])].sort_values(c.HORIZON)
    return TEMPLATES.get_template("forecast.html").render(
        title=settings().title,
        unit=settings().target.unit,
        week=week,
        weeks=published_weeks(),
        manifest=manifest,
        entities=entities,
        entity=shown,
        listed=shown or entities[0],
        rows=rows.to_dict("records"),
        benchmarks=[name for name in c.BENCHMARKS if rows[name].notna().any()],
        why=_why(manifest, shown),
        prefix=prefix,
        alerts=alerts_line(),
    )


def _why(manifest: dict[str, Any], entity: str | None) -> dict[str, Any] | None:
    """The published explanation of all entities, or of one by week; None if there is none."""
    from steadycast import explain
    from steadycast import schema as c

    files = manifest["files"]
    if explain.EXPLANATION not in files:
        return None
    told = lake().read_json(files[explain.EXPLANATION])
    if entity is None:
        return {"sentences": told["sentences"], "groups": None, "change": None}
    made_of = lake().read_frame(files[explain.CONTRIBUTIONS])
    mine = made_of[made_of[c.ENTITY] == entity]
    wide = mine.pivot(index=explain.GROUP, columns=c.WEEK, values=explain.CONTRIBUTION).fillna(0.0)
    order = [group for one in told["total"] if (group := one["group"]) in wide.index]
    wide = wide.loc[order]
    moved = lake().read_frame(files[explain.CHANGE])
    return {
        "sentences": [],
        "weeks": [week.date() for week in wide.columns],
        "groups": {group: row.tolist() for group, row in wide.iterrows()},
        "change": moved[moved[c.ENTITY] == entity].sort_values(c.WEEK).to_dict("records"),
        "causes": explain.CAUSE_NAMES,
        "members": told["groups"],
    }


def alerts_line() -> str:
    """How the alerts stand, in a sentence."""
    from steadycast.alerts.deliverer import STATUS

    try:
        told = lake().read_json(STATUS)
    except ArtefactMissing:
        return "Alerts: nobody sends them; start the deliverer."
    line = f"Alerts: {told['open']} open, {told['unsent']} unsent, {told['waiting']} wait for the digest."
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(told["at"])
    if told.get("stopped") or age > SILENT:
        line += f" The deliverer has been silent since {told['at'][:16].replace('T', ' ')} UTC."
    failing = [f"{name} is {state}" for name, state in told["channels"].items() if state != "well"]
    return " ".join([line, *(f"{text}." for text in failing)])


def published_weeks() -> list[str]:
    """All published weeks, newest first."""
    from steadycast import publication

    return [week.isoformat() for week in reversed(publication.published_weeks(lake()))]


def gates_page(week: str, prefix: str) -> str:
    """Verdicts of all gates of a week."""
    return TEMPLATES.get_template("gates.html").render(
        week=week, gates=verdicts(week), prefix=prefix, published=week in published_weeks()
    )


def run_page(week: str, prefix: str) -> str:
    """What the tab of a run shows."""
    return gates_page(week, prefix)


def gate_page(week: str, gate: str, prefix: str) -> str:
    """What the tab of a gate's task shows."""
    found = verdict(week, gate)
    if found is None:
        return note("Not run yet", f"{gate} has no verdict for {week} yet.")
    return TEMPLATES.get_template("gates.html").render(
        week=week, gates=[found], prefix=prefix, published=False
    )


def note(title: str, text: str) -> str:
    """A page with one message."""
    return TEMPLATES.get_template("note.html").render(title=title, text=text)
