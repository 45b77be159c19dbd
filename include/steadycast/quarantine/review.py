"""Reviews what is known of one internal source: which values wait, and what was decided about them.

A value that was flagged stays flagged in the next weeks, whatever its neighbours become, until somebody
decides or the source changes it. Only what the week's poll could have changed is judged anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from steadycast import schema as c
from steadycast.quarantine import decisions, plausible
from steadycast.quarantine.decisions import Decision
from steadycast.quarantine.digits import read_anyway
from steadycast.settings import QuarantineSettings, SourceSettings

SEEN: Final = "seen"
ID: Final = "id"
CHOICE: Final = "choice"
USED: Final = "used"
DECISION: Final = "decision"
OWNER: Final = "owner"
REASON: Final = "reason"
VIA: Final = "via"
NAMED: Final = "named by a person"
CELL_DTYPES: Final[dict[str, str]] = {
    c.SOURCE: "str",
    **plausible.FLAG_DTYPES,
    SEEN: "str",
    ID: "str",
    CHOICE: "str",
    USED: "float64",
    DECISION: "str",
    OWNER: "str",
    REASON: "str",
    VIA: "str",
}
"""One row per value that is flagged or decided. VALUE is as the source gave it, NaN where SEEN is unreadable;
USED is what stands in the data, NaN where the value is left out. CHOICE is '' while nobody has decided."""
_KEY: Final = [c.ENTITY, c.DATE, c.VARIABLE, SEEN]
_FLAGGED: Final = [*c.CELL, c.VALUE, plausible.KIND, plausible.USUAL, plausible.PROPOSED, SEEN]


def review(
    source: SourceSettings,
    rules: QuarantineSettings,
    rows: pd.DataFrame,
    unreadable: pd.DataFrame,
    before: pd.DataFrame,
    decided: Sequence[Decision],
    *,
    since: dt.date | None,
) -> pd.DataFrame:
    """All values of a source that are flagged or decided.

    Args:
        source: its variables and cadence.
        rules: how far is too far.
        rows: entity, date, variable, value of all that is known now; the filters have been applied.
        unreadable: entity, date, variable, raw of cells that came as no number.
        before: CELL_DTYPES of the review before; empty if there was none.
        decided: all decisions about the source.
        since: first date that the week's poll could have changed; None judges everything.

    Returns: CELL_DTYPES sorted by date, entity, variable.
    """
    rows = rows[list(c.OBSERVATION_DTYPES)]
    parts = [
        plausible.implausible(rows, variable, source.cadence, rules, since=since)
        for variable in source.variables
    ]
    flagged = pd.concat(parts, ignore_index=True)
    flagged[SEEN] = _seen(flagged[c.VALUE])
    carried = _still_so(before, rows, since)
    letters = _unreadable(unreadable, rows)
    found = pd.concat([part[_FLAGGED] for part in (carried, flagged, letters)], ignore_index=True)
    named = _named(decided, rows, source.name)
    found = pd.concat([found, named[_FLAGGED]], ignore_index=True).drop_duplicates(_KEY, ignore_index=True)
    found = _with_decisions(found.assign(**{c.SOURCE: source.name}), decided)
    found = found[list(CELL_DTYPES)].astype(CELL_DTYPES)
    return found.sort_values([c.DATE, c.ENTITY, c.VARIABLE, SEEN], ignore_index=True)


def none_held() -> pd.DataFrame:
    """No value."""
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in CELL_DTYPES.items()})


def _seen(values: pd.Series) -> pd.Series:
    return values.map(decisions.seen).astype("str")


def _still_so(before: pd.DataFrame, rows: pd.DataFrame, since: dt.date | None) -> pd.DataFrame:
    """What was flagged before and has the same value now."""
    flagged = before[before[plausible.KIND] != NAMED]
    numbers = flagged[flagged[c.VALUE].notna()]
    same = numbers.merge(rows[list(c.OBSERVATION_DTYPES)], on=list(c.OBSERVATION_DTYPES), how="inner")
    # the poll says of its own dates what is unreadable now
    old = flagged[flagged[c.VALUE].isna()]
    old = old[old[c.DATE] < (old[c.DATE].min() if since is None else pd.Timestamp(since))]
    absent = old.merge(rows[list(c.CELL)], on=list(c.CELL), how="left", indicator=True)
    return pd.concat([same, absent[absent["_merge"] == "left_only"].drop(columns="_merge")])


def _unreadable(unreadable: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Cells that came as no number, where no older poll has one."""
    there = unreadable.merge(rows[list(c.CELL)], on=list(c.CELL), how="left", indicator=True)
    new = there[there["_merge"] == "left_only"].drop_duplicates(list(c.CELL))
    texts = new[c.RAW].astype("str")
    proposed = pd.Series([read_anyway(text) for text in texts], index=new.index, dtype="float64")
    columns: dict[str, Any] = {
        c.VALUE: float("nan"),
        plausible.KIND: plausible.UNREADABLE,
        plausible.USUAL: float("nan"),
        plausible.PROPOSED: proposed,
        SEEN: texts,
    }
    return new.assign(**columns)


def _named(decided: Sequence[Decision], rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """Values that look plausible, which a person decided about nevertheless."""
    cells = [cell for _, cell in decisions.standing(decided).values()]
    wanted = pd.DataFrame(
        {
            c.ENTITY: [cell.entity for cell in cells],
            c.DATE: pd.to_datetime([cell.date for cell in cells]),
            c.VARIABLE: [cell.variable for cell in cells],
            SEEN: [cell.seen for cell in cells],
        }
    ).astype({**{k: c.OBSERVATION_DTYPES[k] for k in c.CELL}, SEEN: "str"})
    now = wanted.merge(rows[list(c.OBSERVATION_DTYPES)], on=list(c.CELL), how="inner")
    now = now[now[SEEN] == _seen(now[c.VALUE])]
    nothing: dict[str, Any] = {
        plausible.KIND: NAMED,
        plausible.USUAL: float("nan"),
        plausible.PROPOSED: float("nan"),
    }
    return now.assign(**nothing)


def _with_decisions(found: pd.DataFrame, decided: Sequence[Decision]) -> pd.DataFrame:
    standing = decisions.standing(decided)
    source = str(found[c.SOURCE].iloc[0]) if len(found) else ""
    told = []
    days = found[c.DATE].dt.strftime("%Y-%m-%d")
    keys = zip(found[c.ENTITY], days, found[c.VARIABLE], found[SEEN], strict=True)
    for key, value in zip(keys, found[c.VALUE], strict=True):
        name = decisions.cell_id(source, key)
        if key not in standing:
            told.append((name, "", float("nan"), "", "", "", ""))
            continue
        decision, cell = standing[key]
        kept = decision.choice == "outlier-keep"
        used = value if kept else float("nan") if cell.value is None else cell.value
        told.append((name, decision.choice, used, decision.id, decision.owner, decision.reason, decision.via))
    columns = [ID, CHOICE, USED, DECISION, OWNER, REASON, VIA]
    return found.join(pd.DataFrame(told, columns=columns, index=found.index))
