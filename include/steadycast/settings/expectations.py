"""Settings of the gate of one source."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, ValidationInfo, field_validator

from steadycast.settings.base import Strict


class ExpectationExtra(Strict):
    """One more Great Expectations check on the poll's table (columns entity, date, variable, value)."""

    expectation: str = Field(description="Class name, e.g. ExpectColumnMeanToBeBetween.")
    kwargs: dict[str, Any] = Field(default_factory=dict)
    variable: str | None = Field(None, description="Check only the rows of this variable.")
    severity: Literal["critical", "warning"] = "warning"


class ExpectationSettings(Strict):
    """Limits of the gate of one source."""

    min_row_share: float = Field(
        0.7, ge=0, le=1, description="Rows against the usual number; fewer is critical."
    )
    warn_row_share: float = Field(
        0.95, ge=0, le=1, description="Rows against the usual number; fewer is a warning."
    )
    max_unreadable_share: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Share of cells without a readable number or date, or with two values; more is critical.",
    )
    max_out_of_range_share: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Share of a variable's values outside minimum..maximum; more is critical, less left out.",
    )
    warn_revised_share: float = Field(
        0.2, ge=0, le=1, description="Share of a series' re-polled values that changed; more is a warning."
    )
    warn_unusual_share: float = Field(
        0.5, ge=0, le=1, description="Share of a series' newest values unlike its history; more is a warning."
    )
    warn_equal_values: PositiveInt = Field(
        4, description="Equal newest values in a row, and more than ever before, beyond which is a warning."
    )
    spike_ratio: float = Field(
        4.0, gt=1, description="Times its neighbours (or a part of them) from which a lone value is a spike."
    )
    spike_scales: PositiveFloat = Field(
        6.0, description="Robust scales of its series that a spike lies away from its neighbours at least."
    )
    most_row_share: float = Field(
        1.3, gt=1, description="Rows against the most that one period ever had; more is a warning."
    )
    off: tuple[Literal["flatline", "spike", "row_count", "freshness", "format", "unit"], ...] = Field(
        (), description="Checks of docs/gates.md that this source goes without."
    )
    extras: tuple[ExpectationExtra, ...] = ()

    @field_validator("warn_row_share")
    @classmethod
    def _warns_first(cls, warn: float, info: ValidationInfo) -> float:
        critical = info.data.get("min_row_share")
        if critical is not None and warn < critical:
            raise ValueError(f"is {warn:g}, below min_row_share {critical:g}: it would never warn; raise it")
        return warn
