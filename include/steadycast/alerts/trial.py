"""One message of each kind to each configured channel, and what came back (``make alert-test``)."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from steadycast.alerts.answer import Answer
from steadycast.alerts.event import Event
from steadycast.alerts.ledger import Purpose, message_of
from steadycast.alerts.outbox import Posted
from steadycast.alerts.sending import Job, Sender
from steadycast.alerts.usable import Channel, usable
from steadycast.alerts.wording import render
from steadycast.errors import LakeError
from steadycast.lake import Lake
from steadycast.settings import Settings

FOLDER: Final = "alerts/trials"
_TEST: Final = "This is a test: nothing has happened."
_WHAT: Final = (
    ("run_failed", "failure", "the run failed", "train: its process was killed (SIGKILL), memory ran out."),
    ("held", "hold", "held back, the forecast looks wrong", "Polk is at 3.4 times its largest recent week."),
    ("fallback", "failure", "readers have a fallback", "Weeks 1-3 are last week's forecast."),
    ("published", "info", "published, nothing unusual", "It moved by +0.8 % against last week's forecast."),
    ("looks_odd", "warning", "published, but it looks odd", "The 80 % interval of Austin is unusually wide."),
    ("degraded", "warning", "published with incomplete inputs", "fuel is absent; last week's price is used."),
    ("source_down", "warning", "fuel gave no data", "It refused the connection three times."),
    ("divergence", "warning", "weather_a and weather_b disagree", "tmax_f differs by 9 degF on 4 days."),
    ("revision", "warning", "weather_a has changed the past", "31 values of May; the forecast moves by 2 %."),
    ("quarantine", "warning", "2 values wait for a decision", "entries of Kedzie on 2016-06-03 is 100."),
    ("drift", "warning", "the forecast has been too high", "WAPE 14 % in the last 4 weeks, usual is 6 %."),
    ("canary", "info", "the canary", "A weekly message that has to come back."),
)


@dataclass(frozen=True)
class Line:
    """One receipt."""

    channel: str
    kind: str
    answer: Answer
    seconds: float


def run(lake: Lake, settings: Settings, environ: Mapping[str, str], clock: Callable[[], dt.datetime]) -> str:
    """Send, keep the receipts in the lake, and return them as a table, with what is not configured.

    Args:
        lake: keeps the receipts; its newest published picture is attached to one message.
        settings: the pipeline's.
        environ: holds the channels' connections.
        clock: the moment, aware.
    """
    found = usable(settings, environ)
    lines: list[Line] = []
    began = clock()
    for name, channel in found.channels.items():
        sender = Sender(channel.settings.kind)
        try:
            lines += list(_each(lake, settings, name, channel, sender, clock))
        finally:
            sender.close()
    for number, line in enumerate(lines):
        told: dict[str, Any] = {"channel": line.channel, "kind": line.kind, "outcome": line.answer.outcome}
        told |= {"text": line.answer.text, "seconds": line.seconds, "at": began.isoformat()}
        lake.write_json(f"{FOLDER}/{began:%Y%m%dT%H%M%S}/{number:03}-{line.channel}-{line.kind}.json", told)
    missing = [f"{name} is left out: {text}" for name, text in found.left_out.items()]
    return "\n".join([*table(lines), "", *missing]).rstrip()


def ok(text: str) -> bool:
    """Did each line of the table end well?"""
    return not any(f" {word} " in text for word in ("busy", "unreachable", "unclear", "refused", "locked"))


def table(lines: list[Line]) -> list[str]:
    """The receipts in columns."""
    rows = [("channel", "message", "outcome", "seconds", "answer")]
    rows += [(n.channel, n.kind, n.answer.outcome, f"{n.seconds:.2f}", n.answer.text) for n in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        " ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
        for row in rows
    ]


def _each(
    lake: Lake,
    settings: Settings,
    name: str,
    channel: Channel,
    sender: Sender,
    clock: Callable[[], dt.datetime],
) -> Iterator[Line]:
    at = clock()
    picture = _picture(lake)
    for label, purpose, events in samples(at):
        posted = [Posted(f"test/{number:06}", at, event) for number, event in enumerate(events)]
        message = message_of(purpose, posted, (name,), at, again=label)
        maybe = label == "possible duplicate"
        rendered = render(message, posted, title=f"{settings.title} (test)", maybe=maybe)
        rendered = replace(rendered, picture=picture if label == "published" else None)
        limit_s = channel.settings.attempt_s
        job = Job("send", channel.settings.kind, channel.to, channel.credential, limit_s, rendered)
        began = time.monotonic()
        answer = sender.do(job, channel.settings.attempt_s)
        if answer.outcome == "busy" and answer.retry_after_s is not None and answer.retry_after_s <= 60:
            time.sleep(answer.retry_after_s)
            answer = sender.do(job, channel.settings.attempt_s)
        yield Line(name, label, answer, time.monotonic() - began)


def samples(at: dt.datetime) -> list[tuple[str, Purpose, list[Event]]]:
    """Each kind of message: its label, its purpose, its events."""
    week = at.date() - dt.timedelta(days=at.weekday())
    each = [
        Event(kind, severity, f"test/{kind}", f"test: {title}", f"{_TEST} {text}", next="nothing", as_of=week)  # type: ignore[arg-type]
        for kind, severity, title, text in _WHAT
    ]
    stations = [
        replace(each[7], key=f"test/{number}", title=f"test: station {number} diverges", source="ridership")
        for number in range(20)
    ]
    found: list[tuple[str, Purpose, list[Event]]] = [(event.kind, "news", [event]) for event in each]
    return [
        *found,
        ("twenty stations", "news", stations),
        ("digest", "digest", each[4:11]),
        ("still open", "repeat", [each[0]]),
        ("resolved", "resolved", [replace(each[0], resolves=True)]),
        ("possible duplicate", "news", [each[0]]),
    ]


def _picture(lake: Lake) -> bytes | None:
    try:
        return lake.read_bytes("published/latest/forecast.png")
    except LakeError:
        return None
