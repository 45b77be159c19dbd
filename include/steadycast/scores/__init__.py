"""How good published forecasts were, beside every benchmark: numbers, sentences and a table."""

from steadycast.scores.scoring import (
    BEST,
    COUNT,
    GROUP,
    GROUPS,
    KEY,
    MODELS,
    OVERALL,
    RATIO,
    WEEKS,
    Scored,
    score,
    season,
    summarise,
    wape_name,
)
from steadycast.scores.telling import MODEL_NAMES, left_out, sentences, table

__all__ = [
    "BEST",
    "COUNT",
    "GROUP",
    "GROUPS",
    "KEY",
    "MODELS",
    "MODEL_NAMES",
    "OVERALL",
    "RATIO",
    "WEEKS",
    "Scored",
    "left_out",
    "score",
    "season",
    "sentences",
    "summarise",
    "table",
    "wape_name",
]
