"""The same model and the same week from other inputs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import champion, infer, models
from steadycast.errors import MoveRefused
from steadycast.features import History
from steadycast.lake import Lake
from steadycast.settings import Settings
from steadycast.what_if.moves import Move, moved

_EVERY: Final = 4
"""Every so many past origins are looked at for the range of features."""
_TINY: Final = 1e-9


@dataclass(frozen=True)
class WhatIf:
    """The forecast as it is and as it would be.

    Attributes:
        before: FORECAST_DTYPES.
        after: FORECAST_DTYPES, same rows: point, interval, benchmarks.
        moved: sentences about what was moved.
        outside: sentences about what left the range that the model was trained on; there it guesses.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    moved: tuple[str, ...]
    outside: tuple[str, ...]


def what_if(
    panel: pd.DataFrame, settings: Settings, as_of: dt.date, model: Mapping[str, Any], moves: Sequence[Move]
) -> WhatIf:
    """Forecast a week from moved drivers; everything that is derived from them is made anew.

    Args:
        panel: PANEL_DTYPES; not changed.
        settings: the pipeline's.
        as_of: the week's Monday.
        model: arguments of ``infer.infer``, as ``infer.stored`` reads them.
        moves: applied one after the other.

    Raises:
        MoveRefused: a move names what is not there, or what the model does not see.
        ModelError: the model does not fit this version.
    """
    rows, told, outside = panel, [], []
    for move in moves:
        rows, sentence, beyond = moved(rows, settings, as_of, move)
        told.append(sentence)
        outside += [beyond] if beyond else []
    old, new = (models.known_history(frame, settings, as_of) for frame in (panel, rows))
    if any(_changes(move) for move in moves) and rows is not panel and _same(old, new):
        raise MoveRefused(
            "weeks",
            "the model sees none of what is moved",
            remedy=f"name weeks before {as_of}; a source that comes late is seen later by its usual delay",
        )
    before, after = (infer.infer(history, settings, **model) for history in (old, new))
    return WhatIf(before, after, tuple(told), (*outside, *_features_outside(old, new, settings)))


def _changes(move: Move) -> bool:
    return (move.how, move.value) not in (("by", 0.0), ("times", 1.0))


def _same(old: History, new: History) -> bool:
    pairs = [(old.target, new.target), *((old.drivers[n], new.drivers[n]) for n in old.drivers)]
    pairs += [(old.ahead[name], new.ahead[name]) for name in old.ahead]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def _features_outside(old: History, new: History, settings: Settings) -> list[str]:
    """Derived features that the move took out of the range that they have at past origins."""
    before, after = (models.forecaster(history, settings) for history in (old, new))
    end = len(old.weeks)
    told: dict[str, None] = {}
    for horizon in range(1, settings.forecast.horizon_weeks + 1):
        past = np.arange(end - horizon, models.FIRST_ORIGIN, -_EVERY)
        if not len(past):
            return []
        seen = before.rows(past, horizon).values
        low, high = np.nanmin(seen, axis=0, initial=np.inf), np.nanmax(seen, axis=0, initial=-np.inf)
        now, then = (f.rows(np.array([end]), horizon).values for f in (after, before))
        left = ((now < low) | (now > high)) & ~((then < low) | (then > high)) & (np.abs(now - then) > _TINY)
        for j in np.flatnonzero(left.any(axis=0)):
            name = before.feature_names[j]
            value = now[left[:, j], j][0]
            told.setdefault(f"{name} became {value:.3g}; in training it was {low[j]:.3g} to {high[j]:.3g}.")
    return list(told)


def of_week(lake: Lake, settings: Settings, as_of: dt.date, moves: Sequence[Move]) -> WhatIf:
    """The same from what a run left in the lake.

    Raises:
        ArtefactMissing: the week has no run.
        MoveRefused: see ``what_if``.
    """
    card = lake.read_json(f"runs/{as_of}/train/card.json")
    settings = champion.variation(settings, card.get("champion", champion.BASE))
    panel = lake.read_frame(card["panel"])
    model = {**infer.stored(lake, card), "client": models.client_rows(panel, settings)}
    return what_if(panel, settings, as_of, model, moves)
