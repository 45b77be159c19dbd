"""The gate on the forecast: is it whole, is it possible, and is it believable beside what happened lately?

Great Expectations decides, on tables of measures with one row per forecast; the sentences name the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.expectations.row_rules import Row, RowRule, Tells, between, holds, ordered, same, there
from steadycast.expectations.running import Finding, Severity, Suite
from steadycast.settings import CheckForecastSettings

RECENT_WEEKS: Final = 8
_NUMBERS = (schema.POINT, *schema.BOUNDS)
_NAIVE = (schema.SAME_WEEK_LAST_YEAR, schema.MOVING_AVERAGE, schema.LAST_VALUE)


@dataclass(frozen=True)
class Expected:
    """What the forecast must be like.

    Attributes:
        as_of: the run's Monday.
        entities: whom a forecast is due for.
        horizons: weeks ahead, counted from 1.
        nonnegative: may no value be below zero?
        limits: from pipeline.yaml.
    """

    as_of: dt.date
    entities: tuple[str, ...]
    horizons: int
    nonnegative: bool
    limits: CheckForecastSettings


@dataclass(frozen=True)
class Flag:
    """A warning about one row of the forecast."""

    entity: str
    week: pd.Timestamp
    says: str


@dataclass(frozen=True)
class Gate:
    """The suites to run, and the warnings by row."""

    suites: tuple[Suite, ...]
    flags: tuple[Flag, ...]

    def says(self, severity: Severity) -> list[str]:
        """What the rows alone tell, of which Great Expectations tells the same."""
        nothing = Finding(True, 0, 0, (), None, (), "")
        told = [c.says(nothing) for suite in self.suites for c in suite.checks if c.severity == severity]
        return [text for text in told if text]


def forecast_gate(forecast: pd.DataFrame, recent: pd.DataFrame, expected: Expected) -> Gate:
    """The suites for a forecast, and what to write beside its rows.

    Args:
        forecast: what infer wrote, FORECAST_DTYPES if all is well.
        recent: actual weekly values: entity, week, value; the last ``RECENT_WEEKS`` before as_of are used.
        expected: what the forecast must be like.

    Returns: a gate. Where columns are wrong, only their suite is in it, as nothing else can be asked.
    """
    columns = _columns(forecast)
    if (columns["found"] != columns["wanted"]).any():
        return Gate((_suite("forecast_columns", columns, [_columns_rule(columns)], shown=("column",)),), ())
    coverage = _coverage(forecast, expected)
    table = measures(forecast, recent, expected)
    rules = [*_possible(table, expected), *_believable(table, expected.limits)]
    return Gate(
        (
            _suite("forecast_columns", columns, [_columns_rule(columns)], shown=("column",)),
            _suite("forecast_coverage", coverage, [_coverage_rule(coverage)]),
            _suite("forecast_values", table, rules),
        ),
        tuple(
            Flag(str(row.entity), pd.Timestamp(str(row.week)), rule.tells(row))
            for rule in rules
            if rule.severity == "warning"
            for row in table[rule.bad].itertuples(index=False)
        ),
    )


def _suite(
    name: str,
    frame: pd.DataFrame,
    rules: Sequence[RowRule],
    shown: tuple[str, ...] = (schema.ENTITY, schema.HORIZON),
) -> Suite:
    return Suite(name, frame, [rule.check(frame) for rule in rules], shown=shown)


def _columns(forecast: pd.DataFrame) -> pd.DataFrame:
    """One row per column that is wanted or there: its dtype as found and as wanted, 'none' if it is not."""
    found = {str(column): str(dtype) for column, dtype in forecast.dtypes.items()}
    names = list(dict.fromkeys([*schema.FORECAST_DTYPES, *found]))
    return pd.DataFrame(
        {
            "column": names,
            "found": [found.get(name, "none") for name in names],
            "wanted": [schema.FORECAST_DTYPES.get(name, "none") for name in names],
        }
    )


def _columns_rule(columns: pd.DataFrame) -> RowRule:
    def tells(row: Row) -> str:
        if row.found == "none":
            return f"column {row.column} is missing"
        if row.wanted == "none":
            return f"column {row.column} does not belong in a forecast"
        return f"column {row.column} holds {row.found} instead of {row.wanted}"

    return same(columns, "found", "wanted", tells, "critical")


def _coverage(forecast: pd.DataFrame, expected: Expected) -> pd.DataFrame:
    """One row per entity and horizon that is due or there: how often it is wanted (0 or 1) and found."""
    keys = [schema.ENTITY, schema.HORIZON]
    due = pd.MultiIndex.from_product([expected.entities, range(1, expected.horizons + 1)], names=keys)
    found = forecast.groupby(keys).size()
    both = pd.DataFrame({"found": found, "wanted": pd.Series(1, index=due)}).fillna(0).astype("int64")
    return both.reset_index()


def _coverage_rule(coverage: pd.DataFrame) -> RowRule:
    def tells(row: Row) -> str:
        if row.found == 0:
            return f"{row.entity} has no forecast for horizon {row.horizon}"
        if row.wanted == 0:
            return f"{row.entity} horizon {row.horizon} is not asked for, but there is a forecast"
        return f"{row.entity} has {row.found} forecasts for horizon {row.horizon}"

    return same(coverage, "found", "wanted", tells, "critical")


def measures(forecast: pd.DataFrame, recent: pd.DataFrame, expected: Expected) -> pd.DataFrame:
    """The forecast with what it is judged by; NaN where there is nothing to compare with.

    Returns: a copy with further columns: ``recent_max`` and ``recent_min`` of the entity's last weeks, the
    point over them (``on_recent_max``, ``on_recent_min``) and over the same week last year
    (``on_last_year``), the 80 % width over the point (``width_on_point``), the week's total over the recent
    mean total (``total_on_recent``), and whether the row has the right week, a model and, if degraded, a
    reason.
    """
    start, end = pd.Timestamp(expected.as_of) - pd.Timedelta(weeks=RECENT_WEEKS), pd.Timestamp(expected.as_of)
    near = recent[(recent[schema.WEEK] >= start) & (recent[schema.WEEK] < end)].dropna(subset=[schema.VALUE])
    by_entity = near.groupby(schema.ENTITY)[schema.VALUE]
    out = forecast.reset_index(drop=True)
    out[list(_NUMBERS)] = out[list(_NUMBERS)].replace([np.inf, -np.inf], np.nan)
    out["recent_max"] = out[schema.ENTITY].map(by_entity.max()).astype("float64")
    out["recent_max"] = out["recent_max"].where(out["recent_max"] > 0)
    out["recent_min"] = out[schema.ENTITY].map(by_entity.min()).astype("float64")
    out["on_recent_max"] = _ratio(out[schema.POINT], out["recent_max"])
    out["on_recent_min"] = _ratio(out[schema.POINT], out["recent_min"])
    out["on_last_year"] = _ratio(out[schema.POINT], out[schema.SAME_WEEK_LAST_YEAR])
    out["width_on_point"] = _ratio(out[schema.UPPER_80] - out[schema.LOWER_80], out[schema.POINT])
    out["inside_80"] = out[schema.POINT].between(out[schema.LOWER_80], out[schema.UPPER_80])
    compared = out[out["on_recent_max"].notna()]
    usual = by_entity.mean()
    out["recent_total"] = float(usual[usual.index.isin(compared[schema.ENTITY])].sum())
    out["total"] = out[schema.WEEK].map(compared.groupby(schema.WEEK)[schema.POINT].sum()).astype("float64")
    out["total_on_recent"] = _ratio(out["total"], out["recent_total"])
    due = pd.Timestamp(expected.as_of) + pd.to_timedelta(7 * (out[schema.HORIZON] - 1), unit="D")
    out["right_week"] = (out[schema.WEEK] == due) & (out[schema.AS_OF] == pd.Timestamp(expected.as_of))
    out["has_model"] = out[schema.MODEL_ID].fillna("") != ""
    out["has_reason"] = ~out[schema.DEGRADED] | (out[schema.DEGRADED_REASONS].fillna("") != "")
    return out


def _ratio(value: pd.Series[float], base: pd.Series[float]) -> pd.Series[float]:
    """Value over base; NaN where the base is not above zero, as a ratio says nothing there."""
    return (value / base.where(base > 0)).astype("float64")


def _possible(table: pd.DataFrame, expected: Expected) -> list[RowRule]:
    rules = [
        holds(
            table,
            "right_week",
            lambda r: f"{_who(r)}: not horizon {r.horizon} of {expected.as_of}",
            "critical",
        ),
        holds(table, "has_model", lambda r: f"{_who(r)}: no model is named", "critical"),
        holds(table, "has_reason", lambda r: f"{_who(r)}: degraded, but no reason is given", "critical"),
    ]
    for column in _NUMBERS:
        rules.append(there(table, column, _about(column, "is no number"), "critical"))
        if expected.nonnegative:
            rules.append(between(table, column, 0, None, _about(column, "is {} and so negative"), "critical"))
    pairs = [*pairwise(schema.BOUNDS), (schema.LOWER_95, schema.POINT), (schema.POINT, schema.UPPER_95)]
    return rules + [
        ordered(table, small, large, _wrong_order(small, large), "critical") for small, large in pairs
    ]


def _about(column: str, says: str) -> Tells:
    return lambda row: f"{_who(row)}: {column} {says.format(_n(getattr(row, column)))}"


def _wrong_order(small: str, large: str) -> Tells:
    def tells(row: Row) -> str:
        return f"{_who(row)}: {large} {_n(getattr(row, large))} is below {small} {_n(getattr(row, small))}"

    return tells


def _believable(table: pd.DataFrame, limits: CheckForecastSettings) -> list[RowRule]:
    most, odd, wide = limits.max_change_ratio, limits.warn_change_ratio, limits.max_width_ratio
    rules = [
        between(table, "on_recent_max", None, most, _too_high, "critical"),
        between(table, "total_on_recent", 1 / most, most, _total_off, "critical"),
        between(table, "on_recent_min", 1 / most, None, _too_low, "warning"),
        between(table, "on_last_year", 1 / odd, odd, _unlike_last_year, "warning"),
        between(table, "width_on_point", None, wide, _too_wide, "warning"),
        there(table, "recent_max", _no_recent, "warning"),
        holds(table, "inside_80", _about(schema.POINT, "{} is outside its 80 % interval"), "warning"),
    ]
    return rules + [there(table, column, _no_benchmark(column), "warning") for column in _NAIVE]


def _too_high(row: Row) -> str:
    return (
        f"{_who(row)}: point {_n(row.point)} is {_n(row.on_recent_max)} times the largest of the last "
        f"{RECENT_WEEKS} weeks ({_n(row.recent_max)})"
    )


def _too_low(row: Row) -> str:
    return (
        f"{_who(row)}: point {_n(row.point)} is only {_n(row.on_recent_min)} times the smallest of the last "
        f"{RECENT_WEEKS} weeks ({_n(row.recent_min)})"
    )


def _total_off(row: Row) -> str:
    return (
        f"all together week of {row.week:%Y-%m-%d}: the sum {_n(row.total)} is {_n(row.total_on_recent)} "
        f"times the mean of the last {RECENT_WEEKS} weeks ({_n(row.recent_total)})"
    )


def _unlike_last_year(row: Row) -> str:
    last_year = getattr(row, schema.SAME_WEEK_LAST_YEAR)
    return (
        f"{_who(row)}: point {_n(row.point)} is {_n(row.on_last_year)} times the same week last year "
        f"({_n(last_year)})"
    )


def _too_wide(row: Row) -> str:
    low, high = getattr(row, schema.LOWER_80), getattr(row, schema.UPPER_80)
    return (
        f"{_who(row)}: the 80 % interval {_n(low)} to {_n(high)} is {_n(row.width_on_point)} times as wide "
        f"as the point {_n(row.point)}"
    )


def _no_recent(row: Row) -> str:
    return f"{row.entity}: no value above zero in the last {RECENT_WEEKS} weeks to compare with"


def _no_benchmark(column: str) -> Tells:
    words = column.replace("_", " ")
    if column == schema.SAME_WEEK_LAST_YEAR:
        return lambda row: f"{_who(row)}: there is no {words} beside it"
    # these come from the last weeks, so that all horizons lack them alike
    return lambda row: f"{row.entity}: there is no {words} beside its forecast"


def _who(row: Row) -> str:
    return f"{row.entity} week of {row.week:%Y-%m-%d}"


def _n(value: float) -> str:
    """A number as a person would say it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 100 else f"{value:.3g}"
