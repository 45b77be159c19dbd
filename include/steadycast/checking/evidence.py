"""What a forecast is judged by, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from steadycast import schema


@dataclass(frozen=True)
class Evidence:
    """All that the check knows besides the forecast.

    Attributes:
        actuals: entity, week, value of the target, all weeks before the run's Monday.
        residuals: past out-of-sample forecasts with their errors, as train writes them; None if there are
            none.
        published: forecasts that runs published in the last weeks, newest first; each FORECAST_DTYPES.
        drivers: PANEL_DTYPES, the rows of the features.
        imputed: share of imputed inputs in the last weeks, 0..1.
        averaged_weeks: of the moving average.
    """

    actuals: pd.DataFrame
    residuals: pd.DataFrame | None = None
    published: Sequence[pd.DataFrame] = ()
    drivers: pd.DataFrame | None = None
    imputed: float = 0.0
    averaged_weeks: int = 4


@dataclass(frozen=True)
class Remark:
    """Something unusual about one row of the forecast; remarks of a kind are told together."""

    entity: str
    week: pd.Timestamp
    says: str
    kind: str


@dataclass(frozen=True)
class Judgement:
    """What the check found.

    Attributes:
        holds: sentences, each a reason not to publish without a person's word.
        looks: sentences about the forecast as a whole, each a reason to look at it.
        remarks: per row.
        facts: numbers for the verdict's file: estimated error, usual error, shares.
    """

    holds: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    facts: Mapping[str, float | None] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """All that is worth a look, as sentences; of many alike the first few."""
        kinds: dict[str, list[str]] = {}
        for remark in self.remarks:
            kinds.setdefault(remark.kind, []).append(remark.says)
        told = [list(dict.fromkeys(sentences)) for sentences in kinds.values()]
        return [*self.looks, *(_joined(sentences) for sentences in told)]


def _joined(sentences: Sequence[str], shown: int = 3) -> str:
    more = len(sentences) - shown
    return "; ".join(sentences[:shown]) + (f"; and {more} more like these" if more > 0 else "")


def who(row: object) -> str:
    """The row as a reader knows it."""
    week = getattr(row, schema.WEEK)
    return f"{getattr(row, schema.ENTITY)} week of {week:%Y-%m-%d}"


def number(value: float) -> str:
    """A number as a person would say it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share as a person would say it: 0.034 is 3.4 %."""
    return f"{100 * share:.1f} %" if abs(share) < 0.1 else f"{100 * share:.0f} %"


def some(names: Sequence[str], shown: int = 3) -> str:
    """The first few, and how many more."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
