"""Moves of drivers, applied to a panel."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from steadycast import ahead, schema
from steadycast.errors import MoveRefused
from steadycast.settings import Settings

RECENT: Final = 4
"""Weeks before the Monday that are moved unless others are named."""
HOWS: Final = ("to", "by", "times")
_SHOWN: Final = 6


@dataclass(frozen=True)
class Move:
    """One driver, moved.

    Attributes:
        driver: ``source.variable``: a feature of the settings, or the target, whose past the model sees.
        how: ``to`` sets the value, ``by`` adds, ``times`` multiplies.
        value: in the driver's unit; a factor for ``times``.
        first: first Monday that is moved; if left out, 4 weeks before the forecast, or the forecast's first
            week for a driver that the model sees of weeks to come.
        last: last Monday that is moved; if left out, the one before the forecast, or the forecast's last.
        entities: of the driver; all if left out.
    """

    driver: str
    how: str
    value: float
    first: dt.date | None = None
    last: dt.date | None = None
    entities: tuple[str, ...] = ()


def moved(
    panel: pd.DataFrame, settings: Settings, as_of: dt.date, move: Move
) -> tuple[pd.DataFrame, str, str]:
    """The panel with one driver moved, what was done, and how it left its range, or ""."""
    _well_formed(settings, move)
    source, _, variable = move.driver.partition(".")
    told_now, told_then = _rows(panel, settings, as_of, source, variable)
    mine = told_now | told_then
    known = sorted(panel.loc[mine, schema.ENTITY].unique())
    for entity in move.entities:
        if entity not in known:
            raise MoveRefused(
                "entities",
                f"{move.driver} has no entity {entity!r}; it has {_some(known)}",
                remedy="name one of these" if len(known) > 1 else "leave it out: one series serves all",
            )
    first, last = _weeks(settings, as_of, move)
    weeks = panel[schema.WEEK].between(pd.Timestamp(first), pd.Timestamp(last))
    cells = told_now & weeks & (panel[schema.ENTITY].isin(move.entities) if move.entities else True)
    old = panel.loc[cells, schema.VALUE]
    new = _answered(old, move)
    if not new.notna().any():
        raise MoveRefused(
            "weeks",
            f"{move.driver} has no value from {first} to {last}",
            remedy="name weeks that the panel knows; see the impute task of this week",
        )
    seen = panel.loc[mine & (panel[schema.WEEK] < pd.Timestamp(as_of)), schema.VALUE].dropna()
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (math.inf, -math.inf)
    beyond = int(((new < low) | (new > high)).sum())
    unit = settings.source(source).variable(variable).unit
    told = f"{move.driver} {_words(move, unit)} from {first} to {last}: "
    told += f"mean {old.mean():.4g} became {new.mean():.4g} {unit}, {len(new)} value(s)."
    out = panel.copy(deep=False)
    out[schema.VALUE] = panel[schema.VALUE].mask(cells, new.reindex(panel.index))
    warned = (
        f"{beyond} of {len(new)} moved values of {move.driver} are beyond {low:.4g} to {high:.4g} {unit}."
    )
    return out, told, warned if beyond else ""


def _rows(
    panel: pd.DataFrame, settings: Settings, as_of: dt.date, source: str, variable: str
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """A driver's rows that a move may change, and those that earlier Mondays knew of weeks to come."""
    now = (panel[schema.SOURCE] == source) & (panel[schema.VARIABLE] == variable)
    then = pd.Series(False, index=panel.index)
    seen = variable in settings.forecast.ahead.get(source, ())
    horizons = settings.forecast.horizon_weeks if seen else 0
    for coming, earlier in ahead.of_panel(panel, source, variable, as_of=as_of, horizons=horizons):
        now, then = now | coming, then | earlier
    return now, then


def _answered(old: pd.Series[float], move: Move) -> pd.Series[float]:
    if move.how == "to":
        return pd.Series(move.value, index=old.index)
    return old + move.value if move.how == "by" else old * move.value


def _well_formed(settings: Settings, move: Move) -> None:
    known = [f"{source}.{name}" for source, name in settings.forecast.covariates]
    known.append(f"{settings.target.source}.{settings.target.variable}")
    if move.driver not in known:
        raise MoveRefused(
            "driver",
            f"the model does not see {move.driver!r}",
            remedy=f"name one of {_some(known, len(known))}",
        )
    if move.how not in HOWS:
        raise MoveRefused("how", f"{move.how!r} is no way to move", remedy=f"name one of {', '.join(HOWS)}")
    if not math.isfinite(move.value):
        raise MoveRefused("value", f"{move.value} is no number", remedy="give a finite number")


def _weeks(settings: Settings, as_of: dt.date, move: Move) -> tuple[dt.date, dt.date]:
    source, _, variable = move.driver.partition(".")
    coming = variable in settings.forecast.ahead.get(source, ())
    weeks = settings.forecast.horizon_weeks if coming else RECENT
    last = move.last or as_of + dt.timedelta(weeks=weeks - 1 if coming else -1)
    first = move.first or last - dt.timedelta(weeks=weeks - 1)
    for name, day in (("first", first), ("last", last)):
        if day.weekday():
            monday = day - dt.timedelta(days=day.weekday())
            raise MoveRefused(name, f"{day} is no Monday", remedy=f"write {monday}, its week's Monday")
    if first > last:
        raise MoveRefused("first", f"{first} is after {last}", remedy="swap the weeks")
    return first, last


def _words(move: Move, unit: str) -> str:
    if move.how == "times":
        return f"times {move.value:g}"
    return f"set to {move.value:g} {unit}" if move.how == "to" else f"moved by {move.value:+g} {unit}"


def _some(names: Sequence[str], shown: int = _SHOWN) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
