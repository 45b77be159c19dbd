"""How soon a change of level is found, and how often one that is none: ``python -m benchmarks.drift``.

Live weeks are replayed as the pipeline lives them: a model trained before them (anew every 4 weeks) forecasts
each week one to four weeks ahead, and the errors go through ``steadycast.drift`` week by week.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import data, ours
from steadycast import models, schema
from steadycast.drift import breaks, expected

WEEKS = 52
RETRAIN = 4
SHARES = (-0.4, -0.2, -0.1, 0.2)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0 always, 2 without data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--data", type=Path, default=data.folder(), help="folder of the data sets")
    parser.add_argument("--sets", nargs="+", choices=["CTA", "EIA"], default=["CTA", "EIA"])
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"There is no folder {options.data}.\nNext: set STEADYCAST_REAL_DATA (benchmarks/README.md).")
        return 2
    for name in options.sets:
        weekly = data.SETS[name](options.data)
        print(f"{name}: {weekly.shape[1]} series, {len(weekly)} weeks")
        for line in _of(name, weekly):
            print(f"  {line}", flush=True)
    return 0


def _of(name: str, weekly: pd.DataFrame) -> Iterator[str]:
    if name == "EIA":
        # the data end with the summer of 2020: the last year holds the real break of March
        live = weekly.index[-30 - WEEKS : -30]
        yield from _clean(weekly, live, "52 weeks before 2020")
        yield from _real(weekly, dt.date(2020, 3, 16))
        return
    for years in (1, 2):
        end = len(weekly) - 52 * (years - 1)
        yield from _clean(
            weekly, weekly.index[end - WEEKS : end], f"52 clean weeks, year {years} from the end"
        )
    for share in SHARES:
        yield from _broken(weekly, share)


def _clean(weekly: pd.DataFrame, live: pd.Index, title: str) -> Iterator[str]:
    past, rows = replay(weekly, live)
    found = breaks.find(breaks.relative_errors(past), breaks.relative_errors(rows))
    together = [one for one in found if not one.entity]
    single = {one.entity for one in found if one.entity}
    yield f"{title}: {len(together)} false break(s) of all, {len(single)} of {weekly.shape[1]} series alone"
    yield from (f"    {one}" for one in together)
    told = expected.bands(expected.weekly_errors(past), expected.weekly_errors(rows))
    state = pd.Series([band.state for band in told if band.horizon]).value_counts()
    alarms = sum(band.alarming for band in told if band.horizon == 0)
    yield f"    season and horizon against their 90 % bands: {state.to_dict()}; warnings: {alarms}"
    yield from (f"    {band.sentence()}" for band in told if band.horizon in (0, 2))


def _broken(weekly: pd.DataFrame, share: float) -> Iterator[str]:
    delays = []
    for back in (40, 33, 26, 19):
        start = weekly.index[-back]
        changed = weekly.copy()
        changed.loc[start:] *= 1 + share
        replayed = replay(changed, weekly.index[-back - 8 : -back + 10])
        delays.append(_delay(*replayed, start))
    told = ", ".join("not found" if delay is None else str(delay) for delay in delays)
    yield f"level {share:+.0%} at once, 4 starts: found with week number {told} of it"


def _real(weekly: pd.DataFrame, start: dt.date) -> Iterator[str]:
    first = weekly.index.get_indexer([pd.Timestamp(start)])[0]
    past, rows = replay(weekly, weekly.index[first - 8 : first + 12])
    found = breaks.find(breaks.relative_errors(past), breaks.relative_errors(rows))
    together = [one for one in found if not one.entity]
    told = [f"{one.since} seen {one.found} {one.size:+.1%}" for one in together]
    yield f"the weeks around {start}: breaks of all: {told}"
    yield f"    series alone: {len({one.entity for one in found if one.entity})} of {weekly.shape[1]}"


def _delay(past: pd.DataFrame, rows: pd.DataFrame, start: pd.Timestamp) -> int | None:
    """Number of the broken week whose value showed it, the first is 1."""
    found = breaks.find(breaks.relative_errors(past), breaks.relative_errors(rows))
    weeks = [one.found for one in found if not one.entity and one.found >= start.date()]
    return (min(weeks) - start.date()).days // 7 + 1 if weeks else None


def replay(weekly: pd.DataFrame, live: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Past errors of the model before the live weeks, and the live ones, as score rows.

    Args:
        weekly: weeks by series.
        live: the origins, Mondays.
    """
    settings, panel = ours.settings(), ours.panel(weekly)
    tables, past, model = [], None, None
    for i, monday in enumerate(live):
        history = models.known_history(panel, settings, monday.date())
        forecaster = models.forecaster(history, settings)
        if past is None:
            past = models.past_errors(
                forecaster, count=settings.forecast.model.calibration_origins, moving_average_weeks=4
            )
        if model is None or i % RETRAIN == 0:
            texts = forecaster.train(len(history.weeks))
            shares = {models.SHARES: models.shares_text(past.shares)}
            model = models.load(texts | shares, forecaster.feature_names)
        origin = np.array([len(history.weeks)])
        tables.append(models.forecast_table(forecaster, model, origin, moving_average_weeks=4))
        print(f"[{i + 1}/{len(live)}] {monday.date()}", end="\r", file=sys.stderr)
    table = pd.concat(tables, ignore_index=True)
    actual = weekly.rename_axis(index=schema.WEEK, columns=schema.ENTITY).stack().rename(schema.ACTUAL)
    table = table.join(actual, on=[schema.WEEK, schema.ENTITY])
    table = table[table[schema.ACTUAL].notna() & (table[schema.WEEK] <= live[-1])]
    return _scored(past.errors), _scored(table)


def _scored(table: pd.DataFrame) -> pd.DataFrame:
    error = (table[schema.ACTUAL] - table[schema.POINT]).abs()
    return table.assign(**{schema.FORECAST: table[schema.POINT], schema.ABS_ERROR: error})


if __name__ == "__main__":
    sys.exit(main())
