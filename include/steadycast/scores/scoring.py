"""Scores of forecasts against actual values: row by row, and by horizon, season, week and entity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema

MODELS: Final = (schema.OURS, *schema.BENCHMARKS)
OVERALL: Final = "overall"
GROUPS: Final = (OVERALL, schema.HORIZON, schema.SEASON, "inputs", schema.WEEK, schema.ORIGIN, schema.ENTITY)
GROUP: Final = "group"
KEY: Final = "key"
COUNT: Final = "n"
WEEKS: Final = "weeks"
BEST: Final = "best_benchmark"
RATIO: Final = "ratio_to_best"
_TINY = 1e-9
_QUARTERS = {12: "Dec-Feb", 3: "Mar-May", 6: "Jun-Aug", 9: "Sep-Nov"}
_SEASON_OF_MONTH = {
    m: name for first, name in _QUARTERS.items() for m in ((first + i - 1) % 12 + 1 for i in range(3))
}
_KEYS = [schema.ORIGIN, schema.WEEK, schema.HORIZON, schema.ENTITY]


@dataclass(frozen=True)
class Scored:
    """What could be scored and what could not.

    Attributes:
        rows: SCORE_DTYPES.
        pending: forecasts of weeks that were not over at as_of.
        without_actual: entity and week of forecasts whose week is over but lacks a complete actual value.
    """

    rows: pd.DataFrame
    pending: int
    without_actual: pd.DataFrame


def wape_name(model: str) -> str:
    """Column of a model's WAPE in the summary."""
    return f"{schema.WAPE}_{model}"


def score(published: Sequence[pd.DataFrame], actuals: pd.DataFrame, as_of: dt.date) -> Scored:
    """Compare published forecasts with what happened.

    Args:
        published: one table of FORECAST_DTYPES per origin.
        actuals: entity, week, value; as known at ``as_of``.
        as_of: weeks before it are over.

    Returns: a row for each forecast, model and week that is over and complete.
    """
    columns = {column: pd.Series(dtype=kind) for column, kind in schema.FORECAST_DTYPES.items()}
    every = pd.concat([pd.DataFrame(columns), *published], ignore_index=True).astype(schema.FORECAST_DTYPES)
    over = every[every[schema.WEEK] < pd.Timestamp(as_of)]
    known = actuals[[schema.ENTITY, schema.WEEK, schema.VALUE]].rename(columns={schema.VALUE: schema.ACTUAL})
    beside = over.merge(known, on=[schema.ENTITY, schema.WEEK], how="left", validate="m:1")
    there = beside[schema.ACTUAL].notna()
    return Scored(
        rows=_long(beside[there]),
        pending=len(every) - len(over),
        without_actual=beside.loc[~there, [schema.ENTITY, schema.WEEK]].drop_duplicates(ignore_index=True),
    )


def _long(rows: pd.DataFrame) -> pd.DataFrame:
    actual = rows[schema.ACTUAL]
    shared = rows.rename(columns={schema.AS_OF: schema.ORIGIN})[[*_KEYS, schema.ACTUAL, schema.DEGRADED]]
    shared[schema.SEASON] = season(rows[schema.WEEK])
    parts = []
    for model in MODELS:
        part = shared.copy()
        part[schema.MODEL] = model
        part[schema.FORECAST] = rows[schema.POINT if model == schema.OURS else model]
        part[schema.ABS_ERROR] = (part[schema.FORECAST] - actual).abs()
        ours = model == schema.OURS
        part[schema.IN_80] = actual.between(rows[schema.LOWER_80], rows[schema.UPPER_80]) if ours else pd.NA
        part[schema.IN_95] = actual.between(rows[schema.LOWER_95], rows[schema.UPPER_95]) if ours else pd.NA
        parts.append(part[part[schema.FORECAST].notna()].astype(schema.SCORE_DTYPES))
    out = pd.concat(parts)[list(schema.SCORE_DTYPES)]
    return out.sort_values([*_KEYS, schema.MODEL], ignore_index=True)


def season(weeks: pd.Series[pd.Timestamp]) -> pd.Series[str]:
    """Three months by name, which hold on both hemispheres; a week belongs where its Thursday lies."""
    return (weeks + pd.Timedelta(days=3)).dt.month.map(_SEASON_OF_MONTH).astype("str")


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Errors overall and by horizon, season, kind of inputs, target week, origin and entity.

    The *best benchmark* is the one that is hardest to beat: of those that cover at least half of our
    forecasts, the one with the highest ``ratio_to_best``, our error over its error on the forecasts that both
    have.

    Args:
        rows: SCORE_DTYPES.

    Returns: columns group, key, n (forecasts), weeks (different target weeks), wape per model as a share
        (missing
        where the model has no forecast), best_benchmark, ratio_to_best, coverage_80, coverage_95 as shares.
    """
    wide = _wide(rows)
    return pd.concat([_by(wide, group) for group in GROUPS], ignore_index=True)


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per forecast: our error, size and hits; and for each benchmark the sums of what both have."""
    errors = rows.pivot(index=_KEYS, columns=schema.MODEL, values=schema.ABS_ERROR).reindex(
        columns=list(MODELS)
    )
    ours = rows[rows[schema.MODEL] == schema.OURS].set_index(_KEYS)
    out = ours[[schema.SEASON]].copy()
    out[OVERALL] = "all"
    out["inputs"] = np.where(ours[schema.DEGRADED], "incomplete", "complete")
    out[schema.COVERAGE_80] = ours[schema.IN_80].astype("float64")
    out[schema.COVERAGE_95] = ours[schema.IN_95].astype("float64")
    size = ours[schema.ACTUAL].abs()
    for model in MODELS:
        error = errors[model].reindex(out.index)
        out[f"error {model}"] = error
        out[f"size {model}"] = size.where(error.notna())
        out[f"ours {model}"] = ours[schema.ABS_ERROR].where(error.notna())
    return out.reset_index()


def _by(wide: pd.DataFrame, group: str) -> pd.DataFrame:
    # the group's column may be a key that is counted too
    parts = wide.groupby(wide[group].rename(KEY), sort=True)
    numbers = [column for column in wide.columns if " " in column]
    sums = parts[numbers].sum(min_count=1)
    counts = parts[[f"error {model}" for model in MODELS]].count()
    out = pd.DataFrame({COUNT: parts.size(), WEEKS: parts[schema.WEEK].nunique()})
    for model in MODELS:
        out[wape_name(model)] = _over(sums[f"error {model}"], sums[f"size {model}"])
    ratios = pd.DataFrame({name: _ratio(sums, name) for name in schema.BENCHMARKS})
    enough = {name: 2 * counts[f"error {name}"] >= out[COUNT] for name in schema.BENCHMARKS}
    ratios = ratios.where(pd.DataFrame(enough))
    known = ratios.notna().any(axis=1)
    best = ratios[known].idxmax(axis=1) if known.any() else pd.Series(dtype="str")
    out[BEST] = best.reindex(out.index).astype("str")
    out[RATIO] = ratios.max(axis=1)
    out[schema.COVERAGE_80] = parts[schema.COVERAGE_80].mean()
    out[schema.COVERAGE_95] = parts[schema.COVERAGE_95].mean()
    out = out.reset_index()
    out[KEY] = (
        out[KEY].dt.strftime("%Y-%m-%d") if group in (schema.WEEK, schema.ORIGIN) else out[KEY].astype("str")
    )
    out.insert(0, GROUP, group)
    return out


def _ratio(sums: pd.DataFrame, name: str) -> pd.Series[float]:
    """Our error over the benchmark's on what both have; finite also where one of them is perfect."""
    least = _TINY * sums[f"size {name}"]
    return _over(sums[f"ours {name}"] + least, sums[f"error {name}"] + least)


def _over(above: pd.Series[float], below: pd.Series[float]) -> pd.Series[float]:
    """Quotient; missing where below is zero or missing."""
    return above / below.where(below > 0)
