"""How a run waits for a source: when it looks again, when it goes on without, when readers get a fallback."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, NoReturn

from steadycast.errors import PublicationError, SourceAbsent
from steadycast_runtime.connections import source_connection

if TYPE_CHECKING:
    from steadycast.ready import Look
    from steadycast.settings import AnySource
    from steadycast_runtime.week import Week

log = logging.getLogger(__name__)

SINCE = "waits_since"
"""Key of the task's state store: when the run first looked at the source; outlives retries."""


def next_look(week: Week, source: AnySource, now: dt.datetime, *, waited: bool) -> dt.datetime | None:
    """When to look again; None if the source is ready, or waiting for it is over.

    Args:
        week: the running task's.
        source: whom for.
        now: an aware moment.
        waited: this is not the first look.

    Raises:
        SourceAbsent: the publish deadline has passed while it waited, and a fundamental source has nothing
            that its gate would take; readers have a fallback now.
    """
    from steadycast import ready

    if not waited and now >= ready.patience(week.settings, source, as_of=week.as_of, since=now):
        return None  # a run that starts after the deadline takes what there is
    store = week.context["task_state_store"]
    since = dt.datetime.fromisoformat(str(store.get(SINCE) or now.isoformat()))
    until = ready.patience(week.settings, source, as_of=week.as_of, since=since)
    found = ready.look(source, as_of=week.as_of, connection=source_connection(source.connection))
    if found.ready:
        log.info("%s is up to date: %s", source.name, found.told)
        return None
    if now < until:
        store.set(SINCE, since.isoformat())
        again = min(now + dt.timedelta(seconds=week.settings.ready.every_s), until)
        week.progress(f"waits for {source.name} until {until:%H:%M} UTC: {found.told}", 0, 0)
        return again
    log.warning("Waited for %s until %s UTC: %s", source.name, f"{until:%H:%M}", found.told)
    if source.role == "fundamental" and _refused_by_gate(found, source, week.as_of):
        _publish_fallback(week, found)
    return None


def _refused_by_gate(found: Look, source: AnySource, as_of: dt.date) -> bool:
    return found.newest is None or (as_of - found.newest).days > source.freshness_days


def _publish_fallback(week: Week, found: Look) -> NoReturn:
    """Raise SourceAbsent after readers have got a fallback, or if there is nothing to make one of."""
    from steadycast import fallback

    what = f"{found.told} by the publish deadline"
    try:
        reason = f"source {found.source}: {what}"
        fallback.run(week.lake, week.settings, as_of=week.as_of, reason=reason, progress=week.progress)
        readers = "readers have a fallback"
    except PublicationError as error:
        log.warning("%s", error)
        readers = "there is nothing to make a fallback of"
    raise SourceAbsent(
        found.source, f"{what}; {readers}",
        remedy="when it has recovered, clear ingest and all after it; that forecast replaces the fallback",
    )  # fmt: skip
