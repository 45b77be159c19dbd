"""Revisions: what a source changed behind our back, measured against what is usual for it, and named."""

from steadycast.revisions.grid import Versions
from steadycast.revisions.review import Alarm, Review, review

__all__ = ["Alarm", "Review", "Versions", "review"]
