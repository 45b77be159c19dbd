"""Quarantine: implausible internal values are kept, and left out of training until somebody decides.

``python -m steadycast.quarantine list|show|decide`` is the way from a terminal, the DAG ``decisions`` the one
from the web UI.
"""

from steadycast.quarantine.applying import (
    apply,
    mark_corrected,
    newest_report,
    report_path,
    without_ranges,
)
from steadycast.quarantine.week import run

__all__ = ["apply", "mark_corrected", "newest_report", "report_path", "run", "without_ranges"]
