"""Alerts: what happened goes to a durable outbox first, and from there to people until one has got it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steadycast.alerts.event import SEVERITIES, Event, Severity
    from steadycast.alerts.outbox import Outbox, Posted

__all__ = ["SEVERITIES", "Event", "Outbox", "Posted", "Severity"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 the types are above
    """The package's names, loaded when they are used: the process that sends does without the lake."""
    if name in ("Outbox", "Posted"):
        from steadycast.alerts import outbox

        return getattr(outbox, name)
    if name in __all__:
        from steadycast.alerts import event

        return getattr(event, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
