"""The error that was to be expected, by season and horizon, from forecasts of weeks that no model had seen.

Errors of different seasons and horizons differ by a factor, and a season has few past weeks. So the typical
error of a season is pulled towards that of all seasons as far as it rests on few weeks, and the band is as
wide as the mean of so few live weeks, and of so few past weeks, may stray.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from steadycast import schema, scores

COVERAGE: Final = 0.9
SURE: Final = 0.98
"""Coverage of the band whose upper end makes a warning: there are few of them a year, by chance."""
ALL: Final = "all"
FEWEST_PAST: Final = 8
"""Past origins without which no band is told."""
FEWEST_LIVE: Final = 4
"""Live weeks below which an error beyond its band makes no warning."""
_DRAWS: Final = 4000
_SEED: Final = 20160606
_SMALLEST: Final = 1e-6


@dataclass(frozen=True)
class Band:
    """A live error and what was expected; errors are WAPE as shares.

    Attributes:
        season: three months, or ``all``.
        horizon: weeks ahead; 0 for all of them.
        weeks: live target weeks.
        error: live.
        low: of the expected band.
        high: of the expected band.
        limit: an error above this one is no chance any more.
    """

    season: str
    horizon: int
    weeks: int
    error: float
    low: float
    high: float
    limit: float

    @property
    def state(self) -> str:
        """``worse``, ``better`` or ``expected``."""
        return "worse" if self.error > self.high else "better" if self.error < self.low else "expected"

    @property
    def alarming(self) -> bool:
        """Worse than chance allows, over enough weeks to say so."""
        return self.error > self.limit and self.weeks >= FEWEST_LIVE

    def sentence(self) -> str:
        """E.g. ``4.7 % where 3.9–6.1 % was expected for Jun-Aug, horizon 2``."""
        where = "all seasons" if self.season == ALL else self.season
        ahead = "all horizons" if self.horizon == 0 else f"horizon {self.horizon}"
        low, high = 100 * self.low, 100 * self.high
        return f"{100 * self.error:.1f} % where {low:.1f}–{high:.1f} % was expected for {where}, {ahead}"


def weekly_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """WAPE over all entities by week and horizon, and by week alone (horizon 0).

    Args:
        rows: week, horizon, abs_error and actual of forecasts.

    Returns: week, season, horizon, wape; weeks whose actual values are all zero are left out.
    """
    sums = rows.assign(size=rows[schema.ACTUAL].abs())
    parts = [sums, sums.assign(**{schema.HORIZON: 0})]
    keys = [schema.WEEK, schema.HORIZON]
    by = pd.concat(parts).groupby(keys, as_index=False)[[schema.ABS_ERROR, "size"]].sum()
    by = by[by["size"] > 0]
    out = by[keys].assign(**{schema.WAPE: by[schema.ABS_ERROR] / by["size"]})
    return out.assign(**{schema.SEASON: scores.season(out[schema.WEEK])})


def bands(past: pd.DataFrame, live: pd.DataFrame) -> list[Band]:
    """Live errors beside their expected bands.

    Args:
        past: as ``weekly_errors`` makes them, of weeks that their model had not seen, before the live ones.
        live: the same of published forecasts.

    Returns: per season and horizon, per season, and for all; none with fewer than 8 past weeks.
    """
    found = []
    for horizon in sorted(set(past[schema.HORIZON]) & set(live[schema.HORIZON])):
        then, now = past[past[schema.HORIZON] == horizon], live[live[schema.HORIZON] == horizon]
        if len(then) < FEWEST_PAST:
            continue
        typical = _Typical(then)
        for season, rows in now.groupby(schema.SEASON):
            found.append(typical.band(str(season), int(horizon), rows))
        if horizon == 0 and now[schema.SEASON].nunique() > 1:
            found.append(typical.band(ALL, 0, now))
    return sorted(found, key=lambda band: (band.season != ALL, band.season, band.horizon))


class _Typical:
    """What errors of one horizon usually are."""

    def __init__(self, past: pd.DataFrame) -> None:
        logs = np.log(past[schema.WAPE].clip(lower=_SMALLEST))
        by_season = logs.groupby(past[schema.SEASON]).agg(["mean", "count"])
        pool = float(logs.mean())
        within = float((logs - past[schema.SEASON].map(by_season["mean"])).var(ddof=len(by_season)))
        chance = within / by_season["count"]
        # empirical Bayes: seasons differ by as much as their means do beyond chance
        between = max(0.0, float(((by_season["mean"] - pool) ** 2 - chance).mean()))
        weight = between / (between + chance).clip(lower=_SMALLEST)
        self._means = {str(s): float(m) for s, m in (pool + weight * (by_season["mean"] - pool)).items()}
        self._doubts = {str(s): float(d) for s, d in np.sqrt(weight * chance + within / len(logs)).items()}
        self._pool, self._doubt = pool, float(np.sqrt(between + within / len(logs)))
        self._strays = (logs - past[schema.SEASON].map(self._means)).to_numpy(np.float64)

    def band(self, season: str, horizon: int, live: pd.DataFrame) -> Band:
        chance = np.random.default_rng(_SEED)
        weeks = len(live)
        # forecasts that look h weeks ahead miss the same turn h times: so many weeks tell less than they are
        told = max(1, round(weeks / max(1, (horizon or 2) / 2)))
        strays = chance.choice(self._strays, (_DRAWS, told))
        names = live[schema.SEASON].to_numpy()
        centre = np.mean([self._means.get(str(name), self._pool) for name in names])
        doubts = np.mean([self._doubts.get(str(name), self._doubt) for name in names])
        doubt = chance.standard_normal(_DRAWS) * doubts
        drawn = np.exp(centre + strays).mean(axis=1) * np.exp(doubt)
        low, high = np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        limit = float(np.quantile(drawn, (1 + SURE) / 2))
        error = float(live[schema.WAPE].mean())
        return Band(season, horizon, weeks, error, float(low), float(high), limit)
