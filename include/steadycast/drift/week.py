"""What drifted, as of a week: kept in the lake for people and for whoever trains challengers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import pandas as pd

from steadycast import models, schema
from steadycast.drift import breaks, expected, inputs
from steadycast.drift.breaks import Break
from steadycast.drift.expected import Band
from steadycast.drift.inputs import Drifted
from steadycast.errors import ArtefactMissing
from steadycast.findings import Finding
from steadycast.lake import Lake
from steadycast.settings import Settings

LIVE_WEEKS: Final = 26
"""Target weeks that the live error is taken from."""
FRESH_WEEKS: Final = 26
"""Weeks after which a break is no news any more: half of a year's rows are of the new level by then."""
MEMORY: Final = 112
"""Weeks of a shorter memory: features look back a year, and half of the rows are of the time since soon. The
same for every break, so that a challenger stays the same while it is tried."""
_SHOWN: Final = 5
_COLUMNS: Final = (
    schema.ENTITY, schema.WEEK, schema.HORIZON, schema.POINT, schema.ACTUAL, schema.RESIDUAL
)  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """What drifted.

    Attributes:
        bands: live errors beside what was expected.
        breaks: changes of level that are still news.
        inputs: inputs that left what they are in this season.
        note: why something could not be looked at; "" if all was.
    """

    bands: list[Band]
    breaks: list[Break]
    inputs: list[Drifted]
    note: str = ""

    @property
    def broken(self) -> Break | None:
        """The newest break of all entities together."""
        together = [one for one in self.breaks if not one.entity]
        return together[-1] if together else None

    def sentences(self) -> list[str]:
        """For the report: errors that are not as expected, breaks, inputs."""
        told = [f"{band.sentence()}." for band in self.bands if band.horizon == 0 or band.state == "worse"]
        if self.broken:
            told.append(_break_sentence(self.broken))
        single = sorted({one.entity for one in self.breaks if one.entity})
        if single:
            told.append(f"The level of {_some(single)} changed on its own.")
        told += [_input_sentence(one) for one in self.inputs]
        return [*told, *([f"{self.note}."] if self.note else [])]


def assess(lake: Lake, settings: Settings, rows: pd.DataFrame, *, as_of: dt.date) -> Drift:
    """Look for drift in scored forecasts and in the week's inputs.

    The live errors are held against the out-of-sample errors of the model that made the oldest of these
    forecasts: what was known before them, so that a break can not hide itself.

    Args:
        lake: where the models' past errors and the panel are.
        settings: the pipeline's.
        rows: SCORE_DTYPES of published forecasts.
        as_of: the run's Monday.
    """
    ours = rows[(rows[schema.MODEL] == schema.OURS)]
    ours = ours[ours[schema.WEEK] >= pd.Timestamp(as_of) - pd.Timedelta(weeks=LIVE_WEEKS)]
    drifted, notes = _inputs(lake, settings, as_of)
    if ours.empty:
        return Drift([], [], drifted, "; ".join(notes))
    oldest = ours[schema.ORIGIN].min().date()
    try:
        card = lake.read_json(f"runs/{oldest}/train/card.json")
        residuals = lake.read_frame(card["residuals"], _COLUMNS)
    except ArtefactMissing as error:
        notes.append(f"Live errors have no expected band: {error.path} is not in the lake")
        return Drift([], [], drifted, "; ".join(notes))
    past = residuals.assign(
        **{schema.FORECAST: residuals[schema.POINT], schema.ABS_ERROR: residuals[schema.RESIDUAL].abs()}
    )
    found = breaks.find(breaks.relative_errors(past), breaks.relative_errors(ours))
    fresh = as_of - dt.timedelta(weeks=FRESH_WEEKS)
    return Drift(
        expected.bands(expected.weekly_errors(past), expected.weekly_errors(ours)),
        [one for one in found if one.found >= fresh],
        drifted,
        "; ".join(notes),
    )


def _inputs(lake: Lake, settings: Settings, as_of: dt.date) -> tuple[list[Drifted], list[str]]:
    """Those of the week's own panel; a backtest of a week without a run has none."""
    if not settings.forecast.drivers:
        return [], []
    path = f"runs/{as_of}/impute/panel.parquet"
    try:
        panel = lake.read_frame(path)
    except ArtefactMissing:
        return [], [f"Inputs are not looked at: {path} is not in the lake"]
    return inputs.find(models.known_history(panel, settings, as_of)), []


def write(lake: Lake, drift: Drift, settings: Settings, *, as_of: dt.date) -> str:
    """Keep it as ``runs/<as_of>/drift.json``; docs/drift.md says what is in there. Returns the path."""
    return lake.write_json(
        f"runs/{as_of}/drift.json",
        {
            "as_of": as_of,
            "bands": [
                asdict(band) | {"state": band.state, "alarming": band.alarming} for band in drift.bands
            ],
            "breaks": [asdict(one) for one in drift.breaks],
            "inputs": [asdict(one) for one in drift.inputs],
            "note": drift.note,
            "shorter_memory": shorter_memory(drift, settings),
        },
    )


def with_trial(lake: Lake, settings: Settings, as_of: dt.date) -> Settings:
    """The settings with the shorter memory among the challengers, while one of the last 26 weeks proposed it.

    Args:
        lake: where ``drift.json`` of each week is.
        settings: the pipeline's.
        as_of: the run's Monday; later weeks are not looked at.
    """
    for back in range(FRESH_WEEKS):
        try:
            told = lake.read_json(f"runs/{as_of - dt.timedelta(weeks=back)}/drift.json")
        except ArtefactMissing:
            continue
        if tried := told["shorter_memory"]:
            forecast = settings.forecast
            named = {**forecast.challengers, tried["challenger"]: {"history_weeks": tried["history_weeks"]}}
            return settings.model_copy(
                update={"forecast": forecast.model_copy(update={"challengers": named})}
            )
    return settings


def shorter_memory(drift: Drift, settings: Settings) -> dict[str, Any] | None:
    """The challenger to try after a break: the same model on fewer weeks; None where there is no reason."""
    broken = drift.broken
    if broken is None:
        return None
    if settings.forecast.model.history_weeks <= MEMORY:
        return None
    return {
        "challenger": f"memory_{MEMORY}",
        "history_weeks": MEMORY,
        "since": broken.since,
        "found": broken.found,
        "size": broken.size,
        "reason": _break_sentence(broken),
    }


def findings_of(drift: Drift, settings: Settings) -> list[Finding]:
    """What people should hear of: errors beyond chance, breaks, inputs."""
    found = [_error_finding(band) for band in drift.bands if band.alarming and band.horizon == 0]
    if drift.broken:
        found.append(_break_finding(drift, settings))
    single = sorted({one.entity for one in drift.breaks if one.entity})
    if single and not drift.broken:
        found.append(
            Finding(
                kind="drift",
                severity="info",
                key=f"drift/entities/{','.join(single)}",
                title=f"the level of {len(single)} {'entity' if len(single) == 1 else 'entities'} changed",
                text=f"Forecasts of {_some(single)} miss to one side for weeks, those of the others do not.",
                next="ask the business what changed there; the forecast adapts within some weeks",
            )
        )
    return [*found, *(_input_finding(one) for one in drift.inputs)]


def _error_finding(band: Band) -> Finding:
    return Finding(
        kind="drift",
        severity="warning",
        key=f"drift/error/{band.season}",
        title="the live error is above what was expected",
        text=f"{band.sentence()}, over {band.weeks} weeks.",
        next="read backtest/<week>/report.txt: which horizon, entity and inputs it comes from",
    )


def _break_finding(drift: Drift, settings: Settings) -> Finding:
    broken = drift.broken
    assert broken is not None  # noqa: S101 asked by the caller
    tried = shorter_memory(drift, settings)
    text = _break_sentence(broken)
    if tried:
        text += f" A model on the last {tried['history_weeks']} weeks is tried as a challenger."
    return Finding(
        kind="drift",
        severity="warning",
        key=f"drift/break/{broken.since}",
        title=f"the level of all entities changed in the week of {broken.since}",
        text=text,
        next="look at what happened then; intervals are too narrow until the model has seen enough of it",
    )


def _break_sentence(broken: Break) -> str:
    less = "less" if broken.size < 0 else "more"
    return (
        f"Since {broken.since}, {100 * abs(broken.size):.0f} % {less} came than was forecast, in the middle "
        f"of all entities; seen with the week of {broken.found}."
    )


def _input_finding(one: Drifted) -> Finding:
    source = one.feature.partition(".")[0]
    return Finding(
        kind="drift",
        severity="warning",
        key=f"drift/input/{one.feature}",
        title=f"{one.feature} is not what it is in this season",
        text=_input_sentence(one),
        next=f"compare {source} with another provider; a unit or a place may have changed",
        source=source,
    )


def _input_sentence(one: Drifted) -> str:
    return (
        f"{one.feature} changed by {one.change:.3g} against the same weeks last year, mean of "
        f"{inputs.WINDOW} weeks; in past years it was {one.low:.3g} to {one.high:.3g} in this season."
    )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
