"""Settings of the watchdog, which looks at the pipeline from outside Airflow."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from steadycast.settings.base import Strict


class WatchdogSettings(Strict):
    """How often it looks, and when it acts."""

    interval_s: PositiveFloat = Field(15, description="Seconds between two looks.")
    heartbeat_age_s: PositiveFloat = Field(
        60,
        description="A component whose last heartbeat is older is dead or wedged; twice as long while it is "
        "young (settle_s), and after each restart within the last hour, up to four times.",
    )
    confirmations: PositiveInt = Field(3, description="Looks in a row that must agree before it acts.")
    settle_s: PositiveFloat = Field(
        300,
        description="Seconds that a component has after its start until its first sign of life; each restart "
        "within the last hour doubles them, up to four times.",
    )
    restarts_per_hour: PositiveInt = Field(
        3, description="Of each component; then only a person can help, and is told."
    )
    celery_workers: NonNegativeInt = Field(
        1, description="Celery workers that have to answer, where there are any; told, never restarted."
    )
    start_grace_min: PositiveFloat = Field(
        10, description="Minutes after the schedule by which the week's run has to exist."
    )
    publish_deadline_h: PositiveFloat = Field(
        3, description="Hours after the schedule by which readers have a forecast, if need be a fallback."
    )
    ping_every_s: PositiveFloat = Field(60, description="Seconds between two pings of the dead-man's switch.")
