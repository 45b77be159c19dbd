"""Does a source show the newest date that it should by now, and how long is it worth waiting for?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from steadycast import schema as c
from steadycast import timing
from steadycast.errors import BadResponse, SourceUnreachable
from steadycast.progress import Progress, silent
from steadycast.settings import Settings, SourceSettings
from steadycast.sources import Connection, Window, fetch

_MARGIN_DAYS: Final = 7


@dataclass(frozen=True)
class Look:
    """What one look at a source found.

    Attributes:
        source: its name.
        expected: the newest date that it should show.
        newest: the date that at least half of its entities have reached; None if it showed none.
        reason: why nothing could be seen, in the source's words; empty if it answered.
    """

    source: str
    expected: dt.date
    newest: dt.date | None = None
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Does it show the expected date?"""
        return self.newest is not None and self.newest >= self.expected

    @property
    def told(self) -> str:
        """What it found, as words that follow the source's name."""
        if self.reason:
            why = self.reason.removeprefix(f"source {self.source}: ")
            return f"{why}, expected is {self.expected}"
        shown = f"its newest date is {self.newest}" if self.newest else "it shows no recent date"
        return f"{shown}, expected is {self.expected}"


def expected_newest(source: SourceSettings, as_of: dt.date) -> dt.date:
    """The date that the source's newest value has at ``as_of``, if it is as punctual as usual."""
    late = source.expected_lag_days + timing.PERIOD_DAYS[source.cadence] - 1
    return as_of - dt.timedelta(days=max(late, 1))


def look(
    source: SourceSettings, *, as_of: dt.date, connection: Connection | None, progress: Progress = silent
) -> Look:
    """Ask the source for its last days only, and store nothing.

    Raises:
        SourceError: something that waiting does not mend, such as a refused credential.
    """
    expected = expected_newest(source, as_of)
    end = as_of + dt.timedelta(weeks=source.ahead_weeks)
    window = Window(max(expected - dt.timedelta(days=_MARGIN_DAYS), source.history_start), end, as_of)
    try:
        frame = fetch(source, window, connection, progress=progress).frame  # type: ignore[arg-type]
    except (SourceUnreachable, BadResponse) as error:
        return Look(source.name, expected, reason=error.what)
    dates = frame[frame[c.VALUE].notna()].groupby(c.ENTITY)[c.DATE].max().dropna().sort_values()
    entities = max(len(source.entities or ()), len(dates), 1)
    # the date that half of them have reached: one station that is late is for the gate to judge
    half = -(-entities // 2)
    newest = dates.iloc[-half].date() if len(dates) >= half else None
    return Look(source.name, expected, newest)


def patience(
    settings: Settings, source: SourceSettings, *, as_of: dt.date, since: dt.datetime
) -> dt.datetime:
    """Until when a run waits for the source.

    Args:
        settings: the pipeline's.
        source: whom for; an optional one's own limit counts from ``since``.
        as_of: the week.
        since: the run's first look at it, aware.

    Returns: an aware moment, never after the week's publish deadline.
    """
    deadline = settings.schedule.start_of(as_of) + dt.timedelta(hours=settings.watchdog.publish_deadline_h)
    limit = source.ready_timeout_min
    if limit is None and source.role == "optional":
        limit = settings.ready.optional_timeout_min
    return deadline if limit is None else min(deadline, since + dt.timedelta(minutes=limit))
