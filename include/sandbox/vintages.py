"""US macro series in their vintages, and which of them was in force on a day."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.tables import DAY, DataMissing, read_csv

VINTAGES_FILE: Final = "us_macro_vintages.csv.gz"
FOREVER: Final = dt.date(9999, 12, 31)


@dataclass(frozen=True)
class Version:
    """A value of a period and the days on which it was the newest one, both ends included."""

    period: dt.date
    value: float | None
    first_day: dt.date
    last_day: dt.date


def employment_release(period: dt.date) -> dt.date:
    """Day of the employment report of a month: the third Friday after the week with the month's 12th.

    That is the first Friday of the next month, sometimes the second; it is moved off New Year's Day.
    """
    twelfth = period.replace(day=12)
    week_end = twelfth + ((5 - twelfth.weekday()) % 7) * DAY
    friday = week_end + 20 * DAY
    return friday + 7 * DAY if (friday.month, friday.day) == (1, 1) else friday


def next_month(period: dt.date, day: int) -> dt.date:
    """That day of the month after the period's."""
    return (period.replace(day=28) + 4 * DAY).replace(day=day)


_MID_MONTH: Final = {
    "CPIAUCSL": 17,
    "CPILFESL": 17,
    "INDPRO": 17,
    "TCU": 17,
    "RSAFS": 16,
    "HOUST": 20,
    "PERMIT": 20,
}


def usual_release(series: str, period: dt.date, months: int) -> dt.date:
    """Day by which a period's first value is usually out.

    Args:
        series: FRED's series id.
        period: first day of the month or quarter.
        months: length of the period, 1 or 3.

    Returns:
        The employment report's day for UNRATE and PAYEMS, a day in mid next month for prices, production,
        retail and housing, and for all others 61 days after the period's end: late rather than early.
    """
    if series in ("UNRATE", "PAYEMS"):
        return employment_release(period)
    if series in _MID_MONTH:
        return next_month(period, _MID_MONTH[series])
    end = period
    for _ in range(months):
        end = next_month(end, 1)
    return end + 60 * DAY


@dataclass(frozen=True)
class Series:
    """One series: months per period, decimals as FRED shows, (vintage date, value) pairs by period."""

    name: str
    months: int
    decimals: int
    recorded: dict[dt.date, list[tuple[dt.date, float]]]
    first_vintage: dt.date

    def versions(self, first_day: dt.date, last_day: dt.date) -> list[Version]:
        """All versions in force on any day of first_day..last_day, by period; a missing value is None.

        A value of the first recorded vintage counts as known from its period's usual release on, since no
        earlier vintage is recorded; later vintages count from their own date.
        """
        found = [v for period in self.recorded for v in self._of(period) if _meets(v, first_day, last_day)]
        known = {version.period for version in found}
        if known:
            first, last = min(known), max(known)
            period = first
            while period < last:
                if period not in known:
                    found.append(Version(period, None, first_day, last_day))
                for _ in range(self.months):
                    period = next_month(period, 1)
        return sorted(found, key=lambda version: (version.period, version.first_day))

    def _of(self, period: dt.date) -> list[Version]:
        pairs = self.recorded[period]
        days = [day for day, _ in pairs]
        if days[0] == self.first_vintage:
            days[0] = min(usual_release(self.name, period, self.months), days[0])
        ends = [day - DAY for day in days[1:]] + [FOREVER]
        return [
            Version(period, value, day, end) for (_, value), day, end in zip(pairs, days, ends, strict=True)
        ]


def _meets(version: Version, first_day: dt.date, last_day: dt.date) -> bool:
    return version.first_day <= last_day and version.last_day >= first_day


@dataclass(frozen=True)
class Vintages:
    """All series of the file."""

    series: dict[str, Series]
    newest: dt.date


def load_vintages(folder: Path) -> Vintages:
    """Read the vintages file.

    Raises:
        DataMissing: it is missing or not as expected.
    """
    path = folder / VINTAGES_FILE
    recorded: dict[str, dict[dt.date, list[tuple[dt.date, float]]]] = {}
    newest = dt.date.min
    for line, row in enumerate(read_csv(path), start=2):
        try:
            period = dt.date.fromisoformat(f"{row['period']}-01")
            vintage, value = dt.date.fromisoformat(row["vintage_date"]), float(row["value"])
            recorded.setdefault(row["series"], {}).setdefault(period, []).append((vintage, value))
        except (KeyError, ValueError) as error:
            raise DataMissing(
                f"{path} line {line}: {error}; needs series, period (YYYY-MM), vintage_date, value"
            ) from error
        newest = max(newest, vintage)
    return Vintages({name: _series(name, periods) for name, periods in recorded.items()}, newest)


def _series(name: str, periods: dict[dt.date, list[tuple[dt.date, float]]]) -> Series:
    ordered = sorted(periods)
    gaps = [_months(b) - _months(a) for a, b in itertools.pairwise(ordered)]
    months = min(gaps, default=1)
    # the file names a quarter by its last month, FRED by its first day
    started = {_back(period, months - 1): sorted(pairs) for period, pairs in sorted(periods.items())}
    decimals = max(_decimals(value) for pairs in started.values() for _, value in pairs)
    return Series(name, months, decimals, started, min(pairs[0][0] for pairs in started.values()))


def _decimals(value: float) -> int:
    return len(f"{value:.4f}".rstrip("0").partition(".")[2])


def _months(day: dt.date) -> int:
    return day.year * 12 + day.month


def _back(period: dt.date, months: int) -> dt.date:
    count = _months(period) - 1 - months
    return dt.date(count // 12, count % 12 + 1, 1)
