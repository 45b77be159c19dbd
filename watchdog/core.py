"""Decides what to do from what was seen: no clock, no input, no output.

A problem is told once, when it is confirmed, and once more when it is over. What could not be seen is no
problem of its own: while the API server does not answer, nobody knows how the scheduler is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from steadycast.settings import WatchdogSettings
from watchdog.components import API, HEARTBEATS, not_seen, trouble
from watchdog.due import Due
from watchdog.memory import Memory, within_an_hour
from watchdog.seen import Seen

FALLBACK_AGAIN = dt.timedelta(minutes=5)
AHEAD = dt.timedelta(minutes=2)
"""A run that is dated further ahead than this begins again; what is less has passed by itself before."""


@dataclass(frozen=True)
class Restart:
    """Stop and start a component."""

    component: str
    why: str


@dataclass(frozen=True)
class CreateRun:
    """Create the week's run."""

    week: dt.date


@dataclass(frozen=True)
class BeginAgain:
    """End a run and create one in its place."""

    run: str
    week: str
    why: str


@dataclass(frozen=True)
class PublishFallback:
    """Publish the week's fallback."""

    week: dt.date
    reason: str


@dataclass(frozen=True)
class Tell:
    """Send a message."""

    text: str


Deed = Restart | CreateRun | BeginAgain | PublishFallback
Action = Deed | Tell
DOES = {Restart: "it is restarted", CreateRun: "it is created", BeginAgain: "it begins again"}
"""What is told of a deed beside its problem; a fallback tells of itself."""


def key_of(action: Deed) -> str:
    """Key of the problem that an action is to mend."""
    if isinstance(action, Restart):
        return action.component
    if isinstance(action, BeginAgain):
        return f"clock {action.run}"
    return f"{'run' if isinstance(action, CreateRun) else 'publication'} {action.week}"


def decide(
    seen: Seen, settings: WatchdogSettings, memory: Memory, *, dag: str = "weekly_forecast"
) -> tuple[list[Action], Memory]:
    """What to do now, and what to remember.

    Args:
        seen: this look.
        settings: the limits.
        memory: of the looks before; not changed.
        dag: name of the weekly DAG, for the texts.
    """
    new = memory.model_copy(deep=True)
    if seen.paused is not None:
        new.paused = seen.paused
    if seen.api is None:
        new.api_answered = seen.at
    found, unknown = _problems(seen, settings, new, dag)
    confirmed = _confirmed(found, unknown, settings, new)
    actions: list[Action] = []
    for component, why in confirmed.items():
        if component in seen.programs:
            actions += _mend(component, why, seen, settings, new)
    actions += _run(seen, settings, confirmed, dag)
    actions += _set_back(seen, confirmed)
    actions += _fallback(seen, settings, new)
    actions += _news(confirmed, unknown, actions, new, seen.due)
    new.failed = {key: why for key, why in new.failed.items() if key in new.open or key in new.suspicions}
    return actions, new


def _problems(
    seen: Seen, settings: WatchdogSettings, memory: Memory, dag: str
) -> tuple[dict[str, str], set[str]]:
    """Problems of this look by key, and keys that nobody can tell about now."""
    found: dict[str, str] = {}
    unknown: set[str] = set()
    for component in dict.fromkeys((API, *HEARTBEATS.values(), *seen.programs, *seen.heartbeats)):
        why = trouble(component, seen, settings, memory)
        if why:
            found[component] = why
        elif not_seen(component, seen, settings):
            unknown.add(component)
    if seen.workers is None:
        unknown.add("workers")
    if seen.api is not None:
        unknown.add("database")
    elif seen.database:
        found["database"] = f"Airflow's database: {seen.database}"
    if seen.broker:
        found["broker"] = f"the broker of the Celery workers does not answer: {seen.broker}"
    elif seen.workers is not None and len(seen.workers) < settings.celery_workers:
        there = f"{len(seen.workers)} of {settings.celery_workers}"
        found["workers"] = f"{there} Celery workers answer ({', '.join(seen.workers) or 'none'})"
    _lake(seen, found, unknown)
    _clock(seen, memory, found, unknown)
    _week(seen, settings, memory, dag, found, unknown)
    return found, unknown


def _lake(seen: Seen, found: dict[str, str], unknown: set[str]) -> None:
    if seen.lake:
        found["lake"] = f"the lake does not answer: {seen.lake}"
    if seen.overdue is None:
        unknown.add("alerts")
    elif seen.overdue:
        shown = "; ".join(seen.overdue[:3]) + (" and more" if len(seen.overdue) > 3 else "")
        found["alerts"] = f"{len(seen.overdue)} alert(s) have reached nobody in time: {shown}"


def _clock(seen: Seen, memory: Memory, found: dict[str, str], unknown: set[str]) -> None:
    """Airflow does nothing for a run that is dated ahead; all that began before a clock was set back are.

    What counts is Airflow's clock: the watchdog's own may be another.
    """
    now = seen.airflow_at
    if seen.running is None or now is None:
        unknown.update(key for key in (*memory.suspicions, *memory.open) if key.startswith("clock "))
        return
    for run in seen.running:
        if run.after - now > AHEAD:
            minutes = (run.after - now).total_seconds() / 60
            found[f"clock {run.id}"] = (
                f"the run of week {run.week} is dated {minutes:.0f} min ahead, since the clock was set back: "
                "Airflow would let it rest until then"
            )


def _set_back(seen: Seen, confirmed: Mapping[str, str]) -> list[Action]:
    return [
        BeginAgain(run.id, run.week, confirmed[f"clock {run.id}"])
        for run in seen.running or ()
        if f"clock {run.id}" in confirmed
    ]


def _week(
    seen: Seen,
    settings: WatchdogSettings,
    memory: Memory,
    dag: str,
    found: dict[str, str],
    unknown: set[str],
) -> None:
    due = seen.due
    if due is None:
        return
    run, late = f"run {due.week}", f"publication {due.week}"
    since = seen.at - due.at
    if memory.paused:
        if not seen.published:
            found[run] = f"{dag} is paused, so that week {due.week} does not run; unpause it in the web UI"
        return
    if seen.runs is None:
        unknown.add(run)
    elif not seen.runs and not seen.published and since > dt.timedelta(minutes=settings.start_grace_min):
        found[run] = f"the run of week {due.week} was due at {due.at:%Y-%m-%d %H:%M} UTC and is not there"
    if seen.published is None:
        unknown.add(late)
    elif seen.published in ("", "fallback") and since > dt.timedelta(hours=settings.publish_deadline_h):
        what = "only a fallback is published" if seen.published else "nothing is published"
        found[late] = f"week {due.week}: {what}; {_state_of_run(seen)}"


def _state_of_run(seen: Seen) -> str:
    if seen.runs is None:
        return "Airflow could not be asked about its run"
    if not seen.runs:
        return "its run has not started"
    state = seen.runs[-1]
    return {"success": "its run ended without publishing", "failed": "its run failed"}.get(
        state, f"its run was {state} at the deadline"
    )


def _confirmed(
    found: Mapping[str, str], unknown: set[str], settings: WatchdogSettings, memory: Memory
) -> dict[str, str]:
    """Problems seen often enough in a row; what is not known now neither counts nor forgets."""
    memory.suspicions = {
        **{key: count for key, count in memory.suspicions.items() if key in unknown},
        **{key: memory.suspicions.get(key, 0) + 1 for key in found},
    }
    return {
        key: text
        for key, text in found.items()
        if memory.suspicions[key] >= settings.confirmations or key in memory.open
    }


def _mend(component: str, why: str, seen: Seen, settings: WatchdogSettings, memory: Memory) -> list[Action]:
    recent = within_an_hour(memory.restarts.get(component, []), seen.at)
    memory.restarts[component] = recent
    if recent and (seen.at - recent[-1]).total_seconds() < settings.interval_s * settings.confirmations:
        return []
    if len(recent) >= settings.restarts_per_hour:
        key = f"{component} restarts"
        text = f"{component} was restarted {len(recent)} times within an hour and {why}; a person has to look"
        told = key in memory.open
        memory.open[key] = text
        return [] if told else [Tell(text)]
    recent.append(seen.at)
    memory.suspicions.pop(component, None)
    return [Restart(component, why)]


def _run(seen: Seen, settings: WatchdogSettings, confirmed: Mapping[str, str], dag: str) -> list[Action]:
    if seen.due is None or f"run {seen.due.week}" not in confirmed or seen.runs is None or seen.paused:
        return []
    return [CreateRun(seen.due.week)]


def _fallback(seen: Seen, settings: WatchdogSettings, memory: Memory) -> list[Action]:
    """At the deadline, whatever Airflow's state is; not for a week that a person keeps from running."""
    due = seen.due
    if due is None or seen.published != "" or memory.paused:
        return []
    if seen.at - due.at <= dt.timedelta(hours=settings.publish_deadline_h):
        return []
    tried = memory.fallback_tried.get(str(due.week))
    if tried and dt.timedelta(0) <= seen.at - tried < FALLBACK_AGAIN:
        return []
    memory.fallback_tried = {str(due.week): seen.at}
    return [PublishFallback(due.week, f"the forecast was not there by its deadline, {_state_of_run(seen)}")]


def _news(
    confirmed: Mapping[str, str],
    unknown: set[str],
    actions: list[Action],
    memory: Memory,
    due: Due | None,
) -> list[Action]:
    news: list[Action] = []
    week = str(due.week) if due else ""
    does = {
        key_of(action): f"; {DOES[type(action)]}"
        for action in actions
        if isinstance(action, Restart | CreateRun | BeginAgain)
    }
    for key, text in confirmed.items():
        if key not in memory.open:
            news.append(Tell(f"{text}{does.get(key, '')}"))
        memory.open[key] = text
    for key in list(memory.open):
        base = key.removesuffix(" restarts")
        if base not in confirmed and base not in unknown and memory.suspicions.get(base, 0) == 0:
            past = key.startswith(("run ", "publication ")) and key.split()[-1] != week
            word = "another week is due now, no longer watched" if past else "resolved"
            news.append(Tell(f"{word}: {memory.open.pop(key)}"))
    return news
