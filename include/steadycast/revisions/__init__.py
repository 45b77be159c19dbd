"""Revisions: what a source changed behind our back, measured against what is usual for it, and named."""

from steadycast.revisions.holding import believed, settle, suspicious, without
from steadycast.revisions.review import Alarm, Review, review
from steadycast.revisions.week import Judged, judge, path

__all__ = [
    "Alarm",
    "Judged",
    "Review",
    "believed",
    "judge",
    "path",
    "review",
    "settle",
    "suspicious",
    "without",
]
