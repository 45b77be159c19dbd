"""Alerts: what happened goes to a durable outbox first, and from there to people until one has got it."""

from steadycast.alerts.event import SEVERITIES, Event, Severity
from steadycast.alerts.outbox import Outbox, Posted

__all__ = ["SEVERITIES", "Event", "Outbox", "Posted", "Severity"]
