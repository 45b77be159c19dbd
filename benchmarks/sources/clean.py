"""Weeks without a fault: each alarm is a false one. At most one per source and 52 weeks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from benchmarks.sources.histories import SOURCES, Source, cells
from steadycast.revisions import Alarm, Review, review

MOST_PER_YEAR = 1.0
KNOWN = {
    ("macro", dt.date(2016, 10, 24), "cpiaucsl"),
    ("macro", dt.date(2017, 1, 30), "unrate"),
    ("cta", dt.date(2013, 9, 2), "entries"),
    ("cta", dt.date(2013, 9, 9), "entries"),
}
"""True revisions that are to be found (``vintages`` says so), and nine stations that the file lacks from
2013-09-01 on, which is told as holes."""


def judge(source: Source, as_of: dt.date) -> Review:
    """What the product says of a week."""
    epoch = dt.date(1970, 1, 1)
    return review(
        source.settings,
        cells(source, source.told(as_of), as_of),
        source.known(as_of),
        start=(source.start(as_of) - epoch).days,
        as_of=(as_of - epoch).days,
    )


def run(data: Path, *, parity: int = 1, limit: int = 104) -> bool:
    """Every second week (the others served for tuning), the newest ``limit`` of them."""
    good = True
    print(f"{'source':10} {'weeks':>6} {'alarms':>7} {'per 52':>7}  alarms")
    for name, load in SOURCES.items():
        source = load(data)
        mondays = source.mondays()[1:]
        if name != "macro":
            mondays = [d for d in mondays if (d.toordinal() // 7) % 2 == parity][-limit:]
        told: list[tuple[dt.date, Alarm]] = []
        for monday in mondays:
            for alarm in judge(source, monday).alarms:
                if (name, monday, alarm.variable) not in KNOWN:
                    told.append((monday, alarm))
        rate = 52 * len(told) / len(mondays)
        good &= rate <= MOST_PER_YEAR
        shown = "; ".join(
            f"{d} {a.kind} {a.variable} {','.join(a.entities[:3])} {a.detail}" for d, a in told[:20]
        )
        print(f"{name:10} {len(mondays):6} {len(told):7} {rate:7.2f}  {shown}", flush=True)
    return good
