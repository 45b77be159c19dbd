"""Compares the two providers of the same variables, so that a drift of one shows in the other's mirror.

For each pair of twins, common variable, entity and window (1, 4 and 8 weeks before ``as_of``) it measures
how far the first provider lies from the second. A window has too few days when it has less than 70 % of
those that the cadence lets expect, or less than 4. The providers disagree in a window when more than a
fifth of its days differ by more than the variable's ``twin_tolerance``, or when the bias does. Nothing is
corrected here: ``impute`` takes the twin's values where the first provider has none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import schema as c
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings, SourceSettings
from steadycast.timing import PERIOD_DAYS

WINDOWS_WEEKS: Final = (1, 4, 8)
ENOUGH_SHARE: Final = 0.7
ENOUGH_DAYS: Final = 4
MOST_BEYOND: Final = 0.2

_ROWS: Final = {
    "source": "str",
    "twin": "str",
    c.ENTITY: "str",
    c.VARIABLE: "str",
    "window_weeks": "int64",
    "days": "int64",
    "bias": "float64",
    "mae": "float64",
    "correlation": "float64",
    "tolerance": "float64",
    "beyond_share": "float64",
    "verdict": "str",
}
"""bias, mae and tolerance in the variable's unit; bias is source minus twin."""


def run(lake: Lake, settings: Settings, *, as_of: dt.date, progress: Progress = silent) -> str:
    """Compare all pairs of twins for a week.

    Returns: path of the report; the measurements lie beside it as Parquet.

    Raises:
        ArtefactMissing: a source of a pair was not validated.
    """
    pairs = settings.twins()
    tables, report = [empty()], []
    for done, (name, twin) in enumerate(pairs):
        progress(f"{name} against {twin}", done, len(pairs))
        verdicts = {n: lake.read_json(f"runs/{as_of}/validate/{n}.json") for n in (name, twin)}
        start = as_of - dt.timedelta(weeks=max(WINDOWS_WEEKS))
        cells = {
            n: lake.observations(n).read(segments=verdicts[n]["segments"], start=start, end=as_of)
            for n in (name, twin)
        }
        first, second = settings.source(name), settings.source(twin)
        measured = compare(cells[name], cells[twin], first, second, as_of=as_of)
        tables.append(measured)
        serving = serves(first, second, cells, verdicts, as_of=as_of)
        report.append({"source": name, "twin": twin, "variables": _told(measured, first, second, serving)})
    rows = pd.concat(tables, ignore_index=True).astype(_ROWS)
    lake.write_frame(f"runs/{as_of}/compare_sources.parquet", rows)
    progress("compared", len(pairs), len(pairs))
    return lake.write_json(f"runs/{as_of}/compare_sources.json", {"as_of": as_of, "pairs": report})


def empty() -> pd.DataFrame:
    """Measurements of no pair."""
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in _ROWS.items()})


def compare(
    cells: pd.DataFrame,
    twin_cells: pd.DataFrame,
    source: SourceSettings,
    twin: SourceSettings,
    *,
    as_of: dt.date,
) -> pd.DataFrame:
    """Measure how far a source lies from its twin.

    Args:
        cells: entity, date, variable, value of the source.
        twin_cells: the same of the twin.
        source: its cadence, name and tolerances.
        twin: its name.
        as_of: windows end before it; later dates are left out.

    Returns: one row per entity, common variable and window: source, twin, entity, variable, window_weeks,
        days, bias
        (source minus twin), mae, correlation (NaN where one side does not vary), tolerance (NaN if none is
        set), beyond_share, verdict.
    """
    both = cells.merge(twin_cells, on=list(c.CELL), suffixes=("", "_twin"))
    both = both[both[c.DATE] < pd.Timestamp(as_of)]
    series = _common_series(cells, twin_cells, source, twin)
    windows = [_window(both, series, source, weeks, as_of) for weeks in WINDOWS_WEEKS]
    found = pd.concat([empty(), *windows], ignore_index=True)
    found["source"], found["twin"] = source.name, twin.name
    found["verdict"] = _verdicts(found, source)
    return found.sort_values([c.ENTITY, c.VARIABLE, "window_weeks"], ignore_index=True)[list(_ROWS)].astype(
        _ROWS
    )


def _common_series(
    cells: pd.DataFrame, twin_cells: pd.DataFrame, source: SourceSettings, twin: SourceSettings
) -> pd.DataFrame:
    """Entity and variable of what both report or should report."""
    shared = [v.name for v in source.variables if v.name in {w.name for w in twin.variables}]
    entities = source.entities or sorted({*cells[c.ENTITY], *twin_cells[c.ENTITY]})
    product = pd.MultiIndex.from_product([entities, shared], names=[c.ENTITY, c.VARIABLE])
    return product.to_frame(index=False).astype("str")


def _window(
    both: pd.DataFrame, series: pd.DataFrame, source: SourceSettings, weeks: int, as_of: dt.date
) -> pd.DataFrame:
    """Measurements of one window; a series without a common day has 0 days and NaN."""
    inside = both[both[c.DATE] >= pd.Timestamp(as_of - dt.timedelta(weeks=weeks))]
    x, y = inside[c.VALUE], inside[f"{c.VALUE}_twin"]
    tolerance = inside[c.VARIABLE].map(source.twin_tolerance).astype("float64")
    work = inside[[c.ENTITY, c.VARIABLE]].assign(
        bias=x - y,
        mae=(x - y).abs(),
        beyond_share=((x - y).abs() > tolerance).astype("float64"),
        x=x,
        y=y,
        xx=x * x,
        yy=y * y,
        xy=x * y,
    )
    means = work.groupby([c.ENTITY, c.VARIABLE]).mean()
    days = work.groupby([c.ENTITY, c.VARIABLE]).size().rename("days")
    spread = (means["xx"] - means["x"] ** 2).clip(lower=0) * (means["yy"] - means["y"] ** 2).clip(lower=0)
    # a side that does not vary has no correlation; rounding leaves its variance a little above zero
    varies = spread > 1e-12 * means["xx"].abs() * means["yy"].abs()
    means["correlation"] = (means["xy"] - means["x"] * means["y"]).where(varies) / np.sqrt(
        spread.where(varies)
    )
    found = series.join(means[["bias", "mae", "correlation", "beyond_share"]], on=[c.ENTITY, c.VARIABLE])
    found["days"] = found[[c.ENTITY, c.VARIABLE]].join(days, on=[c.ENTITY, c.VARIABLE])["days"].fillna(0)
    found["tolerance"] = found[c.VARIABLE].map(source.twin_tolerance).astype("float64")
    found["beyond_share"] = found["beyond_share"].where(found["tolerance"].notna())
    return found.assign(window_weeks=weeks).astype({"days": "int64"})


def _verdicts(found: pd.DataFrame, source: SourceSettings) -> pd.Series:
    expected = found["window_weeks"] * 7 / PERIOD_DAYS[source.cadence]
    enough = (found["days"] >= ENOUGH_SHARE * expected) & (found["days"] >= ENOUGH_DAYS)
    beyond = (found["beyond_share"] > MOST_BEYOND) | (found["bias"].abs() > found["tolerance"])
    verdict = np.where(beyond, "disagree", "agree")
    judged = enough & found["tolerance"].notna()
    return pd.Series(np.where(judged, verdict, "undecided"), index=found.index, dtype="str")


def serves(
    source: SourceSettings,
    twin: SourceSettings,
    cells: Mapping[str, pd.DataFrame],
    verdicts: Mapping[str, Mapping[str, Any]],
    *,
    as_of: dt.date,
) -> dict[str, str | None]:
    """Which of the two gives each common variable this week: the source if it is good, else the twin."""
    last_week = pd.Timestamp(
        as_of - dt.timedelta(days=max(7, PERIOD_DAYS[source.cadence] + source.expected_lag_days))
    )
    serving: dict[str, str | None] = {}
    for variable in source.variables:
        if variable.name not in {v.name for v in twin.variables}:
            continue
        serving[variable.name] = None
        for name in (source.name, twin.name):
            rows = cells[name]
            there = ((rows[c.VARIABLE] == variable.name) & (rows[c.DATE] >= last_week)).any()
            if verdicts[name]["verdict"] in ("pass", "warn") and there:
                serving[variable.name] = name
                break
    return serving


def _told(
    measured: pd.DataFrame, source: SourceSettings, twin: SourceSettings, serving: Mapping[str, str | None]
) -> dict[str, dict[str, Any]]:
    """Per variable: verdict over all windows and entities, which source serves, and a sentence for people."""
    told: dict[str, dict[str, Any]] = {}
    for name, rows in measured.groupby(c.VARIABLE, sort=True):
        variable = source.variable(str(name))
        bad = rows[rows["verdict"] == "disagree"]
        agree = (rows["verdict"] == "agree").any()
        verdict = "disagree" if len(bad) else "agree" if agree else "undecided"
        told[variable.name] = {
            "verdict": verdict,
            "serves": serving[variable.name],
            "sentence": _sentence(rows, bad, verdict, source, twin, variable.unit),
        }
    return told


def _sentence(
    rows: pd.DataFrame,
    bad: pd.DataFrame,
    verdict: str,
    source: SourceSettings,
    twin: SourceSettings,
    unit: str,
) -> str:
    name = rows[c.VARIABLE].iloc[0]
    if verdict == "disagree":
        worst = bad.sort_values("beyond_share", kind="stable").iloc[-1]
        weeks = int(worst["window_weeks"])
        window = "week" if weeks == 1 else f"{weeks} weeks"
        return (
            f"{source.name} and {twin.name} disagree on {name} of {worst[c.ENTITY]}: in the last {window} "
            f"{worst['beyond_share']:.0%} of {worst['days']} days differ by more than "
            f"{worst['tolerance']:g} {unit}, the mean by {worst['bias']:+.3g} {unit}"
        )
    if verdict == "agree":
        return f"{source.name} and {twin.name} agree on {name}"
    why = (
        f"{int(rows['days'].max())} common day(s)"
        if rows["tolerance"].notna().any()
        else "twin_tolerance is not set"
    )
    return f"whether {source.name} and {twin.name} agree on {name} is undecided: {why}"
