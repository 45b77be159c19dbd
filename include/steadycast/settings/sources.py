"""Settings of the sources: what all kinds share, and one model for each kind."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Annotated, Literal

from pydantic import (
    Field,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

from steadycast.settings.base import Name, Strict, Template, Timezone
from steadycast.settings.expectations import ExpectationSettings
from steadycast.settings.http import Paging, Retries, Timeouts
from steadycast.settings.quarantine import Filter
from steadycast.settings.revisions import RevisionSettings
from steadycast.settings.table import TableLayout, Variable


class ImputationSettings(Strict):
    """What stands in for a value that the source does not have. Zero never does."""

    method: Literal["twin", "carry", "climatology", "none"] = "none"
    max_gap_weeks: PositiveInt = Field(4, description="Longest gap that `carry` bridges, in weeks.")


Tolerance = Annotated[FiniteFloat, Field(ge=0)]


class SourceSettings(Strict):
    """What every source declares, whatever its kind."""

    name: Name
    description: str = ""
    connection: str | None = Field(
        None, description="Airflow connection id; holds the address and the credential."
    )
    role: Literal["fundamental", "optional"] = "optional"
    variables: tuple[Variable, ...] = Field(min_length=1)
    entities: tuple[str, ...] | None = Field(
        None, min_length=1, description="Entities to expect; all that come if left out."
    )
    cadence: Literal["daily", "weekly", "monthly"] = "daily"
    expected_lag_days: NonNegativeInt = Field(
        1, description="Days from a date until its value is usually there, e.g. 1: on the next day."
    )
    max_lag_days: int | None = Field(
        None, description="Older than this is not fresh; twice the expected lag plus 7."
    )
    ready_timeout_min: NonNegativeFloat | None = Field(
        None,
        description="Minutes that a run waits for the expected newest date. If left out: "
        "ready.optional_timeout_min, and for a fundamental source until the publish deadline.",
    )
    ahead_weeks: NonNegativeInt = Field(
        0, description="Weeks from as_of on that the source speaks of, if it is a forecast or a plan."
    )
    planned: bool = Field(
        False,
        description="What it says of weeks to come is decided, not forecast: promotions, prices, closures. "
        "Weeks that were over when it was first read then count as having been known before.",
    )
    lookback_weeks: PositiveInt = Field(8, description="Weeks polled again at each run, to see revisions.")
    history_start: dt.date = Field(dt.date(2010, 1, 1), description="First poll reads from this date.")
    twin: str | None = Field(None, description="The second provider of the same variables.")
    twin_tolerance: dict[str, Tolerance] = Field(
        default_factory=dict,
        description="Per variable: largest normal daily difference to the twin, in the unit.",
    )
    imputation: ImputationSettings = ImputationSettings()
    internal: bool = Field(
        False,
        description="The business' own data: implausible values wait for a decision. The target's always do.",
    )
    filters: tuple[Filter, ...] = Field((), description="What the business leaves out; counted and stored.")
    expectations: ExpectationSettings = ExpectationSettings()
    revisions: RevisionSettings = RevisionSettings()

    @field_validator("entities")
    @classmethod
    def _each_entity_once(cls, entities: tuple[str, ...] | None) -> tuple[str, ...] | None:
        repeated = [name for name, times in Counter(entities or ()).items() if times > 1]
        if repeated:
            raise ValueError(f"{', '.join(repeated)} appears more than once; name each entity once")
        return entities

    @field_validator("max_lag_days")
    @classmethod
    def _later_than_usual(cls, longest: int | None, info: ValidationInfo) -> int | None:
        usual = info.data.get("expected_lag_days")
        if longest is not None and usual is not None and longest < usual:
            raise ValueError(f"is {longest}, below expected_lag_days {usual}: it would always be stale")
        return longest

    @property
    def answers_as_of(self) -> bool:
        """Can the provider be asked what it would have said on a past day?

        True when the request names ``{as_of}``. Then a past week can be polled as it was; otherwise a poll
        always tells what the provider says now.
        """
        asked = self.model_dump_json(include={"path", "params", "key", "query"})
        return "{as_of}" in asked or ":as_of" in asked

    @property
    def freshness_days(self) -> int:
        """Age in days of the newest date, at as_of, beyond which the source is stale."""
        return self.max_lag_days if self.max_lag_days is not None else 2 * self.expected_lag_days + 7

    def variable(self, name: str) -> Variable:
        """The variable of that name; KeyError if the source has none."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)


class HttpSource(SourceSettings):
    """What all kinds over HTTP share."""

    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    max_response_mb: PositiveFloat = 64.0


class _HttpTableSource(HttpSource):
    path: Template = Field(
        description="Path below the connection's address; {as_of}, {start}, {end} are filled in."
    )
    params: dict[str, Template] = Field(
        default_factory=dict, description="Query; {as_of}, {start}, {end} are filled in."
    )
    headers: dict[str, str] = Field(default_factory=dict)
    layout: TableLayout
    paging: Paging | None = None


class HttpJsonSource(_HttpTableSource):
    """Records in a JSON answer."""

    kind: Literal["http_json"]
    records: str | None = Field(
        None, description="Dotted path of the list of records; the answer itself if left out."
    )


class HttpCsvSource(_HttpTableSource):
    """A table in a CSV answer."""

    kind: Literal["http_csv"]
    delimiter: str = ","
    encoding: str = "utf-8-sig"


class S3ObjectSource(SourceSettings):
    """An object in S3 or a store that speaks its protocol."""

    kind: Literal["s3_object"]
    bucket: str
    key: Template = Field(description="Object key; {as_of}, {start}, {end} are filled in.")
    format: Literal["csv", "json", "parquet"] = "csv"
    layout: TableLayout
    timeouts: Timeouts = Timeouts()
    max_response_mb: PositiveFloat = 64.0


class SqlQuerySource(SourceSettings):
    """A query over a database connection."""

    kind: Literal["sql_query"]
    query: str = Field(
        description="SELECT with the bind parameters :start, :end (exclusive) and, if wanted, :as_of."
    )
    layout: TableLayout
    timeouts: Timeouts = Timeouts()


class LocalFileSource(SourceSettings):
    """A file on this machine or a mounted share."""

    kind: Literal["local_file"]
    path: Template = Field(
        description="Path; {as_of}, {start}, {end} and $VARIABLES of the environment are filled in."
    )
    format: Literal["csv", "json", "parquet"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    layout: TableLayout
    max_response_mb: PositiveFloat = 512.0


class _Place(Strict):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class OpenMeteoSource(HttpSource):
    """Daily weather of Open-Meteo; a variable's field is Open-Meteo's name, e.g. temperature_2m_max."""

    kind: Literal["open_meteo"]
    product: Literal["archive", "forecast"] = "archive"
    places: dict[str, _Place] = Field(
        min_length=1, description="Entity: its latitude and longitude in degrees."
    )
    timezone: Timezone = "UTC"
    units: dict[str, str] = Field(
        default_factory=dict, description="Unit options, e.g. {temperature_unit: fahrenheit}."
    )


class NoaaSource(HttpSource):
    """NOAA GHCN daily through the NCEI access service; a variable's field is the element, e.g. TMAX."""

    kind: Literal["noaa"]
    stations: dict[str, str] = Field(
        min_length=1, description="Entity: its GHCN station id, e.g. USW00014819."
    )
    units: Literal["metric", "standard"] = "metric"


class FredSource(HttpSource):
    """FRED series in their ALFRED vintages; a variable's field is the series id, e.g. UNRATE."""

    kind: Literal["fred"]
    entity: str = "US"

    @property
    def answers_as_of(self) -> bool:
        """ALFRED serves what was known on any past day."""
        return True


AnySource = Annotated[
    HttpJsonSource
    | HttpCsvSource
    | S3ObjectSource
    | SqlQuerySource
    | LocalFileSource
    | OpenMeteoSource
    | NoaaSource
    | FredSource,
    Field(discriminator="kind"),
]
