"""A message as Slack's Block Kit, within Slack's limits whatever the events hold.

Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from steadycast.alerts.wording import FULL, MAYBE, Rendered, Told

MOST_BLOCKS: Final = 50
HEADER: Final = 150
TEXT: Final = 3000
URL: Final = 3000
_LINE: Final = 280
_SUMMARY: Final = 3500
"""Of the text beside the blocks, which notifications show; Slack cuts it at 4,000 where it can."""


def blocks(message: Rendered) -> list[dict[str, Any]]:
    """The message's blocks."""
    out: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": cut(message.headline, HEADER), "emoji": True},
        }
    ]
    if message.maybe:
        out.append(_context(f"{MAYBE}: it could not be learnt whether this has arrived before"))
    told = message.told
    body = [b for one in told for b in _full(one)] if len(told) <= FULL else list(_listed(told))
    room = MOST_BLOCKS - len(out) - 2
    if len(body) > room:
        left_out = _context("there is more than one message holds; the whole is in the lake's outbox")
        body = [*body[: room - 1], left_out]
    out += body
    if message.also:
        titles = "\n".join(f"• {escaped(title)}" for title in message.also)
        out.append(_section(f"_Follows from it:_\n{titles}"))
    return [*out, _context(escaped(message.footer))]


def summary(message: Rendered) -> str:
    """The text beside the blocks: what a notification shows, and what stands if the blocks are refused."""
    lines = [f"{message.sign} {f'({MAYBE}) ' if message.maybe else ''}*{escaped(message.subject)}*".strip()]
    for told in message.told:
        if len(message.told) > 1:
            lines.append(f"• {escaped(told.title)}")
        if len(message.told) <= FULL:
            lines += [part for part in (escaped(told.event.text), _next(told)) if part]
            lines += [f"<{told.event.link}|open>"] if told.event.link else []
    return cut("\n".join(lines), _SUMMARY)


def escaped(text: str) -> str:
    """Text with the three characters that Slack reads as markup made harmless."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, most: int) -> str:
    """Text of at most so many characters; an escaped character is not cut in two."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    head, amp, tail = kept.rpartition("&")
    return f"{head if amp and ';' not in tail and len(tail) < 5 else kept}…"


def _full(told: Told) -> Iterator[dict[str, Any]]:
    event = told.event
    yield _section(f"*{escaped(told.title)}*\n{escaped(event.text)}".strip())
    if step := _next(told):
        yield _section(step)
    facts = [f"week {event.as_of}" if event.as_of else "", event.source or "", event.kind.replace("_", " ")]
    yield _context(escaped(" · ".join(fact for fact in facts if fact)))
    if event.link and len(event.link) <= URL and event.link.startswith(("http://", "https://")):
        button = {
            "type": "button",
            "text": {"type": "plain_text", "text": "Open"},
            "url": event.link,
        }
        yield {"type": "actions", "elements": [button]}


def _next(told: Told) -> str:
    return f"*Next:* {escaped(told.event.next)}" if told.event.next and not told.event.resolves else ""


def _listed(told: tuple[Told, ...]) -> Iterator[dict[str, Any]]:
    """One line for each event; as many lines in a section as it holds."""
    lines: list[str] = []
    for one in told:
        text = cut(f"• *{escaped(one.title)}* {escaped(one.event.text)}".rstrip(), _LINE)
        # bold that was cut open would run on into the next line
        line = text if text.count("*") % 2 == 0 else f"{text}*"
        if sum(map(len, lines)) + len(lines) + len(line) > TEXT:
            yield _section("\n".join(lines))
            lines = []
        lines.append(line)
    yield _section("\n".join(lines))


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, TEXT)}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, TEXT)}]}
