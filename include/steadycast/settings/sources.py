"""Settings of the sources: what all kinds share, and one model for each kind."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""Lower case, digits and underscores: names become task labels and folder names."""


class Strict(BaseModel):
    """Base of all settings: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Variable(Strict):
    """One number that a source reports per entity and date."""

    name: Name
    field: str | None = Field(None, description="The source's own column or series id; the name if left out.")
    unit: str = Field(description="Unit as in the answer, e.g. degF, mm, thousand rides.")
    minimum: float | None = Field(None, description="Smallest believable value, in the unit.")
    maximum: float | None = Field(None, description="Largest believable value, in the unit.")
    weekly: Literal["sum", "mean", "min", "max", "last"] = Field(
        "mean", description="How days become a week. A sum needs all days of the week."
    )
    read_as: dict[str, float] = Field(
        default_factory=dict, description='Texts that stand for a number, e.g. {"T": 0.0} for a trace of rain.'
    )

    @property
    def source_field(self) -> str:
        """The column or series id in the source's answer."""
        return self.field or self.name


class TableLayout(Strict):
    """Where a table keeps the entity, the date and the values.

    Wide: one column per variable. Long: ``variable_field`` names the variable and ``value_field`` holds the value.
    """

    date_field: str = "date"
    date_format: str | None = Field(None, description="strptime format, e.g. %d-%m-%Y; ISO 8601 if left out.")
    entity_field: str | None = Field(None, description="Column with the entity; leave out when there is only one.")
    entity: str | None = Field(None, description="The one entity's name when the table has no column for it.")
    variable_field: str | None = None
    value_field: str | None = None


class ImputationSettings(Strict):
    """What stands in for a value that the source does not have. Zero never does."""

    method: Literal["twin", "carry", "climatology", "none"] = "none"
    max_gap_weeks: PositiveInt = Field(4, description="Longest gap that `carry` bridges, in weeks.")


class ExpectationExtra(Strict):
    """One more Great Expectations check on the poll's table (columns entity, date, variable, value)."""

    expectation: str = Field(description="Class name, e.g. ExpectColumnMeanToBeBetween.")
    kwargs: dict[str, Any] = Field(default_factory=dict)
    variable: str | None = Field(None, description="Check only the rows of this variable.")
    severity: Literal["critical", "warning"] = "warning"


class ExpectationSettings(Strict):
    """Limits of the gate of one source."""

    min_row_share: float = Field(0.7, ge=0, le=1, description="Rows against the usual number; fewer is critical.")
    warn_row_share: float = Field(0.95, ge=0, le=1, description="Rows against the usual number; fewer is a warning.")
    max_unreadable_share: float = Field(0.0, ge=0, le=1, description="Share of values that are no number.")
    max_out_of_range_share: float = Field(0.0, ge=0, le=1, description="Share of values outside minimum..maximum.")
    extras: tuple[ExpectationExtra, ...] = ()


class Timeouts(Strict):
    """Limits of one request and of the whole poll, in seconds."""

    connect_s: PositiveFloat = 5.0
    read_s: PositiveFloat = Field(20.0, description="Longest silence between two pieces of the answer.")
    request_s: PositiveFloat = Field(60.0, description="Longest time for one answer, however steadily it drips.")
    total_s: PositiveFloat = Field(300.0, description="Longest time for the whole poll, pages and retries included.")


class Retries(Strict):
    """Retries of one request on 429, 5xx, time-outs and dropped connections."""

    attempts: PositiveInt = 4
    first_wait_s: PositiveFloat = 0.5
    max_wait_s: PositiveFloat = Field(20.0, description="Longest wait, also against a longer Retry-After.")


class Paging(Strict):
    """How the source hands out further pages."""

    style: Literal["page", "offset", "cursor", "next_link"]
    param: str = Field("page", description="Query parameter for the page number, the offset or the cursor.")
    size_param: str | None = None
    size: PositiveInt | None = None
    first_page: int = 1
    next_field: str | None = Field(None, description="Dotted path of the cursor or link in the answer.")
    max_pages: PositiveInt = 1000


class SourceSettings(Strict):
    """What every source declares, whatever its kind."""

    name: Name
    description: str = ""
    connection: str | None = Field(None, description="Airflow connection id; holds the address and the credential.")
    role: Literal["fundamental", "optional"] = "optional"
    variables: tuple[Variable, ...] = Field(min_length=1)
    entities: tuple[str, ...] | None = Field(None, description="Entities to expect; all that come if left out.")
    cadence: Literal["daily", "weekly", "monthly"] = "daily"
    expected_lag_days: int = Field(1, ge=0, description="Days from a date's end until its value is usually there.")
    max_lag_days: int | None = Field(None, description="Older than this is not fresh; twice the expected lag plus 7.")
    lookback_weeks: PositiveInt = Field(8, description="Weeks polled again at each run, to see revisions.")
    history_start: dt.date = Field(dt.date(2010, 1, 1), description="First poll reads from this date.")
    twin: str | None = Field(None, description="The second provider of the same variables.")
    twin_tolerance: dict[str, float] = Field(
        default_factory=dict, description="Per variable: largest normal daily difference to the twin, in the unit."
    )
    imputation: ImputationSettings = ImputationSettings()
    expectations: ExpectationSettings = ExpectationSettings()

    @property
    def answers_as_of(self) -> bool:
        """Can the provider be asked what it would have said on a past day?

        True when the request names ``{as_of}``. Then a past week can be polled as it was; otherwise a poll always
        tells what the provider says now.
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
    path: str = Field(description="Path below the connection's address; {as_of}, {start}, {end} are filled in.")
    params: dict[str, str] = Field(default_factory=dict, description="Query; {as_of}, {start}, {end} are filled in.")
    headers: dict[str, str] = Field(default_factory=dict)
    layout: TableLayout = TableLayout()
    paging: Paging | None = None


class HttpJsonSource(_HttpTableSource):
    """Records in a JSON answer."""

    kind: Literal["http_json"]
    records: str | None = Field(None, description="Dotted path of the list of records; the answer itself if left out.")


class HttpCsvSource(_HttpTableSource):
    """A table in a CSV answer."""

    kind: Literal["http_csv"]
    delimiter: str = ","
    encoding: str = "utf-8-sig"


class S3ObjectSource(SourceSettings):
    """An object in S3 or a store that speaks its protocol."""

    kind: Literal["s3_object"]
    bucket: str
    key: str = Field(description="Object key; {as_of}, {start}, {end} are filled in.")
    format: Literal["csv", "json", "parquet"] = "csv"
    layout: TableLayout = TableLayout()
    timeouts: Timeouts = Timeouts()
    max_response_mb: PositiveFloat = 64.0


class SqlQuerySource(SourceSettings):
    """A query over a database connection."""

    kind: Literal["sql_query"]
    query: str = Field(description="SELECT with the bind parameters :start, :end (exclusive) and, if wanted, :as_of.")
    layout: TableLayout = TableLayout()
    timeouts: Timeouts = Timeouts()


class LocalFileSource(SourceSettings):
    """A file on this machine or a mounted share."""

    kind: Literal["local_file"]
    path: str = Field(description="Path; {as_of}, {start}, {end} and $VARIABLES of the environment are filled in.")
    format: Literal["csv", "json", "parquet"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    layout: TableLayout = TableLayout()
    max_response_mb: PositiveFloat = 512.0


class _Place(Strict):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class OpenMeteoSource(HttpSource):
    """Daily weather of Open-Meteo; a variable's field is Open-Meteo's name, e.g. temperature_2m_max."""

    kind: Literal["open_meteo"]
    product: Literal["archive", "forecast"] = "archive"
    places: dict[str, _Place] = Field(min_length=1, description="Entity: its latitude and longitude in degrees.")
    timezone: str = "UTC"
    units: dict[str, str] = Field(
        default_factory=dict, description="Unit options, e.g. {temperature_unit: fahrenheit, precipitation_unit: inch}."
    )


class NoaaSource(HttpSource):
    """NOAA GHCN daily through the NCEI access service; a variable's field is the element, e.g. TMAX."""

    kind: Literal["noaa"]
    stations: dict[str, str] = Field(min_length=1, description="Entity: its GHCN station id, e.g. USW00014819.")
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
