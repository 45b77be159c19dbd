"""Settings of what a source reports: its variables, and where a table keeps them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, FiniteFloat, ValidationInfo, field_validator, model_validator

from steadycast.settings.base import Name, Strict

WeeklyRule = Literal["sum", "mean", "min", "max", "last"]


class Variable(Strict):
    """One number that a source reports per entity and date."""

    name: Name
    field: str | None = Field(None, description="The source's own column or series id; the name if left out.")
    unit: str = Field(
        description="Unit as in the answer, e.g. degF, mm, thousand rides; where scale and offset convert "
        "it, of what they make of it."
    )
    scale: FiniteFloat = Field(
        1.0,
        description="Value = number in the answer * scale + offset, e.g. 1.8 with offset 32: degC to degF.",
    )
    offset: FiniteFloat = Field(0.0, description="Added after scale, in the unit.")
    minimum: FiniteFloat | None = Field(None, description="Smallest believable value, in the unit.")
    maximum: FiniteFloat | None = Field(None, description="Largest believable value, in the unit.")
    weekly: WeeklyRule = Field(
        "mean", description="How days become a week. A sum needs all days of the week."
    )
    read_as: dict[str, FiniteFloat] = Field(
        default_factory=dict,
        description='Texts that stand for a number, e.g. {"T": 0.0} for a trace of rain.',
    )
    missing: tuple[str, ...] = Field(
        (), description='Texts that stand for "no value", e.g. [M, "-"]; empty, null and NaN always do.'
    )

    @field_validator("maximum")
    @classmethod
    def _above_minimum(cls, maximum: float | None, info: ValidationInfo) -> float | None:
        minimum = info.data.get("minimum")
        if maximum is not None and minimum is not None and minimum >= maximum:
            raise ValueError(f"is {maximum:g}, not above minimum {minimum:g}; swap them or correct one")
        return maximum

    @field_validator("scale")
    @classmethod
    def _not_zero(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("is 0, which would make every value the same; leave it out for no conversion")
        return scale

    @property
    def source_field(self) -> str:
        """The column or series id in the source's answer."""
        return self.field or self.name


class TableLayout(Strict):
    """Where a table keeps the entity, the date and the values.

    Wide: one column per variable. Long: ``variable_field`` names the variable and ``value_field`` holds the
    value.
    """

    date_field: str = "date"
    date_format: str | None = Field(None, description="strptime format, e.g. %d-%m-%Y; ISO 8601 if left out.")
    entity_field: str | None = Field(
        None, description="Column with the entity; leave out when there is only one."
    )
    entity: str | None = Field(None, description="The one entity's name when the table has no column for it.")
    variable_field: str | None = Field(None, description="Long table: column with the variable's name.")
    value_field: str | None = Field(None, description="Long table: column with the value.")
    decimal: Literal[".", ","] = Field(".", description="The decimal sign of numbers that come as text.")
    thousands: str | None = Field(
        None,
        max_length=1,
        min_length=1,
        description='Sign between thousands, e.g. "," or " "; none if left out.',
    )

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.entity is not None and self.entity_field is not None:
            raise ValueError(
                "has both entity and entity_field; keep entity_field if there is such a column, else entity"
            )
        if self.entity is None and self.entity_field is None:
            raise ValueError(
                "does not say whose values these are; add entity_field (a column) or entity (one for all)"
            )
        if (self.variable_field is None) != (self.value_field is None):
            raise ValueError(
                "has one of variable_field and value_field; a long table needs both, a wide one neither"
            )
        if self.thousands == self.decimal:
            raise ValueError(f"has {self.decimal!r} both as decimal and as thousands; change one of them")
        return self
