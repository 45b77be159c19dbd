"""What a revision does to the forecast: this week's forecast on the history with it and without it.

``impute`` builds the panel that would have been if a source's suspicious values had been used (or kept out,
where they are used), ``infer`` runs the week's own model on it. The difference is what the revision moves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from steadycast import findings, quarantine, revisions, schema
from steadycast.lake import Lake
from steadycast.settings import Settings


def otherwise_path(as_of: dt.date) -> str:
    """Where impute says which panels it built for this: source to path."""
    return f"runs/{as_of}/impute/otherwise.json"


def otherwise(
    lake: Lake,
    settings: Settings,
    observed: Mapping[str, pd.DataFrame],
    verdicts: Mapping[str, Mapping[str, Any]],
    build: Callable[[Mapping[str, pd.DataFrame]], pd.DataFrame],
    *,
    as_of: dt.date,
) -> str:
    """Keep, per source with a revision that is kept out (or used), the panel that it would be otherwise.

    Args:
        lake: where everything is.
        settings: the pipeline's.
        observed: per source, what is known and used.
        verdicts: per source, what ``validate`` wrote.
        build: makes a panel of what is known.
        as_of: the run's Monday.

    Returns: path of the list of these panels.
    """
    built = {}
    for name in (n for n in observed if "otherwise" in verdicts[n]):
        end = as_of + dt.timedelta(weeks=settings.source(name).ahead_weeks)
        known = lake.observations(name).read(segments=verdicts[name]["otherwise"], end=end)
        other = {**observed, name: quarantine.apply(lake, name, known, as_of=as_of)}
        where = f"runs/{as_of}/impute/otherwise_{name}.parquet"
        built[name] = lake.write_frame(where, build(other))
    return lake.write_json(otherwise_path(as_of), built)


def measure(
    lake: Lake,
    settings: Settings,
    forecast: pd.DataFrame,
    again: Callable[[pd.DataFrame], pd.DataFrame],
    *,
    as_of: dt.date,
) -> tuple[str, ...]:
    """Measure what each flagged revision moves, keep it, and add it to the findings of its source.

    Args:
        lake: where everything is.
        settings: the pipeline's.
        forecast: FORECAST_DTYPES of the week.
        again: the forecast on another panel, by the same model.
        as_of: the run's Monday.

    Returns: a sentence per source whose revision matters and that the forecast rests on.
    """
    where = otherwise_path(as_of)
    panels: Mapping[str, str] = lake.read_json(where) if lake.exists(where) else {}
    measured: dict[str, dict[str, Any]] = {}
    for name, panel in sorted(panels.items()):
        report = lake.read_json(revisions.path(as_of, name))
        other = again(lake.read_frame(panel))
        held = bool(report["held"])
        old, new = (forecast, other) if held else (other, forecast)
        measured[name] = moved(old, new) | {"used": not held}
        measured[name]["sentence"] = sentence(name, measured[name], settings.target.unit)
        told = revisions.findings_of(settings.source(name), report, [measured[name]["sentence"]])
        findings.write(lake, told, as_of=as_of, stage=revisions.stage_name(name))
    lake.write_json(f"runs/{as_of}/infer/impact.json", measured)
    return tuple(facts["sentence"] for facts in measured.values())


def moved(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, Any]:
    """How far the total moves from the forecast on the old history to that on the new one.

    Returns: before and after (next week's totals, in the target's unit), next_week and horizon (shares:
        0.041 is +4.1 %; None where the old total is zero).
    """
    first = [frame.loc[frame[schema.HORIZON] == 1, schema.POINT].sum() for frame in (old, new)]
    whole = [frame[schema.POINT].sum() for frame in (old, new)]
    return {
        "before": float(first[0]),
        "after": float(first[1]),
        "next_week": float(first[1] / first[0] - 1) if first[0] else None,
        "horizon": float(whole[1] / whole[0] - 1) if whole[0] else None,
    }


def sentence(source: str, facts: Mapping[str, Any], unit: str) -> str:
    """The move in words; facts as ``moved`` gives them, and whether the values are used."""
    share = "" if facts["next_week"] is None else f" by {facts['next_week']:+.1%}".replace("%", " %")
    way = "what it now says moves" if facts["used"] else "to believe what it now says moves"
    totals = f"from {facts['before']:.6g} to {facts['after']:.6g} {unit}"
    return f"{source}: {way} next week's total{share} ({totals})"
