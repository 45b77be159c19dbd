"""Airflow -> steadycast: what a task hands to a stage, and how a stage's error reaches its reader.

A task opens its week with ``with this_week() as week`` and calls its stage. Everything heavy (pandas, the lake) is imported
on use, because DAG files import this package each time they are parsed.
"""

from steadycast_runtime.places import git_commit, lake, settings
from steadycast_runtime.week import Week, WeekUnknown, this_week, week_of
from steadycast_runtime.wiring import ACTUALS, PUBLICATION, SOURCE_LABEL, defaults, minutes, weekly

__all__ = [
    "ACTUALS",
    "PUBLICATION",
    "SOURCE_LABEL",
    "Week",
    "WeekUnknown",
    "defaults",
    "git_commit",
    "lake",
    "minutes",
    "settings",
    "this_week",
    "week_of",
    "weekly",
]
