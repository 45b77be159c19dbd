"""What the statistical offices really revised: the two that are known must be found, month by month."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from benchmarks.sources.clean import judge
from benchmarks.sources.histories import macro

CPI = tuple(pd.date_range("2016-05-01", "2016-08-01", freq="MS"))
WANTED = (
    ("cpiaucsl", dt.date(2016, 10, 18), CPI),
    ("unrate", dt.date(2017, 1, 27), tuple(pd.date_range("2016-09-01", "2016-10-01", freq="MS"))),
)
"""Series, day of the revision, and the revised months that the look-back of 26 weeks reaches."""


def run(data: Path) -> bool:
    """The run of the Monday after each revision tells it."""
    source = macro(data)
    good = True
    for series, day, months in WANTED:
        monday = day + dt.timedelta(days=-day.weekday() % 7)
        found = judge(source, monday)
        cells = found.cells[(found.cells["variable"] == series) & (found.cells["class"] == "beyond usual")]
        there = set(months) <= set(cells["date"])
        good &= there
        print(f"{series} revised on {day}, run of {monday}: {'found' if there else 'MISSED'}")
        for row in cells.itertuples(index=False):
            print(
                f"  {row.date:%Y-%m}: {row.before:g} became {row.value:g} ({row.value - row.before:+.3g}; "
                f"{row.noises:.2g} noises, usual {row.limit:.2g}), {row.kind}"
            )
    return good
