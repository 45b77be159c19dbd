"""Settings of the recovery of stalled tasks: how long is too long, and how often a task is relaunched."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from steadycast.settings.base import Name, Strict


class StageLimits(Strict):
    """How long a task may take before it counts as stalled."""

    progress_timeout_s: PositiveFloat = Field(
        120, description="Seconds that a running task may show no progress."
    )
    attempt_timeout_s: PositiveFloat = Field(
        900, description="Seconds that an attempt may take while its usual time is unknown."
    )
    usual_factor: float = Field(
        3, gt=1, description="An attempt may take this many times its usual time, once that is known."
    )
    queue_timeout_s: PositiveFloat = Field(300, description="Seconds that a task may be queued.")
    scheduled_timeout_s: PositiveFloat = Field(
        300, description="Seconds that a task may be scheduled without being queued."
    )


class StageOverrides(Strict):
    """What is different for one stage; what is left out is as for all stages."""

    progress_timeout_s: PositiveFloat | None = None
    attempt_timeout_s: PositiveFloat | None = None
    usual_factor: float | None = Field(None, gt=1)
    queue_timeout_s: PositiveFloat | None = None
    scheduled_timeout_s: PositiveFloat | None = None


class RecoverySettings(StageLimits):
    """Limits for all stages, their overrides, and the bounds on relaunches."""

    usual_after_runs: PositiveInt = Field(
        8, description="Finished runs after which the usual time of a stage is known."
    )
    relaunches_per_task: NonNegativeInt = Field(3, description="Then the run fails and people are told.")
    relaunches_per_run: NonNegativeInt = Field(6, description="Of all tasks of the run together.")
    poll_every_s: PositiveFloat = Field(15, description="Seconds between two looks at the run.")
    training_deadline_s: PositiveFloat = Field(
        540, description="Seconds after which the process that trains is killed, whatever it does."
    )
    stages: dict[Name, StageOverrides] = Field(
        default_factory=dict, description="Task: the limits that are different for it."
    )

    def limits(self, task: str) -> StageLimits:
        """The limits of a task: its own where it has some, else those of all stages."""
        common = {name: getattr(self, name) for name in StageLimits.model_fields}
        own = self.stages[task].model_dump(exclude_none=True) if task in self.stages else {}
        return StageLimits(**(common | own))
