"""The stage ``quarantine``: reviews the internal sources of a week and says what is used, and what waits.

If it fails: the error says which artefact is missing; clear the task, it overwrites its own output.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from steadycast import findings
from steadycast import schema as c
from steadycast.lake import Lake
from steadycast.progress import Progress, silent
from steadycast.publication import sealed
from steadycast.quarantine import decisions, filters, telling
from steadycast.quarantine.applying import newest_report, report_path
from steadycast.quarantine.review import CELL_DTYPES, none_held, review
from steadycast.settings import Settings, SourceSettings

STAGE: Final = "quarantine"


def run(
    lake: Lake,
    settings: Settings,
    *,
    as_of: dt.date,
    only: Sequence[str] | None = None,
    repoll: bool = False,
    progress: Progress = silent,
) -> str:
    """Review what is known of the target's source, of the internal sources, and of those with filters.

    Args:
        lake: where everything is.
        settings: which sources, and the rules.
        as_of: the run's Monday.
        only: these sources alone, for a run that reads no others; what an earlier report of the week says of
            the others stays.
        repoll: review a published week anew.
        progress: told about sources.

    Returns: path of the report. A published week keeps its report, and so the decisions that it was made of.

    Raises:
        ArtefactMissing: a source was not validated.
    """
    path = report_path(as_of)
    if not repoll and sealed(lake, as_of) and lake.exists(path):
        progress(f"week {as_of} is published, its decisions stand", 1, 1)
        return path
    names = [name for name in reviewed(settings) if only is None or name in only]
    before = newest_report(lake, as_of, before=True)
    cells, dropped, told = _others(lake, path, only)
    for done, name in enumerate(names):
        progress(f"reviewing {name}", done, len(names))
        found, out, facts = _source(lake, settings, settings.source(name), before, as_of)
        cells.append(found)
        dropped.append(out)
        told[name] = facts
    held = pd.concat(cells, ignore_index=True).astype(CELL_DTYPES)
    folder = f"runs/{as_of}/{STAGE}"
    report = {
        "as_of": as_of,
        "sources": told,
        "cells": lake.write_frame(f"{folder}/cells.parquet", held),
        "filtered": lake.write_frame(f"{folder}/filtered.parquet", _together(dropped)),
        **telling.facts(held, told),
    }
    findings.write(lake, telling.findings_of(held, told, settings), as_of=as_of, stage=STAGE)
    written = lake.write_json(path, report)
    progress(f"quarantine: {report['summary']}", len(names), len(names))
    return written


def reviewed(settings: Settings) -> list[str]:
    """The target's source, the internal ones and those with filters, in the order of the file."""
    return [
        source.name
        for source in settings.sources
        if source.name == settings.target.source or source.internal or source.filters
    ]


def _others(
    lake: Lake, path: str, only: Sequence[str] | None
) -> tuple[list[pd.DataFrame], list[pd.DataFrame], dict[str, dict[str, Any]]]:
    """What an earlier report of the week says of the sources that are not reviewed now."""
    if only is None or not lake.exists(path):
        return [none_held()], [], {}
    report = lake.read_json(path)
    kept = [lake.read_frame(report[name]) for name in ("cells", "filtered")]
    kept = [frame[~frame[c.SOURCE].isin(only)] for frame in kept]
    others = {name: told for name, told in report["sources"].items() if name not in only}
    return [none_held(), kept[0]], [kept[1]], others


def _source(
    lake: Lake,
    settings: Settings,
    source: SourceSettings,
    before: Mapping[str, Any] | None,
    as_of: dt.date,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """A source's cells, the rows that its filters leave out, and what the report says of it."""
    verdict = lake.read_json(f"runs/{as_of}/validate/{source.name}.json")
    rows = lake.observations(source.name).read(
        segments=verdict["segments"], end=as_of + dt.timedelta(weeks=source.ahead_weeks)
    )
    names = filters.left_out(rows, source.filters)
    out = rows[names != ""].assign(**{c.SOURCE: source.name})
    out[filters.FILTER] = names[names != ""]
    rules = _rules(settings, source)
    facts: dict[str, Any] = {
        "rules": rules,
        "filters": [rule.model_dump(mode="json") for rule in source.filters],
        "left_out": {rule.name: int((names == rule.name).sum()) for rule in source.filters},
        "rows": len(rows),
        "lapsed": [],
        "judged": source.name == settings.target.source or source.internal,
    }
    if not facts["judged"]:
        return none_held(), out, facts
    # what another rule flagged is judged anew
    known = before is not None and before["sources"].get(source.name, {}).get("rules") == rules
    earlier = none_held()
    if before is not None and known:
        earlier = lake.read_frame(before["cells"])
        earlier = earlier[earlier[c.SOURCE] == source.name].reset_index(drop=True)
    since, unreadable = _poll(lake, source.name, verdict, as_of)
    decided = decisions.every(lake, source.name)
    stay = rows[names == ""].reset_index(drop=True)
    if source.filters and len(unreadable):
        unreadable = unreadable[filters.left_out(unreadable, source.filters) == ""]
    found = review(
        source, settings.quarantine, stay, unreadable, earlier, decided, since=since if known else None
    )
    return found, out, {**facts, "lapsed": telling.lapsed(decided, found, stay)}


def _rules(settings: Settings, source: SourceSettings) -> dict[str, Any]:
    """What decides about flags; kept with the report so that a changed rule is noticed."""
    spikes = settings.quarantine.model_dump(mode="json", exclude={"answer_within_h"})
    ranges = {v.name: [v.minimum, v.maximum] for v in source.variables}
    return {"spikes": spikes, "ranges": ranges}


def _poll(
    lake: Lake, source: str, verdict: Mapping[str, Any], as_of: dt.date
) -> tuple[dt.date, pd.DataFrame]:
    """First date of the week's poll, and its cells that came as no number; nothing of a refused poll."""
    nothing = pd.DataFrame({n: pd.Series([], dtype=t) for n, t in c.POLL_DTYPES.items()})
    where = f"runs/{as_of}/ingest/{source}.json"
    if verdict["verdict"] not in ("pass", "warn") or not lake.exists(where):
        return as_of, nothing
    manifest = lake.read_json(where)
    poll = lake.read_frame(manifest["poll"])
    letters = poll[poll[c.DATE].notna() & poll[c.VALUE].isna() & poll[c.RAW].notna()]
    return dt.date.fromisoformat(manifest["window"]["start"]), letters.reset_index(drop=True)


def _together(dropped: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = {c.SOURCE: "str", **c.OBSERVATION_DTYPES, filters.FILTER: "str"}
    empty = pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in columns.items()})
    return pd.concat([empty, *(part[list(columns)] for part in dropped)], ignore_index=True).astype(columns)
