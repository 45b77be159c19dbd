"""Is an odd forecast held or flagged before it is published? ``python -m benchmarks.checks``.

Real weekly forecasts of three data sets, made by the product; faults of five kinds are put into them at
random weeks, series and sizes. A fault counts as caught if the forecast is held, or if a flag names the
series that it is in. ``--part "chosen on"`` does the same on the year before the reported one and with
another seed: the thresholds in pipeline.yaml's defaults were chosen on it. Then simulated years show how
often the rule promotes an equal challenger, and a better one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import data, ours, promotions, weekly
from benchmarks.oddities import VARIANTS, Case
from steadycast import schema
from steadycast.check_forecast import Found, judge_forecast
from steadycast.checking import Evidence
from steadycast.settings import Settings

RESULTS = Path(__file__).parent / "results"
SEEDS = {weekly.REPORTED: 20261126, weekly.CHOSEN_ON: 11}
EACH = 10
"""Faults of each variant and data set."""
PUBLISHED_WEEKS = 8


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0 if it is within the limits, 1 if not, 2 without data."""
    options = _options(arguments)
    if not options.data.is_dir():
        print(f"There is no folder {options.data}.\nNext: set STEADYCAST_REAL_DATA (benchmarks/README.md).")
        return 2
    details: dict[str, dict] = {}
    simulated: dict[tuple[str, str], dict] = {}
    for year in weekly.years(options.data, options.sets, options.part, options.cache, say=_say):
        details[year.name] = {**clean(year), "faults": faults(year, SEEDS[options.part], options.each)}
        _say(f"{year.name}: {json.dumps(details[year.name]['clean'])}")
        for variation in weekly.VARIATIONS:
            pairs = promotions.paired(year, variation)
            if (pairs["champion"] != pairs["challenger"]).all():  # else the memory is not shorter
                simulated[year.name, variation] = promotions.simulate(pairs)
    table = report(details)
    print(f"Weeks {options.part}\n\n{table}\n\nPromotion of challengers: {promotions.report(simulated)}")
    calm = _within(details)
    RESULTS.mkdir(exist_ok=True)
    name = f"checks-{options.part.replace(' ', '-')}.json"
    details["promotion"] = {" / ".join(pair): row for pair, row in simulated.items()}
    (RESULTS / name).write_text(json.dumps(details, indent=2) + "\n", encoding="utf-8")
    return 0 if calm and promotions.within(simulated) else 1


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
