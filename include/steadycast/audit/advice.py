"""What the numbers mean for whoever decides about adoption, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from steadycast.settings import SourceSettings

Level = str
GOOD, CARE, BAD = "good", "care", "bad"
Sentence = tuple[Level, str]

LEAST_POLLS: Final = 4
LEAST_DAYS: Final = 21
_AVAILABLE: Final = (0.99, 0.9)
_REPEATED: Final = (0.95, 0.7)
_SLOW_S: Final = 60.0


def advise(source: SourceSettings, measured: Mapping[str, Any]) -> tuple[str, list[Sentence]]:
    """The recommendation, and what it rests on.

    Args:
        source: what is declared of it.
        measured: of ``measure``.

    Returns: one sentence, and per finding its level (``good``, ``care`` or ``bad``) and a sentence.
    """
    parts: tuple[Callable[[SourceSettings, Mapping[str, Any]], Iterator[Sentence]], ...] = (
        _available, _repeats, _settles, _fresh, _range, _schema, _twin,
    )  # fmt: skip
    found = [sentence for part in parts for sentence in part(source, measured)]
    levels = [level for level, _ in found]
    name = source.name
    if measured["polls"] < LEAST_POLLS or measured["days"] < LEAST_DAYS:
        return (
            f"Go on polling {name}: {measured['polls']} poll(s) over {measured['days']} day(s) are too few "
            f"to judge; {LEAST_POLLS} polls over {LEAST_DAYS} days are the least.",
            found,
        )
    if BAD in levels:
        why = next(text for level, text in found if level == BAD)
        return f"Do not adopt {name} as it is. {why}", found
    if CARE in levels:
        count = levels.count(CARE)
        return f"Adopt {name} as an optional source, with the {count} reservation(s) below.", found
    return f"Adopt {name}: nothing speaks against it.", found


def _level(value: float, limits: tuple[float, float]) -> Level:
    return GOOD if value >= limits[0] else CARE if value >= limits[1] else BAD


def _available(source: SourceSettings, measured: Mapping[str, Any]) -> Iterator[Sentence]:
    share = measured["availability"]
    if share is None:
        yield BAD, "There is no poll."
        return
    failed = len(measured["failures"])
    text = f"It answered {measured['polls'] - failed} of {measured['polls']} polls ({share:.0%})"
    kinds = sorted({failure["outcome"] for failure in measured["failures"]})
    yield _level(share, _AVAILABLE), f"{text}; failed: {', '.join(kinds)}." if kinds else f"{text}."
    latency = measured["latency_s"]
    if latency is None:
        yield GOOD, "How fast it answers was not measured, as these polls are those of the weekly runs."
    else:
        slow = latency["p95"] > _SLOW_S
        yield (
            CARE if slow else GOOD,
            f"An answer takes {latency['median']:.1f} s (median), one in twenty over {latency['p95']:.1f} s.",
        )


def _repeats(source: SourceSettings, measured: Mapping[str, Any]) -> Iterator[Sentence]:
    told = measured["repeats"]
    if told is None:
        yield CARE, "Whether it gives last week the same numbers next week is not known yet."
        return
    rest = f"{told['changed']:.1%} changed and {told['gone']:.1%} were gone"
    yield (
        _level(told["same"], _REPEATED),
        f"Of last week's {told['cells']} values {told['same']:.1%} came again the same a week later; {rest}.",
    )


def _settles(source: SourceSettings, measured: Mapping[str, Any]) -> Iterator[Sentence]:
    told = measured["settle"]
    if told is None:
        return
    weeks = source.lookback_weeks
    if told["changed"] == 0:
        yield GOOD, f"None of {told['cells']} values that were seen young changed afterwards."
        return
    late = told["days_95"] > 7 * weeks
    tail = f", which {weeks} weeks of look-back do not see; raise lookback_weeks" if late else ""
    yield (
        CARE if late else GOOD,
        f"{told['changed']:.1%} of the values changed after they came out; 95 % stand after "
        f"{told['days_95']:.0f} days{tail}.",
    )


def _fresh(source: SourceSettings, measured: Mapping[str, Any]) -> Iterator[Sentence]:
    age = measured["freshness_days"]
    if age is not None:
        stale = age["max"] > source.freshness_days
        yield (
            CARE if stale else GOOD,
            f"Its newest date is {age['median']} day(s) old (median), {age['max']} at most; "
            f"{source.freshness_days} are allowed.",
        )
    share = measured["completeness"]
    if share is not None:
        yield _level(share, (0.98, 0.8)), f"It has {share:.1%} of the dates between its first and its last."


def _range(source: SourceSettings, measured: Mapping[str, Any]) -> Iterator[Sentence]:
    for name, told in measured["values"].items():
        if not told["cells"]:
            yield BAD, f"It has no value of {name}."
        elif told["outside"]:
            level = BAD if told["outside"] > source.expectations.max_out_of_range_share else CARE
            yield (
                level,
                f"{told['outside']:.2%} of {name} lie outside the declared range; they go from "
                f"{told['smallest']:g} to {told['largest']:g} {told['unit']}.",
            )
    unreadable = measured["unreadable"]
    if unreadable:
        level = BAD if unreadable > source.expectations.max_unreadable_share else CARE
        yield level, f"{unreadable:.2%} of its records have a date or value that can not be read."


def _schema(source: SourceSettings, measured: Mapping[str, Any]) -> Iterator[Sentence]:
    changes = measured["schema"]["changes"]
    if not changes:
        yield GOOD, "Its columns stayed the same."
        return
    last = changes[-1]
    gone = f"lost {', '.join(last['gone'])}" if last["gone"] else "lost none"
    new = f"got {', '.join(last['new'])}" if last["new"] else "got none"
    yield (
        CARE,
        f"Its columns changed {len(changes)} time(s), the last time on {last['at'][:10]}: {gone}, {new}.",
    )


def _twin(source: SourceSettings, measured: Mapping[str, Any]) -> Iterator[Sentence]:
    if source.twin is None:
        return
    if not measured["twin"]:
        yield CARE, f"It has no value in common with {source.twin}, so that nobody can tell which is right."
        return
    for variable, told in measured["twin"].items():
        unit = source.variable(variable).unit
        text = (
            f"Against {source.twin}, {variable} differs by {told['mae']:.3g} {unit} on average "
            f"(bias {told['bias']:+.3g}) on {told['cells']} common values"
        )
        if told["beyond"] is None:
            yield GOOD, f"{text}; no twin_tolerance says how much is too much."
        else:
            level = _level(1 - told["beyond"], (0.9, 0.5))
            yield level, f"{text}, by more than {told['tolerance']:g} on {told['beyond']:.0%}."
