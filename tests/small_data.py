"""A small synthetic data set in the layout of the demo data, for tests that run without the demo's packages.

Three years of four stations, two weather providers, three macro series in two vintages and petrol: made by
formula, the same bytes each time. Monday 2016-06-06 is a good ``as_of``; the data end with Sunday 2016-08-28.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import math
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

STATIONS = ("Austin", "Clark_Lake", "Harlem", "Kedzie")
FIRST_DAY = dt.date(2013, 7, 1)
LAST_DAY = dt.date(2016, 8, 28)
FIRST_DAY_B = dt.date(2016, 1, 1)
VINTAGES = (dt.date(2016, 6, 29), dt.date(2016, 7, 29))
SERIES = {"UNRATE": (7.4, -0.07, 1), "CPIAUCSL": (233.0, 0.2, 3), "PAYEMS": (136_000.0, 210.0, 0)}
"""Series: its value in 2013-07, its growth per month and its decimals."""


def write_small_data(folder: Path) -> Path:
    """Write the five files into the folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    days = [FIRST_DAY + dt.timedelta(days=i) for i in range((LAST_DAY - FIRST_DAY).days + 1)]
    _write(
        folder / "cta_entries_daily.csv.gz",
        ["station", "date", "entries"],
        ([station, day, f"{entries(station, day):.3f}"] for station in STATIONS for day in days),
    )
    _write(folder / "weather_a_daily.csv", _WEATHER_A, (_weather_a(day) for day in days))
    _write(
        folder / "weather_b_daily.csv", _WEATHER_B, (_weather_b(day) for day in days if day >= FIRST_DAY_B)
    )
    _write(folder / "us_macro_vintages.csv.gz", ["series", "period", "vintage_date", "value"], _vintages())
    fridays = [day for day in days if day.weekday() == 4]
    _write(
        folder / "petrol_weekly.csv",
        ["datetime", "petrol_usd_per_gallon"],
        ([day, f"{2.6 + 0.4 * _season(day) + 0.1 * _noise('petrol', day):.3f}"] for day in fridays),
    )
    return folder


def entries(station: str, day: dt.date) -> float:
    """Entries in thousands: a level by station, quiet weekends, busier summers, some noise."""
    level = 2.0 + 4.0 * STATIONS.index(station)
    week = 0.45 if day.weekday() == 6 else 0.6 if day.weekday() == 5 else 1.0
    return level * week * (1 + 0.1 * _season(day)) * (1 + 0.05 * _noise(station, day))


def temperature(day: dt.date) -> float:
    """Mean temperature in degF."""
    return 50 + 25 * _season(day) + 8 * _noise("weather", day)


def _season(day: dt.date) -> float:
    return -math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365.25)


def _noise(what: str, day: dt.date) -> float:
    return zlib.crc32(f"{what} {day}".encode()) / 2**31 - 1


_WEATHER_A = [
    "date",
    "temp_min",
    "temp",
    "temp_max",
    "dew",
    "humidity",
    "pressure",
    "wind",
    "wind_max",
    "percip",
    "weather_rain",
    "weather_snow",
]


def _weather_a(day: dt.date) -> Sequence[object]:
    t, n = temperature(day), _noise("air", day)
    wet = max(0.0, n - 0.5)
    numbers = [t - 9, t, t + 9, t - 14, 65 + 20 * n, 30 - 0.3 * n, 9 + 4 * n, 15 + 6 * n, wet, wet, 0]
    return [day, *(f"{number:.2f}" for number in numbers)]


_WEATHER_B = [
    "date",
    "high_temp",
    "avg_temp",
    "low_temp",
    "high_dewpt",
    "avg_dewpt",
    "low_dewpt",
    "high_humidity",
    "avg_humidity",
    "low_humidity",
    "high_hg",
    "avg_hg",
    "low_hg",
    "high_vis",
    "avg_vis",
    "low_vis",
    "high_wind",
    "avg_wind",
    "low_wind",
    "precip",
    "events",
]


def _weather_b(day: dt.date) -> Sequence[object]:
    t, n = round(temperature(day) + _noise("other thermometer", day)), _noise("air", day)
    humidity, hg, wind = round(65 + 20 * n), 30 - 0.3 * n, round(9 + 4 * n)
    rain = "T" if 0.4 < n <= 0.5 else f"{max(0.0, n - 0.5):.2f}" if n > 0.5 else "0"
    air = [t - 8, t - 14, t - 20, humidity + 10, humidity, humidity - 10]
    sky = [f"{hg + 0.1:.2f}", f"{hg:.2f}", f"{hg - 0.1:.2f}", 10, 10, 8, wind + 6, wind, max(0, wind - 4)]
    return [day, t + 9, t, t - 9, *air, *sky, rain, "Rain" if n > 0.4 else ""]


def _vintages() -> Iterable[Sequence[object]]:
    """Months to 2016-05 in the first vintage; the second adds 2016-06 and revises 2016-05 except UNRATE's."""
    months = [dt.date(2013 + (6 + i) // 12, (6 + i) % 12 + 1, 1) for i in range(36)]
    for series, (start, growth, decimals) in SERIES.items():
        for i, month in enumerate(months):
            value = start + growth * i
            if month < dt.date(2016, 6, 1):
                yield [series, f"{month:%Y-%m}", VINTAGES[0], f"{value:.{decimals}f}"]
            if month == dt.date(2016, 6, 1):
                yield [series, f"{month:%Y-%m}", VINTAGES[1], f"{value:.{decimals}f}"]
            if month == dt.date(2016, 5, 1) and series != "UNRATE":
                yield [series, f"{month:%Y-%m}", VINTAGES[1], f"{value + growth / 10:.{decimals}f}"]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
