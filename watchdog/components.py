"""Judges each component from one look: dead, wedged, still starting, or well. No clock, no input."""

from __future__ import annotations

import datetime as dt

from steadycast.settings import WatchdogSettings
from watchdog.memory import Memory, within_an_hour
from watchdog.seen import Seen

API = "api-server"
HEARTBEATS = {"scheduler": "scheduler", "dag_processor": "dag-processor", "triggerer": "triggerer"}
"""Name in the health endpoint's answer, and name of the component."""
DELIVERER = "deliverer"
DELIVERER_SILENCE_S = 150.0
"""Of the process that sends the alerts: one look of it may take so long when all channels hang."""
DEAD = {"FATAL", "EXITED", "STOPPED", "UNKNOWN"}
MOST_PATIENCE = 4
FIRST_SIGN = dt.timedelta(seconds=5)
"""A heartbeat so soon after a start is one of the process before: none of the components starts faster."""


def trouble(name: str, seen: Seen, settings: WatchdogSettings, memory: Memory) -> str | None:
    """Why the component counts as dead or wedged in this look; None if nothing speaks for it."""
    program = seen.programs.get(name)
    if program and program.state in DEAD:
        return f"{name} is {program.state.lower()}"
    if _settling(name, seen, settings, memory):
        return None
    limit_s = settings.heartbeat_age_s * _patience(name, seen, settings, memory)
    if name == DELIVERER:
        limit_s = max(limit_s, DELIVERER_SILENCE_S)
    if name == API:
        last = memory.api_answered
        silent = seen.api is not None and (last is None or (seen.at - last).total_seconds() > limit_s)
        return f"{name} does not answer: {seen.api}" if silent else None
    if name not in seen.heartbeats:
        return None
    last = seen.heartbeats[name]
    if last is None:
        return f"{name} has never sent a heartbeat"
    age = (seen.at - last).total_seconds()
    return f"{name} sent its last heartbeat {age:.0f} s ago" if age > limit_s else None


def _patience(name: str, seen: Seen, settings: WatchdogSettings, memory: Memory) -> int:
    """How many times the usual silence is borne.

    Twice while it is young: after the first heartbeat much is still loaded, on a busy machine for half a
    minute without another one. Each restart of the last hour doubles it, so that none causes the next.
    """
    young = _up_s(name, seen) < settings.settle_s
    return min(1 << (young + _again(name, seen, memory)), MOST_PATIENCE)


def _settling(name: str, seen: Seen, settings: WatchdogSettings, memory: Memory) -> bool:
    """Is it still starting? Until its first sign of life, but not for ever.

    Each restart doubles the time, lest restarts keep a slow start from ending. One that has shown a sign of
    life since its start is judged by the age of its last one: a wedge soon after the start has not to wait.
    """
    up_s = _up_s(name, seen)
    if up_s >= settings.settle_s * min(1 << _again(name, seen, memory), MOST_PATIENCE):
        return False
    sign = memory.api_answered if name == API else seen.heartbeats.get(name)
    return sign is None or sign < seen.at - dt.timedelta(seconds=up_s) + FIRST_SIGN


def _up_s(name: str, seen: Seen) -> float:
    program = seen.programs.get(name)
    return program.up_s if program else seen.up_s


def _again(name: str, seen: Seen, memory: Memory) -> int:
    return len(within_an_hour(memory.restarts.get(name, []), seen.at))


def not_seen(name: str, seen: Seen, settings: WatchdogSettings) -> bool:
    """Has this look told nothing about the component? One that was just restarted is not well yet."""
    if name == API:
        return seen.api is not None
    if name not in (*HEARTBEATS.values(), DELIVERER):
        return seen.programs[name].state != "RUNNING"
    limit_s = DELIVERER_SILENCE_S if name == DELIVERER else settings.heartbeat_age_s
    last = seen.heartbeats.get(name)
    return last is None or (seen.at - last).total_seconds() > limit_s
