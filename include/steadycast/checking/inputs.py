"""What went into the forecast: is it of this week, of this series, and like what the model was trained on?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from steadycast import schema
from steadycast.checking.evidence import Evidence, number, percent, some
from steadycast.checking.likely_error import LEVEL
from steadycast.checking.past import Flags, Floats, Past, distance, usual
from steadycast.checking.swapped import LEAST_SWAP, swapped
from steadycast.settings import CheckForecastSettings

SAME: Final = 1e-6
"""Two numbers that differ by less than this share are the same number."""
NEW_WEEKS: Final = 4
"""Weeks whose drivers are compared with all weeks before them."""
RANGE_MARGIN: Final = 0.1
"""Share of a range by which a value may leave it."""
RARELY: Final = 0.02
MANY: Final = 0.5
"""Share of the series from which on a finding is about the forecast as a whole."""
LEAST_MISS: Final = 0.1
YOUNG_WEEKS: Final = 60
LATE_WEEKS: Final = 2


@dataclass(frozen=True)
class Inputs:
    """Findings about inputs.

    Attributes:
        holds: reasons not to publish unasked.
        looks: reasons to look, about the forecast as a whole.
        about: entity and sentence.
    """

    holds: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    about: list[tuple[str, str]] = field(default_factory=list)


def judge_inputs(
    forecast: pd.DataFrame, evidence: Evidence, past: Past, limits: CheckForecastSettings
) -> Inputs:
    """All findings about inputs."""
    found = [
        _another_past(forecast, evidence, past),
        _same_as_last_time(forecast, evidence),
        _late(forecast, past),
        _repeated(forecast, past),
        _missed(evidence, past, limits),
        _anothers_past(evidence, past),
        _outside(evidence, past),
        _young(forecast, past),
        _imputed(evidence, limits),
    ]
    return Inputs(
        [text for part in found for text in part.holds],
        [text for part in found for text in part.looks],
        [pair for part in found for pair in part.about],
    )


def _another_past(forecast: pd.DataFrame, evidence: Evidence, past: Past) -> Inputs:
    """The benchmarks beside a point follow from the panel, unless it is another series' or week's."""
    known = past.values.tail(max(evidence.averaged_weeks, 1))
    if known.empty:
        return Inputs()
    entities = forecast[schema.ENTITY]
    last = entities.map(known.iloc[-1]).to_numpy(np.float64)
    enough = known.notna().sum() * 2 >= evidence.averaged_weeks
    mean = entities.map(known.mean().where(enough)).to_numpy(np.float64)
    wrong = _differ(forecast[schema.LAST_VALUE], last) | _differ(forecast[schema.MOVING_AVERAGE], mean)
    names = sorted({str(name) for name in entities[wrong]})
    if not names:
        return Inputs()
    told = "last value or moving average beside the forecast is not that of the panel"
    return Inputs([f"{some(names)}: {told}; the rows belong to another series or another week"])


def _differ(told: pd.Series, known: Floats) -> Flags:
    beside = told.to_numpy(np.float64)
    size = np.maximum(np.abs(known), np.abs(beside))
    differ: Flags = np.abs(beside - known) > SAME * size + 1e-12  # NaN compares false
    return differ


def _same_as_last_time(forecast: pd.DataFrame, evidence: Evidence) -> Inputs:
    """Point by point the numbers of an earlier publication, moved to this week."""
    keys = [schema.ENTITY, schema.HORIZON]
    for before in evidence.published:
        both = forecast[[*keys, schema.POINT]].merge(
            before[[*keys, schema.POINT]], on=keys, how="inner", suffixes=("", "_before"), validate="1:1"
        )
        now, then = both[schema.POINT], both[f"{schema.POINT}_before"]
        again = ((now - then).abs() <= SAME * now.abs()) & (now != 0)
        if len(both) and float(again.mean()) > MANY:
            week = before[schema.AS_OF].iloc[0]
            told = f"{int(again.sum())} of {len(both)} points are exactly those of the forecast of "
            return Inputs([f"{told}{week:%Y-%m-%d}, moved to this week: an old forecast or old inputs"])
    return Inputs()


def _late(forecast: pd.DataFrame, past: Past) -> Inputs:
    """Series whose newest weeks are not known."""
    weeks = past.values.notna()
    if weeks.empty:
        return Inputs()
    newest = weeks.iloc[::-1].idxmax().where(weeks.any())
    age = newest.map(lambda week: (past.as_of - week).days // 7, na_action="ignore")
    late = sorted(str(name) for name in set(forecast[schema.ENTITY]) & set(age.index[age > 1]))
    weeks_old = {name: int(age[name]) for name in late}
    if len(late) > MANY * forecast[schema.ENTITY].nunique() and max(weeks_old.values()) > LATE_WEEKS:
        oldest = max(weeks_old.values())
        return Inputs([f"{some(late)}: of most series the newest known week is up to {oldest} weeks old"])
    return Inputs(
        about=[(name, f"{name}: the newest known week is {old} weeks old") for name, old in weeks_old.items()]
    )


def _repeated(forecast: pd.DataFrame, past: Past) -> Inputs:
    """Series whose last value is exactly an earlier one, which otherwise hardly happens to them."""
    values = past.values
    if len(values) < 12:
        return Inputs()
    found: set[str] = set()
    for lag in (1, 2, 4, 52):
        again = (values.diff(lag).abs() <= SAME * values.abs()) & (values != 0)
        if lag > 1:
            # one value that comes again is chance among many series; two in a row are an old delivery
            again = again & again.shift(1, fill_value=False)
        rarely = again.iloc[:-8].mean() < RARELY
        found |= {str(name) for name in values.columns[(again.iloc[-1] & rarely).to_numpy()]}
    names = sorted(found & {str(name) for name in forecast[schema.ENTITY]})
    told = "the last value is exactly that of an earlier week, which hardly ever happens"
    if len(names) > MANY * forecast[schema.ENTITY].nunique():
        return Inputs([f"{some(names)}: {told}"])
    return Inputs(about=[(name, f"{name}: {told}") for name in names])


def _missed(evidence: Evidence, past: Past, limits: CheckForecastSettings) -> Inputs:
    """Series whose last value is far from what was forecast for it: broken input, or a real event."""
    before = evidence.residuals
    if before is None or before.empty or past.values.empty:
        return Inputs()
    last_week = past.values.index[-1]
    misses = distance(before[schema.ACTUAL], before[schema.POINT], before[LEVEL])
    older = (before[schema.WEEK] < last_week).to_numpy()
    told = before[before[schema.WEEK] == last_week]
    if evidence.published:
        told = evidence.published[0]
        told = told[told[schema.WEEK] == last_week]
    told = told.drop_duplicates(schema.ENTITY, keep="last")
    week = pd.Series(last_week, index=told.index)
    actual = past.at(past.values, week, told[schema.ENTITY])
    level = past.at(past.level, week, told[schema.ENTITY])
    sizes = partial(usual, misses[older], before.loc[older, schema.ENTITY])
    size = sizes(least=LEAST_MISS).of(told[schema.ENTITY])
    far = distance(actual, told[schema.POINT], level)
    odd = np.abs(far) > limits.odd_factor * size
    about = [
        (
            str(row.entity),
            f"{row.entity}: its last value {number(value)} is {number(float(np.exp(off)))} times what was "
            f"forecast for it ({number(float(row.point))}), which is far outside of its usual errors",
        )
        for row, value, off in zip(told[odd].itertuples(index=False), actual[odd], far[odd], strict=True)
    ]
    size = sizes(least=LEAST_SWAP).of(told[schema.ENTITY])
    return Inputs(about=[*about, *_exchanged(told, actual, level, size)])


def _anothers_past(evidence: Evidence, past: Past) -> Inputs:
    """Series whose past weeks are now what another had when it was published, and the other way round."""
    parts = [table.drop_duplicates(schema.ENTITY) for table in evidence.published]
    if not parts:
        return Inputs()
    then = pd.concat(parts)[[schema.ENTITY, schema.AS_OF, schema.LAST_VALUE]]
    then[schema.WEEK] = then[schema.AS_OF] - pd.Timedelta(weeks=1)
    then["now"] = past.at(past.values, then[schema.WEEK], then[schema.ENTITY])
    changed = then[_differ(then[schema.LAST_VALUE], then["now"].to_numpy())]
    was = changed.assign(is_now=_digits(changed[schema.LAST_VALUE]), was_then=_digits(changed["now"]))
    now = changed.assign(is_now=_digits(changed["now"]), was_then=_digits(changed[schema.LAST_VALUE]))
    keys = [schema.WEEK, "is_now", "was_then"]
    pairs = now[[*keys, schema.ENTITY]].merge(was[[*keys, schema.ENTITY]], on=keys, suffixes=("", "_other"))
    other = pairs.groupby(schema.ENTITY)[f"{schema.ENTITY}_other"].agg(["first", "size"])
    return Inputs(
        about=[
            (
                str(mine),
                f"{mine}: {int(weeks)} of its past weeks are now what {theirs} had when they were published, "
                "and the other way round: the two were exchanged since",
            )
            for mine, theirs, weeks in other.itertuples()
        ]
    )


def _digits(values: pd.Series) -> pd.Series:
    """What makes two numbers the same, as a key."""
    return values.map("{:.6e}".format)


def _exchanged(told: pd.DataFrame, actual: Floats, level: Floats, size: Floats) -> list[tuple[str, str]]:
    """Series whose last values are what was forecast for each other."""
    names, points = told[schema.ENTITY].tolist(), told[schema.POINT].to_numpy(np.float64)
    return [
        (
            str(names[mine]),
            f"{names[mine]}: its last value {number(actual[mine])} is what was forecast for {names[theirs]} "
            f"({number(points[theirs])}), and the other way round: the two look exchanged",
        )
        for pair in swapped(actual, points, level, size)
        for mine, theirs in (pair, pair[::-1])
    ]


def _outside(evidence: Evidence, past: Past) -> Inputs:
    """Drivers outside the range that the model was trained on."""
    rows = evidence.drivers
    if rows is None or rows.empty:
        return Inputs()
    # what was said of a week at each horizon is one variable; the forecast rests on that of weeks to come
    rows = rows.assign(**{schema.VARIABLE: rows[schema.VARIABLE].str.partition(schema.AHEAD)[0]})
    new = past.as_of - pd.Timedelta(weeks=NEW_WEEKS)
    keys = [schema.SOURCE, schema.VARIABLE, schema.ENTITY]
    known = rows[rows[schema.WEEK] < new].groupby(keys)[schema.VALUE].agg(["min", "max"])
    now = rows[(rows[schema.WEEK] >= new) & rows[schema.VALUE].notna()]
    both = now.merge(known.reset_index(), on=keys, how="inner", validate="m:1")
    margin = RANGE_MARGIN * (both["max"] - both["min"])
    off = (both[schema.VALUE] < both["min"] - margin) | (both[schema.VALUE] > both["max"] + margin)
    worst = both[off].drop_duplicates(keys, keep="last")
    return Inputs(looks=[_says_outside(row) for row in worst.to_dict("records")])


def _says_outside(row: Mapping[Hashable, Any]) -> str:
    return (
        f"{row[schema.SOURCE]}.{row[schema.VARIABLE]} of {row[schema.ENTITY]} in the week of "
        f"{row[schema.WEEK]:%Y-%m-%d} is {number(row[schema.VALUE])}, outside of {number(row['min'])} to "
        f"{number(row['max'])}, the range that the model was trained on"
    )


def _young(forecast: pd.DataFrame, past: Past) -> Inputs:
    """Series that the model can not know: less than a year and a season's neighbours."""
    entities = pd.Index(sorted({str(name) for name in forecast[schema.ENTITY]}))
    weeks = past.values.notna().sum().reindex(entities).fillna(0)
    if not len(past.values) or past.values.notna().any(axis=1).sum() < YOUNG_WEEKS:
        return Inputs()
    return Inputs(
        about=[
            (str(name), f"{name}: only {int(count)} weeks are known of it, too few to know its season")
            for name, count in weeks[weeks < YOUNG_WEEKS].items()
        ]
    )


def _imputed(evidence: Evidence, limits: CheckForecastSettings) -> Inputs:
    if evidence.imputed <= limits.max_imputed_share:
        return Inputs()
    told = f"{percent(evidence.imputed)} of the inputs of the last weeks are imputed"
    return Inputs(looks=[f"{told}, more than {percent(limits.max_imputed_share)}"])
