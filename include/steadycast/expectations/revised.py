"""Our own expectation: what a source says of its past, and its new values, stay within its usual."""

from __future__ import annotations

from functools import cache
from typing import Any

from steadycast.expectations.evidence import SUSPICIOUS, Evidence
from steadycast.expectations.running import Check, expectation_classes

_SHOWN = 3


@cache
def revised_within_usual() -> Any:  # noqa: ANN401 - a class of Great Expectations, made when it is imported
    """The class ``ExpectSeriesRevisedWithinUsual``; each row is a series with its number of suspicious cells.

    The values themselves are judged in ``steadycast.revisions``, since what is usual is learnt from the
    source's versions, which no table of one poll holds.
    """
    parent = expectation_classes().ExpectColumnValuesToBeBetween

    class ExpectSeriesRevisedWithinUsual(parent):  # type: ignore[misc,valid-type]
        """No value of the series is revised beyond the source's usual, or new and unlike its own past."""

        column: str = SUSPICIOUS
        max_value: float = 0
        description: str = "No series is revised beyond its usual, or has new values unlike its own past."

    return ExpectSeriesRevisedWithinUsual


def revised(evidence: Evidence) -> list[Check]:
    """The check of a source's revisions; a warning, because the values in question are kept out."""
    if evidence.revisions is None:
        return []
    sentences = evidence.revisions.sentences
    more = len(sentences) - _SHOWN
    text = "; ".join(sentences[:_SHOWN]) + (f"; and {more} more like these" if more > 0 else "")
    return [Check(revised_within_usual()(), lambda _: text, "warning")]
