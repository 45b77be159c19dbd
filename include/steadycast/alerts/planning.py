"""Which messages are due now: grouping, dedupe, inhibition, repeats, resolved messages, mutes, digest.

Pure: events, records of deliveries and the time are arguments. Whatever the deliverer forgets in a crash, it
decides again in the same way, and a message that was begun goes on as it was begun.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from steadycast.alerts.episodes import Episode, episodes, inhibited, muted
from steadycast.alerts.event import SEVERITIES, Event
from steadycast.alerts.ledger import Ledger, Message, Purpose, message_of
from steadycast.alerts.outbox import Posted
from steadycast.settings import AlertsSettings, MuteSettings, RouteSettings

LOUD: Final = SEVERITIES.index("hold")
OUTCOMES: Final = ("published", "degraded", "looks_odd", "scored", "fallback", "canary", "test")
"""Kinds that are told at once also as information: somebody waits for them."""
_DEFAULT: Final = (
    RouteSettings(severities=("hold", "failure")),
    RouteSettings(kinds=OUTCOMES),
    RouteSettings(send="digest"),
)


@dataclass(frozen=True)
class Plan:
    """What there is to do and how things stand.

    Attributes:
        messages: To be sent now or as soon as a channel takes them, oldest first.
        unsent: Events that no channel has taken yet, the digest's before its hour not among them.
        open: Episodes that are open and of interest, warnings and louder.
        waiting: Number of events that wait for the digest.
        quiet: Events that are not told, and why.
    """

    messages: tuple[Message, ...]
    unsent: tuple[Posted, ...]
    open: tuple[Episode, ...]
    waiting: int
    quiet: tuple[Quiet, ...]


@dataclass(frozen=True)
class Quiet:
    """An event that is not told now.

    Attributes:
        posted: The event.
        why: The mute, or the cause that it follows from.
        cause: Ids of the cause's events; they are told with a hint to this one.
    """

    posted: Posted
    why: str
    cause: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Item:
    purpose: Purpose
    posted: Posted
    route: RouteSettings
    due: dt.datetime
    again: str = ""


def route_of(event: Event, settings: AlertsSettings) -> RouteSettings:
    """The first route that fits; its channels are filled in."""
    for route in (*settings.routes, *_DEFAULT):
        if (
            (not route.severities or event.severity in route.severities)
            and (not route.kinds or event.kind in route.kinds)
            and (not route.sources or event.source in route.sources)
        ):
            names = route.channels or tuple(channel.name for channel in settings.channels)
            return replace_channels(route, event, names)
    raise AssertionError("the last default route fits everything")


def replace_channels(route: RouteSettings, event: Event, names: tuple[str, ...]) -> RouteSettings:
    """The route with its channels; alarms about a silent channel go to the others first."""
    if event.kind == "canary_silent" and len(names) > 1:
        names = (*names[1:], names[0])
    return route.model_copy(update={"channels": names})


def plan(
    ledger: Ledger,
    settings: AlertsSettings,
    mutes: Sequence[MuteSettings],
    now: dt.datetime,
    timezone: str = "UTC",
) -> Plan:
    """Everything that is due, from scratch.

    Args:
        ledger: events and deliveries.
        settings: the rules.
        mutes: those of the settings and of the lake.
        now: the moment; aware.
        timezone: in which the digest has its hour.
    """
    known = {posted.id: posted for posted in ledger.posted}
    begun = [d for d in ledger.deliveries.values() if all(name in known for name in d.message.events)]
    running = [d.message for d in begun if d.delivered is None]
    told_at = {name: d.delivered.at for d in begun if d.delivered for name in d.message.events}
    taken = {name for message in running for name in message.events if message.purpose != "repeat"}
    everything = episodes(ledger.posted)
    old = now - dt.timedelta(days=settings.keep_days)
    items: list[_Item] = []
    quiet: list[Quiet] = []
    for episode in everything:
        if episode.closed is not None and episode.closed.at < old:
            continue
        held = _held(episode, everything, settings, mutes, now)
        found = _of_episode(episode, told_at, taken, ledger, settings, now)
        if held:
            quiet += [replace(held, posted=item.posted) for item in found if item.purpose != "repeat"]
        else:
            items += found
    digest_at = _digest_hours(settings, timezone)
    items = [_digest_later(item, digest_at) for item in items]
    due = [item for item in items if item.due <= now]
    fresh = _grouped(due, settings, now)
    waiting = [item.posted for item in items if item.due > now and item.route.send == "digest"]
    unsent = {p.id: p for m in running for p in (known[name] for name in m.events)}
    unsent |= {i.posted.id: i.posted for i in items if i.purpose != "repeat" and i.posted not in waiting}
    return Plan(
        tuple(sorted([*running, *fresh], key=lambda m: (m.due, m.id))),
        tuple(sorted(unsent.values(), key=lambda p: (p.at, p.id))),
        tuple(e for e in everything if e.closed is None and e.newest.event.severity != "info"),
        len(waiting),
        tuple(quiet),
    )


def _held(
    episode: Episode,
    everything: Sequence[Episode],
    settings: AlertsSettings,
    mutes: Sequence[MuteSettings],
    now: dt.datetime,
) -> Quiet | None:
    mute = muted(episode, mutes, now)
    if mute is not None:
        until = f"{mute.until:%Y-%m-%d %H:%M %Z}"
        return Quiet(episode.newest, f"muted by {mute.owner} until {until}: {mute.why}")
    cause = inhibited(episode, settings.inhibit, everything)
    if cause is None:
        return None
    ids = tuple(posted.id for posted in cause.events)
    return Quiet(episode.newest, f"follows from: {cause.newest.event.title}", ids)


def _of_episode(
    episode: Episode,
    told_at: dict[str, dt.datetime],
    taken: set[str],
    ledger: Ledger,
    settings: AlertsSettings,
    now: dt.datetime,
) -> list[_Item]:
    """What there is to say about one episode."""
    items = [
        _Item("news", posted, route_of(posted.event, settings), posted.at)
        for posted in episode.news
        if posted.id not in told_at and posted.id not in taken
    ]
    heard = [told_at[posted.id] for posted in episode.news if posted.id in told_at]
    loudest = episode.news[-1]
    if not heard or loudest.event.severity == "info":
        return items
    closed = episode.closed
    if closed is not None:
        if not items and closed.id not in told_at and closed.id not in taken:
            # it is told where it was told before, so the route is that of the event and not of its end
            items.append(_Item("resolved", closed, route_of(loudest.event, settings), closed.at))
        return items
    if items or loudest.event.loudness < LOUD or any(p.id in taken for p in episode.news):
        return items
    return _repeat(episode, max(heard), ledger, settings, now)


def _repeat(
    episode: Episode, heard: dt.datetime, ledger: Ledger, settings: AlertsSettings, now: dt.datetime
) -> list[_Item]:
    ids = {posted.id for posted in episode.events}
    repeats = [
        d for d in ledger.deliveries.values()
        if d.message.purpose == "repeat" and ids & set(d.message.events)
    ]  # fmt: skip
    if len(repeats) >= settings.repeat_most or any(d.delivered is None for d in repeats):
        return []
    last = max([heard, *(d.delivered.at for d in repeats if d.delivered)])
    due = last + dt.timedelta(hours=settings.repeat_h)
    if due > now:
        return []
    route = route_of(episode.news[-1].event, settings)
    return [_Item("repeat", episode.newest, route, due, again=due.isoformat())]


def _digest_hours(settings: AlertsSettings, timezone: str) -> Callable[[dt.datetime], dt.datetime]:
    zone = ZoneInfo(timezone)

    def after(moment: dt.datetime) -> dt.datetime:
        local = moment.astimezone(zone)
        hour = dt.datetime.combine(local.date(), dt.time(settings.digest_hour), zone)
        if hour < local:
            day = local.date() + dt.timedelta(days=1)
            hour = dt.datetime.combine(day, dt.time(settings.digest_hour), zone)
        return hour.astimezone(dt.UTC)

    return after


def _digest_later(item: _Item, digest_at: Callable[[dt.datetime], dt.datetime]) -> _Item:
    return replace(item, due=digest_at(item.due)) if item.route.send == "digest" else item


def _grouped(items: Sequence[_Item], settings: AlertsSettings, now: dt.datetime) -> list[Message]:
    """One message for what belongs together and has been collected long enough; one digest."""
    groups: dict[tuple[object, ...], list[_Item]] = {}
    for item in items:
        groups.setdefault(_group(item, flooded=False), []).append(item)
    if len(groups) > settings.flood:
        groups = {}
        for item in items:
            groups.setdefault(_group(item, flooded=True), []).append(item)
    wait = dt.timedelta(seconds=settings.group_wait_s)
    messages = []
    for members in groups.values():
        members.sort(key=lambda item: (item.posted.at, item.posted.id))
        first = members[0]
        if first.route.send == "at_once" and first.purpose != "repeat" and first.due + wait > now:
            continue
        for start in range(0, len(members), settings.group_most):
            part = members[start : start + settings.group_most]
            purpose: Purpose = "digest" if first.route.send == "digest" else first.purpose
            messages.append(
                message_of(
                    purpose,
                    (item.posted for item in part),
                    first.route.channels,
                    max(item.due for item in part) if purpose == "digest" else part[0].due,
                    again=max(item.again for item in part),
                )
            )
    return messages


def _group(item: _Item, *, flooded: bool) -> tuple[object, ...]:
    route, event = item.route, item.posted.event
    if route.send == "digest":
        return (route.send, route.channels)
    if flooded:
        return (route.send, route.channels, item.purpose, event.severity)
    same = (event.kind, event.source, event.as_of) if event.source or event.as_of else (event.key,)
    return (route.send, route.channels, item.purpose, event.severity, *same)
