"""What a run found and how it ended, as events written for people.

A stage that wants to be heard writes findings (``steadycast.findings``); nothing else. Kinds that are not
known here are told like all others. What is open and not found any more in the same or a later week is told
as over.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from steadycast.alerts.event import SEVERITIES, Event, cut
from steadycast.alerts.outbox import Outbox
from steadycast.errors import LakeError
from steadycast.lake import Lake

SOURCES: Final = "sources"
TOLD_WITH_THE_RUN: Final = ("check_forecast",)
"""Stages whose findings are the outcome of the run, which is told anyway."""
_INDEX: Final = "alerts/findings"


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
        text=cut(str(record.get("text") or "")),
        next=cut(str(record.get("next") or "")),
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

    Of each stage the newest week counts: what an older one finds, run again later, is no news.

    Args:
        lake: with the findings and the outbox.
        as_of: the week's Monday.
        at: now; aware.
        link: of what has none of its own.
    """
    paths: list[str] = []
    found = {**findings(lake, as_of, link), SOURCES: list(sources(lake, as_of, link))}
    for stage, events in found.items():
        index = f"{_INDEX}/{stage}.json"
        before: dict[str, Any] = {"as_of": "", "keys": []}
        if lake.exists(index):
            before = lake.read_json(index)
        if stage in TOLD_WITH_THE_RUN or before["as_of"] > str(as_of):
            continue
        # a source says itself that it is back; a run that polls only some of them says nothing of the others
        keys = {event.key for event in events} if stage != SOURCES else set()
        paths += tell(lake, [*events, *_no_longer(lake, stage, set(before["keys"]) - keys, as_of)], at)
        lake.write_json(index, {"as_of": str(as_of), "keys": sorted(keys)})
    return paths


def _no_longer(lake: Lake, stage: str, keys: set[str], as_of: dt.date) -> list[Event]:
    """Ends of what the stage found before and does not find now."""
    outbox = Outbox(lake)
    gone = [event for key in sorted(keys) if (event := outbox.newest(key))]
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
