"""The price of absence: how much worse the forecast gets when a source is not there.

Past origins are replayed twice with the same models: with all that was known, and with the last weeks of one
source taken away and filled as ``impute`` would fill them. The difference in WAPE is what that source's
absence costs. It goes into the message of a degraded forecast, and says whether the source's role fits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import models, schema
from steadycast.features import Floats, History
from steadycast.filling import season_means
from steadycast.findings import Finding
from steadycast.lake import Lake
from steadycast.models import PastModels
from steadycast.progress import Progress, silent
from steadycast.settings import Settings

WEEKS: Final = (1, 4, 13)
"""Weeks of absence that are priced: one run, a month, a quarter."""
FUNDAMENTAL_FROM: Final = 1.0
"""Points of WAPE from which on a source's absence is too dear for an optional one."""
OPTIONAL_BELOW: Final = 0.5
_LEAST_ORIGINS: Final = 6
_ERRORS: Final = 2.0
"""Standard errors by which the evidence has to be beyond a limit before a role is contradicted."""


def place(as_of: dt.date) -> str:
    """Where the prices of a month are."""
    return f"absence/{as_of:%Y-%m}.json"


def known(lake: Lake, as_of: dt.date) -> Mapping[str, Any]:
    """The newest prices made before a week: per source; nothing if there are none."""
    for path in reversed(lake.list("absence/")):
        if path <= place(as_of):
            found: dict[str, Any] = lake.read_json(path)
            if found["as_of"] < as_of.isoformat():
                return dict(found["sources"])
    return {}


def due(lake: Lake, as_of: dt.date) -> bool:
    """Has the month of this week no prices yet?"""
    return not lake.exists(place(as_of))


def sentence(prices: Mapping[str, Any], source: str, weeks: int) -> str:
    """What is expected of a forecast without a source for so many weeks; '' where nothing is known."""
    by_weeks = prices.get(source, {}).get("by_weeks", {})
    longer = [count for count in sorted(int(key) for key in by_weeks) if count >= weeks]
    chosen = longer[0] if longer else max((int(key) for key in by_weeks), default=0)
    return f"expected error {by_weeks[str(chosen)]['points']:+.1f} points" if chosen else ""


def price(
    panel: pd.DataFrame,
    stand_ins: pd.DataFrame,
    settings: Settings,
    *,
    as_of: dt.date,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Price the absence of each source that the model sees.

    Args:
        panel: PANEL_DTYPES of a week; not changed.
        stand_ins: PANEL_DTYPES: what the twins say, under the name of the source that they stand in for.
        settings: the pipeline's.
        as_of: the week of the panel.
        progress: told what is done.

    Returns: origins, wape of all that is known (in percent), and per source: role, method, proposal, why, and
        by weeks of absence: points (of WAPE in percent, more is worse), standard error, origins.

    The models are trained once, on all that was known before each block of origins: what is priced is a
    source that stops, not one that never was.
    """
    history = models.known_history(panel, settings, as_of)
    forecaster = models.forecaster(history, settings)
    blocks = models.past_models(
        forecaster, count=settings.forecast.model.calibration_origins, progress=progress
    )
    replayed = _replayed(blocks, lambda _: history, settings)
    shares = models.learn(replayed, forecaster.horizons)
    base = _errors(replayed, shares)
    found, names = {}, settings.forecast.drivers
    for done, name in enumerate(names):
        progress(f"price of the absence of {name}", done, len(names))
        instead = _instead(panel, stand_ins, settings, name, as_of)
        by_weeks = {}
        for weeks in WEEKS:
            told = _replayed(
                blocks,
                lambda at, w=weeks, n=name, s=instead: without(history, settings, n, w, at, s),
                settings,
            )
            by_weeks[str(weeks)] = _difference(
                base, _errors(told, shares), _filled(blocks, history, settings, name, weeks, instead)
            )
        found[name] = _proposal(settings, name, by_weeks)
    progress("price of absence", len(names), len(names))
    size = base["size"].sum()
    wape = round(100 * float(base["error"].sum() / size), 4) if size > 0 else None
    return {"as_of": as_of, "origins": len(base), "wape": wape, "sources": found}


def without(
    history: History, settings: Settings, name: str, weeks: int, origin: int, instead: Mapping[str, Floats]
) -> History:
    """The history as it would be at an origin if a source had not answered for the last weeks.

    Args:
        history: with everything.
        settings: the source's imputation.
        name: the source.
        weeks: of absence before the origin.
        origin: index of the first unknown week.
        instead: per driver, what stands in for each week; empty for a source that carries its last value.
    """
    source = settings.source(name)
    begin = max(origin - weeks + models.late_weeks(source), 0)
    drivers = dict(history.drivers)
    for key, values in history.drivers.items():
        if not key.startswith(f"{name}.") or begin >= origin:
            continue
        changed = values.copy()
        changed[begin:origin] = instead[key][begin:origin] if key in instead else np.nan
        if source.imputation.method == "carry" and begin > 0:
            reach = min(begin + source.imputation.max_gap_weeks, origin)
            changed[begin:reach] = values[begin - 1]
        drivers[key] = changed
    ahead = {
        key: _said_earlier(said, weeks, origin) if key.startswith(f"{name}.") else said
        for key, said in history.ahead.items()
    }
    return replace(history, drivers=drivers, ahead=ahead)


def _said_earlier(said: Floats, weeks: int, origin: int) -> Floats:
    """Of the weeks from ``origin`` on, what was known of them so many weeks before, if anything."""
    horizons = len(said)
    changed = said.copy()
    for step in range(horizons):
        earlier = step + weeks
        changed[step, origin + step] = said[earlier, origin + step] if earlier < horizons else np.nan
    return changed


def _instead(
    panel: pd.DataFrame, stand_ins: pd.DataFrame, settings: Settings, name: str, as_of: dt.date
) -> dict[str, Floats]:
    """Per driver of a source, what would stand in for each of its weeks."""
    method = settings.source(name).imputation.method
    mine = panel[panel[schema.SOURCE] == name]
    if method == "twin":
        rows = stand_ins[stand_ins[schema.SOURCE] == name]
    elif method == "climatology":
        parts = [
            part.assign(**{schema.VALUE: season_means(part.reset_index(drop=True)).to_numpy()})
            for _, part in mine.groupby(schema.VARIABLE)
        ]
        rows = pd.concat(parts)
    else:
        return {}
    whole = pd.concat([panel[panel[schema.SOURCE] != name], rows], ignore_index=True)
    drivers = models.known_history(whole, settings, as_of).drivers
    return {key: values for key, values in drivers.items() if key.startswith(f"{name}.")}


def _replayed(blocks: Sequence[PastModels], at: Any, settings: Settings) -> pd.DataFrame:  # noqa: ANN401 - a callable
    """Past forecasts with actuals, each origin with its own history."""
    parts = []
    for block in blocks:
        for origin in block.origins:
            forecaster = models.forecaster(at(int(origin)), settings)
            table = models.forecast_table(
                forecaster, block.model, np.array([origin]),
                moving_average_weeks=settings.benchmarks.moving_average_weeks,
            )  # fmt: skip
            parts.append(models.with_actuals(table, forecaster))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[schema.ORIGIN])


def _errors(replayed: pd.DataFrame, shares: tuple[float, ...]) -> pd.DataFrame:
    """Sum of errors and of actual values per origin."""
    if replayed.empty:
        return pd.DataFrame({"error": [], "size": []}, dtype="float64")
    rows = models.mixed(replayed, shares)
    known_rows = rows[rows[schema.POINT].notna()]
    error = (known_rows[schema.ACTUAL] - known_rows[schema.POINT]).abs()
    sums = known_rows.assign(error=error, size=known_rows[schema.ACTUAL].abs())
    return sums.groupby(schema.ORIGIN)[["error", "size"]].sum().reset_index(drop=True)


def _filled(
    blocks: Sequence[PastModels],
    history: History,
    settings: Settings,
    name: str,
    weeks: int,
    instead: Mapping[str, Floats],
) -> list[bool]:
    """Per origin: could the source's method stand in for anything? A twin that begins later could not."""
    out = []
    for block in blocks:
        for origin in block.origins:
            changed = without(history, settings, name, weeks, int(origin), instead)
            mine = [key for key in history.drivers if key.startswith(f"{name}.")]
            # of weeks to come nothing stands in but what was said of them before
            out.append(not mine or any(np.isfinite(changed.drivers[k][origin - 1]).any() for k in mine))
    return out


def _difference(base: pd.DataFrame, told: pd.DataFrame, filled: Sequence[bool]) -> dict[str, Any]:
    """By how many points the WAPE grows, over the origins at which the method works if they are enough."""
    use = np.array(filled, dtype=bool)
    if len(use) != len(base) or use.sum() < _LEAST_ORIGINS:
        use = np.ones(len(base), dtype=bool)
    size = base["size"].to_numpy()[use]
    more = (told["error"] - base["error"]).to_numpy()[use]
    if not size.sum() > 0:
        return {"points": 0.0, "standard_error": 0.0, "origins": 0}
    each = 100 * more / size.mean()
    error = float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else 0.0
    return {
        "points": round(float(each.mean()), 4),
        "standard_error": round(error, 4),
        "origins": len(each),
    }


def _proposal(settings: Settings, name: str, by_weeks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The role that the evidence speaks for: the settings' own unless that is clearly contradicted."""
    source = settings.source(name)
    worst = max(by_weeks.values(), key=lambda told: float(told["points"]))
    points, spread = float(worst["points"]), _ERRORS * float(worst["standard_error"])
    proposal: str = source.role
    if points - spread > FUNDAMENTAL_FROM:
        proposal = "fundamental"
    elif points + spread < OPTIONAL_BELOW:
        proposal = "optional"
    weeks = next(key for key, told in by_weeks.items() if told is worst)
    why = f"{weeks} week(s) without it cost {points:+.2f} ± {spread:.2f} points of WAPE"
    return {
        "role": source.role,
        "method": source.imputation.method,
        "proposal": proposal,
        "why": why,
        "by_weeks": dict(by_weeks),
    }


def findings_of(prices: Mapping[str, Any]) -> list[Finding]:
    """One finding per source whose role the evidence contradicts."""
    return [
        Finding(
            kind="absence",
            severity="info",
            key=f"absence/{name}/{told['proposal']}",
            title=f"{name} is {told['role']}, the backtests speak for {told['proposal']}",
            text=f"{name} is declared {told['role']}; {told['why']}. Below {OPTIONAL_BELOW:g} points a "
            f"source is optional, above {FUNDAMENTAL_FROM:g} fundamental.",
            next=f"set role: {told['proposal']} at the source {name} in pipeline.yaml, or leave it if the "
            "role has another reason",
            source=name,
        )
        for name, told in prices["sources"].items()
        if told["proposal"] != told["role"]
    ]
