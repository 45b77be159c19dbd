"""Ages that a jump of the clock does not change."""

from __future__ import annotations

import datetime as dt


class SteadyTime:
    """Translates clock times of Airflow's records into times of one clock that never jumps.

    A time that is new at a look was written since the look before; were its age taken from the wall clock, a
    clock set forward by an hour would make every running task an hour old. Only the first look has to believe
    the wall clock.
    """

    def __init__(self) -> None:
        self.now = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        self._wall = self.now
        self._origin: tuple[dt.datetime, float] | None = None
        self._last: dt.datetime | None = None
        self._known: dict[dt.datetime, dt.datetime] = {}
        self._used: dict[dt.datetime, dt.datetime] = {}

    def begin(self, wall: dt.datetime, monotonic_s: float) -> None:
        """A look begins.

        Args:
            wall: what the clock says, aware.
            monotonic_s: what ``time.monotonic`` says.
        """
        if self._origin is None:
            self._origin = wall, monotonic_s
        start, start_s = self._origin
        self.now = start + dt.timedelta(seconds=monotonic_s - start_s)
        self._wall = wall
        self._used = {}

    def of(self, moment: dt.datetime | None) -> dt.datetime | None:
        """The steady time of a clock time that the records hold; never after ``now``."""
        if moment is None:
            return None
        steady = self._known.get(moment)
        if steady is None:
            age = max(self._wall - moment, dt.timedelta())
            if self._last is not None:
                age = min(age, self.now - self._last)
            steady = self.now - age
        self._used[moment] = steady
        return steady

    def done(self) -> None:
        """The look has read everything; what it did not see is forgotten."""
        self._last, self._known = self.now, self._used
