"""Is the model worth publishing? Only if it was nearer than every benchmark on weeks that it had not seen."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from steadycast import schema
from steadycast.models.past import wape
from steadycast.models.shares import FEWEST_ORIGINS


@dataclass(frozen=True)
class Promotion:
    """What is to be published.

    Attributes:
        column: ``point``, or the benchmark that was nearer.
        scores: WAPE of the point and of each benchmark, as shares, each on the rows that both have.
        reason: why it is the benchmark; empty if it is the model.
    """

    column: str
    scores: dict[str, tuple[float, float]]
    reason: str


def promotion(residuals: pd.DataFrame) -> Promotion:
    """Compare the model with each benchmark on past forecasts of weeks that the model had not seen.

    A benchmark counts if it has a value for at least half of the rows.

    Args:
        residuals: as ``past_errors`` makes them: origin, point, actual and benchmarks.
    """
    scores: dict[str, tuple[float, float]] = {}
    for name in [name for name in schema.BENCHMARKS if name in residuals.columns]:
        both = residuals[residuals[name].notna()]
        ours, theirs = wape(both, schema.POINT), wape(both, name)
        if ours is not None and theirs is not None and 2 * len(both) >= len(residuals):
            scores[name] = (ours, theirs)
    enough = residuals[schema.ORIGIN].nunique() >= FEWEST_ORIGINS
    nearer = {name: theirs / ours for name, (ours, theirs) in scores.items() if theirs < ours}
    if not nearer or not enough:
        return Promotion(schema.POINT, scores, "")
    best = min(nearer, key=nearer.__getitem__)
    ours, theirs = scores[best]
    return Promotion(
        best,
        scores,
        f"the model is not published, {best.replace('_', ' ')} is: on past weeks that the model had not seen "
        f"it was off by {100 * theirs:.1f} % and the model by {100 * ours:.1f} % (WAPE)",
    )


def as_published(
    table: pd.DataFrame, residuals: pd.DataFrame, chosen: Promotion
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The forecast and its past errors with the chosen column as the point, the model where that is missing.

    Args:
        table: point and benchmarks.
        residuals: point, benchmarks, actual and residual.
        chosen: by ``promotion``.

    Returns: copies of both.
    """
    if chosen.column == schema.POINT:
        return table, residuals
    then = residuals[chosen.column].fillna(residuals[schema.POINT])
    return (
        table.assign(**{schema.POINT: table[chosen.column].fillna(table[schema.POINT])}),
        residuals.assign(**{schema.POINT: then, schema.RESIDUAL: residuals[schema.ACTUAL] - then}),
    )
