"""A trained model: boosters, each with what it starts from, and how much each one's view counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import lightgbm as lgb

from steadycast.errors import ModelError
from steadycast.features import CURVED, Matrix

DRIFT, CURVE = "drift", "curve"
BASES = (DRIFT, CURVE)
"""What a booster starts from: the week's usual size at the present level, or the yearly curve."""
SHARES = "shares"
"""Name of the text that says how much the curve's view counts."""


@dataclass(frozen=True)
class Model:
    """What ``train`` makes; without boosters the drift stands alone.

    Attributes:
        boosters: by what they start from.
        shares: of the curve's view per horizon, 0..1; the rest is the drift's. Both count alike if empty.
    """

    boosters: Mapping[str, lgb.Booster] = field(default_factory=dict)
    shares: tuple[float, ...] = ()

    @property
    def unmixed(self) -> bool:
        """Nothing says yet how much each view counts."""
        return len(self.boosters) == len(BASES) and not self.shares

    def weights(self, horizon: int) -> dict[str, float]:
        """Weight of each booster's view; they sum to one."""
        if len(self.boosters) < len(BASES):
            return dict.fromkeys(self.boosters, 1.0)
        share = self.shares[horizon - 1] if self.shares else 0.5
        return {DRIFT: 1.0 - share, CURVE: share}


def columns_of(base: str, names: Sequence[str]) -> list[int]:
    """Positions of the columns that a booster sees: the curve is shown to the one that starts from it."""
    return [j for j, name in enumerate(names) if base == CURVE or name not in CURVED]


def seen(values: Matrix, base: str, names: Sequence[str]) -> Matrix:
    """The part of the rows' values that a booster sees."""
    return values if base == CURVE else values[:, columns_of(base, names)]


def shares_text(shares: Sequence[float]) -> str:
    """As it is stored beside the boosters' texts."""
    return json.dumps({CURVE: list(shares)})


def load(texts: Mapping[str, str], feature_names: Sequence[str]) -> Model:
    """The model from its texts.

    Raises:
        ModelError: a text is no model, or was trained on other features.
    """
    boosters = {}
    for kind, text in texts.items():
        if kind == SHARES:
            continue
        try:
            booster = lgb.Booster(model_str=text)
        except lgb.basic.LightGBMError as error:
            raise ModelError(
                f"the stored model {kind} can not be read: {error}",
                remedy="run the train task of this week again",
            ) from error
        if booster.feature_name() != [feature_names[j] for j in columns_of(kind, feature_names)]:
            raise ModelError(
                f"the stored model {kind} was trained on other features than this version makes",
                remedy="run the train task of this week again",
            )
        boosters[kind] = booster
    shares = json.loads(texts[SHARES])[CURVE] if SHARES in texts else ()
    return Model(boosters, tuple(shares))
