"""What one look has seen; what could not be seen is None or empty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.due import Due


@dataclass(frozen=True)
class Program:
    """What the process manager says; ``up_s`` is how long the program has been running."""

    state: str
    up_s: float


@dataclass(frozen=True)
class Run:
    """A run that goes on: its id, its week, and the moment before which Airflow does nothing for it."""

    id: str
    week: str
    after: dt.datetime


@dataclass(frozen=True)
class Seen:
    """One look.

    Attributes:
        at: when; aware.
        up_s: how long the watchdog itself has been running.
        api: None if the health endpoint answered, else what was wrong.
        heartbeats: per component its last heartbeat, None if there never was one; empty if not known.
        airflow_at: what the clock of the API server's machine said; None if it did not answer.
        workers: Celery workers that answered; None without Celery, or if the broker could not be asked.
        broker: None if it answered or there is none, else what was wrong.
        database: None if it is healthy or nothing is known, else what was wrong.
        programs: of the process manager; empty without one.
        due: the week whose run should be there; None if there is none.
        runs: states of the due week's runs; None if not known.
        running: runs of any week that go on; None if not known.
        paused: is the DAG paused; None if not known.
        published: verdict of the due week's publication; "" if there is none, None if not known.
        lake: None if the lake answered, else what was wrong.
        overdue: titles of alerts that have reached nobody in time; None if that is not known, or if alerts
            have never been delivered from this lake.
    """

    at: dt.datetime
    up_s: float
    api: str | None = None
    heartbeats: Mapping[str, dt.datetime | None] = field(default_factory=dict)
    airflow_at: dt.datetime | None = None
    workers: tuple[str, ...] | None = None
    broker: str | None = None
    database: str | None = None
    programs: Mapping[str, Program] = field(default_factory=dict)
    due: Due | None = None
    runs: tuple[str, ...] | None = None
    running: tuple[Run, ...] | None = None
    paused: bool | None = None
    published: str | None = None
    lake: str | None = None
    overdue: tuple[str, ...] | None = None
