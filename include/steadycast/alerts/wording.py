"""A message as people read it, in each form that a channel needs."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from steadycast.alerts.event import Event

if TYPE_CHECKING:
    from steadycast.alerts.ledger import Message, Purpose
    from steadycast.alerts.outbox import Posted

MAYBE: Final = "possible duplicate"
FULL: Final = 5
"""Up to so many events each is told in full; of more, one line each."""
_SIGNS: Final = {"failure": "🔴", "hold": "✋", "warning": "⚠️", "info": "ℹ️"}
_GOOD: Final = "✅"
_SUBJECT: Final = 140


@dataclass(frozen=True)
class Told:
    """One event in words; ``lead`` says what is new about it."""

    lead: str
    event: Event

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.lead}{self.event.title}"


@dataclass(frozen=True)
class Rendered:
    """What a channel is given.

    Attributes:
        id: The message's; mails and webhooks carry it, so that a receiver can drop a repeat.
        subject: One line.
        told: The events in words.
        sign: A sign that tells the severity at a glance.
        also: Titles of what follows from the events and is not told by itself.
        maybe: It may have arrived before.
        footer: Where it comes from and how to answer.
        thread: Slack's channel and ``ts`` of the week's first message; None for none.
        loud: Worth the whole channel's attention, also within a thread.
        picture: A PNG, if there is one.
    """

    id: str
    subject: str
    told: tuple[Told, ...]
    sign: str = ""
    also: tuple[str, ...] = ()
    maybe: bool = False
    footer: str = ""
    thread: tuple[str, str] | None = None
    loud: bool = False
    picture: bytes | None = field(default=None, repr=False)

    @property
    def headline(self) -> str:
        """The subject with its sign and, if need be, the hint to a possible duplicate."""
        return f"{self.sign} {f'({MAYBE}) ' if self.maybe else ''}{self.subject}".strip()


def render(
    message: Message,
    events: Sequence[Posted],
    *,
    title: str,
    maybe: bool = False,
    also: Sequence[str] = (),
) -> Rendered:
    """The message in words.

    Args:
        message: what is sent.
        events: its events, as posted.
        title: of the pipeline.
        maybe: it may have arrived before.
        also: titles of what follows from it.
    """
    told = tuple(Told(_lead(message.purpose, posted), posted.event) for posted in events)
    loudest = max((t.event for t in told), key=lambda event: event.loudness)
    over = all(t.event.resolves for t in told)
    good = over or (loudest.kind in ("published", "scored") and loudest.severity == "info")
    subject = f"{title}: {_subject(message, told)}"
    cut = subject if len(subject) <= _SUBJECT else f"{subject[: _SUBJECT - 1]}…"
    return Rendered(
        message.id, " ".join(cut.split()), told, _GOOD if good else _SIGNS[loudest.severity],
        tuple(also), maybe, f"{title} · {message.purpose} · {message.id}",
        loud=loudest.severity in ("hold", "failure"),
    )  # fmt: skip


def _lead(purpose: Purpose, posted: Posted) -> str:
    if posted.event.resolves:
        return "resolved: "
    return "still open: " if purpose == "repeat" else ""


def _subject(message: Message, told: Sequence[Told]) -> str:
    if message.purpose == "digest":
        return f"{len(told)} remark{'s' if len(told) > 1 else ''} of the last day"
    if len(told) == 1:
        return told[0].title
    kinds = list(dict.fromkeys(t.event.kind.replace("_", " ") for t in told))
    sources = list(dict.fromkeys(t.event.source for t in told if t.event.source))
    what = " and ".join(kinds[:3]) + (f" and {len(kinds) - 3} more kinds" if len(kinds) > 3 else "")
    where = f" of {', '.join(sources[:3])}" if sources else ""
    week = f", week {message.as_of}" if message.as_of else ""
    return f"{told[0].lead}{len(told)} times {what}{where}{week}"


def plain(message: Rendered) -> str:
    """All of it as text, for mails, SNS and the log."""
    parts = [f"({MAYBE}: it could not be learnt whether this has arrived before)"] if message.maybe else []
    for told in message.told:
        event = told.event
        lines = [told.title, event.text]
        lines += [f"Next: {event.next}"] if event.next and not event.resolves else []
        lines += [event.link] if event.link else []
        parts.append("\n".join(line for line in lines if line))
    if message.also:
        parts.append("Follows from it:\n" + "\n".join(f"- {title}" for title in message.also))
    return "\n\n".join([*parts, f"-- \n{message.footer}"]) + "\n"


def page(message: Rendered) -> str:
    """All of it as HTML, for mails; whatever a source sent is escaped."""
    parts = [f"<p><b>{html.escape(message.headline)}</b></p>"]
    for told in message.told:
        event = told.event
        body = f"<h3>{html.escape(told.title)}</h3><p>{html.escape(event.text)}</p>"
        if event.next and not event.resolves:
            body += f"<p><b>Next:</b> {html.escape(event.next)}</p>"
        if event.link:
            body += f'<p><a href="{html.escape(event.link, quote=True)}">Open</a></p>'
        parts.append(body)
    if message.also:
        listed = "".join(f"<li>{html.escape(title)}</li>" for title in message.also)
        parts.append(f"<p>Follows from it:</p><ul>{listed}</ul>")
    return "\n".join([*parts, f"<p><small>{html.escape(message.footer)}</small></p>"])


def data(message: Rendered) -> dict[str, Any]:
    """All of it as JSON, for a webhook."""
    return {
        "id": message.id,
        "subject": message.subject,
        "text": message.headline,
        "possible_duplicate": message.maybe,
        "events": [told.event.record() for told in message.told],
        "also": list(message.also),
    }
