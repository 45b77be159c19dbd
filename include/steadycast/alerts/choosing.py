"""Which channel a message goes to next, and whether it may have arrived already. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from steadycast.alerts.ledger import Attempt, Delivery, Message
from steadycast.settings import AlertsSettings, ChannelSettings

_TROUBLE: Final = ("busy", "unreachable", "unclear", "locked")
_LOCKED_S: Final = 300.0


@dataclass(frozen=True)
class Health:
    """How a channel has been doing.

    Attributes:
        since: When its trouble began; None if its last attempt succeeded.
        last: When it last was in trouble.
        not_before: When it may be tried again.
        locked: Its credential or recipient is wrong; only a person helps.
    """

    since: dt.datetime | None = None
    last: dt.datetime | None = None
    not_before: dt.datetime | None = None
    locked: bool = False

    def is_down(self, now: dt.datetime, deadline_s: float) -> bool:
        """Has it failed for longer than a message may wait for it?"""
        if self.since is None:
            return False
        return self.locked or now - self.since >= dt.timedelta(seconds=deadline_s)


def health(deliveries: Iterable[Delivery], settings: AlertsSettings) -> dict[str, Health]:
    """The health of each channel, from its attempts since the last that succeeded.

    A refused message says nothing about its channel, and neither does an attempt whose deliverer was killed.
    """
    ended: dict[str, list[Attempt]] = {}
    for delivery in deliveries:
        for attempt in delivery.attempts:
            if attempt.ended is not None and attempt.outcome != "refused":
                ended.setdefault(attempt.channel, []).append(attempt)
    return {name: _of(attempts, settings) for name, attempts in ended.items()}


def _of(attempts: Iterable[Attempt], settings: AlertsSettings) -> Health:
    row: list[Attempt] = []
    for attempt in sorted(attempts, key=lambda a: (a.ended, a.at)):
        row = [*row, attempt] if attempt.outcome in _TROUBLE else []
    if not row or row[-1].ended is None:
        return Health()
    last = row[-1]
    wait_s = _LOCKED_S if last.outcome == "locked" else backoff_s(len(row), last, settings)
    not_before = row[-1].ended + dt.timedelta(seconds=max(wait_s, last.retry_after_s or 0))
    return Health(row[0].at, last.ended, not_before, last.outcome == "locked")


def backoff_s(failures: int, last: Attempt, settings: AlertsSettings) -> float:
    """Seconds to wait: doubled with each failure in a row, up to a bound, and spread by a quarter.

    The spread follows from the attempt itself, so that two looks at the same records agree.
    """
    digest = hashlib.sha256(f"{last.channel} {last.at.isoformat()} {last.number}".encode()).digest()
    spread = 0.75 + 0.5 * digest[0] / 255
    doubled = settings.backoff_s * 2.0 ** min(failures - 1, 30)
    return min(doubled, settings.backoff_most_s) * spread


@dataclass(frozen=True)
class Choice:
    """What to do with a message now.

    Attributes:
        channel: Where.
        ask: The attempt of which the channel is asked whether it has arrived, before anything is sent.
        maybe: The message is marked as a possible duplicate.
        probe: The channel is down, and this message tries whether it is back, once.
    """

    channel: str
    ask: Attempt | None = None
    maybe: bool = False
    probe: bool = False


def choose(
    message: Message,
    attempts: Sequence[Attempt],
    states: Mapping[str, Health],
    settings: AlertsSettings,
    usable: Mapping[str, bool],
    now: dt.datetime,
) -> Choice | None:
    """The next step of a message that is not delivered; None if there is nothing to do at this moment.

    The channels are gone through in order. A channel has ``deadline_s`` for the message; less if it has been
    failing for longer already, if it wants more patience than that, if it refused the message for good, or if
    nobody can say whether it has the message.
    When all had their time, any that may be tried is, until one takes it.

    Args:
        message: what is to be sent.
        attempts: on it so far.
        states: of the channels.
        settings: order and limits.
        usable: channels that have what they need, and whether they can be asked what they have.
        now: the moment.
    """
    names = [name for name in message.channels if name in usable] or list(usable)
    # asked once: a channel that could not say will not say so a second later
    asked = {attempt.channel for attempt in attempts if attempt.asked}
    for attempt in attempts:
        if attempt.unclear and usable.get(attempt.channel) and attempt.channel not in asked:
            return Choice(attempt.channel, ask=attempt)
    maybe = any(attempt.unclear for attempt in attempts)
    refused = {a.channel: a.ended or a.at for a in attempts if a.outcome == "refused"}
    # what may have arrived is not sent there again while others can be tried: one repeat is enough
    spent = refused | {a.channel: a.ended or a.at for a in attempts if a.unclear}
    start = message.due
    for name in names:
        state, channel = states.get(name, Health()), settings.channel(name)
        if name in spent:
            start = max(start, spent[name])
            continue
        ready = state.not_before is None or state.not_before <= now
        end = _end(start, state, channel)
        tried = any(attempt.channel == name for attempt in attempts)
        # a channel that is well is tried once also when a message comes late, after the deliverer was away
        if now < end or (not tried and state.since is None):
            return Choice(name, maybe=maybe) if ready else None
        if ready and not tried and state.is_down(now, channel.deadline_s):
            return Choice(name, maybe=maybe, probe=True)
        start = end
    for name in names:
        state = states.get(name, Health())
        again = _again(name, attempts, settings)
        if name not in refused and all(t is None or t <= now for t in (state.not_before, again)):
            return Choice(name, maybe=maybe)
    return None


def _again(name: str, attempts: Sequence[Attempt], settings: AlertsSettings) -> dt.datetime | None:
    """When this message may come to the channel again; another message's success does not hurry it."""
    mine = [a for a in attempts if a.channel == name and a.ended is not None]
    if not mine or mine[-1].ended is None:
        return None
    return mine[-1].ended + dt.timedelta(seconds=backoff_s(len(mine), mine[-1], settings))


def _end(start: dt.datetime, state: Health, channel: ChannelSettings) -> dt.datetime:
    """When the channel's time for a message is up that came to it at ``start``."""
    patience = dt.timedelta(seconds=channel.deadline_s)
    ends = [start + patience]
    if state.since is not None and state.last is not None and state.not_before is not None:
        ends.append(max(start, state.since + patience))
        if state.locked or state.not_before > ends[0]:
            ends.append(max(start, state.last))
    return min(ends)
