"""Settings of the quarantine: what is implausible, what the business leaves out, how long people may take."""

from __future__ import annotations

from typing import Self

from pydantic import Field, FiniteFloat, PositiveFloat, model_validator

from steadycast.settings.base import Name, Strict


class QuarantineSettings(Strict):
    """Implausible internal values are kept, and left out of training until somebody decides."""

    spike_ratio: float = Field(
        4.0, gt=1, description="Times its neighbours (or a part of them) from which a value may be a spike."
    )
    spike_scales: PositiveFloat = Field(
        8.0, description="Robust scales of its series that a spike lies away from its neighbours."
    )
    season_scales: PositiveFloat = Field(
        3.0, description="Robust scales beyond the farthest value of the same season in other years."
    )
    answer_within_h: PositiveFloat = Field(
        48.0, description="Hours that people have to answer in the web UI; then the answer is `unknown`."
    )


class Filter(Strict):
    """What the business leaves out of a source, counted and stored: entities, or values of a variable."""

    name: Name = Field(description="How the manifest and the findings call it, e.g. foreign_customers.")
    why: str = Field("", description="One sentence for whoever asks.")
    drop_entities: tuple[str, ...] = Field((), description="Entities that are left out.")
    keep_entities: tuple[str, ...] = Field((), description="The only entities that stay.")
    variable: Name | None = Field(None, description="Variable whose values are limited.")
    minimum: FiniteFloat | None = Field(None, description="Smaller values are left out, in the unit.")
    maximum: FiniteFloat | None = Field(None, description="Larger values are left out, in the unit.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        ranged = self.minimum is not None or self.maximum is not None
        if sum([bool(self.drop_entities), bool(self.keep_entities), ranged]) != 1:
            raise ValueError(
                f"filter {self.name!r} must say one thing: drop_entities, keep_entities, or a variable with "
                "minimum or maximum; write a filter for each"
            )
        if ranged != (self.variable is not None):
            raise ValueError(f"filter {self.name!r}: variable goes with minimum or maximum; add the other")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError(f"filter {self.name!r}: maximum {self.maximum:g} is not above minimum")
        return self
