"""Settings of the wait for sources that are not up to date yet."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveFloat

from steadycast.settings.base import Strict


class ReadySettings(Strict):
    """How long a run waits for a source that does not show the expected newest date.

    Only before the week's publish deadline: a run of an older week takes what there is.
    """

    every_s: PositiveFloat = Field(120, description="Seconds between two looks at a source.")
    optional_timeout_min: NonNegativeFloat = Field(
        30, description="Then the run goes on without the newest dates of an optional source."
    )
