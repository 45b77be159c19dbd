"""Is an odd forecast held or flagged before it is published? ``python -m benchmarks.checks``.

Real weekly forecasts of three data sets, made by the product; faults of five kinds are put into them at
random weeks, series and sizes. A fault counts as caught if the forecast is held, or if a flag names the
series that it is in. ``--part "chosen on"`` does the same on the year before the reported one and with
another seed: the thresholds in pipeline.yaml's defaults were chosen on it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import data, ours, weekly
from steadycast import schema
from steadycast.check_forecast import Found, judge_forecast
from steadycast.checking import Evidence
from steadycast.settings import Settings

RESULTS = Path(__file__).parent / "results"
SEEDS = {weekly.REPORTED: 20261126, weekly.CHOSEN_ON: 11}
EACH = 10
"""Faults of each variant and data set."""
PUBLISHED_WEEKS = 8
NUMBERS = [schema.POINT, *schema.BOUNDS]
BENCHMARKS = [schema.SAME_WEEK_LAST_YEAR, schema.MOVING_AVERAGE, schema.LAST_VALUE]
FACTORS = (0.001, 0.01, 0.1, 0.45, 2.2, 10.0, 100.0, 1000.0)
WIDER = (2.5, 3.0, 5.0, 10.0)
Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A week with a fault in it: the forecast, the panel that it was made from, and whose it is.

    Attributes:
        forecast: FORECAST_DTYPES.
        panel: PANEL_DTYPES.
        entities: the series with the fault; empty if all have it.
    """

    forecast: pd.DataFrame
    panel: pd.DataFrame
    entities: tuple[str, ...]


Inject = Callable[[weekly.Year, dt.date, Random], Case]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0 if it is within the limits, 1 if not, 2 without data."""
    options = _options(arguments)
    if not options.data.is_dir():
        print(f"There is no folder {options.data}.\nNext: set STEADYCAST_REAL_DATA (benchmarks/README.md).")
        return 2
    details = {}
    for year in weekly.years(options.data, options.sets, options.part, options.cache, say=_say):
        details[year.name] = {**clean(year), "faults": faults(year, SEEDS[options.part], options.each)}
        _say(f"{year.name}: {json.dumps(details[year.name]['clean'])}")
    table = report(details)
    print(f"Weeks {options.part}\n\n{table}")
    RESULTS.mkdir(exist_ok=True)
    name = f"checks-{options.part.replace(' ', '-')}.json"
    (RESULTS / name).write_text(json.dumps(details, indent=2) + "\n", encoding="utf-8")
    return 0 if _within(details) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(data.SETS), default=list(data.SETS))
    parser.add_argument("--data", type=Path, default=data.folder(), help="folder of the data sets")
    parser.add_argument("--part", choices=weekly.PARTS, default=weekly.REPORTED)
    parser.add_argument("--each", type=int, default=EACH, help="faults of each variant and data set")
    parser.add_argument("--cache", type=Path, default=RESULTS / "weekly", help="where forecasts are kept")
    return parser.parse_args(arguments)


def judged(year: weekly.Year, case: Case, monday: dt.date, settings: Settings) -> Found:
    """What check_forecast says, from the rules alone; Great Expectations decides the same, as tested."""
    at = year.origins.index(monday)
    published = [year.forecasts[week] for week in reversed(year.origins[max(at - PUBLISHED_WEEKS, 0) : at])]
    actuals = case.panel[case.panel[schema.WEEK] < pd.Timestamp(monday)]
    evidence = Evidence(
        actuals[[schema.ENTITY, schema.WEEK, schema.VALUE]],
        year.trained[monday].residuals,
        published,
    )
    return judge_forecast(case.forecast, evidence, settings, monday)


def clean(year: weekly.Year) -> dict[str, object]:
    """The forecasts as they were: what is held or flagged here is so falsely."""
    settings = ours.settings()
    told = {
        monday: judged(year, Case(year.forecasts[monday], year.panel, ()), monday, settings)
        for monday in year.origins
    }
    weeks = len(told)
    return {
        "clean": {
            "weeks": weeks,
            "held": sum(found.verdict == "hold" for found in told.values()),
            "looked at": sum(found.verdict == "look" for found in told.values()),
            "flagged rows in 1,000": round(
                1000
                * sum(len(found.flags) for found in told.values())
                / sum(len(year.forecasts[monday]) for monday in told),
                1,
            ),
        },
        "reasons": {str(monday): list(found.reasons)[:6] for monday, found in told.items() if found.reasons},
    }


def faults(year: weekly.Year, seed: int, each: int) -> dict[str, dict[str, object]]:
    """Per kind and variant: how many were put in, held, flagged, and which were missed."""
    settings = ours.settings()
    out: dict[str, dict[str, object]] = {}
    for number, (name, inject) in enumerate(VARIANTS.items()):
        random = np.random.default_rng([seed, number])
        held, flagged, missed = 0, 0, []
        for _ in range(each):
            # the first weeks of the year have no publications before them
            monday = year.origins[int(random.integers(2, len(year.origins)))]
            case = inject(year, monday, random)
            found = judged(year, case, monday, settings)
            if found.verdict == "hold":
                held += 1
            elif _named(found, case.entities):
                flagged += 1
            else:
                missed.append([str(monday), *case.entities])
        out[name] = {"put in": each, "held": held, "flagged": flagged, "missed": missed}
        _say(f"{year.name}: {name}: {held} held, {flagged} flagged of {each}")
    return out


def _named(found: Found, entities: Sequence[str]) -> bool:
    if not entities:
        return found.verdict == "look"
    flagged = {str(flag[schema.ENTITY]) for flag in found.flags}
    return any(entity in flagged for entity in entities)


# --- faults -------------------------------------------------------------------------------------------


def _pick(forecast: pd.DataFrame, random: Random, count: int) -> tuple[str, ...]:
    names = sorted(forecast[schema.ENTITY].unique())
    return tuple(str(name) for name in random.choice(names, size=count, replace=False))


def _of(forecast: pd.DataFrame, entities: Sequence[str]) -> pd.Series:
    return forecast[schema.ENTITY].isin(entities) if entities else pd.Series(True, index=forecast.index)


def wide(one: bool) -> Inject:
    """The interval explodes around its point."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        out = year.forecasts[monday].copy()
        entities = _pick(out, random, 1) if one else ()
        mine, factor = _of(out, entities), float(random.choice(WIDER))
        for bound in schema.BOUNDS:
            far = out.loc[mine, schema.POINT] + factor * (out.loc[mine, bound] - out.loc[mine, schema.POINT])
            out.loc[mine, bound] = far.clip(lower=0)
        return Case(out, year.panel, entities)

    return inject


def scaled(one: bool) -> Inject:
    """A forecast in another unit."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        out = year.forecasts[monday].copy()
        entities = _pick(out, random, 1) if one else ()
        out.loc[_of(out, entities), NUMBERS] *= float(random.choice(FACTORS))
        return Case(out, year.panel, entities)

    return inject


def scaled_input(weeks: int) -> Inject:
    """One series' newest weeks arrive in another unit, and the forecast is made from them."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1)
        panel = year.panel.copy()
        new = _newest(panel, monday, weeks) & panel[schema.ENTITY].isin(entities)
        panel.loc[new, schema.VALUE] *= float(random.choice(FACTORS))
        return _remade(year, monday, panel, entities)

    return inject


def missing_input(one: bool) -> Inject:
    """The newest four weeks are not there."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1) if one else ()
        panel = year.panel.copy()
        panel.loc[_newest(panel, monday, 4) & _of(panel, entities), schema.VALUE] = np.nan
        return _remade(year, monday, panel, entities)

    return inject


def stuck_input(one: bool) -> Inject:
    """The value of two to four weeks ago is sent again and again."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1) if one else ()
        weeks = int(random.integers(1, 4))
        return _remade(year, monday, _repeated(year.panel, monday, weeks, 1, entities), entities)

    return inject


def resent_input(one: bool) -> Inject:
    """The newest four weeks are the four weeks before them, sent again."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1) if one else ()
        return _remade(year, monday, _repeated(year.panel, monday, 4, 4, entities), entities)

    return inject


def _repeated(
    panel: pd.DataFrame, monday: dt.date, weeks: int, cycle: int, entities: Sequence[str]
) -> pd.DataFrame:
    wide_ = panel.pivot(index=schema.WEEK, columns=schema.ENTITY, values=schema.VALUE)
    end = wide_.index.get_loc(pd.Timestamp(monday))
    columns = list(entities) or list(wide_.columns)
    for step in range(end - weeks, end):
        wide_.loc[wide_.index[step], columns] = wide_.loc[wide_.index[step - cycle], columns]
    return ours.panel(wide_)


def old_forecast(year: weekly.Year, monday: dt.date, random: Random) -> Case:
    """The forecast of two weeks before, its weeks renamed to this run's."""
    at = year.origins.index(monday)
    old = year.forecasts[year.origins[max(at - 2, 0)]].copy()
    shift = pd.Timestamp(monday) - old[schema.AS_OF]
    old[schema.WEEK] = old[schema.WEEK] + shift
    old[schema.AS_OF] = pd.Timestamp(monday)
    return Case(old, year.panel, ())


def swapped_rows(columns: list[str]) -> Inject:
    """Two series have each other's forecast."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        out = year.forecasts[monday].copy()
        one, other = _pick(out, random, 2)
        mine, theirs = out[schema.ENTITY] == one, out[schema.ENTITY] == other
        kept = out.loc[mine, columns].to_numpy()
        out.loc[mine, columns] = out.loc[theirs, columns].to_numpy()
        out.loc[theirs, columns] = kept
        return Case(out, year.panel, (one, other))

    return inject


def swapped_input(weeks: int) -> Inject:
    """Two series' newest weeks arrive under each other's name."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        one, other = _pick(year.forecasts[monday], random, 2)
        panel = year.panel.copy()
        new = _newest(panel, monday, weeks)
        names = panel.loc[new, schema.ENTITY]
        panel.loc[new, schema.ENTITY] = names.replace({one: other, other: one})
        return _remade(year, monday, panel, (one, other))

    return inject


def cold(weeks: int) -> Inject:
    """A series of which only the newest weeks are known."""

    def inject(year: weekly.Year, monday: dt.date, random: Random) -> Case:
        entities = _pick(year.forecasts[monday], random, 1)
        panel = year.panel.copy()
        old = panel[schema.WEEK] < pd.Timestamp(monday) - pd.Timedelta(weeks=weeks)
        panel.loc[old & panel[schema.ENTITY].isin(entities), schema.VALUE] = np.nan
        return _remade(year, monday, panel, entities)

    return inject


def _newest(panel: pd.DataFrame, monday: dt.date, weeks: int) -> pd.Series:
    end = pd.Timestamp(monday)
    return (panel[schema.WEEK] >= end - pd.Timedelta(weeks=weeks)) & (panel[schema.WEEK] < end)


def _remade(year: weekly.Year, monday: dt.date, panel: pd.DataFrame, entities: tuple[str, ...]) -> Case:
    made = weekly.forecast(panel, ours.settings(threads=1), year.trained[monday], monday)
    return Case(made, panel, entities)


VARIANTS: dict[str, Inject] = {
    "exploded width / one series": wide(True),
    "exploded width / all": wide(False),
    "scale error / one series": scaled(True),
    "scale error / all": scaled(False),
    "scale error / newest week of the input": scaled_input(1),
    "scale error / newest 8 weeks of the input": scaled_input(8),
    "stale input / 4 weeks missing, one series": missing_input(True),
    "stale input / 4 weeks missing, all": missing_input(False),
    "stale input / last value stuck, one series": stuck_input(True),
    "stale input / last value stuck, all": stuck_input(False),
    "stale input / 4 weeks sent again, one series": resent_input(True),
    "stale input / 4 weeks sent again, all": resent_input(False),
    "stale input / an old forecast": old_forecast,
    "swapped entity / rows": swapped_rows([*NUMBERS, *BENCHMARKS]),
    "swapped entity / points and bounds": swapped_rows(NUMBERS),
    "swapped entity / newest week of the input": swapped_input(1),
    "swapped entity / newest 8 weeks of the input": swapped_input(8),
    "cold start / 3 weeks known": cold(3),
    "cold start / 12 weeks known": cold(12),
    "cold start / 40 weeks known": cold(40),
}


# --- table --------------------------------------------------------------------------------------------


def report(details: dict[str, dict]) -> str:
    """The table as text."""
    sets = list(details)
    rows = []
    for name in VARIANTS:
        kind, variant = name.split(" / ")
        parts = [details[s]["faults"][name] for s in sets]
        rows.append([kind, variant, *(f"{p['held']} + {p['flagged']} of {p['put in']}" for p in parts)])
    frame = pd.DataFrame(rows, columns=["fault", "variant", *sets])
    caught = pd.DataFrame({s: kinds(details[s]["faults"]) for s in sets})
    calm = pd.DataFrame({s: details[s]["clean"] for s in sets})
    return "\n\n".join(
        [
            "Held + flagged",
            frame.to_string(index=False),
            "Caught, in percent",
            caught.round(1).to_string(),
            "Clean weeks",
            calm.to_string(),
        ]
    )


def kinds(found: dict[str, dict]) -> dict[str, float]:
    """Share that was caught, in percent, per kind and over all."""
    out: dict[str, float] = {}
    for kind in dict.fromkeys(name.split(" / ")[0] for name in found):
        mine = [row for name, row in found.items() if name.startswith(kind)]
        out[kind] = 100 * sum(r["held"] + r["flagged"] for r in mine) / sum(r["put in"] for r in mine)
    every = found.values()
    out["all"] = 100 * sum(r["held"] + r["flagged"] for r in every) / sum(r["put in"] for r in every)
    return out


def _within(details: dict[str, dict]) -> bool:
    caught = all(share >= 95 for d in details.values() for share in kinds(d["faults"]).values())
    calm = all(d["clean"]["held"] <= max(d["clean"]["weeks"] / weekly.YEAR, 1) for d in details.values())
    return caught and calm


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
