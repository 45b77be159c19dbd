"""Why a forecast is what it is, and why it is not what it was a week ago."""

from steadycast.explain.change import Forecasting
from steadycast.explain.groups import of_columns, of_drivers
from steadycast.explain.made_of import CONTRIBUTION, GROUP, contributions, total
from steadycast.explain.signs import Sign, check
from steadycast.explain.telling import CAUSE_NAMES, failed
from steadycast.explain.week import (
    CHANGE,
    CONTRIBUTIONS,
    EXPLANATION,
    PICTURE,
    Explanation,
    Previous,
    explain,
    files,
    previous,
    write,
)

__all__ = [
    "CAUSE_NAMES",
    "CHANGE",
    "CONTRIBUTION",
    "CONTRIBUTIONS",
    "EXPLANATION",
    "GROUP",
    "PICTURE",
    "Explanation",
    "Forecasting",
    "Previous",
    "Sign",
    "check",
    "contributions",
    "explain",
    "failed",
    "files",
    "of_columns",
    "of_drivers",
    "previous",
    "total",
    "write",
]
