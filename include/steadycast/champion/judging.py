"""Is the challenger truly better, or lucky? A paired test for few weeks that may be asked more than once.

The loss of a week is the logarithm of champion's WAPE over challenger's. Forecasts four weeks ahead share
weeks with their neighbours, so that the series is autocorrelated: the variance of its mean is that of a first
order autoregression whose coefficient is shrunk to the value that such an overlap gives, and the degrees of
freedom of Student's t are those of as many independent weeks (Bayley and Hammersley 1946,
doi:10.2307/2983560). Models that differ much from week to week differ by season too, and the seasons that are
still to come may tell otherwise: what they may change is part of the variance until the year is full, as in a
sample from a finite population (Cochran 1977, *Sampling Techniques*, section 2.6).

It is asked at the end of each quarter of a year; the error of the first kind of the whole year is spent over
these looks (Lan and DeMets 1983, doi:10.1093/biomet/70.3.659), half of it after half a year: earlier the
weeks are too few to tell, later a better model was held back for long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

YEAR: Final = 52
SPENDING: Final = {13: 0.16, 26: 0.52, 39: 0.18, 52: 0.14}
"""Weeks after which the test is asked, and the share of the year's error that each look may spend; the count
begins anew after a year."""
LOOKS: Final = tuple(SPENDING)
OVERLAP: Final = 0.6
"""Autocorrelation of neighbouring weeks before any is seen."""
BELIEF: Final = 40.0
"""How many weeks that is worth."""
MOST: Final = 0.8
BY_SEASON: Final = 0.75
"""How far the means of two seasons lie apart, as a share of how far the weeks do."""
ALIKE: Final = 0.07
"""Two models whose weeks lie no farther apart are taken to differ in all seasons alike."""
APART: Final = 0.2
"""Nor are they taken to differ by season more than models do whose weeks lie so far apart."""
SEASON_WEEKS: Final = 13
LEAST_GAIN: Final = 0.01
"""A challenger within a hundredth is within noise, and the champion stays."""
SLICE_WEEKS: Final = 6
SLICE_HARM: Final = 0.05
"""A season in which the challenger is worse by so much, beyond doubt, keeps it from being promoted."""
Verdict = Literal["wait", "keep", "promote"]


@dataclass(frozen=True)
class Standing:
    """Where a challenger stands.

    Attributes:
        verdict: ``promote`` says the test, ``keep`` says it too, ``wait`` is before the first look or between
            two looks.
        weeks: paired weeks of this year of the count.
        gain: by how much the challenger's error is smaller, as a share; negative if it is larger.
        p_value: of the one-sided test at these weeks; None before there are enough.
        level: what it must be below at this look.
        seasons: gain per season.
        says: one sentence.
    """

    verdict: Verdict
    weeks: int
    gain: float | None
    p_value: float | None
    level: float | None
    seasons: dict[str, float]
    says: str


def judge(
    champion: Sequence[float],
    challenger: Sequence[float],
    seasons: Sequence[str],
    *,
    error: float,
    name: str = "the challenger",
) -> Standing:
    """Judge the paired weeks, oldest first.

    Args:
        champion: loss per week, e.g. WAPE.
        challenger: of the same weeks.
        seasons: of these weeks, by name.
        error: probability of a wrong promotion in a year.
        name: the challenger's, for the sentence.
    """
    count = len(champion)
    start = ((count - 1) // YEAR) * YEAR if count else 0
    mine = np.asarray(champion[start:], dtype=np.float64)
    theirs = np.asarray(challenger[start:], dtype=np.float64)
    weeks = len(mine)
    looks = [look for look in LOOKS if look <= weeks]
    if not looks:
        says = f"{name}: {weeks} paired week(s), first judged after {LOOKS[0]}"
        return Standing("wait", weeks, gain(mine, theirs), None, None, {}, says)
    look = looks[-1]
    mine, theirs, season = mine[:look], theirs[:look], list(seasons[start : start + look])
    better = gain(mine, theirs)
    won = advantage(mine, theirs)
    p_value, level = _p_value(won, unseen_seasons(won)), spent(look, error)
    slices = _slices(mine, theirs, season)
    harmed = [
        text for text, worse in slices.items() if worse < -SLICE_HARM and _harmed(mine, theirs, season, text)
    ]
    wins = p_value < level and better is not None and better > LEAST_GAIN
    verdict: Verdict = "keep" if not wins or harmed else "promote"
    said = "there is no error to compare" if better is None else _gain_says(better)
    why = f"; but worse in {', '.join(harmed)}" if wins and harmed else ""
    says = f"{name}: after {look} paired weeks {said} (p {p_value:.3f}, needed below {level:.3f}){why}"
    if weeks != look and verdict == "keep":
        verdict = "wait"
    return Standing(verdict, weeks, better, p_value, level, slices, says)


def _gain_says(better: float) -> str:
    return (
        f"its error is {abs(100 * better):.1f} % {'smaller' if better > 0 else 'larger'} than the champion's"
    )


def advantage(champion: Floats, challenger: Floats) -> Floats:
    """Logarithm of the champion's loss over the challenger's; 0 where both are perfect."""
    least = 1e-6 * max(float(np.mean(champion)), float(np.mean(challenger)), 1e-12)
    found: Floats = np.log((champion + least) / (challenger + least))
    return found


def gain(champion: Floats, challenger: Floats) -> float | None:
    """By how much the sum of the challenger's losses is smaller, as a share."""
    size = float(np.sum(champion))
    return 1 - float(np.sum(challenger)) / size if size > 0 else None


def spent(look: int, error: float) -> float:
    """The error that this look may spend."""
    return error * SPENDING[look]


def unseen_seasons(values: Floats) -> float:
    """By how much the mean of a year may differ from that of its first weeks: a variance.

    Args:
        values: one per week of the year so far, 0 if both models are equally good.
    """
    weeks = len(values)
    # About zero, not about their mean: of equal models, a season in which one is better tells of the others
    apart = min(max(float(values @ values) / weeks - ALIKE**2, 0.0), APART**2)
    share_unseen = max(1 - weeks / YEAR, 0.0)
    return BY_SEASON**2 * apart * share_unseen * SEASON_WEEKS / weeks


def _p_value(values: Floats, more: float = 0.0) -> float:
    """One-sided, of a mean above zero, for an autocorrelated series; ``more`` is added to its variance."""
    count = len(values)
    spread = values - values.mean()
    total = float(spread @ spread)
    if total <= 1e-18 * count:
        # without any spread there is no chance in it, and equal models have no spread either
        return 0.0 if values.mean() > 0 else 1.0
    own = float(spread[1:] @ spread[:-1]) / total + 2 / count  # small samples show too little of it
    rho = float(np.clip((count * own + BELIEF * OVERLAP) / (count + BELIEF), 0.0, MOST))
    lags = np.arange(1, count)
    inflation = 1 + 2 * float(np.sum((1 - lags / count) * rho**lags))
    error = math.sqrt(total / (count - 1) * inflation / count + more)
    freedom = max((count - 1) * (1 - rho**2) / (1 + rho**2), 3.0)
    return float(stats.t.sf(float(values.mean()) / error, freedom))


def _slices(champion: Floats, challenger: Floats, seasons: Sequence[str]) -> dict[str, float]:
    found = {}
    for season in dict.fromkeys(seasons):
        mine = np.array([s == season for s in seasons])
        if int(mine.sum()) >= SLICE_WEEKS:
            better = gain(champion[mine], challenger[mine])
            found[season] = 0.0 if better is None else better
    return found


def _harmed(champion: Floats, challenger: Floats, seasons: Sequence[str], season: str) -> bool:
    mine = np.array([s == season for s in seasons])
    return _p_value(-advantage(champion[mine], challenger[mine])) < 0.1
