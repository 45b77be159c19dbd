"""From everything that is known to a judgement: hold, look, or nothing to say."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.checking.evidence import Evidence, Judgement, Remark, percent
from steadycast.checking.inputs import Inputs, judge_inputs
from steadycast.checking.likely_error import LEVEL, LikelyError, learn
from steadycast.checking.past import Past, past
from steadycast.checking.rows import Rows, judge_rows
from steadycast.settings import CheckForecastSettings

FEW_ROWS: Final = 8
"""Of a forecast of so few rows, a share of them says nothing."""
__all__ = ["Evidence", "Judgement", "Remark", "judge"]


def judge(
    forecast: pd.DataFrame, evidence: Evidence, as_of: pd.Timestamp, limits: CheckForecastSettings
) -> Judgement:
    """Judge a forecast that is whole and possible, which the Great Expectations gate sees to.

    Args:
        forecast: FORECAST_DTYPES.
        evidence: what it is judged by.
        as_of: the run's Monday.
        limits: from pipeline.yaml.
    """
    known = past(evidence.actuals, as_of)
    residuals = evidence.residuals
    likely = learn(residuals, known) if residuals is not None and len(residuals) else None
    rows = judge_rows(forecast, evidence, known, likely, limits)
    inputs = judge_inputs(forecast, evidence, known, limits)
    facts = _facts(rows, likely, known) | {"imputed_share": evidence.imputed}
    return Judgement(
        (*inputs.holds, *_far_off(rows, limits)),
        (*inputs.looks, *_likely(facts, limits)),
        (*_rows_about(forecast, inputs), *rows.remarks),
        facts,
    )


def _rows_about(forecast: pd.DataFrame, inputs: Inputs) -> list[Remark]:
    """What is said of a series' inputs stands beside all of its rows."""
    return [
        Remark(entity, pd.Timestamp(week), says, "input")
        for entity, says in inputs.about
        for week in forecast.loc[forecast[schema.ENTITY] == entity, schema.WEEK]
    ]


def _far_off(rows: Rows, limits: CheckForecastSettings) -> list[str]:
    """Findings about so many rows, or so large, that a reader should not see them unasked."""
    holds = []
    count = len(rows.table)
    moved = rows.shifted | rows.revised
    for chosen, what in (
        (moved, "points are far from last year, the recent weeks or the forecast before"),
        (rows.wide, "intervals are not as wide as usual"),
    ):
        share = float(chosen.mean()) if count else 0.0
        if share > limits.hold_share and count >= FEW_ROWS:
            holds.append(f"{int(chosen.sum())} of {count} {what} ({percent(share)} of the rows)")
    # the gate holds what is far above all recent weeks; what is far below them belongs to it too
    lost = rows.shifted & (rows.shift < -np.log(limits.max_change_ratio))
    names = sorted({str(name) for name in rows.table.loc[lost, schema.ENTITY]})
    holds += [
        f"{name}: points of less than a {limits.max_change_ratio:.3g}th of every benchmark"
        for name in names[:3]
    ]
    return holds


def _facts(rows: Rows, likely: LikelyError | None, known: Past) -> dict[str, float | None]:
    if likely is None:
        return {"estimated_error": None, "usual_error": None}
    size = rows.table[LEVEL].to_numpy(np.float64)
    points = float(np.nansum(np.abs(rows.table[schema.POINT].to_numpy(np.float64))))
    error = float(np.nansum(likely.of(rows.table, known) * size))
    estimated = error / points if points > 0 else None
    return {"estimated_error": estimated, "usual_error": likely.wape}


def _likely(facts: dict[str, float | None], limits: CheckForecastSettings) -> list[str]:
    estimated, common = facts["estimated_error"], facts["usual_error"]
    if not estimated or not common or estimated <= limits.odd_error * common:
        return []
    return [
        f"the error to expect is {percent(estimated)}, {estimated / common:.1f} times the usual "
        f"{percent(common)}: the benchmarks disagree, or the season is a hard one"
    ]
