"""Three public data sets as weekly tables: weeks (Mondays) × series, without gaps or zeros."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]


def folder() -> Path:
    """Where the data are: the environment's STEADYCAST_REAL_DATA, or ../shared/data beside the repository."""
    return Path(os.environ.get("STEADYCAST_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()


def walmart(data: Path) -> pd.DataFrame:
    """Weekly sales of 45 stores in US dollars, 143 weeks; the file names a week by its Friday."""
    rows = pd.read_csv(data / "walmart_45stores_weekly.csv")
    rows["week"] = pd.to_datetime(rows["Date"], format="%d-%m-%Y") - pd.Timedelta(days=4)
    return _whole(rows.pivot(index="week", columns="Store", values="Weekly_Sales"))


def cta(data: Path) -> pd.DataFrame:
    """Entries at 113 stations of the Chicago "L" in thousands per week, from 2008; 452 weeks.

    The file's last week is left out, as in the figures that ours are compared with.
    """
    days = pd.read_csv(data / "cta_L_entries_daily_147.csv.gz", parse_dates=["date"]).set_index("date")
    return _whole(_weekly_sums(days).loc["2008-01-07":].iloc[:-1])


def eia(data: Path) -> pd.DataFrame:
    """Electricity demand of 54 US regions in MWh per week, 260 weeks, cleaned by the publisher."""
    rows = pd.read_csv(data / "eia_demand_daily_54ba.csv.gz", parse_dates=["date"])
    return _whole(_weekly_sums(rows.pivot(index="date", columns="ba", values="cleaned")))


SETS: dict[str, Callable[[Path], pd.DataFrame]] = {"Walmart": walmart, "CTA": cta, "EIA": eia}


def _weekly_sums(days: pd.DataFrame) -> pd.DataFrame:
    """Sums of the weeks of which all seven days are there."""
    monday = days.index - pd.to_timedelta(days.index.dayofweek, unit="D")
    weeks = days.groupby(monday)
    return weeks.sum(min_count=7)[weeks.size() == 7]


def _whole(weekly: pd.DataFrame) -> pd.DataFrame:
    """The series that have a positive value in every week."""
    kept = weekly.loc[:, (weekly > 0).all()]
    kept.index = pd.DatetimeIndex(kept.index, name="week").as_unit("us")
    kept.columns = kept.columns.astype(str)
    return kept
