"""Settings of the pipeline as a whole."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, PositiveInt, ValidationInfo, field_validator

from steadycast.settings.alerts import AlertsSettings
from steadycast.settings.base import Monday, Name, Strict, Timezone
from steadycast.settings.countries import COUNTRIES
from steadycast.settings.quarantine import QuarantineSettings
from steadycast.settings.ready import ReadySettings
from steadycast.settings.recovery import RecoverySettings
from steadycast.settings.sources import AnySource, SourceSettings
from steadycast.settings.watchdog import WatchdogSettings

_WEEKLY_ON_MONDAY = re.compile(r"\s*([0-5]?\d)\s+([01]?\d|2[0-3])\s+\*\s+\*\s+(1|mon)\s*", re.IGNORECASE)


class ScheduleSettings(Strict):
    """When the weekly run starts, and which weeks it covers. A week is named by its Monday."""

    cron: str = Field("0 6 * * 1", description="Weekly, on a Monday, in the timezone below.")
    timezone: Timezone = "UTC"
    first_week: Monday
    last_week: Monday | None = Field(None, description="Leave out to go on for ever.")

    @field_validator("cron")
    @classmethod
    def _weekly_on_monday(cls, cron: str) -> str:
        if not _WEEKLY_ON_MONDAY.fullmatch(cron):
            raise ValueError(
                f"{cron!r} does not start once a week on a Monday; write 'minute hour * * 1', "
                "e.g. '0 6 * * 1' for Mondays 06:00"
            )
        return cron

    def start_of(self, week: dt.date) -> dt.datetime:
        """When the run of a week starts; aware, UTC."""
        minute, hour = (int(part) for part in self.cron.split()[:2])
        return dt.datetime.combine(week, dt.time(hour, minute), ZoneInfo(self.timezone)).astimezone(dt.UTC)

    @field_validator("last_week")
    @classmethod
    def _not_before_first(cls, last: dt.date | None, info: ValidationInfo) -> dt.date | None:
        first = info.data.get("first_week")
        if last is not None and first is not None and last < first:
            raise ValueError(f"is {last}, before first_week {first}: no week would run; correct one of them")
        return last


class TargetSettings(Strict):
    """What is forecast: the weekly value of one variable of a fundamental source, per entity."""

    source: Name
    variable: Name
    unit: str = Field(description="Unit of the weekly value, e.g. thousand rides per week.")
    nonnegative: bool = True


class ModelSettings(Strict):
    """The forecasting model."""

    history_weeks: PositiveInt = Field(420, description="Weeks of history used for training.")
    rounds: PositiveInt = Field(100, description="Boosting rounds.")
    learning_rate: PositiveFloat = 0.1
    leaves: PositiveInt = 7
    calibration_origins: PositiveInt = Field(26, description="Past origins whose errors give the intervals.")
    threads: PositiveInt = 2
    seed: int = 20160606


class PromotionSettings(Strict):
    """When a challenger takes the champion's place."""

    by: Literal["approval", "rule"] = Field(
        "approval", description="A person is asked in Airflow when the test says so, or the rule promotes."
    )
    error: float = Field(
        0.05, gt=0, lt=0.5, description="Probability of a wrong promotion in a year, over all challengers."
    )
    answer_within_h: PositiveFloat = Field(120, description="Hours for the answer; then the champion stays.")


class ForecastSettings(Strict):
    """How far and how sure."""

    horizon_weeks: PositiveInt = 4
    holidays: str = Field(
        "US", description="Country code of the holiday calendar, as in the holidays package."
    )
    features: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict, description="Source: its variables that the model sees."
    )
    ahead: dict[Name, tuple[Name, ...]] = Field(
        default_factory=dict,
        description="Source with ahead_weeks: its variables that the model sees of weeks to come, as they "
        "were known on each Monday: promotions, a weather forecast as it was issued.",
    )
    signs: dict[str, Literal["+", "-"]] = Field(
        default_factory=dict,
        description="source.variable of a feature: does more of it mean more (+) or less (-) of the target? "
        "The business's knowledge; a model that contradicts it is reported.",
    )
    groups: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Name: features (source.variable) that the explanation tells as one, because they move "
        "together. Those that the history shows to be alike are grouped without being named.",
    )
    model: ModelSettings = ModelSettings()
    challengers: dict[Name, dict[str, float | int | str | bool]] = Field(
        default_factory=dict,
        max_length=3,
        description="Name: the fields of `model` that are different. Each is trained and scored each week "
        "beside the champion, and costs as much as it.",
    )
    promotion: PromotionSettings = PromotionSettings()

    @property
    def covariates(self) -> tuple[tuple[str, str], ...]:
        """Source and variable of all that the model sees besides the target, each once."""
        seen = (*self.features.items(), *self.ahead.items())
        return tuple(dict.fromkeys((source, variable) for source, wanted in seen for variable in wanted))

    @property
    def drivers(self) -> tuple[str, ...]:
        """The sources besides the target's that the model sees, each once."""
        return tuple(dict.fromkeys((*self.features, *self.ahead)))

    @field_validator("challengers")
    @classmethod
    def _other_models(
        cls, given: dict[str, dict[str, float | int | str | bool]], info: ValidationInfo
    ) -> dict[str, dict[str, float | int | str | bool]]:
        model = info.data.get("model")
        for name, fields in given.items():
            if name == "base":
                raise ValueError(
                    "'base' is the name of forecast.model itself; give the challenger another one"
                )
            if (
                isinstance(model, ModelSettings)
                and ModelSettings.model_validate(model.model_dump() | fields) == model
            ):
                raise ValueError(f"{name} is no other model than forecast.model; change one of its fields")
        return given

    @field_validator("holidays")
    @classmethod
    def _known_calendar(cls, code: str) -> str:
        if code not in COUNTRIES:
            near = f"write {code.upper()}" if code.upper() in COUNTRIES else "write e.g. US, DE or GB"
            raise ValueError(f"there is no holiday calendar {code!r}; {near} (two capital letters, ISO 3166)")
        return code


class BenchmarkSettings(Strict):
    """The naive forecasts published beside ours."""

    moving_average_weeks: PositiveInt = 4
    client_forecast: str | None = Field(
        None, description="Source with the client's own forecast: its dates are the target weeks' Mondays."
    )


class CheckForecastSettings(Strict):
    """Limits of the gate before publication."""

    max_change_ratio: PositiveFloat = Field(
        3.0, description="Point against the largest of the last 8 weeks; above is critical."
    )
    warn_change_ratio: PositiveFloat = Field(
        1.6, description="Point against same week last year, either way; beyond is flagged."
    )
    max_width_ratio: PositiveFloat = Field(
        3.0, description="Width of the 80 % interval against the point; above is flagged."
    )
    odd_factor: PositiveFloat = Field(
        2.0, description="Distance from benchmarks or the last forecast against the usual; above is flagged."
    )
    odd_width: PositiveFloat = Field(
        2.0, description="Width of the 80 % interval against the usual, either way; beyond is flagged."
    )
    odd_error: PositiveFloat = Field(
        2.0, description="Error to expect against the usual one; above is a reason to look."
    )
    max_imputed_share: PositiveFloat = Field(
        0.5, description="Share of imputed inputs in the last 8 weeks; above is a reason to look."
    )
    hold_share: PositiveFloat = Field(
        0.25, description="Share of odd rows; above, a person is asked before anything is published."
    )
    late_answer_min: PositiveFloat = Field(
        30, description="Minutes for the answer when a forecast is held after the publish deadline."
    )


class PublishSettings(Strict):
    """Where the forecast goes besides the lake."""

    sql_connection: str | None = Field(
        None, description="Airflow connection of a database; no table if left out."
    )
    sql_table: str = Field(
        "steadycast_forecast",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}$",
        description="Table, or schema.table; made if it is not there.",
    )


class Settings(Strict):
    """The whole of pipeline.yaml."""

    title: str
    owner: str = "forecasting"
    schedule: ScheduleSettings
    target: TargetSettings
    sources: Annotated[tuple[AnySource, ...], Field(min_length=1)]
    candidates: tuple[AnySource, ...] = Field(
        (), description="Sources that are only polled and audited, until they are moved to `sources`."
    )
    forecast: ForecastSettings = ForecastSettings()
    benchmarks: BenchmarkSettings = BenchmarkSettings()
    check_forecast: CheckForecastSettings = CheckForecastSettings()
    publish: PublishSettings = PublishSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    recovery: RecoverySettings = RecoverySettings()
    ready: ReadySettings = ReadySettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    alerts: AlertsSettings = AlertsSettings()
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
