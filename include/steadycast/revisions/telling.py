"""Says what a source did to its past in sentences, for the gate, the forecast's reasons and the alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from steadycast.findings import Finding
from steadycast.revisions import kinds
from steadycast.revisions.review import Alarm
from steadycast.settings import SourceSettings

_SHOWN: Final = 3
_IS: Final = {
    kinds.SCALED: "is scaled",
    kinds.OFFSET: "is offset",
    kinds.UNIT: "seems to have another unit",
    kinds.SHIFT_DAY: "is shifted by a day",
    kinds.SHIFT_WEEK: "is shifted by a week",
    kinds.SHIFT: "is shifted",
    kinds.STUCK: "is stuck",
    kinds.SWAPPED: "has changed places",
    kinds.HOLES: "has holes",
    kinds.CUT: "is cut at another midnight",
    kinds.DELETED: "is no longer reported",
    kinds.OUTLIER: "has single values that stand out",
    kinds.REWRITTEN: "is rewritten",
    kinds.CREEP: "creeps away from its first version",
    kinds.CORRECTED: "is corrected",
}


def alarm_json(alarm: Alarm, held: int) -> dict[str, Any]:
    """An alarm as the report keeps it."""
    return {
        "kind": alarm.kind,
        "detail": alarm.detail,
        "variable": alarm.variable,
        "entities": list(alarm.entities),
        "start": alarm.start.date(),
        "end": alarm.end.date(),
        "cells": alarm.cells,
        "known": alarm.known,
        "held": held,
        "largest": alarm.largest,
        "material": alarm.material,
    }


def sentence(source: SourceSettings, alarm: Mapping[str, Any]) -> str:
    """What happened, where, how much, and what is used in its place.

    Args:
        source: its name and units.
        alarm: as ``alarm_json`` makes it.
    """
    unit = source.variable(alarm["variable"]).unit
    detail = f" ({alarm['detail']})" if alarm["detail"] else ""
    cells, known = alarm["cells"], alarm["known"]
    what = (
        f"{known} values known before" if known == cells else f"{cells} values, {known} of them known before"
    )
    if not known:
        what = f"{cells} new values"
    largest = alarm["largest"]
    most = f", changed by up to {largest:+.6g} {unit}" if largest is not None and known else ""
    return (
        f"{source.name}: {alarm['variable']} of {few(alarm['entities'])} {_IS[alarm['kind']]}{detail} "
        f"from {alarm['start']} to {alarm['end']}: {what}{most}; {_done(alarm)}"
    )


def _done(alarm: Mapping[str, Any]) -> str:
    if alarm["kind"] in (kinds.DELETED, kinds.HOLES):
        return "what was known before still serves" if alarm["known"] else "nothing stands in for them here"
    if alarm["held"] == 0:
        return "the values are used as told" if alarm["material"] else "too small to matter, used as told"
    kept = "the earlier values are kept" if alarm["known"] else "they are left out"
    part = "" if alarm["held"] == alarm["cells"] else f" ({alarm['held']} of {alarm['cells']})"
    return kept + part


def findings_of(
    source: SourceSettings, report: Mapping[str, Any], impact: Sequence[str] = ()
) -> list[Finding]:
    """One finding per alarm.

    Args:
        source: the source.
        report: of the week's revisions.
        impact: what believing the provider would do to the forecast, in sentences; once it is known.
    """
    return [
        Finding(
            kind="revision",
            severity="warning" if alarm["material"] and alarm["kind"] != kinds.CORRECTED else "info",
            key=f"revision/{source.name}/{alarm['variable']}/{alarm['kind'].replace(' ', '_')}",
            title=f"{source.name}: {alarm['variable']} of {few(alarm['entities'])} {_IS[alarm['kind']]}",
            text=". ".join([sentence(source, alarm), *(impact if alarm["material"] else ())]),
            next=_next(source, report, alarm),
            source=source.name,
        )
        for alarm in report["alarms"]
    ]


def _next(source: SourceSettings, report: Mapping[str, Any], alarm: Mapping[str, Any]) -> str:
    if not alarm["held"]:
        return f"Ask the provider of {source.name} if the values are meant."
    return (
        f"Ask the provider of {source.name}. If the values are right: python -m steadycast.revisions believe "
        f"{source.name} --week {report['as_of']} --by NAME --lake LAKE, then clear validate of {source.name}."
    )


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def held_of(cells: pd.DataFrame, alarm: Alarm) -> int:
    """How many of an alarm's cells are kept out."""
    mine = (cells["variable"] == alarm.variable) & (cells["kind"] == alarm.kind) & cells["held"]
    return int(mine.sum())
