"""The protocol: origins, what everybody forecasts at them, and the scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmarks import ours, peers
from steadycast import schema

ORIGINS = 10
STEP = 4
HORIZONS = 4
OURS = "Steadycast"
PLAIN = "plain mlforecast + LightGBM"
DRIFT = "naive-52 × drift"
Progress = Callable[[str, int, int], None]


def origins(weeks: int, *, skip: int = 0, count: int = ORIGINS) -> list[int]:
    """Row numbers of the first unknown week, oldest first; ``skip`` leaves out so many of the newest."""
    newest = weeks - HORIZONS - STEP * skip
    return [newest - STEP * back for back in reversed(range(count))]


def run(weekly: pd.DataFrame, *, progress: Progress) -> pd.DataFrame:
    """Everybody's forecast of every fold: columns origin, entity, week, actual and one per model."""
    settings, panel = ours.settings(), ours.panel(weekly)
    tables = []
    steps = origins(len(weekly))
    for done, origin in enumerate(steps):
        known, wanted = weekly.iloc[:origin], weekly.iloc[origin : origin + HORIZONS]
        progress(f"origin {weekly.index[origin].date()}, ours", done, len(steps))
        mine = ours.forecast(panel, settings, weekly.index[origin].date())
        table = mine.rename(columns={schema.POINT: OURS}).set_index([schema.ENTITY, schema.WEEK])
        table[schema.ACTUAL] = _column(wanted)
        progress(f"origin {weekly.index[origin].date()}, peers", done, len(steps))
        for name, forecast in _peers(known).items():
            table[name] = _column(forecast)
        tables.append(table.reset_index().assign(**{schema.ORIGIN: weekly.index[origin]}))
    progress("done", len(steps), len(steps))
    return pd.concat(tables, ignore_index=True)


def _peers(known: pd.DataFrame) -> dict[str, pd.DataFrame]:
    found = peers.statistical(known, HORIZONS, level=[80, 95])
    found[DRIFT] = peers.drift(known, HORIZONS)
    for recipe in peers.RECIPES:
        found[f"{PLAIN}, {recipe}"] = peers.plain_recipe(known, HORIZONS, recipe)
    return found


def _column(wide: pd.DataFrame) -> pd.Series:
    return wide.rename_axis(index=schema.WEEK, columns=schema.ENTITY).stack().swaplevel()


def score(table: pd.DataFrame) -> dict[str, Any]:
    """WAPE in percent per model, and coverage and mean width of the intervals.

    The plain recipe is scored as the best of its variants on these very folds, which favours it.
    """
    recipes = [c for c in table.columns if c.startswith(PLAIN)]
    models = [OURS, "SeasonalNaive", "WindowAverage", "AutoETS", DRIFT, *recipes]
    wape = {name: _wape(table, name) for name in models}
    best = min(recipes, key=wape.__getitem__)
    wape[PLAIN] = wape[best]
    intervals = {
        OURS: {q: _interval(table, f"lower_{q}", f"upper_{q}") for q in (80, 95)},
        "AutoETS": {q: _interval(table, f"AutoETS-lo-{q}", f"AutoETS-hi-{q}") for q in (80, 95)},
    }
    peers_wape = {name: value for name, value in wape.items() if name != OURS}
    return {
        "wape": wape,
        "plain_recipe": best,
        "best_peer": min(peers_wape, key=peers_wape.__getitem__),
        "intervals": intervals,
        "horizon_wape": {int(h): _wape(rows, OURS) for h, rows in table.groupby(schema.HORIZON)},
        "rows": len(table),
    }


def _wape(table: pd.DataFrame, name: str) -> float:
    if table[name].isna().any():
        raise ValueError(
            f"{name} gave no forecast for {int(table[name].isna().sum())} rows; folds must be the same"
        )
    return float(100 * (table[name] - table[schema.ACTUAL]).abs().sum() / table[schema.ACTUAL].sum())


def _interval(table: pd.DataFrame, lower: str, upper: str) -> dict[str, float]:
    inside = table[schema.ACTUAL].between(table[lower], table[upper])
    width = (table[upper] - table[lower]).sum() / table[schema.ACTUAL].sum()
    return {"coverage": float(100 * inside.mean()), "width": float(100 * width)}


def report(details: dict[str, dict[str, Any]]) -> str:
    """The scores as text tables."""
    names = [OURS, "SeasonalNaive", "WindowAverage", "AutoETS", DRIFT, PLAIN]
    wape = pd.DataFrame({s: [d["wape"][n] for n in names] for s, d in details.items()}, index=names)
    ratios = pd.DataFrame(
        {
            s: [d["wape"][OURS] / d["wape"][PLAIN], d["wape"][OURS] / d["wape"][d["best_peer"]]]
            for s, d in details.items()
        },
        index=["ours / plain recipe", "ours / best peer"],
    )
    bands = pd.DataFrame(
        {
            s: [
                d["intervals"][n][q][k]
                for n in (OURS, "AutoETS")
                for q in (80, 95)
                for k in ("coverage", "width")
            ]
            for s, d in details.items()
        },
        index=[f"{n} {q} % {k}" for n in (OURS, "AutoETS") for q in (80, 95) for k in ("coverage", "width")],
    )
    best = "\n".join(
        f"  {s}: best plain recipe: {d['plain_recipe']}; best peer: {d['best_peer']}"
        for s, d in details.items()
    )
    return "\n\n".join(
        [
            "WAPE in percent, 10 origins × 4 weeks",
            wape.round(2).to_string(),
            ratios.round(3).to_string(),
            best,
            "Intervals: share of actuals inside, and width against the actual, in percent",
            bands.round(1).to_string(),
        ]
    )
