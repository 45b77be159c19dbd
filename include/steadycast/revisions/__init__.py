"""Revisions: what a source changed behind our back, measured against what is usual for it, and named."""

from steadycast.revisions.holding import believed, settle, suspicious, without
from steadycast.revisions.review import Alarm, Review, review
from steadycast.revisions.telling import findings_of
from steadycast.revisions.week import Judged, judge, path, stage_name

__all__ = [
    "Alarm",
    "Judged",
    "Review",
    "believed",
    "findings_of",
    "judge",
    "path",
    "review",
    "settle",
    "stage_name",
    "suspicious",
    "without",
]
