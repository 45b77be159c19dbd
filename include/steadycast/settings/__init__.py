"""Typed, frozen, strict view of ``include/config/pipeline.yaml``, the one file a data engineer edits."""

from steadycast.settings.alerts import (
    AlertsSettings,
    CanarySettings,
    ChannelSettings,
    InhibitSettings,
    MuteSettings,
    RouteSettings,
)
from steadycast.settings.expectations import ExpectationExtra, ExpectationSettings
from steadycast.settings.http import Paging, Retries, Timeouts
from steadycast.settings.loading import load, schema_json
from steadycast.settings.pipeline import (
    BenchmarkSettings,
    CheckForecastSettings,
    ForecastSettings,
    ModelSettings,
    PromotionSettings,
    PublishSettings,
    ScheduleSettings,
    Settings,
    TargetSettings,
)
from steadycast.settings.quarantine import Filter, QuarantineSettings
from steadycast.settings.ready import ReadySettings
from steadycast.settings.recovery import RecoverySettings, StageLimits, StageOverrides
from steadycast.settings.revisions import RevisionSettings
from steadycast.settings.sources import (
    AnySource,
    FredSource,
    HttpCsvSource,
    HttpJsonSource,
    HttpSource,
    ImputationSettings,
    LocalFileSource,
    NoaaSource,
    OpenMeteoSource,
    S3ObjectSource,
    SourceSettings,
    SqlQuerySource,
)
from steadycast.settings.table import TableLayout, Variable
from steadycast.settings.watchdog import WatchdogSettings

__all__ = [
    "AlertsSettings",
    "AnySource",
    "BenchmarkSettings",
    "CanarySettings",
    "ChannelSettings",
    "CheckForecastSettings",
    "ExpectationExtra",
    "ExpectationSettings",
    "Filter",
    "ForecastSettings",
    "FredSource",
    "HttpCsvSource",
    "HttpJsonSource",
    "HttpSource",
    "ImputationSettings",
    "InhibitSettings",
    "LocalFileSource",
    "ModelSettings",
    "MuteSettings",
    "NoaaSource",
    "OpenMeteoSource",
    "Paging",
    "PromotionSettings",
    "PublishSettings",
    "QuarantineSettings",
    "ReadySettings",
    "RecoverySettings",
    "Retries",
    "RevisionSettings",
    "RouteSettings",
    "S3ObjectSource",
    "ScheduleSettings",
    "Settings",
    "SourceSettings",
    "SqlQuerySource",
    "StageLimits",
    "StageOverrides",
    "TableLayout",
    "TargetSettings",
    "Timeouts",
    "Variable",
    "WatchdogSettings",
    "load",
    "schema_json",
]
