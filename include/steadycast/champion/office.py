"""Who is champion in which week: an append-only list of promotions and rollbacks in the lake.

A champion is a named variation of the model's settings, trained anew each week. A change counts from a week
on, so that an old week that is made again has the champion that it had.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from steadycast.errors import DecisionRefused
from steadycast.lake import Lake
from steadycast.settings import ModelSettings, Settings

BASE: Final = "base"
"""Name of the model as ``forecast.model`` of pipeline.yaml has it."""
_FOLDER = "champion/events"
Kind = Literal["promoted", "rolled back"]


@dataclass(frozen=True)
class Event:
    """A change of champion.

    Attributes:
        week: the first Monday that it counts for, ISO.
        champion: who it is from then on.
        before: who it was until then.
        kind: how it came about.
        by: who decided; ``rule`` for the rule.
        reason: in words.
        at: when it was decided, ISO.
    """

    week: str
    champion: str
    before: str
    kind: Kind
    by: str
    reason: str
    at: str


_MEMORY: Final = re.compile(r"memory_(\d{2,4})")


def names(settings: Settings) -> tuple[str, ...]:
    """All models that the settings name, ``base`` first."""
    return (BASE, *settings.forecast.challengers)


def variation(settings: Settings, name: str) -> Settings:
    """The settings with that model in the place of ``forecast.model``, and no challengers beside it.

    ``memory_112`` is ``base`` with 112 weeks of history: it is tried after a break without being declared.

    Raises:
        DecisionRefused: the settings have no such challenger.
    """
    forecast = settings.forecast
    if name == BASE:
        model = forecast.model
    elif name in forecast.challengers:
        model = ModelSettings.model_validate(forecast.model.model_dump() | forecast.challengers[name])
    elif memory := _MEMORY.fullmatch(name):
        fields = forecast.model.model_dump() | {"history_weeks": int(memory[1])}
        model = ModelSettings.model_validate(fields)
    else:
        raise DecisionRefused(
            f"there is no challenger {name!r} in forecast.challengers",
            remedy=f"name one of {', '.join(names(settings))}, or add it to pipeline.yaml",
        )
    update = {"model": model, "challengers": {}}
    return settings.model_copy(update={"forecast": forecast.model_copy(update=update)})


def events(lake: Lake) -> list[Event]:
    """All changes in the order in which they were decided."""
    return [Event(**lake.read_json(path)) for path in sorted(lake.list(_FOLDER))]


def history(lake: Lake, as_of: dt.date) -> list[Event]:
    """The changes that count in a week; later ones are not looked at."""
    return [event for event in events(lake) if event.week <= as_of.isoformat()]


def champion(lake: Lake, settings: Settings, as_of: dt.date) -> str:
    """Who is champion in a week; ``base`` if nobody was promoted, or if the settings name them no more."""
    counting = history(lake, as_of)
    name = counting[-1].champion if counting else BASE
    return name if name in names(settings) or _MEMORY.fullmatch(name) else BASE


def since(lake: Lake, as_of: dt.date) -> dt.date | None:
    """The first week of the champion's office; None if it was always the same."""
    counting = history(lake, as_of)
    return dt.date.fromisoformat(counting[-1].week) if counting else None


def promote(
    lake: Lake, settings: Settings, name: str, *, week: dt.date, by: str, reason: str, at: str
) -> Event:
    """Make a challenger the champion from a week on; the same promotion twice is one.

    Raises:
        DecisionRefused: there is no such challenger, it is champion already, or a later week has a change.
    """
    variation(settings, name)  # refuses an unknown name
    before = champion(lake, settings, week)
    for event in events(lake):
        if (event.week, event.champion, event.kind) == (week.isoformat(), name, "promoted"):
            return event
    if before == name:
        raise DecisionRefused(f"{name} is champion already", remedy="nothing is to be done")
    return _append(lake, Event(week.isoformat(), name, before, "promoted", by, reason, at))


def rollback(lake: Lake, settings: Settings, *, week: dt.date, by: str, reason: str, at: str) -> Event:
    """Bring back, from a week on, whoever was champion before the last change.

    Raises:
        DecisionRefused: nothing was changed that counts in that week.
    """
    now = champion(lake, settings, week)
    for event in reversed(history(lake, week)):
        if event.champion == now and event.before != now:
            return _append(lake, Event(week.isoformat(), event.before, now, "rolled back", by, reason, at))
    raise DecisionRefused(
        f"{now} was champion from the beginning, there is nobody to go back to",
        remedy="promote another model with `python -m steadycast.champion promote`",
    )


def _append(lake: Lake, event: Event) -> Event:
    """Write the event under the next free number; whoever else writes meanwhile gets the one after it."""
    last = events(lake)
    if last and last[-1].week > event.week:
        raise DecisionRefused(
            f"a change from {last[-1].week} on is decided already, {event.week} is before it",
            remedy=f"choose {last[-1].week} or a later week",
        )
    data = json.dumps(asdict(event), indent=1).encode()
    number = len(last) + 1
    while not lake.write_bytes_if_absent(f"{_FOLDER}/{number:06d}.json", data):
        number += 1
    return event


def told(event: Event) -> dict[str, Any]:
    """The event for a report."""
    return asdict(event)
