"""What a source says of a period before its end is a forecast; another value later is no revision of it."""

from __future__ import annotations

import numpy as np

from steadycast.lake.cells import Versions


def without_forecasts(known: Versions, period_days: int) -> Versions:
    """The versions that were told after their period was over; a cell that was only forecast is not known.

    Args:
        known: all versions, of a source that also speaks of days to come.
        period_days: of the source's cadence.
    """
    cells = known.cells
    over = known.moment >= cells.day + period_days
    cell = np.cumsum(known.first)[over]
    polls = known.polls.copy()
    polls[:, 2] = np.minimum(polls[:, 2], np.floor(polls[:, 0]) - period_days)
    return Versions(cells.take(over), np.diff(cell, prepend=-1) != 0, known.moment[over], polls)
