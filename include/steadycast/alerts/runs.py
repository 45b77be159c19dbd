"""How a run ended, as events: failed, held back, or what readers have now."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from steadycast.alerts.event import Event, cut
from steadycast.alerts.moves import moved
from steadycast.errors import LakeError
from steadycast.lake import Lake
from steadycast.publication import FALLBACK, PLOT, standing

WEEKLY: Final = "weekly_forecast"
RELEASE: Final = "release"
"""The DAG that asks about a held forecast, and publishes what a person chose."""


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
        text=cut(text),
        next=cut(step),
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
        "text": cut(text),
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
