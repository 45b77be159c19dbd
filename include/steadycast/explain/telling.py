"""The explanation in sentences, and as findings where people should look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from steadycast import schema
from steadycast.explain import change, groups
from steadycast.explain.signs import Sign
from steadycast.findings import Finding

_SHOWN: Final = 4
_WORTH_SAYING = 0.001
CAUSE_NAMES: Final = {
    change.DATA: "new data",
    change.REVISION: "revised history",
    change.MODEL: "new model",
    change.CALENDAR: "a week nearer",
}


def contributions_sentence(total: pd.Series[float], entities: int, unit: str) -> str:
    """What makes the forecast of all entities, in a mean week.

    Args:
        total: contribution by group, as ``made_of.total`` makes it.
        entities: how many.
        unit: the target's.
    """
    point = float(total.sum())
    starts = [name for name in (groups.START, groups.LEVEL) if name in total.index]
    parts = [
        f"{name} {'adds' if value > 0 else 'takes'} {number(abs(value))}"
        for name, value in total.drop(starts).items()
        if abs(value) >= _WORTH_SAYING * abs(point)
    ]
    who = "The forecast" if entities == 1 else f"All {entities} together"
    told = f"{who}: {number(point)} {unit} in a mean week"
    if starts:
        told += f", from {' and '.join(f'{number(float(total[s]))} ({s})' for s in starts)}"
    return f"{told}: {', '.join(parts[:_SHOWN])}." if parts else f"{told}."


def change_sentences(table: pd.DataFrame) -> list[str]:
    """What changed since last week, in all and where most."""
    if table.empty:
        return []
    told = change.total(table)
    moved = told[change.AFTER] - told[change.BEFORE]
    share = f", {100 * moved / told[change.BEFORE]:+.1f} %" if told[change.BEFORE] else ""
    causes = ", ".join(f"{CAUSE_NAMES[cause]} {signed(told[cause])}" for cause in change.CAUSES)
    weeks = table[schema.WEEK].nunique()
    first = (
        f"Since last week's forecast of the same {weeks} week{'' if weeks == 1 else 's'}: "
        f"{number(told[change.BEFORE])} became {number(told[change.AFTER])} "
        f"({signed(moved)}{share}): {causes}."
    )
    by_entity = table.groupby(schema.ENTITY)[[change.BEFORE, change.AFTER, *change.CAUSES]].sum() / weeks
    if len(by_entity) < 2:
        return [first]
    cause = by_entity[list(change.CAUSES)].abs().idxmax(axis=1).astype("str").to_dict()
    moves = (by_entity[change.AFTER] - by_entity[change.BEFORE]).sort_values(key=abs, ascending=False)
    named = [
        f"{entity} {signed(float(move))} ({CAUSE_NAMES[cause[entity]]})"
        for entity, move in moves.head(3).items()
    ]
    return [first, f"Most changed: {', '.join(named)}."]


def failed(error: Exception) -> Finding:
    """The forecast is there and its explanation is not."""
    return Finding(
        kind="explanation",
        severity="warning",
        key="explanation/failed",
        title="the forecast is not explained",
        text=f"The forecast itself is not affected. {type(error).__name__}: {error}",
        next="clear infer to try again; if it stays, report the log of infer",
    )


def sign_findings(signs: Sequence[Sign], units: Mapping[str, str]) -> list[Finding]:
    """A warning for each feature that the model answers to against its declared sign."""
    return [
        Finding(
            kind="explanation",
            severity="warning",
            key=f"explanation/sign/{sign.feature}",
            title=f"{sign.feature}: the model contradicts the declared sign",
            text=sign_sentence(sign, units.get(sign.feature, "")),
            next="look at the feature's values, or correct forecast.signs in pipeline.yaml if it is wrong",
            source=sign.feature.partition(".")[0],
        )
        for sign in signs
        if sign.contradicts
    ]


def sign_sentence(sign: Sign, unit: str) -> str:
    """What a usual step of the feature does to the forecast, beside what is declared."""
    wanted = "more" if sign.declared == "+" else "less"
    step = f"{sign.step:.3g} {unit}".strip()
    return (
        f"More of {sign.feature} is declared to mean {wanted} of the target; the model answers to a usual "
        f"step of {step} with {100 * sign.effect:+.2f} % of the level, against the sign in "
        f"{100 * sign.against:.0f} % of the forecasts of the past year."
    )


def number(value: float) -> str:
    """With thousands separated, and decimals where the number is small."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:,.1f}" if size >= 10 else f"{value:,.2f}"


def signed(value: float) -> str:
    """The number with its sign."""
    text = number(abs(value))
    return f"{'-' if value < 0 else '+'}{text}" if text.strip("0.,") else text
