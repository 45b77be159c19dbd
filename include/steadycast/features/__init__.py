"""From the weekly panel to the numbers that the model sees."""

from steadycast.features.calendar import YEAR, Calendar, calendar
from steadycast.features.history import Floats, History, Indices, history, row_means
from steadycast.features.lookback import LEVEL_WEEKS, Lookback, ratio
from steadycast.features.matrix import CURVED, Anchors, Maker, Matrix, Rows
from steadycast.features.scale import squash, unsquash

__all__ = [
    "CURVED",
    "LEVEL_WEEKS",
    "YEAR",
    "Anchors",
    "Calendar",
    "Floats",
    "History",
    "Indices",
    "Lookback",
    "Maker",
    "Matrix",
    "Rows",
    "calendar",
    "history",
    "ratio",
    "row_means",
    "squash",
    "unsquash",
]
