"""Settings of revisions: what becomes of values that a source changed beyond its usual."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from steadycast.settings.base import Strict


class RevisionSettings(Strict):
    """What is told of a poll's suspicious values, and used. They are told in any case."""

    known_values: Literal["keep", "replace"] = Field(
        "keep",
        description="Known values revised beyond usual: keep the earlier version, or replace it.",
    )
    new_values: Literal["leave_out", "use"] | None = Field(
        None,
        description="New values that look faulty. If left out: leave_out for an optional source, whose "
        "imputation stands in; use for a fundamental one, where a real change looks the same.",
    )
    believe_after_weeks: PositiveInt = Field(
        8, description="A source that tells a kept-out value in so many weekly polls is believed."
    )
