"""Measures two providers against each other in windows before a week, and says where they disagree."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.timing import PERIOD_DAYS
from steadycast.twins.normal import ENOUGH_DAYS, ENOUGH_SHARE, WINDOWS_WEEKS, Normal
from steadycast.twins.pair import Floats, Pair

LAGS: Final = tuple(sorted(range(-7, 8), key=abs))
"""Nearest first, so that of equally good lags the smallest is told."""
_CLEARER: Final = 0.05
"""A lag has to correlate better than none by so much."""
_LAG_WEEKS: Final = 4
"""In shorter windows some lag always fits by chance."""

AGREE: Final = "agree"
DISAGREE: Final = "disagree"
UNDECIDED: Final = "undecided"

ROWS: Final = {
    "source": "str",
    "twin": "str",
    c.ENTITY: "str",
    c.VARIABLE: "str",
    "window_weeks": "int64",
    "days": "int64",
    "bias": "float64",
    "mae": "float64",
    "correlation": "float64",
    "best_lag": "float64",
    "tolerance": "float64",
    "beyond_share": "float64",
    "normal_bias": "float64",
    "day_limit": "float64",
    "bias_limit": "float64",
    "share_limit": "float64",
    "learnt_days": "int64",
    "agreement": "str",
    "verdict": "str",
}
"""bias, mae, tolerance, normal_bias and limits in the variable's unit; bias is source minus twin; best_lag in
days (of a slower source: periods) by which the source runs behind the twin. ``agreement`` says whether the
two agree, ``verdict`` also who is off."""


def empty() -> pd.DataFrame:
    """Measurements of no pair."""
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in ROWS.items()})


def measure(pair: Pair, normal: Normal) -> pd.DataFrame:
    """Measure all windows of all series.

    Returns: the columns of ROWS, sorted by entity, variable, window; ``verdict`` is ``agreement`` so far.
    """
    windows = [_window(pair, normal, weeks) for weeks in WINDOWS_WEEKS]
    found = pd.concat(windows, ignore_index=True).assign(source=pair.source.name, twin=pair.twin.name)
    found["verdict"] = found["agreement"]
    return found.sort_values([c.ENTITY, c.VARIABLE, "window_weeks"], ignore_index=True)[list(ROWS)].astype(
        ROWS
    )


def _window(pair: Pair, normal: Normal, weeks: int) -> pd.DataFrame:
    inside = pair.since(weeks)
    x, y = pair.x[inside], pair.y[inside]
    both = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(both, x, np.nan), np.where(both, y, np.nan)
    difference = x - y
    days = both.sum(axis=0)
    away = np.abs(difference - normal.bias)
    known = ~np.isnan(normal.day_limit)
    beyond = np.where(known & (days > 0), _mean((away > normal.day_limit) & both, days), np.nan)
    bias = _mean(np.where(both, difference, 0.0), days)
    expected = weeks * 7 / PERIOD_DAYS[pair.source.cadence]
    enough = (days >= ENOUGH_SHARE * expected) & (days >= min(ENOUGH_DAYS, expected)) & (days > 0)
    far = (beyond > normal.share_limit[weeks]) | (np.abs(bias - normal.bias) > normal.bias_limit[weeks])
    agreement = np.where(enough & known, np.where(far, DISAGREE, AGREE), UNDECIDED)
    return pair.series.assign(
        window_weeks=weeks,
        days=days,
        bias=bias,
        mae=_mean(np.where(both, np.abs(difference), 0.0), days),
        correlation=correlation(x, y),
        best_lag=_best_lag(pair, weeks) if weeks >= _LAG_WEEKS else np.nan,
        tolerance=pair.tolerance,
        beyond_share=beyond,
        normal_bias=normal.bias,
        day_limit=normal.day_limit,
        bias_limit=normal.bias_limit[weeks],
        share_limit=normal.share_limit[weeks],
        learnt_days=normal.days,
        agreement=agreement,
    )


def _mean(values: Floats | np.ndarray, days: np.ndarray) -> Floats:
    """Sum over the common days by their number; NaN where there is none."""
    out: Floats = np.divide(values.sum(axis=0), days, out=np.full(len(days), np.nan), where=days > 0)
    return out


def correlation(x: Floats, y: Floats) -> Floats:
    """Pearson's correlation by column on rows that both have; NaN where a side does not vary."""
    both = np.isfinite(x) & np.isfinite(y)
    count = both.sum(axis=0)
    xs = np.where(both, x - _mean(np.where(both, x, 0.0), count), 0.0)
    ys = np.where(both, y - _mean(np.where(both, y, 0.0), count), 0.0)
    spread = (xs**2).sum(axis=0) * (ys**2).sum(axis=0)
    size = (np.where(both, x, 0.0) ** 2).sum(axis=0) * (np.where(both, y, 0.0) ** 2).sum(axis=0)
    varies = spread > 1e-12 * size  # rounding leaves the variance of a constant a little above zero
    root = np.sqrt(np.where(varies, spread, 1.0))
    out: Floats = np.where(varies & (count > 2), (xs * ys).sum(axis=0) / root, np.nan)
    return out


def _best_lag(pair: Pair, weeks: int) -> Floats:
    """The lag at which the two correlate best: 0 unless another one is clearly better."""
    inside = np.flatnonzero(pair.since(weeks))
    best, lags = np.full(len(pair.series), -np.inf), np.full(len(pair.series), np.nan)
    for lag in LAGS:
        shifted = inside - lag
        usable = (shifted >= 0) & (shifted < len(pair.days))
        if usable.sum() < ENOUGH_DAYS:
            continue
        found = correlation(pair.x[inside[usable]], pair.y[shifted[usable]])
        better = found > best + (_CLEARER if lag else 0.0)
        best, lags = np.where(better, found, best), np.where(better, lag, lags)
    return lags
