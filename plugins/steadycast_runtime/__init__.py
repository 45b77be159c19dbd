"""Airflow -> steadycast: what a task hands to a stage, and how a stage's error reaches its reader.

A task opens its week with ``with this_week() as week`` and calls its stage. Everything heavy (pandas, the
lake) is imported on use, because DAG files import this package each time they are parsed.
"""

from steadycast_runtime.decisions import quarantine
from steadycast_runtime.places import git_commit, lake, settings
from steadycast_runtime.week import Week, WeekUnknown, this_week, week_of

__all__ = ["Week", "WeekUnknown", "git_commit", "lake", "quarantine", "settings", "this_week", "week_of"]
