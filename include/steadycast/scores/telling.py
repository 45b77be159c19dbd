"""Scores in sentences that an analyst can quote, and as a table for the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd

from steadycast import schema
from steadycast.scores.scoring import (
    BEST,
    COUNT,
    GROUP,
    KEY,
    MODELS,
    OVERALL,
    RATIO,
    WEEKS,
    Scored,
    wape_name,
)

FEW_WEEKS: Final = 8
"""Below so many target weeks, a difference may be luck: forecasts of one week err together."""
_WORTH_SAYING = 0.05
_SHOWN = 3
MODEL_NAMES: Final = {model: model.replace("_", " ") for model in MODELS}
_TITLES = {
    OVERALL: "overall",
    schema.HORIZON: "horizon",
    schema.SEASON: "season",
    "inputs": "inputs",
    schema.WEEK: "target week",
}
_Row = pd.Series


def sentences(summary: pd.DataFrame, scored: Scored) -> list[str]:
    """What the scores say, the most important first.

    Args:
        summary: as ``summarise`` makes it, with at least one scored forecast.
        scored: for what could not be scored.
    """
    overall = _of(summary, OVERALL).iloc[0]
    told = [
        _headline(overall),
        *_weeks_won(summary, overall),
        *_intervals(summary, overall),
        *_horizons(summary),
    ]
    told += [*_inputs(summary), *_where_worse(summary), *_few(overall), *left_out(scored)]
    return told


def left_out(scored: Scored) -> list[str]:
    """What is not in the scores, and why."""
    told = []
    missing = scored.without_actual
    if len(missing):
        weeks = sorted({f"{week:%Y-%m-%d}" for week in missing[schema.WEEK]})
        told.append(
            f"Left out: {_count(len(missing), 'weekly value')} not complete yet, of "
            f"{_some(sorted(missing[schema.ENTITY].unique()))}, weeks {_some(weeks)}."
        )
    if scored.pending:
        told.append(f"{_count(scored.pending, 'forecast')} of weeks that are not over.")
    return told


def table(summary: pd.DataFrame) -> str:
    """WAPE in % of ours and of the benchmarks, ratio and coverage, as text with columns in line."""
    shown = [model for model in MODELS if summary[wape_name(model)].notna().any()]
    heads = ["", "", *(MODEL_NAMES[model] for model in shown), "best", "ratio", "in 80 %", "in 95 %", "n"]
    lines = [heads]
    for group, title in _TITLES.items():
        for i, row in enumerate(_of(summary, group).to_dict("records")):
            numbers = [_percent(row[wape_name(model)]) for model in shown]
            best = MODEL_NAMES.get(str(row[BEST]), "")
            ratio = "" if pd.isna(row[RATIO]) else f"{row[RATIO]:.2f}"
            covered = [_percent(row[schema.COVERAGE_80], 0), _percent(row[schema.COVERAGE_95], 0)]
            lines.append(
                [title if i == 0 else "", str(row[KEY]), *numbers, best, ratio, *covered, str(row[COUNT])]
            )
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _of(summary: pd.DataFrame, group: str) -> pd.DataFrame:
    return summary[summary[GROUP] == group]


def _headline(overall: _Row) -> str:
    ours = _percent(overall[wape_name(schema.OURS)])
    over = f"over {_count(overall[WEEKS], 'week')} and {_count(overall[COUNT], 'forecast')}"
    if pd.isna(overall[RATIO]):
        return f"Ours is off by {ours} % (WAPE) {over}; there is no benchmark to compare with."
    best, ratio = str(overall[BEST]), float(overall[RATIO])
    verb = "beats" if ratio < 1 else "loses to" if ratio > 1 else "equals"
    theirs = _percent(overall[wape_name(best)])
    return (
        f"Ours {ours} % {verb} {MODEL_NAMES[best]} {theirs} %, the best benchmark, {over} "
        f"(WAPE; {ratio:.2f} times its error)."
    )


def _weeks_won(summary: pd.DataFrame, overall: _Row) -> Iterator[str]:
    if pd.isna(overall[RATIO]):
        return
    weeks, best = _of(summary, schema.WEEK), str(overall[BEST])
    both = weeks[weeks[wape_name(best)].notna()]
    won = int((both[wape_name(schema.OURS)] < both[wape_name(best)]).sum())
    yield f"Ours was nearer than {MODEL_NAMES[best]} in {won} of {_count(len(both), 'week')}."


def _intervals(summary: pd.DataFrame, overall: _Row) -> Iterator[str]:
    in_80, in_95 = float(overall[schema.COVERAGE_80]), float(overall[schema.COVERAGE_95])
    text = f"The 80 % interval covered {_percent(in_80, 0)} % of the actual values, the 95 % interval "
    text += f"{_percent(in_95, 0)} %"
    by_week = _of(summary, schema.WEEK)[schema.COVERAGE_80]
    if len(by_week) >= FEW_WEEKS:
        # forecasts of one week miss together, so that weeks are what is counted
        by_chance = 2 * float(by_week.std()) / len(by_week) ** 0.5
        if abs(in_80 - 0.8) > by_chance:
            text += ": they are too narrow" if in_80 < 0.8 else ": they are wider than needed"
        elif abs(in_80 - 0.8) >= _WORTH_SAYING:
            text += f"; over {len(by_week)} weeks that may be chance"
    yield f"{text}."
    seasons = _of(summary, schema.SEASON)
    if len(seasons) > 1:
        parts = (
            f"{key} {_percent(share, 0)} %"
            for key, share in zip(seasons[KEY], seasons[schema.COVERAGE_80], strict=True)
        )
        yield f"By season the 80 % interval covered {', '.join(parts)}."


def _horizons(summary: pd.DataFrame) -> Iterator[str]:
    rows = _of(summary, schema.HORIZON)
    if len(rows) > 1:
        parts = (
            f"{key}: {_percent(share)} %"
            for key, share in zip(rows[KEY], rows[wape_name(schema.OURS)], strict=True)
        )
        yield f"Ours by weeks ahead: {', '.join(parts)}."


def _inputs(summary: pd.DataFrame) -> Iterator[str]:
    rows = _of(summary, "inputs").set_index(KEY)
    if "incomplete" in rows.index:
        share, number = rows[wape_name(schema.OURS)].to_dict(), rows[COUNT].to_dict()
        text = f"Made with incomplete inputs: {_count(number['incomplete'], 'forecast')}, off by "
        text += f"{_percent(share['incomplete'])} %"
        if "complete" in share:
            text += f"; the others by {_percent(share['complete'])} %"
        yield f"{text} (WAPE)."


def _where_worse(summary: pd.DataFrame) -> Iterator[str]:
    for group, plural in ((schema.ENTITY, "entities"), (schema.SEASON, "seasons")):
        rows = _of(summary, group)
        worse = rows[rows[RATIO] > 1].sort_values(RATIO, ascending=False, kind="stable")
        if len(worse) and len(rows) > 1:
            named = [
                f"{key} ({ratio:.2f} times its error)"
                for key, ratio in zip(worse[KEY], worse[RATIO], strict=True)
            ]
            yield f"Some benchmark did better in {len(worse)} of {len(rows)} {plural}: {_some(named)}."


def _few(overall: _Row) -> Iterator[str]:
    if overall[WEEKS] < FEW_WEEKS:
        yield f"Only {_count(overall[WEEKS], 'week')}: too few to tell skill from luck."


def _some(words: list[str]) -> str:
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _percent(share: float, decimals: int = 1) -> str:
    return "" if pd.isna(share) else f"{100 * share:.{decimals}f}"
