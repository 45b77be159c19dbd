"""Champion and challengers: which model is published, which ones run beside it, and when they change."""

from steadycast.champion.judging import Standing, judge
from steadycast.champion.office import (
    BASE,
    Event,
    champion,
    events,
    history,
    names,
    promote,
    rollback,
    variation,
)
from steadycast.champion.pairs import card_path, losses, shadow_path
from steadycast.champion.weekly import answer, proposal, question, stand

__all__ = [
    "BASE",
    "Event",
    "Standing",
    "answer",
    "card_path",
    "champion",
    "events",
    "history",
    "judge",
    "losses",
    "names",
    "promote",
    "proposal",
    "question",
    "rollback",
    "shadow_path",
    "stand",
    "variation",
]
