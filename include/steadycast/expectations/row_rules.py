"""Checks that know which rows do not meet them, so that a gate can name all of them, worst first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from steadycast.expectations.running import Check, Severity, expectation_classes

Row = Any
"""A named tuple of a frame's columns."""
Tells = Callable[[Row], str]
"""One row as a sentence."""

_SHOWN_SENTENCES: Final = 3


@dataclass(frozen=True)
class RowRule:
    """One condition on the rows of a frame, told twice: to Great Expectations, and as the rows that miss it.

    Attributes:
        expectation: the condition for Great Expectations.
        bad: True where a row does not meet it.
        tells: one row as a sentence.
        severity: critical stops, warning flags.
        distance: how far off a row is; the farthest are told first.
    """

    expectation: Any
    bad: pd.Series[bool]
    tells: Tells
    severity: Severity
    distance: pd.Series[float] | None = None

    def sentences(self, frame: pd.DataFrame) -> list[str]:
        """Of all rows that do not meet it, worst first, each sentence once."""
        rows = frame[self.bad]
        if self.distance is not None:
            rows = rows.loc[self.distance[self.bad].sort_values(ascending=False, kind="stable").index]
        return list(dict.fromkeys(self.tells(row) for row in rows.itertuples(index=False)))

    def check(self, frame: pd.DataFrame) -> Check:
        """The condition as a check of the gate; its sentence names the worst rows and counts the others."""
        told = self.sentences(frame)
        more = len(told) - _SHOWN_SENTENCES
        text = "; ".join(told[:_SHOWN_SENTENCES]) + (f"; and {more} more like these" if more > 0 else "")
        return Check(self.expectation, lambda _: text, severity=self.severity)


def between(
    frame: pd.DataFrame,
    column: str,
    low: float | None,
    high: float | None,
    tells: Tells,
    severity: Severity,
) -> RowRule:
    """Values lie within both limits; a missing value meets it."""
    below = (low - frame[column]).clip(lower=0) if low is not None else 0 * frame[column]
    above = (frame[column] - high).clip(lower=0) if high is not None else 0 * frame[column]
    off = (below + above).fillna(0)
    gxe = expectation_classes()
    expectation = gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high)
    return RowRule(expectation, off > 0, tells, severity, off)


def there(frame: pd.DataFrame, column: str, tells: Tells, severity: Severity) -> RowRule:
    """No value is missing."""
    expectation = expectation_classes().ExpectColumnValuesToNotBeNull(column=column)
    return RowRule(expectation, frame[column].isna(), tells, severity)


def holds(frame: pd.DataFrame, column: str, tells: Tells, severity: Severity) -> RowRule:
    """A column of bool is True everywhere."""
    expectation = expectation_classes().ExpectColumnValuesToBeInSet(column=column, value_set=[True])
    return RowRule(expectation, ~frame[column], tells, severity)


def ordered(frame: pd.DataFrame, small: str, large: str, tells: Tells, severity: Severity) -> RowRule:
    """One column is never below another; rows that lack one of them meet it."""
    expectation = expectation_classes().ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=large, column_B=small, or_equal=True, ignore_row_if="either_value_is_missing"
    )
    return RowRule(expectation, frame[large] < frame[small], tells, severity)


def same(frame: pd.DataFrame, one: str, other: str, tells: Tells, severity: Severity) -> RowRule:
    """Two columns are equal in every row."""
    expectation = expectation_classes().ExpectColumnPairValuesToBeEqual(column_A=one, column_B=other)
    return RowRule(expectation, frame[one] != frame[other], tells, severity)
