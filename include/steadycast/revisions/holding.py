"""Which suspicious cells are kept out of a week, and the segment that counts without them.

The poll's own segment stays as the provider told it. Where cells are kept out, a second segment of the rest
is stored half a second later and counts in its place, so that the earlier version of a known cell stands and
a faulty new one is missing. A cell that was kept out stays out while the provider tells the same value, until
it has done so often enough or a person has accepted the poll's own segment
(``python -m steadycast.revisions believe``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import pandas as pd

from steadycast import schema as c
from steadycast.lake import Lake
from steadycast.lake.segments import place
from steadycast.revisions import kinds
from steadycast.revisions.review import BEFORE, CELL_DTYPES, KIND, MATERIAL
from steadycast.settings import SourceSettings

HELD: Final = "held"
WEEKS: Final = "weeks"
HELD_DTYPES: Final[dict[str, str]] = {**CELL_DTYPES, HELD: "bool", WEEKS: "int64"}
"""HELD: kept out of the week. WEEKS: polls in a row that told this suspicious value."""

_LATER: Final = dt.timedelta(milliseconds=500)
_ATTEMPTS: Final = 100
_NEVER: Final = (kinds.CORRECTED, kinds.DELETED, kinds.HOLES)
"""Nothing to keep out: a repair, or no value at all."""


def held(
    source: SourceSettings, cells: pd.DataFrame, last_week: pd.DataFrame, poll: pd.DataFrame
) -> pd.DataFrame:
    """Decide which cells are kept out.

    Args:
        source: its rules.
        cells: CELL_DTYPES, this week's suspicious cells; not changed.
        last_week: HELD_DTYPES of the week before.
        poll: entity, date, variable, value of this week's poll.

    Returns: HELD_DTYPES: the suspicious cells, and those kept out last week that are told again.
    """
    keys = list(c.CELL)
    again = last_week[last_week[HELD]].merge(poll[[*keys, c.VALUE]], on=[*keys, c.VALUE])
    mine = pd.MultiIndex.from_frame(cells[keys])
    others = again[~pd.MultiIndex.from_frame(again[keys]).isin(mine)]
    both = pd.concat([cells, others[list(CELL_DTYPES)]], ignore_index=True).astype(CELL_DTYPES)
    before = both[[*keys, c.VALUE]].merge(last_week[[*keys, c.VALUE, WEEKS]], on=[*keys, c.VALUE], how="left")
    weeks = before[WEEKS].fillna(0).astype("int64") + 1
    known = both[BEFORE].notna()
    keep = known & (source.revisions.known_values == "keep")
    keep |= ~known & (_new_values(source) == "leave_out")
    keep &= both[MATERIAL] & both[c.VALUE].notna() & ~both[KIND].isin(_NEVER)
    keep &= weeks.to_numpy() <= source.revisions.believe_after_weeks
    found = both.copy()
    found[HELD], found[WEEKS] = keep, weeks.to_numpy()
    found = found.astype(HELD_DTYPES)
    return found.sort_values([c.VARIABLE, c.ENTITY, c.DATE], ignore_index=True)


def _new_values(source: SourceSettings) -> str:
    return source.revisions.new_values or ("use" if source.role == "fundamental" else "leave_out")


def none_held() -> pd.DataFrame:
    """HELD_DTYPES without a row."""
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in HELD_DTYPES.items()})


def suspicious(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that matter and could be kept out, whatever the rules say."""
    return cells[cells[MATERIAL] & cells[c.VALUE].notna() & ~cells[KIND].isin(_NEVER)]


def without(lake: Lake, source: str, segment: str, out: pd.DataFrame) -> str:
    """Store the rest of a poll as a segment of its own, half a second later; nothing counts by it yet.

    Args:
        lake: where.
        source: its name.
        segment: the poll's own segment.
        out: entity, date, variable of the cells that it shall not have.

    Returns: name of the segment; the same rest gives the same one.
    """
    observations = lake.observations(source)
    told = observations.read(segments=[segment])
    keys = list(c.CELL)
    rest = told[~pd.MultiIndex.from_frame(told[keys]).isin(pd.MultiIndex.from_frame(out[keys]))]
    at = place(segment)
    if at is None:
        raise ValueError(f"{segment!r} is no name of a segment")
    for step in range(_ATTEMPTS):
        name = observations.append(rest, at.retrieved_at + _LATER + dt.timedelta(microseconds=step)).segment
        stored = observations.read(segments=[name])[[*keys, c.VALUE]]
        if len(stored) == len(rest) and len(stored.merge(rest, on=[*keys, c.VALUE])) == len(rest):
            return name
    raise ValueError(
        f"{source}: {_ATTEMPTS} different rests of {segment} are stored; clear ingest of the week"
    )


def settle(lake: Lake, source: str, own: str, rest: str | None, why: Sequence[str], *, by: str) -> str:
    """Accept the poll's own segment or the rest of it, and make sure that no other rest of it counts.

    Args:
        lake: where.
        source: its name.
        own: the poll's own segment.
        rest: the segment to count in place of the poll's own; None if all of it counts.
        why: reasons, if not all of it counts.
        by: who judges.

    Returns: the segment that counts.
    """
    observations = lake.observations(source)
    counts = own if rest is None else rest
    for other in _rests(lake, source, own):
        if other != counts:
            observations.reject(other, by=by, why=[f"{counts} counts in its place"])
    if rest is not None:
        observations.reject(own, by=by, why=list(why))
    observations.accept(counts, by=by)
    return counts


def _rests(lake: Lake, source: str, segment: str) -> list[str]:
    """Accepted rests of the polls of this moment."""
    at = place(segment)
    first = None if at is None else at.retrieved_at + _LATER - dt.timedelta(microseconds=_ATTEMPTS)
    found = []
    for name in lake.observations(source).segments():
        other = place(name)
        if (
            first is not None
            and other is not None
            and 0 <= (other.retrieved_at - first).total_seconds() < 1e-3
        ):
            found.append(name)
    return found


def believed(lake: Lake, source: str, segment: str, *, by: str) -> str | None:
    """The person who accepted the poll as it came; None if nobody did.

    Args:
        lake: where.
        source: its name.
        segment: the poll's own segment.
        by: the gate's name, which is no person.
    """
    where = f"verdicts/{source}/{segment}.json"
    if not lake.exists(where):
        return None
    told = lake.read_json(where)
    person = str(told["by"])
    return person if told["verdict"] == "accepted" and person != by else None
