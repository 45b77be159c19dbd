"""From events to things that are open or over: the first event opens a thing, a resolving one ends it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from steadycast.alerts.event import Event
from steadycast.alerts.outbox import Posted
from steadycast.settings import InhibitSettings, MuteSettings
from steadycast.settings.alerts import Match


@dataclass(frozen=True)
class Episode:
    """One thing from its beginning to its end.

    Attributes:
        events: What was posted while it was open, in order; at least one.
        closed: The event that resolved it; None while it is open.
    """

    events: tuple[Posted, ...]
    closed: Posted | None = None

    @property
    def newest(self) -> Posted:
        """How it stands."""
        return self.events[-1]

    @property
    def since(self) -> dt.datetime:
        """When it opened."""
        return self.events[0].at

    @property
    def news(self) -> tuple[Posted, ...]:
        """What readers have to hear: the first event, and each one louder than all before it.

        The others say the same thing again.
        """
        told: list[Posted] = []
        for posted in self.events:
            if not told or posted.event.loudness > told[-1].event.loudness:
                told.append(posted)
        return tuple(told)

    def overlaps(self, other: Episode) -> bool:
        """Were both open at some moment?"""
        return (other.closed is None or self.since <= other.closed.at) and (
            self.closed is None or other.since <= self.closed.at
        )


def episodes(posted: Iterable[Posted]) -> list[Episode]:
    """All episodes of all keys, in the order in which they opened. An end of nothing says nothing."""
    by_key: dict[str, list[Posted]] = {}
    for one in sorted(posted, key=lambda p: p.id):
        by_key.setdefault(one.event.key, []).append(one)
    found: list[Episode] = []
    for events in by_key.values():
        running: list[Posted] = []
        for one in events:
            if not one.event.resolves:
                running.append(one)
            elif running:
                found.append(Episode(tuple(running), one))
                running = []
        if running:
            found.append(Episode(tuple(running)))
    return sorted(found, key=lambda episode: (episode.since, episode.events[0].id))


def fits(match: Match, event: Event) -> bool:
    """Does everything that the match names agree with the event?"""
    pairs = ((match.kind, event.kind), (match.source, event.source or ""), (match.key, event.key))
    return all(fnmatchcase(value, pattern) for pattern, value in pairs if pattern is not None)


def muted(episode: Episode, mutes: Sequence[MuteSettings], now: dt.datetime) -> MuteSettings | None:
    """The mute that keeps an episode quiet now; for one that is over, the mute under which it ended."""
    moment = min(now, episode.closed.at) if episode.closed else now
    for mute in mutes:
        if mute.since <= moment < mute.until and fits(mute, episode.newest.event):
            return mute
    return None


def inhibited(
    episode: Episode, rules: Sequence[InhibitSettings], all_episodes: Sequence[Episode]
) -> Episode | None:
    """The cause, of the same source, that an episode follows from; told with its cause and not by itself.

    An episode that outlives its cause is told when that is over.
    """
    event = episode.newest.event
    kinds = {kind for rule in rules if event.kind in rule.mutes for kind in rule.open}
    if not kinds or event.source is None:
        return None
    for other in all_episodes:
        told = other.newest.event
        if told.kind not in kinds or told.source != event.source or not episode.overlaps(other):
            continue
        if other.closed is None or episode.closed is not None:
            return other
    return None
