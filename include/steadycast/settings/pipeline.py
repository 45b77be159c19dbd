"""Settings of the pipeline as a whole."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from steadycast.settings.sources import AnySource, Name, SourceSettings, Strict


class ScheduleSettings(Strict):
    """When the weekly run starts, and which weeks it covers. A week is named by its Monday."""

    cron: str = Field("0 6 * * 1", description="Weekly, on a Monday, in the timezone below.")
    timezone: str = "UTC"
    first_week: dt.date
    last_week: dt.date | None = Field(None, description="Leave out to go on for ever.")


class TargetSettings(Strict):
    """What is forecast: the weekly value of one variable of a fundamental source, per entity."""

    source: Name
    variable: Name
    unit: str = Field(description="Unit of the weekly value, e.g. thousand rides per week.")
    nonnegative: bool = True


class ModelSettings(Strict):
    """The forecasting model."""

    history_weeks: PositiveInt = Field(420, description="Weeks of history used for training.")
    rounds: PositiveInt = Field(300, description="Boosting rounds.")
    learning_rate: PositiveFloat = 0.05
    leaves: PositiveInt = 31
    calibration_origins: PositiveInt = Field(26, description="Past origins whose errors give the intervals.")
    threads: PositiveInt = 2
    seed: int = 20160606


class ForecastSettings(Strict):
    """How far and how sure."""

    horizon_weeks: PositiveInt = 4
    holidays: str = Field("US", description="Country code of the holiday calendar, as in the holidays package.")
    features: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict, description="Source: its variables that the model sees."
    )
    model: ModelSettings = ModelSettings()


class BenchmarkSettings(Strict):
    """The naive forecasts published beside ours."""

    moving_average_weeks: PositiveInt = 4
    client_forecast: str | None = Field(
        None, description="Source with the client's own forecast: its dates are the target weeks' Mondays."
    )


class CheckForecastSettings(Strict):
    """Limits of the gate before publication."""

    max_change_ratio: PositiveFloat = Field(3.0, description="Point against the largest of the last 8 weeks; above is critical.")
    warn_change_ratio: PositiveFloat = Field(1.6, description="Point against same week last year, either way; beyond is flagged.")
    max_width_ratio: PositiveFloat = Field(3.0, description="Width of the 80 % interval against the point; above is flagged.")


class PublishSettings(Strict):
    """Where the forecast goes besides the lake."""

    sql_connection: str | None = Field(None, description="Airflow connection of a database; no table if left out.")
    sql_table: str = "steadycast_forecast"


class Settings(Strict):
    """The whole of pipeline.yaml."""

    title: str
    owner: str = "forecasting"
    schedule: ScheduleSettings
    target: TargetSettings
    sources: Annotated[tuple[AnySource, ...], Field(min_length=1)]
    forecast: ForecastSettings = ForecastSettings()
    benchmarks: BenchmarkSettings = BenchmarkSettings()
    check_forecast: CheckForecastSettings = CheckForecastSettings()
    publish: PublishSettings = PublishSettings()
    slack_channel: str = "#forecast"
    week_start: Literal["monday"] = "monday"

    def source(self, name: str) -> AnySource:
        """The source of that name; KeyError if there is none."""
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(name)

    @property
    def target_source(self) -> SourceSettings:
        """The source that reports the target."""
        return self.source(self.target.source)

    def twins(self) -> tuple[tuple[str, str], ...]:
        """Pairs of sources that report the same thing, each pair once, in the order of the file."""
        pairs: list[tuple[str, str]] = []
        for source in self.sources:
            if source.twin and (source.twin, source.name) not in pairs:
                pairs.append((source.name, source.twin))
        return tuple(pairs)
