"""The protocol: origins, and what everybody forecasts at them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from benchmarks import cache, ours, peers, rivals
from steadycast import schema

ORIGINS = 10
STEP = 4
HORIZONS = 4
OURS = "Steadycast"
PLAIN = "plain mlforecast + LightGBM"
DRIFT = "naive-52 × drift"
MISSING = [
    name for name, module in (("Prophet", "prophet"), ("skforecast", "skforecast")) if not find_spec(module)
]
"""Peers of requirements-bench.txt that are not installed."""
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
        for name, forecast in peers_at(
            known, progress=lambda what, d=done, o=origin: progress(
                f"origin {weekly.index[o].date()}, {what}", d, len(steps)
            ),
        ).items():  # fmt: skip
            table[name] = _column(forecast)
        tables.append(table.reset_index().assign(**{schema.ORIGIN: weekly.index[origin]}))
    progress("done", len(steps), len(steps))
    return pd.concat(tables, ignore_index=True)


def peers_at(known: pd.DataFrame, *, progress: Callable[[str], None]) -> dict[str, pd.DataFrame]:
    """The peers' forecasts and bounds of the weeks after ``known``, from the cache where they are there."""
    module, slow = Path(peers.__file__), Path(rivals.__file__)
    progress("statistical peers")
    found = cache.kept(
        "statistical", module, known, lambda: peers.statistical(known, HORIZONS, level=[80, 95])
    )
    found[DRIFT] = peers.drift(known, HORIZONS)
    for recipe in peers.RECIPES:
        progress(f"plain recipe {recipe}")
        named = f"{PLAIN}, {recipe}"
        found |= cache.kept(
            f"plain-{recipe.replace(', ', '-').replace(' ', '-')}", module, known,
            lambda n=named, r=recipe: {n: peers.plain_recipe(known, HORIZONS, r)},
        )  # fmt: skip
    for name, make in rivals.RIVALS.items():
        if name in MISSING:
            continue
        progress(name)
        found |= cache.kept(name, slow, known, lambda m=make: m(known, HORIZONS))
    return found


def _column(wide: pd.DataFrame) -> pd.Series:
    return wide.rename_axis(index=schema.WEEK, columns=schema.ENTITY).stack().swaplevel()
