"""Does the rule promote the right challenger? 200 simulated years of real weekly errors.

A year is 52 paired weeks drawn in blocks from the paired errors of the product and of another model on a
real data set, so that weeks keep their size, their neighbours and how far the two models differ in them. Each
block is drawn from around its own time of the year, because a year has each season once (generalized seasonal
block bootstrap: Dudek, Leskow, Paparoditis and Politis 2014, doi:10.1002/jtsa.12053; here from around the
season, as there is one year of weeks). The other model's errors are scaled so that both are equally good on
average over these weeks (*equal*), or the other's are 5 % smaller (*5 % better*).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks import weekly
from steadycast import schema
from steadycast.champion import judge
from steadycast.scores import season

YEARS = 200
BLOCK = 8
AROUND = 6
"""Weeks around its own time of the year that a block is drawn from."""
BETTER = 0.95
ERROR = 0.05
WITHIN = 26
SEED = 20261127


def paired(year: weekly.Year, variation: str) -> pd.DataFrame:
    """WAPE of both per Monday, and the Monday's season."""
    actual = year.panel[[schema.ENTITY, schema.WEEK, schema.VALUE]]
    keys = [schema.ENTITY, schema.WEEK]
    rows = []
    for monday in year.origins:
        tables = (year.forecasts[monday], year.others[variation][monday])
        both = [table[[*keys, schema.POINT]].merge(actual, on=keys) for table in tables]
        rows.append(
            [float((t[schema.POINT] - t[schema.VALUE]).abs().sum() / t[schema.VALUE].sum()) for t in both]
        )
    table = pd.DataFrame(rows, columns=["champion", "challenger"])
    table["season"] = season(pd.Series(pd.to_datetime(list(year.origins))))
    return table


def simulate(pairs: pd.DataFrame, years: int = YEARS) -> dict[str, Any]:
    """Share of the years, in percent, in which an equal one is promoted, and a better one within 26 weeks."""
    champion = pairs["champion"].to_numpy()
    challenger = pairs["challenger"].to_numpy()
    fair = float(np.exp(np.log(champion / challenger).mean()))
    spread = float(np.log(champion / challenger).std())
    out: dict[str, Any] = {"spread of a week's ratio, %": round(100 * spread, 1)}
    for name, times in (("equal", fair), ("5 % better", fair * BETTER)):
        random = np.random.default_rng(SEED)
        weeks = []
        for _ in range(years):
            drawn = _blocks(len(pairs), random)
            weeks.append(
                _promoted_at(
                    champion[drawn], challenger[drawn] * times, pairs["season"].to_numpy()[drawn].tolist()
                )
            )
        happened = [week for week in weeks if week]
        if name == "equal":
            out["equal: promoted in a year, %"] = 100 * len(happened) / years
        else:
            out[f"5 % better: promoted within {WITHIN} weeks, %"] = (
                100 * sum(week <= WITHIN for week in happened) / years
            )
            out["5 % better: promoted in a year, %"] = 100 * len(happened) / years
    return out


def _blocks(count: int, random: np.random.Generator) -> list[int]:
    drawn: list[int] = []
    first = int(random.integers(count))
    while len(drawn) < weekly.YEAR:
        start = first + len(drawn) + int(random.integers(-AROUND, AROUND + 1))
        length = min(int(random.geometric(1 / BLOCK)), weekly.YEAR - len(drawn))
        drawn += [(start + step) % count for step in range(length)]
    return drawn


def _promoted_at(champion: np.ndarray, challenger: np.ndarray, seasons: list[str]) -> int | None:
    """After how many weeks; each week is judged, as the backtest does."""
    for weeks in range(1, weekly.YEAR + 1):
        found = judge(champion[:weeks], challenger[:weeks], seasons[:weeks], error=ERROR)
        if found.verdict == "promote":
            return weeks
    return None


def report(found: dict[tuple[str, str], dict[str, Any]]) -> str:
    """The table as text, with each variation's mean over the data sets."""
    table = pd.DataFrame(found).T
    for variation, mean in _means(found).iterrows():
        table.loc[("mean", str(variation)), :] = mean
    return f"{YEARS} simulated years, error {ERROR:.0%} a year\n\n{table.round(1).to_string()}"


def _means(found: dict[tuple[str, str], dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(found).T.groupby(level=1, sort=False).mean()


def within(found: dict[tuple[str, str], dict[str, Any]]) -> bool:
    """Over the data sets at most 5 % wrong promotions, and at least 80 % right ones of models alike."""
    means = _means(found)
    right = means.loc[list(weekly.CLOSE), f"5 % better: promoted within {WITHIN} weeks, %"]
    return bool((means["equal: promoted in a year, %"] <= 5).all() and (right >= 80).all())
