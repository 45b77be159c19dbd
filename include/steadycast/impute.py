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

One entity never lends to another, and a week is never filled from later ones. Values are the newest that the
week's accepted polls know, also for past weeks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import absence, degradation, findings, impact, quarantine, timing, twins
from steadycast import schema as c
from steadycast.errors import ArtefactMissing, SourceAbsent
from steadycast.filling import carry, climatology, from_twin
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.settings import Settings, SourceSettings, Variable
from steadycast.weekly import to_weekly

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
    limits = quarantine.without_ranges(lake, settings, as_of=as_of)
    arbitration = twins.of_week(lake, as_of)
    believe = partial(twins.arbitrate, arbitration=arbitration, settings=settings, as_of=as_of)
    believed, moved = believe(observed)
    frame = panel(limits, believed, arbitration, as_of=as_of)
    frame = quarantine.mark_corrected(lake, settings, frame, believed, as_of=as_of)
    frame = twins.mark(frame, moved, settings, believed)
    _announce(lake, settings, frame, lambda: panel(limits, observed, arbitration, as_of=as_of), as_of=as_of)
    prices = absence.known(lake, as_of)
    told = degradation.tell(
        settings, frame, verdicts, _compared(lake, as_of), partial(absence.sentence, prices), as_of=as_of
    )
    written = lake.write_frame(f"runs/{as_of}/impute/panel.parquet", frame)

    def otherwise(known: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        return panel(limits, believe(known)[0], arbitration, as_of=as_of)

    impact.otherwise(lake, settings, observed, verdicts, otherwise, as_of=as_of)
    lake.write_json(f"runs/{as_of}/impute/degraded.json", told)
    progress("panel written", len(names) + 1, len(names) + 1)
    return written


def sources_read(settings: Settings) -> list[str]:
    """The sources of target, features, their twins and the client's forecast, in the order of the file."""
    wanted = {settings.target.source, *settings.forecast.features}
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


def panel(
    settings: Settings,
    observed: Mapping[str, pd.DataFrame],
    arbitration: twins.Arbitration | None = None,
    *,
    as_of: dt.date,
) -> pd.DataFrame:
    """The weekly panel of the target, the features and the client's forecast.

    Args:
        settings: which sources and variables, and their rules.
        observed: per source: entity, date, variable, value; not changed.
        arbitration: the usual differences of the twins; none if left out.
        as_of: weeks before it; of the client's forecast also the weeks of the horizon.

    Returns: PANEL_DTYPES, one row per source, entity, variable and week from the target's first week on,
        sorted.

    Raises:
        SourceAbsent: the target has no observation before as_of.
    """
    target = settings.target_source
    rows = _of(observed[target.name], target.variable(settings.target.variable), before=as_of)
    if rows.empty:
        raise SourceAbsent(
            target.name,
            f"has no value of {settings.target.variable} before {as_of}",
            remedy=f"look at ingest and validate of {target.name} for the week {as_of}",
        )
    weeks = timing.weeks_of(rows[c.DATE].min().date(), as_of)
    parts = [_own_weeks(observed, target, settings.target.variable, weeks, as_of)]
    for name, variables in settings.forecast.features.items():
        for variable in variables:
            parts.append(
                _feature(settings, observed, arbitration or twins.nothing(), (name, variable), weeks, as_of)
            )
    client = settings.benchmarks.client_forecast
    if client is not None:
        end = as_of + dt.timedelta(weeks=settings.forecast.horizon_weeks)
        ahead = timing.weeks_of(weeks[0].date(), end)
        for own in settings.source(client).variables:
            parts.append(_own_weeks(observed, settings.source(client), own.name, ahead, end))
    found = pd.concat(parts, ignore_index=True)[list(c.PANEL_DTYPES)].astype(c.PANEL_DTYPES)
    return found.sort_values([c.SOURCE, *_SERIES, c.WEEK], ignore_index=True)


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
            told = _base(known, twin, variable, weeks, as_of)[0]
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


def _of(observed: pd.DataFrame, variable: Variable, *, before: dt.date) -> pd.DataFrame:
    """Believable values of one variable before a day."""
    value = observed[c.VALUE]
    keep = (observed[c.VARIABLE] == variable.name) & (observed[c.DATE] < pd.Timestamp(before)) & value.notna()
    if variable.minimum is not None:
        keep &= value >= variable.minimum
    if variable.maximum is not None:
        keep &= value <= variable.maximum
    return observed.loc[keep, [*c.CELL, c.VALUE]]


def _own_weeks(
    observed: Mapping[str, pd.DataFrame],
    source: SourceSettings,
    variable: str,
    weeks: pd.DatetimeIndex,
    before: dt.date,
) -> pd.DataFrame:
    """What happened in each week (or is said of it), as reported; not filled."""
    own = source.variable(variable)
    rows = _of(observed[source.name], own, before=before)
    values = to_weekly(rows, own, cadence=source.cadence)
    return _observed(_on_grid(values, weeks, _entities(source, observed[source.name])), source.name, variable)


def _feature(
    settings: Settings,
    observed: Mapping[str, pd.DataFrame],
    arbitration: twins.Arbitration,
    feature: tuple[str, str],
    weeks: pd.DatetimeIndex,
    as_of: dt.date,
) -> pd.DataFrame:
    """One feature of all its entities, filled by its source's method."""
    source, variable = settings.source(feature[0]), feature[1]
    found, overdue = _base(observed, source, variable, weeks, as_of)
    if source.imputation.method == "carry":
        return carry(found, overdue, source.imputation.max_gap_weeks)
    found = found.assign(**{c.VALUE: found[c.VALUE].where(found[c.HOW] == "observed")})
    if source.imputation.method == "climatology":
        return climatology(found)
    if source.imputation.method == "twin" and source.twin is not None:
        twin = settings.source(source.twin)
        if variable in {v.name for v in twin.variables}:
            usual = arbitration.usual_bias(source.name, twin.name, variable)
            return from_twin(found, _base(observed, twin, variable, weeks, as_of)[0], usual)
    return found


def _base(
    observed: Mapping[str, pd.DataFrame],
    source: SourceSettings,
    variable: str,
    weeks: pd.DatetimeIndex,
    as_of: dt.date,
) -> tuple[pd.DataFrame, pd.Series]:
    """A variable as reported, and for how many weeks its newer value has been due (0: it is not)."""
    own = source.variable(variable)
    entities = _entities(source, observed[source.name])
    rows = _of(observed[source.name], own, before=as_of)
    if source.cadence == "daily":
        found = _observed(_on_grid(to_weekly(rows, own), weeks, entities), source.name, variable)
        return found, _weeks_since(found)
    known = timing.known_at_start(rows, source, weeks, entities)
    overdue = timing.overdue_weeks(known, source)
    found = _observed(known[[c.ENTITY, c.WEEK, c.VALUE]], source.name, variable)
    found.loc[overdue > 0, c.HOW] = "missing"
    return found, overdue


def _entities(source: SourceSettings, observed: pd.DataFrame) -> list[str]:
    return list(source.entities) if source.entities else sorted(observed[c.ENTITY].unique())


def _on_grid(values: pd.DataFrame, weeks: pd.DatetimeIndex, entities: list[str]) -> pd.DataFrame:
    grid = pd.MultiIndex.from_product([entities, weeks], names=[c.ENTITY, c.WEEK])
    found: pd.DataFrame = values.set_index([c.ENTITY, c.WEEK])[[c.VALUE]].reindex(grid).reset_index()
    return found


def _observed(values: pd.DataFrame, source: str, variable: str) -> pd.DataFrame:
    found = values.sort_values([c.ENTITY, c.WEEK], ignore_index=True)
    found[c.SOURCE], found[c.VARIABLE] = source, variable
    found[c.HOW] = pd.Series(np.where(found[c.VALUE].notna(), "observed", "missing"), dtype="str")
    return found


def _weeks_since(found: pd.DataFrame) -> pd.Series:
    """Weeks since the entity's last value; 0 in a week that has one, NaN before the first."""
    last = found[c.WEEK].where(found[c.VALUE].notna()).groupby(found[c.ENTITY]).ffill()
    since: pd.Series = (found[c.WEEK] - last).dt.days / 7
    return since
