"""Builds the weekly panel that the model sees, and says of each number how it came about.

Daily sources tell what happened in a week (``weekly``), slower ones what was known when it began
(``timing``). Values outside a variable's minimum..maximum are set aside like missing ones. What a feature
lacks is filled by its source's ``imputation.method``; the target is never filled. Zero is never a filler.

- ``twin``: the same variable and entity of the twin source, where that one has the week (how: twin), plus the
  usual difference of the two.
- ``carry``: the last value, for at most ``max_gap_weeks`` weeks after it (how: carried). A longer gap is
  filled up to that length and then stays missing: to leave it open from its beginning would use that it
  became long.
- ``climatology``: the mean of the same week of the year in at least two earlier years (how: climatology).
- ``none``: missing.

On days on which ``compare_sources`` found a source off, its twin's values are used in the same way, whatever
the method.

What the model sees of weeks to come is what its source had said of them by each Monday (``ahead``); it is
never filled.

One entity never lends to another, and a week is never filled from later ones. Values are the newest that the
week's accepted polls know, also for past weeks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import pandas as pd

from steadycast import absence, ahead, degradation, findings, impact, quarantine, timing, twins
from steadycast import schema as c
from steadycast.errors import ArtefactMissing
from steadycast.filling import from_twin
from steadycast.lake import Lake
from steadycast.panel import reported, weekly_panel
from steadycast.progress import Progress, silent
from steadycast.settings import Settings

_SERIES: Final = [c.ENTITY, c.VARIABLE]


def run(lake: Lake, settings: Settings, *, as_of: dt.date, progress: Progress = silent) -> str:
    """Build the panel of a week and the reasons why its forecast is degraded, if it is.

    Returns: path of the panel.

    Raises:
        ArtefactMissing: a source was not validated.
        SourceAbsent: the target has no observation at all.
    """
    names = sources_read(settings)
    verdicts: dict[str, Mapping[str, Any]] = {}
    observed: dict[str, pd.DataFrame] = {}
    for done, name in enumerate(names):
        progress(f"reading {name}", done, len(names) + 1)
        source = settings.source(name)
        verdicts[name] = lake.read_json(f"runs/{as_of}/validate/{name}.json")
        known = lake.observations(name).read(
            segments=verdicts[name]["segments"], end=as_of + dt.timedelta(weeks=source.ahead_weeks)
        )
        observed[name] = quarantine.apply(lake, name, known, as_of=as_of)
    progress("building the weekly panel", len(names), len(names) + 1)
    said = {
        name: ahead.said(lake, settings, name, segments=verdicts[name]["segments"], as_of=as_of)
        for name in settings.forecast.ahead
    }
    limits = quarantine.without_ranges(lake, settings, as_of=as_of)
    arbitration = twins.of_week(lake, as_of)
    believe = partial(twins.arbitrate, arbitration=arbitration, settings=settings, as_of=as_of)
    believed, moved = believe(observed)
    frame = weekly_panel(limits, believed, arbitration, said, as_of=as_of)
    frame = quarantine.mark_corrected(lake, settings, frame, believed, as_of=as_of)
    frame = twins.mark(frame, moved, settings, believed)
    _announce(
        lake,
        settings,
        frame,
        lambda: weekly_panel(limits, observed, arbitration, said, as_of=as_of),
        as_of=as_of,
    )
    prices = absence.known(lake, as_of)
    told = degradation.tell(
        settings, frame, verdicts, _compared(lake, as_of), partial(absence.sentence, prices), as_of=as_of
    )
    written = lake.write_frame(f"runs/{as_of}/impute/panel.parquet", frame)

    def otherwise(known: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        return weekly_panel(limits, believe(known)[0], arbitration, said, as_of=as_of)

    impact.otherwise(lake, settings, observed, verdicts, otherwise, as_of=as_of)
    lake.write_json(f"runs/{as_of}/impute/degraded.json", told)
    progress("panel written", len(names) + 1, len(names) + 1)
    return written


def sources_read(settings: Settings) -> list[str]:
    """The sources of target, covariates, their twins and the client's forecast, in the file's order."""
    wanted = {settings.target.source, *settings.forecast.drivers}
    wanted |= {twin for name in settings.forecast.features if (twin := settings.source(name).twin)}
    if settings.benchmarks.client_forecast:
        wanted.add(settings.benchmarks.client_forecast)
    return [source.name for source in settings.sources if source.name in wanted]


def _announce(
    lake: Lake,
    settings: Settings,
    frame: pd.DataFrame,
    unguarded: Callable[[], pd.DataFrame],
    *,
    as_of: dt.date,
) -> None:
    """Tell of providers that are off, or no longer, with what that does to the forecast."""
    now, moves = twins.spans.of_week(lake, as_of), ""
    if any(span.off and (span.open or span.since == as_of.isoformat()) for span in now):
        moves = twins.impact.moves(lake, settings, frame, unguarded(), as_of)
    found = twins.telling.findings(
        now,
        twins.spans.before(lake, as_of),
        settings,
        as_of=as_of,
        moves=moves,
        pictures={
            (pair["source"], pair["twin"]): pair.get("picture") for pair in _compared(lake, as_of)["pairs"]
        },
    )
    findings.write(lake, found, as_of=as_of, stage="twins")


def stand_ins(settings: Settings, lake: Lake, *, as_of: dt.date) -> pd.DataFrame:
    """What the twins say in all weeks, under the name of the source that they would stand in for.

    Returns: PANEL_DTYPES.

    Raises:
        ArtefactMissing: the week was not imputed.
    """
    weeks = timing.weeks_of(dt.date(1970, 1, 5), as_of)
    arbitration, parts = twins.of_week(lake, as_of), [_no_rows()]
    for name, variables in settings.forecast.features.items():
        source = settings.source(name)
        if source.imputation.method != "twin" or source.twin is None:
            continue
        twin = settings.source(source.twin)
        verdict = lake.read_json(f"runs/{as_of}/validate/{twin.name}.json")
        known = {twin.name: lake.observations(twin.name).read(segments=verdict["segments"], end=as_of)}
        for variable in variables:
            if variable not in {v.name for v in twin.variables} or known[twin.name].empty:
                continue
            told = reported(known, twin, variable, weeks, as_of)[0]
            told = from_twin(
                told.assign(**{c.VALUE: float("nan")}),
                told,
                arbitration.usual_bias(name, twin.name, variable),
            )
            parts.append(told[told[c.VALUE].notna()].assign(**{c.SOURCE: name}))
    return pd.concat(parts, ignore_index=True)[list(c.PANEL_DTYPES)].astype(c.PANEL_DTYPES)


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in c.PANEL_DTYPES.items()})


def _compared(lake: Lake, as_of: dt.date) -> Mapping[str, Any]:
    try:
        report: Mapping[str, Any] = lake.read_json(f"runs/{as_of}/compare_sources.json")
    except ArtefactMissing:
        return {"pairs": []}
    return report
