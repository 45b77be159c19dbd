"""What is over and old is removed, so that the outbox stays as quick as on its first day. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from steadycast.alerts.ledger import Delivery, Ledger
from steadycast.alerts.outbox import Posted


def over_and_old(ledger: Ledger, before: dt.datetime) -> tuple[Sequence[Posted], Sequence[Delivery]]:
    """Events of keys of which nothing is open and nothing was said since, and their deliveries.

    Args:
        ledger: everything.
        before: what is younger stays; aware.
    """
    by_key: dict[str, list[Posted]] = {}
    for posted in ledger.posted:
        by_key.setdefault(posted.event.key, []).append(posted)
    told = {name for d in ledger.deliveries.values() if d.delivered for name in d.message.events}
    gone: list[Posted] = []
    for events in by_key.values():
        newest = max(events, key=lambda posted: posted.id)
        over = newest.event.resolves or (newest.event.severity == "info" and newest.id in told)
        if over and all(posted.at < before for posted in events):
            gone += events
    ids = {posted.id for posted in gone}
    kept = {posted.id for posted in ledger.posted} - ids
    deliveries = [
        d for d in ledger.deliveries.values()
        if not kept & set(d.message.events) and all(a.at < before for a in d.attempts)
    ]  # fmt: skip
    return gone, deliveries
