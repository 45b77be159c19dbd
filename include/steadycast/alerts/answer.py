"""What came of one attempt, as the channel saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steadycast.alerts.ledger import Outcome


@dataclass(frozen=True)
class Answer:
    """The end of an attempt.

    Attributes:
        outcome: What it means.
        text: What the other side said; never a secret.
        retry_after_s: Its wish, if it had one.
        facts: What else to keep, e.g. Slack's ``ts`` and ``channel``.
    """

    outcome: Outcome
    text: str
    retry_after_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header; None if there is none or it is a date."""
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None
