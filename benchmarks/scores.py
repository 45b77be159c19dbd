"""Scores of the folds' table, and what they say against the goals."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.folds import DRIFT, MISSING, OURS, PLAIN
from steadycast import schema

GOALS = {"Walmart": 3.4, "CTA": 4.6, "EIA": 4.7}
"""WAPE in percent."""
FLOOR = 0.95
COVERED, COVERED_IN_QUARTER = (76.0, 84.0), (70.0, 90.0)
WIDTH = 1.1
PEERS = (
    "SeasonalNaive",
    "WindowAverage",
    "AutoETS",
    DRIFT,
    "AutoARIMA",
    "MSTL",
    "Prophet",
    PLAIN,
    "skforecast",
)
BOUNDED = ("AutoETS", "AutoARIMA", "MSTL", "Prophet")


def score(table: pd.DataFrame) -> dict[str, Any]:
    """WAPE in percent per model; coverage and mean width of the intervals, ours also by quarter.

    The plain recipe is scored as the best of its variants on these very folds, which favours it.
    """
    recipes = [c for c in table.columns if c.startswith(PLAIN)]
    models = [name for name in (OURS, *PEERS, *recipes) if name in table.columns]
    wape = {name: _wape(table, name) for name in models}
    best = min(recipes, key=wape.__getitem__)
    wape[PLAIN] = wape[best]
    bounds = {OURS: ("lower_80", "upper_80")}
    bounds |= {n: (f"{n}-lo-80", f"{n}-hi-80") for n in BOUNDED if f"{n}-lo-80" in table.columns}
    inside = table[schema.ACTUAL].between(table["lower_80"], table["upper_80"])
    return {
        "wape": wape,
        "plain_recipe": best,
        "best_peer": min((name for name in wape if name != OURS), key=wape.__getitem__),
        "intervals_80": {name: _interval(table, *pair) for name, pair in bounds.items()},
        "interval_95": _interval(table, "lower_95", "upper_95"),
        "quarters_80": {
            str(quarter): float(100 * share)
            for quarter, share in inside.groupby(table[schema.WEEK].dt.to_period("Q")).mean().items()
        },
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
    names = [n for n in (OURS, *PEERS) if any(n in d["wape"] for d in details.values())]
    wape = pd.DataFrame({s: {n: d["wape"].get(n) for n in names} for s, d in details.items()}, index=names)
    ratios = pd.DataFrame(
        {
            s: {
                "ours / plain recipe": d["wape"][OURS] / d["wape"][PLAIN],
                "ours / best peer": d["wape"][OURS] / d["wape"][d["best_peer"]],
            }
            for s, d in details.items()
        }
    )
    bands = pd.DataFrame(
        {
            s: {
                f"{n}, {what}": value for n, told in d["intervals_80"].items() for what, value in told.items()
            }
            for s, d in details.items()
        }
    )
    quarters = pd.DataFrame({s: pd.Series(d["quarters_80"]) for s, d in details.items()}).sort_index()
    best = "\n".join(
        f"  {s}: best plain recipe: {d['plain_recipe']}; best peer: {d['best_peer']}; "
        f"our 95 % interval covers {d['interval_95']['coverage']:.0f} %"
        for s, d in details.items()
    )
    left_out = f"Left out, not installed: {', '.join(MISSING)}\n\n" if MISSING else ""
    return left_out + "\n\n".join(
        [
            "WAPE in percent, 10 origins × 4 weeks",
            wape.round(2).to_string(na_rep=""),
            ratios.round(3).to_string(),
            best,
            "80 % intervals: share of actuals inside, and width against the actual, in percent",
            bands.round(1).to_string(na_rep=""),
            "Our 80 % interval by quarter of the year",
            quarters.round(0).to_string(na_rep=""),
            "\n".join(f"{told}" for s, d in details.items() for told in verdicts(s, d)),
        ]
    )


def verdicts(name: str, told: dict[str, Any]) -> list[str]:
    """What is met and what is not, one line each."""
    ours, best = told["wape"][OURS], told["best_peer"]
    ratio = ours / told["wape"][best]
    mine = told["intervals_80"][OURS]
    odd = {q: c for q, c in told["quarters_80"].items() if not _within(c, COVERED_IN_QUARTER)}
    valid = {
        n: b["width"]
        for n, b in told["intervals_80"].items()
        if n != OURS and _within(b["coverage"], COVERED)
    }
    lines = [
        (ours <= GOALS[name], f"WAPE {ours:.2f} %, goal {GOALS[name]} %"),
        (ratio <= FLOOR, f"{ratio:.3f} of the error of {best}, floor {FLOOR}"),
        (_within(mine["coverage"], COVERED), f"80 % interval covers {mine['coverage']:.1f} %, 76..84 %"),
        (
            not odd,
            f"quarters outside 70..90 %: {', '.join(f'{q} {c:.0f} %' for q, c in odd.items()) or 'none'}",
        ),
    ]
    if valid:
        least = min(valid, key=valid.__getitem__)
        share = mine["width"] / valid[least]
        lines.append((share <= WIDTH, f"{share:.2f} of the width of {least}, at most {WIDTH}"))
    else:
        lines.append((True, "no peer's interval covers 76..84 %, so none to compare the width with"))
    return [f"{'met    ' if met else 'NOT met'}  {name}: {text}" for met, text in lines]


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
