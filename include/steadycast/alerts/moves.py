"""How much a week's forecast has moved against the one before, in a sentence."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from steadycast import schema as c
from steadycast.errors import SteadycastError
from steadycast.lake import Lake
from steadycast.publication import read_published

_MUCH = 0.005


def moved(lake: Lake, as_of: dt.date) -> str:
    """Change of the published forecast against last week's for the same weeks; "" if there is none.

    Args:
        lake: with both publications.
        as_of: the week's Monday.
    """
    before = as_of - dt.timedelta(weeks=1)
    try:
        new, old = (read_published(lake, week)[0] for week in (as_of, before))
    except (SteadycastError, KeyError):
        # a sentence that can not be said must not cost the message
        return ""
    both = new.merge(old, on=[c.ENTITY, c.WEEK], suffixes=("_new", "_old"))
    both = both[both[f"{c.POINT}_new"].notna() & both[f"{c.POINT}_old"].notna()]
    total = both[f"{c.POINT}_old"].sum()
    if both.empty or not total:
        return ""
    change = both[f"{c.POINT}_new"].sum() / total - 1
    by_entity = both.groupby(c.ENTITY)[[f"{c.POINT}_new", f"{c.POINT}_old"]].sum()
    shares = _shares(by_entity)
    most = str(shares.abs().idxmax()) if len(shares) else ""
    where = f", most at {most} ({shares[most]:+.1%})" if most and abs(shares[most]) >= _MUCH else ""
    return f"Against last week's forecast for the same weeks it moved by {change:+.1%} in total{where}."


def _shares(by_entity: pd.DataFrame) -> pd.Series:
    known = by_entity[by_entity[f"{c.POINT}_old"] > 0]
    return known[f"{c.POINT}_new"] / known[f"{c.POINT}_old"] - 1
