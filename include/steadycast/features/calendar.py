"""Weeks and their holidays, and which week of last year a week is to be compared with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import holidays
import numpy as np
import numpy.typing as npt
import pandas as pd
from dateutil.easter import easter

YEAR = 52
"""Weeks back to the nearest week of last year. After a year of 53 ISO weeks the same ISO number would lie
six days off in the season, 52 weeks lie one day off; so weeks are matched by distance, and holidays by
name."""

Names = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Calendar:
    """Per week, shape (T,): what is known of it for ever.

    Attributes:
        week_of_year: ISO week, 1..53.
        holidays: public holidays in the week, in days on which people would otherwise work.
        easter: 1 in the week of Easter Sunday, else 0.
        day_of_month: of the week's Thursday; wages and benefits are paid by it.
        names: the holidays' names.
        last_year: weeks back to the week of last year to compare with: 52, or 51 or 53 where that matches
            holidays.
    """

    weeks: npt.NDArray[np.datetime64]
    week_of_year: npt.NDArray[np.float64]
    holidays: npt.NDArray[np.float64]
    easter: npt.NDArray[np.float64]
    day_of_month: npt.NDArray[np.float64]
    names: Names
    last_year: npt.NDArray[np.int64]


def calendar(first: dt.date, weeks: int, country: str) -> Calendar:
    """The calendar of ``weeks`` weeks from the Monday ``first``.

    Args:
        first: a Monday.
        weeks: how many.
        country: code of the holidays package, e.g. ``US``; also with a subdivision, ``US-IL``.
    """
    mondays = pd.date_range(first, periods=weeks, freq="7D", unit="s")
    before = pd.date_range(end=mondays[0] - pd.Timedelta(weeks=1), periods=YEAR + 1, freq="7D", unit="s")
    by_week = _holidays_by_week(before[0].date(), mondays[-1].date(), country)
    names = tuple(frozenset(by_week.get(week, {})) for week in before.append(mondays))
    workdays = [sum(by_week.get(week, {}).values()) for week in mondays]
    return Calendar(
        mondays.to_numpy().astype("datetime64[D]"),
        mondays.isocalendar().week.to_numpy(np.float64),
        np.array(workdays, dtype=np.float64),
        np.array(["Easter" in week for week in names[YEAR + 1 :]], dtype=np.float64),
        (mondays + pd.Timedelta(days=3)).day.to_numpy(np.float64),
        names[YEAR + 1 :],
        np.array([_match(names, i) for i in range(YEAR + 1, len(names))], dtype=np.int64),
    )


def _holidays_by_week(first: dt.date, last: dt.date, country: str) -> dict[pd.Timestamp, dict[str, int]]:
    """Per Monday: the names of its holidays, each with 1 if it falls on Monday to Friday."""
    code, _, subdivision = country.partition("-")
    years = range(first.year - 1, last.year + 2)
    listed = holidays.country_holidays(code, subdiv=subdivision or None, years=years)
    found: dict[pd.Timestamp, dict[str, int]] = {}
    days = [(day, name) for day, text in listed.items() for name in str(text).split("; ")]
    # Easter moves by a month and is no public holiday everywhere, yet shops and offices feel it
    days += [(easter(year), "Easter") for year in years]
    for day, name in days:
        week = found.setdefault(pd.Timestamp(day - dt.timedelta(days=day.weekday())), {})
        plain = name.removesuffix(" (observed)")
        week[plain] = max(week.get(plain, 0), int(day.weekday() < 5))
    return found


def _match(names: Names, i: int) -> int:
    """Weeks back to last year's week with the fewest differing holidays; the nearest in season if equal."""
    return min((YEAR, YEAR + 1, YEAR - 1), key=lambda back: len(names[i] ^ names[i - back]))
