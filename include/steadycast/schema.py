"""Column names, dtypes and units, declared once; nobody else types these strings.

Weeks are Monday dates: the week ``2016-06-06`` is Monday 2016-06-06 to Sunday 2016-06-12. A run's ``as_of``
is a Monday; what is dated before it is known, horizon 1 is the week that begins on it.
"""

from __future__ import annotations

from typing import Final

# Observations: one row per cell and version
SOURCE: Final = "source"
ENTITY: Final = "entity"
DATE: Final = "date"
VARIABLE: Final = "variable"
VALUE: Final = "value"
RETRIEVED_AT: Final = "retrieved_at"
CELL: Final = (ENTITY, DATE, VARIABLE)
"""What identifies a cell within a source."""

OBSERVATION_DTYPES: Final[dict[str, str]] = {
    ENTITY: "str",
    DATE: "datetime64[us]",
    VARIABLE: "str",
    VALUE: "float64",
}

# A poll as received: a cell may come twice, a value may not be a number
RAW: Final = "raw"
ROW: Final = "row"
POLL_DTYPES: Final[dict[str, str]] = {**OBSERVATION_DTYPES, RAW: "str", ROW: "int64"}
"""RAW is the value's text as the source sent it; VALUE is NaN where RAW is not a number. ROW counts from 1
within the poll and is the record's place in the answer. DATE is NaT where the source's date can not be read
(RAW then holds the
date's text)."""

# Weekly panel: output of impute
WEEK: Final = "week"
HOW: Final = "how"
HOWS: Final = ("observed", "corrected", "twin", "carried", "climatology", "missing")
PANEL_DTYPES: Final[dict[str, str]] = {
    SOURCE: "str",
    ENTITY: "str",
    WEEK: "datetime64[us]",
    VARIABLE: "str",
    VALUE: "float64",
    HOW: "str",
}


AHEAD: Final = "@"
"""Between the name of a variable and a horizon; no name of a variable has it."""


def ahead(variable: str, horizon: int) -> str:
    """Name in the panel of what was known of a variable's weeks ``horizon`` - 1 weeks before."""
    return f"{variable}{AHEAD}{horizon}"


# Forecast: output of infer, check_forecast and publish; values in the target's unit per week
AS_OF: Final = "as_of"
HORIZON: Final = "horizon"
POINT: Final = "point"
LOWER_80: Final = "lower_80"
UPPER_80: Final = "upper_80"
LOWER_95: Final = "lower_95"
UPPER_95: Final = "upper_95"
BOUNDS: Final = (LOWER_95, LOWER_80, UPPER_80, UPPER_95)
SAME_WEEK_LAST_YEAR: Final = "same_week_last_year"
MOVING_AVERAGE: Final = "moving_average"
LAST_VALUE: Final = "last_value"
CLIENT_FORECAST: Final = "client_forecast"
BENCHMARKS: Final = (SAME_WEEK_LAST_YEAR, MOVING_AVERAGE, LAST_VALUE, CLIENT_FORECAST)
DEGRADED: Final = "degraded"
DEGRADED_REASONS: Final = "degraded_reasons"
MODEL_ID: Final = "model_id"
FORECAST_DTYPES: Final[dict[str, str]] = {
    ENTITY: "str",
    WEEK: "datetime64[us]",
    HORIZON: "int64",
    POINT: "float64",
    **{bound: "float64" for bound in BOUNDS},
    **{benchmark: "float64" for benchmark in BENCHMARKS},
    DEGRADED: "bool",
    DEGRADED_REASONS: "str",
    MODEL_ID: "str",
    AS_OF: "datetime64[us]",
}
"""CLIENT_FORECAST is NaN where the client has none.

DEGRADED_REASONS joins reasons with '; ' and is '' when there are none.
"""

# Residuals and scores
ACTUAL: Final = "actual"
ORIGIN: Final = "origin"
RESIDUAL: Final = "residual"
MODEL: Final = "model"
OURS: Final = "ours"
"""Value of MODEL for the published point; the benchmarks go by their column names."""
WAPE: Final = "wape"
COVERAGE_80: Final = "coverage_80"
COVERAGE_95: Final = "coverage_95"
SEASON: Final = "season"
FORECAST: Final = "forecast"
ABS_ERROR: Final = "abs_error"
IN_80: Final = "in_80"
IN_95: Final = "in_95"
SCORE_DTYPES: Final[dict[str, str]] = {
    ORIGIN: "datetime64[us]",
    WEEK: "datetime64[us]",
    HORIZON: "int64",
    ENTITY: "str",
    SEASON: "str",
    MODEL: "str",
    FORECAST: "float64",
    ACTUAL: "float64",
    ABS_ERROR: "float64",
    IN_80: "boolean",
    IN_95: "boolean",
    DEGRADED: "bool",
}
"""One row per scored forecast and model; IN_80 and IN_95 are missing for benchmarks, which have no bounds."""
