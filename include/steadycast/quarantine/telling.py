"""What the quarantine says to people: findings, the facts of the manifest, tables of values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from steadycast import schema as c
from steadycast.findings import Finding
from steadycast.quarantine import decisions
from steadycast.quarantine.decisions import Decision
from steadycast.quarantine.plausible import KIND, PROPOSED, USUAL
from steadycast.quarantine.review import CHOICE, DECISION, ID, OWNER, REASON, SEEN, USED, VIA
from steadycast.settings import Settings

_SHOWN: Final = 5


def facts(held: pd.DataFrame, sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the report and the publication's manifest say: decisions used, values that wait, filters' counts.

    Args:
        held: CELL_DTYPES.
        sources: per source, what was reviewed.
    """
    waiting = int((held[CHOICE] == "").sum())
    used = used_decisions(held)
    filtered = {name: dict(told["left_out"]) for name, told in sources.items() if told["left_out"]}
    out = sum(count for by_rule in filtered.values() for count in by_rule.values())
    summary = f"{waiting} value(s) wait for a decision and are left out, {len(used)} decision(s) used"
    if filtered:
        summary += f", {out} value(s) left out by filters"
    return {
        "undecided": waiting,
        "decisions": used,
        "filtered_values": filtered,
        "lapsed": [one for told in sources.values() for one in told["lapsed"]],
        "summary": summary,
    }


def used_decisions(held: pd.DataFrame) -> list[dict[str, Any]]:
    """Each decision about the held cells once, with the number of cells that it is about here."""
    decided = held[held[CHOICE] != ""]
    columns = [DECISION, c.SOURCE, CHOICE, OWNER, REASON, VIA]
    counted = decided.groupby(columns, sort=True).size()
    return [
        {**dict(zip(("id", *columns[1:]), keys, strict=True)), "cells": int(count)}
        for keys, count in counted.items()
        if isinstance(keys, tuple)
    ]


def lapsed(decided: Sequence[Decision], held: pd.DataFrame, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Decisions whose cell has another value now; one about the new value takes their place.

    Args:
        decided: all about the source.
        held: CELL_DTYPES, as reviewed.
        rows: what is known now.
    """
    days = held[c.DATE].dt.strftime("%Y-%m-%d")
    fits = set(zip(held[c.ENTITY], days, held[c.VARIABLE], held[SEEN], strict=True))
    renewed = {key[:3] for key, choice in zip(_keys(held), held[CHOICE], strict=True) if choice}
    old = {
        key[:3]: (decision, cell)
        for key, (decision, cell) in decisions.standing(decided).items()
        if key not in fits and key[:3] not in renewed
    }
    if not old:
        return []
    wanted = rows[rows[c.DATE].isin(pd.to_datetime(sorted({key[1] for key in old})))]
    now = {key[:3]: float(value) for key, value in zip(_keys(wanted), wanted[c.VALUE], strict=True)}
    return [
        {
            "id": decision.id, "source": decision.source, "choice": decision.choice, "owner": decision.owner,
            "entity": cell.entity, "date": cell.date, "variable": cell.variable, "seen": cell.seen,
            "now": now.get(key),
        }
        for key, (decision, cell) in sorted(old.items())
    ]  # fmt: skip


def _keys(rows: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    return zip(rows[c.ENTITY], rows[c.DATE].dt.strftime("%Y-%m-%d"), rows[c.VARIABLE], strict=True)


def findings_of(
    held: pd.DataFrame, sources: Mapping[str, Mapping[str, Any]], settings: Settings
) -> list[Finding]:
    """One finding per variable for all that waits, per filter, and per source for lapsed decisions."""
    found = []
    waiting = held[held[CHOICE] == ""]
    for (source, variable), rows in waiting.groupby([c.SOURCE, c.VARIABLE]):
        found.append(_waiting(str(source), str(variable), rows, settings))
    for source, told in sources.items():
        for rule in told["filters"]:
            found.append(_filtered(source, rule, told["left_out"][rule["name"]], told["rows"]))
        if told["lapsed"]:
            found.append(_lapsed(source, told["lapsed"]))
    return found


def _waiting(source: str, variable: str, rows: pd.DataFrame, settings: Settings) -> Finding:
    unit = settings.source(source).variable(variable).unit
    newest = rows.sort_values(c.DATE, ascending=False, kind="stable").head(_SHOWN)
    more = len(rows) - len(newest)
    texts = [sentence(row, unit) for row in newest.to_dict("records")]
    many = f"{len(rows)} values wait" if len(rows) > 1 else "1 value waits"
    ids = hashlib.sha256(" ".join(sorted(rows[ID])).encode()).hexdigest()[:8]
    return Finding(
        kind="quarantine",
        severity="warning",
        key=f"quarantine/{source}/{variable}/{ids}",
        title=f"{source}: {many} for a decision",
        text=f"{'; '.join(texts)}{f'; and {more} more' if more else ''}. Until somebody decides they are "
        "kept, and left out of training; a week of which a day is left out has no sum.",
        next="answer in Airflow (DAG decisions, Required Actions), or: python -m steadycast.quarantine list",
        source=source,
    )


def _filtered(source: str, rule: Mapping[str, Any], count: int, rows: int) -> Finding:
    why = f" ({rule['why']})" if rule["why"] else ""
    return Finding(
        kind="quarantine",
        severity="info",
        key=f"quarantine/{source}/filter/{rule['name']}",
        title=f"{source}: filter {rule['name']} leaves out {count} of {rows} values",
        text=f"The filter {rule['name']}{why} left out {count} of {rows} values of {source}, as declared.",
        next="if that is not what is meant, correct `filters` of the source in pipeline.yaml",
        source=source,
    )


def _lapsed(source: str, lapsed: Sequence[Mapping[str, Any]]) -> Finding:
    first = lapsed[0]
    now = "it has none now" if first["now"] is None else f"it is {first['now']:g} now"
    more = f", and {len(lapsed) - 1} more" if len(lapsed) > 1 else ""
    return Finding(
        kind="quarantine",
        severity="info",
        key=f"quarantine/{source}/lapsed/{first['id']}",
        title=f"{source}: {len(lapsed)} decision(s) lapsed because the source changed the value",
        text=f"{first['owner']} decided {first['choice']} about {first['variable']} of {first['entity']} on "
        f"{first['date']}, which was {first['seen']}; {now}{more}. The source's own value is used.",
        next="nothing, unless the new value is wrong too; then decide again",
        source=source,
    )


def sentence(row: Mapping[Any, Any], unit: str) -> str:
    """One value in words: what it is, why it is flagged, and what may have been meant."""
    what = f"{row[c.VARIABLE]} of {row[c.ENTITY]} on {row[c.DATE]:%Y-%m-%d} is {_short(row[SEEN])} {unit}"
    why = f"{row[KIND]}"
    if pd.notna(row[USUAL]):
        why += f", usual is {row[USUAL]:.4g}"
    if pd.notna(row[PROPOSED]):
        why += f", maybe {row[PROPOSED]:g} was meant"
    return f"{what} ({why})"


def _short(seen: str) -> str:
    try:
        return f"{float(seen):g}"
    except ValueError:
        return repr(seen)


def table(held: pd.DataFrame) -> str:
    """Values as a table in Markdown, in the order given, with the ids that decisions name them by."""
    head = "| id | source | variable | entity | date | value | usual | why | maybe meant | decision |"
    lines = [head, "|" + " --- |" * 10]
    for row in held.to_dict("records"):
        decided = row[CHOICE]
        if row[CHOICE] == "error-correct":
            decided += f" {row[USED]:g}"
        cells = [
            row[ID], row[c.SOURCE], row[c.VARIABLE], row[c.ENTITY], f"{row[c.DATE]:%Y-%m-%d}",
            _short(row[SEEN]).replace("|", "\\|"), _number(row[USUAL], ".4g"), row[KIND],
            _number(row[PROPOSED], "g"), decided,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float, form: str) -> str:
    return "" if pd.isna(value) else format(value, form)
