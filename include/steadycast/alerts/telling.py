"""What a run found and how it ended, as events written for people.

A stage that wants to be heard writes findings (``steadycast.findings``); nothing else. Kinds that are not
known here are told like all others. What is open and not found any more in the same or a later week is told
as over.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from steadycast.alerts.event import SEVERITIES, Event
from steadycast.alerts.moves import moved
from steadycast.alerts.outbox import Outbox
from steadycast.errors import ArtefactMissing, LakeError
from steadycast.lake import Lake
from steadycast.publication import FALLBACK, PLOT, standing

WEEKLY: Final = "weekly_forecast"
RELEASE: Final = "release"
"""The DAG that asks about a held forecast, and publishes what a person chose."""
TOLD_WITH_THE_RUN: Final = ("check_forecast",)
"""Stages whose findings are the outcome of the run, which is told anyway."""
_SHOWN: Final = 2000
_INDEX: Final = "alerts/findings"


def run_key(dag_id: str, run: str) -> str:
    """Key of everything that says that a run failed, whoever says it.

    Args:
        dag_id: the DAG.
        run: its week's Monday, or the run's id if it has no week.
    """
    return f"run/{dag_id}/{run}"


def run_link(site: str, dag_id: str, run_id: str) -> str:
    """Where the run is shown; no link without the address of the web UI."""
    return f"{site.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id, safe='')}" if site else ""


def run_failed(
    lake: Lake, dag_id: str, run_id: str, *, as_of: dt.date | None, site: str, why: str = ""
) -> Event:
    """The event of a run that failed; the same whoever tells it.

    Args:
        lake: with the notes of what failed.
        dag_id: the DAG.
        run_id: the run.
        as_of: its week, if it has one.
        site: address of the web UI.
        why: what is known of it if no task has left a note.
    """
    notes = _notes(lake, dag_id, as_of)
    held = next((note for note in notes if _is_gate(note)), None)
    week = f", week {as_of}" if as_of else f", {run_id}"
    if notes:
        text = "\n".join(f"{note['task']}: {note['what']}" for note in notes)
        step = "; ".join(dict.fromkeys(note["next"] for note in notes))
    else:
        text = why or "It ended without a word: its task was killed."
        step = "see the task's log in the run's grid; clear the task to run it again"
    if dag_id == WEEKLY and as_of:
        text += f"\n{_readers(lake, as_of)}"
    return Event(
        kind="held" if held else "run_failed",
        severity="hold" if held else "failure",
        key=run_key(dag_id, str(as_of or run_id)),
        title=f"{dag_id}{week}: {'held back, the forecast looks wrong' if held else 'failed'}",
        text=_cut(text),
        next=_cut(step),
        as_of=as_of,
        link=run_link(site, dag_id, run_id) or None,
    )


def run_ended_well(lake: Lake, dag_id: str, run_id: str, *, as_of: dt.date | None, site: str) -> list[Event]:
    """What came out of a run: the week's outcome, and the end of its failure if it had failed before."""
    link = run_link(site, dag_id, run_id) or None
    name = str(as_of or run_id)
    over = Event(
        "run_failed", "failure", run_key(dag_id, name), f"{dag_id}, week {name}: ran after all",
        "A later try of the run has succeeded.", as_of=as_of, link=link, resolves=True,
    )  # fmt: skip
    if as_of is None:
        return [over]
    if dag_id == WEEKLY:
        return [over, *outcome(lake, as_of, link)]
    if dag_id == RELEASE:
        answered = replace(over, key=run_key(WEEKLY, name), title=f"{WEEKLY}, week {name}: answered")
        return [over, answered, *outcome(lake, as_of, link)]
    try:
        told = lake.read_json(f"backtest/{as_of}/report.json")["sentences"]
    except (LakeError, KeyError):
        return [over]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:8]
    scored = Event(
        "scored", "info", f"scored/{as_of}/{digest}", f"{dag_id}, week {as_of}: scored", "\n".join(told[:3]),
        as_of=as_of, link=link,
    )  # fmt: skip
    return [over, scored]


def outcome(lake: Lake, as_of: dt.date, link: str | None = None) -> list[Event]:
    """What readers have for a week: published, degraded, odd, or a fallback; nothing if nothing is published.

    Args:
        lake: with the publication.
        as_of: the week's Monday.
        link: to the run.
    """
    manifest = standing(lake, as_of)
    if manifest is None:
        return []
    verdict, reasons = str(manifest.get("verdict")), [str(one) for one in manifest.get("reasons", [])]
    digest = hashlib.sha256(str(sorted(manifest["sha256"].items())).encode()).hexdigest()[:8]
    where = f"The file: {lake.link(f'published/{as_of}/forecast.csv')}"
    listed = "\n".join(f"• {reason}" for reason in reasons)
    text = "\n".join(part for part in (listed, moved(lake, as_of), where) if part)
    common: dict[str, Any] = {
        "as_of": as_of,
        "link": link,
        "picture": f"published/{as_of}/{PLOT}",
        "text": _cut(text),
    }
    fallback = f"fallback/{as_of}"
    if verdict == FALLBACK:
        step = "mend the run and clear what failed: its forecast replaces the fallback"
        title = f"{WEEKLY}, week {as_of}: readers have a fallback"
        return [Event("fallback", "warning", fallback, title, next=step, **common)]
    over = Event(
        "fallback", "warning", fallback, f"{WEEKLY}, week {as_of}: the forecast has replaced the fallback",
        "Readers have this week's own forecast now.", as_of=as_of, link=link, resolves=True,
    )  # fmt: skip
    kind, trust = _trust(verdict, manifest, reasons)
    step = "" if kind == "published" else "look at the picture and the reasons before you rely on it"
    title = f"{WEEKLY}, week {as_of}: published, {trust}"
    severity = "info" if kind == "published" else "warning"
    key = f"published/{as_of}/{digest}"
    return [over, Event(kind, severity, key, title, next=step, **common)]  # type: ignore[arg-type]


def _trust(verdict: str, manifest: Mapping[str, Any], reasons: Sequence[str]) -> tuple[str, str]:
    if verdict == "look":
        return "looks_odd", "but it looks odd"
    if manifest.get("degraded"):
        return "degraded", "with incomplete inputs"
    return ("published", "with remarks") if reasons else ("published", "nothing unusual")


def findings(lake: Lake, as_of: dt.date, link: str | None = None) -> dict[str, list[Event]]:
    """The findings of a week by stage, each as an event; a record that can not be read is told as such.

    Args:
        lake: with ``runs/<week>/findings/<stage>.json``.
        as_of: the week's Monday.
        link: of findings that have none of their own.
    """
    found: dict[str, list[Event]] = {}
    for path in lake.list(f"runs/{as_of}/findings"):
        stage = path.rsplit("/", 1)[-1].removesuffix(".json")
        try:
            found[stage] = [of_finding(one, stage, as_of, link) for one in lake.read_json(path)]
        except (LakeError, TypeError, AttributeError) as error:
            found[stage] = [_unreadable(stage, path, error, as_of, link)]
    return found


def of_finding(record: Mapping[str, Any], stage: str, as_of: dt.date, link: str | None = None) -> Event:
    """A finding as an event; what it lacks is filled in, so that it is told whatever it looks like."""
    severity = record.get("severity")
    title = str(record.get("title") or f"{stage} has found something")
    return Event(
        kind=str(record.get("kind") or stage),
        severity=severity if severity in SEVERITIES else "warning",
        key=str(record.get("key") or f"{stage}/{title}"),
        title=title,
        text=_cut(str(record.get("text") or "")),
        next=_cut(str(record.get("next") or "")),
        source=record.get("source"),
        as_of=as_of,
        link=record.get("link") or link,
        picture=record.get("picture"),
    )


def sources(lake: Lake, as_of: dt.date, link: str | None = None) -> Iterable[Event]:
    """For each source of a week: it is down, or (resolving) it gave its data."""
    for path in lake.list(f"runs/{as_of}/ingest"):
        name = re.fullmatch(r".*/(\w+)\.json", path)
        if name is None:
            continue
        told = lake.read_json(path)
        absent = told.get("status") == "absent"
        yield Event(
            "source_down", "warning", f"source/{name[1]}",
            f"{name[1]} gave no data for week {as_of}" if absent else f"{name[1]} gives data again",
            f"{told.get('reason')}. The run went on without it; the forecast is marked degraded."
            if absent
            else f"Week {as_of} was polled.",
            next="" if not absent else f"ask the provider of {name[1]} if it stays away",
            source=name[1], as_of=as_of, link=link, resolves=not absent,
        )  # fmt: skip


def tell(lake: Lake, events: Iterable[Event], at: dt.datetime) -> list[str]:
    """Put events into the outbox; an end of what is not open is left out. Returns the paths.

    Args:
        lake: with the outbox.
        events: what to tell.
        at: now; aware.
    """
    outbox = Outbox(lake)
    paths = []
    for event in events:
        before = outbox.newest(event.key) if event.resolves else None
        if event.resolves and (before is None or before.resolves):
            continue
        paths.append(outbox.put(event, at))
    return paths


def tell_week(lake: Lake, as_of: dt.date, at: dt.datetime, link: str | None = None) -> list[str]:
    """Tell what the stages of a week have found, and what is no longer so. May be called again and again.

    Args:
        lake: with the findings and the outbox.
        as_of: the week's Monday.
        at: now; aware.
        link: of what has none of its own.
    """
    paths = tell(lake, sources(lake, as_of, link), at)
    for stage, events in findings(lake, as_of, link).items():
        if stage in TOLD_WITH_THE_RUN:
            continue
        paths += tell(lake, events, at)
        paths += tell(lake, _no_longer(lake, stage, {event.key for event in events}, as_of), at)
    return paths


def _no_longer(lake: Lake, stage: str, keys: set[str], as_of: dt.date) -> list[Event]:
    """Ends of what the stage found before and does not find now; an older week ends nothing."""
    index = f"{_INDEX}/{stage}.json"
    try:
        before = lake.read_json(index)
    except ArtefactMissing:
        before = {"as_of": str(as_of), "keys": []}
    if before["as_of"] > str(as_of):
        return []
    outbox = Outbox(lake)
    gone = [event for key in sorted(set(before["keys"]) - keys) if (event := outbox.newest(key))]
    lake.write_json(index, {"as_of": str(as_of), "keys": sorted(keys)})
    text = f"{stage} of week {as_of} does not find it any more."
    return [
        replace(event, text=text, next="", picture=None, as_of=as_of, resolves=True)
        for event in gone
        if not event.resolves
    ]


def _unreadable(stage: str, path: str, error: Exception, as_of: dt.date, link: str | None) -> Event:
    return Event(
        "findings_unreadable", "warning", f"findings/{stage}", f"what {stage} has found can not be read",
        f"{path}: {error}", next=f"clear {stage} of week {as_of}; if it comes again, look at its code",
        as_of=as_of, link=link,
    )  # fmt: skip


def _notes(lake: Lake, dag_id: str, as_of: dt.date | None) -> list[dict[str, str]]:
    """What the run's tasks noted, the first failure first."""
    if as_of is None:
        return []
    notes = [lake.read_json(path) for path in lake.list(f"runs/{as_of}/failures/{dag_id}")]
    return sorted(notes, key=lambda note: str(note["at"]))


def _is_gate(note: Mapping[str, str]) -> bool:
    return note["error"] == "GateFailed" and note["what"].startswith("check_forecast")


def _readers(lake: Lake, as_of: dt.date) -> str:
    """What readers have meanwhile."""
    manifest = standing(lake, as_of)
    if manifest is not None:
        fallback = manifest.get("verdict") == FALLBACK
        what = "a fallback" if fallback else "the forecast that was published before"
        return f"Readers have {what} for this week."
    return "Readers have last week's forecast; a fallback follows at the publish deadline."


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
