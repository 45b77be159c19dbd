"""Paired losses: what champion and challenger made of the same weeks, which neither of them had seen."""

from __future__ import annotations

import datetime as dt
from typing import Final

import pandas as pd

from steadycast import schema
from steadycast.errors import ArtefactMissing, ArtefactUnreadable
from steadycast.lake import Lake

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
_KEYS = [schema.ENTITY, schema.WEEK]


def card_path(as_of: dt.date, name: str) -> str:
    """Where a challenger's card of a week is."""
    return f"runs/{as_of}/challenge/{name}/card.json"


def shadow_path(as_of: dt.date, name: str) -> str:
    """Where a challenger's forecast of a week is, which nobody was shown."""
    return f"runs/{as_of}/challenge/{name}/forecast.parquet"


def losses(
    lake: Lake,
    actuals: pd.DataFrame,
    weeks: list[dt.date],
    *,
    champion: str,
    challenger: str,
) -> pd.DataFrame:
    """Losses of both per origin, oldest first.

    Only whole pairs count: both forecast the origin live, the champion held its office then, and the actual
    values of all its weeks are known.

    Args:
        lake: where forecasts are.
        actuals: entity, week, value, as known now.
        weeks: origins to look at.
        champion: name of the one in office.
        challenger: name of the other.

    Returns: origin, champion, challenger (WAPE as a share), of those rows that both forecast.
    """
    found = []
    for week in sorted(weeks):
        pair = _pair(lake, actuals, week, champion, challenger)
        if pair is not None:
            found.append((pd.Timestamp(week), *pair))
    table = pd.DataFrame(found, columns=[schema.ORIGIN, CHAMPION, CHALLENGER])
    return table.astype({schema.ORIGIN: "datetime64[us]", CHAMPION: "float64", CHALLENGER: "float64"})


def _pair(
    lake: Lake, actuals: pd.DataFrame, week: dt.date, champion: str, challenger: str
) -> tuple[float, float] | None:
    try:
        if lake.read_json(f"runs/{week}/train/card.json").get("champion", "base") != champion:
            return None
        mine = lake.read_frame(f"runs/{week}/infer/forecast.parquet")[[*_KEYS, schema.POINT]]
        theirs = lake.read_frame(shadow_path(week, challenger))[[*_KEYS, schema.POINT]]
    except (ArtefactMissing, ArtefactUnreadable):
        return None
    both = mine.merge(theirs, on=_KEYS, how="inner", suffixes=("", "_shadow"), validate="1:1")
    known = both.merge(actuals[[*_KEYS, schema.VALUE]], on=_KEYS, how="left", validate="1:1")
    over = known.groupby(schema.WEEK)[schema.VALUE].apply(lambda values: values.notna().mean() > 0.5)
    rows = known.dropna(subset=[schema.POINT, f"{schema.POINT}_shadow", schema.VALUE])
    size = float(rows[schema.VALUE].abs().sum())
    if not over.all() or size <= 0:
        return None
    off = [
        (rows[column] - rows[schema.VALUE]).abs().sum() for column in (schema.POINT, f"{schema.POINT}_shadow")
    ]
    return float(off[0]) / size, float(off[1]) / size
