"""Processes that write to a lake and may be killed, started by ``tests/integration/test_lake_crash.py``.

The functions are in a module of their own because a started process imports them by name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from steadycast.lake import Appended, Lake, open_lake
from steadycast.schema import OBSERVATION_DTYPES
from tests.s3_server import ACCESS_KEY, REGION, SECRET_KEY

FIRST = dt.datetime(2016, 6, 6, tzinfo=dt.UTC)
DOCS = Path(__file__).parent / "payloads" / "docs"
ENTITIES = ("Austin", "Kedzie", "Polk")
LARGE = 3_000_000
SYSTEM_CALLS = ("open", "write", "fsync", "mkdir", "replace", "link", "unlink")


def opened(url: str, endpoint: str | None) -> Lake:
    """The lake of the test, from another process."""
    if endpoint is None:
        return open_lake(url)
    return open_lake(url, endpoint_url=endpoint, access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION)


def moment(week: int) -> dt.datetime:
    """When the week's poll was made."""
    return FIRST + dt.timedelta(weeks=week)


def cells(week: int, writer: int = 0) -> dict[tuple[str, pd.Timestamp], float]:
    """What the week's poll says: three weeks of days, most of them as the poll before said."""
    days = pd.date_range(moment(week).date(), periods=21).as_unit("us")
    said = {}
    for number, entity in enumerate(ENTITIES):
        for day in days:
            revision = week if (day.day + number + week) % 5 == 0 else 0
            said[entity, day] = float(day.day_of_year * 10 + number + revision * 1000 + writer * 100_000)
    return said


def poll(week: int, writer: int = 0) -> pd.DataFrame:
    """The week's poll as a table."""
    said = cells(week, writer)
    return pd.DataFrame(
        {
            "entity": [entity for entity, _ in said],
            "date": [day for _, day in said],
            "variable": "entries",
            "value": list(said.values()),
        }
    ).astype(OBSERVATION_DTYPES)


def poll_week(lake: Lake, source: str, week: int) -> None:
    """Append and accept the week's poll."""
    observations = lake.observations(source)
    appended = observations.append(poll(week), moment(week))
    observations.accept(appended.segment, by="validate")


def run_week(lake: Lake, source: str, week: int) -> None:
    """What a weekly run does to the lake: poll, publish with the manifest last, keep the docs."""
    poll_week(lake, source, week)
    observations = lake.observations(source)
    state = observations.read(as_of=moment(week))
    folder = f"published/{source}/{week}"
    files = {"forecast.parquet": state, "second.parquet": state.assign(value=np.float64(week))}
    for name, frame in files.items():
        lake.write_frame(f"{folder}/{name}", frame)
    checksums = {name: hashlib.sha256(lake.read_bytes(f"{folder}/{name}")).hexdigest() for name in files}
    lake.write_json(f"{folder}/manifest.json", {"sha256": checksums, "segments": observations.segments()})
    lake.write_folder(f"runs/{source}/{week}/docs", DOCS)


class DyingBackend:
    """A store whose user kills itself before its n-th change. Calls that read leave the lake as it was."""

    def __init__(self, backend: Any, call: int) -> None:
        self._backend = backend
        self._call = call
        self.url = backend.url
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._backend, name)
        if name not in ("write", "write_if_absent", "delete"):
            return method

        def counted(*arguments: Any) -> Any:
            self.calls += 1
            _die_if(self.calls == self._call)
            return method(*arguments)

        return counted


def _die_if(now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def run_week_and_die_at_call(url: str, endpoint: str | None, source: str, call: int) -> None:
    """Week 1, killed before the n-th change of the store."""
    run_week(Lake(DyingBackend(opened(url, endpoint).backend, call)), source, 1)


def run_week_and_die_at_system_call(url: str, source: str, call: int) -> None:
    """Week 1 in a local folder, killed before the n-th call of the system by the store."""
    lake = open_lake(url)
    with counted_system_calls(call):
        run_week(lake, source, 1)


class counted_system_calls:
    """While in the block, counts the store's calls of the system and dies before the n-th."""

    def __init__(self, call: int) -> None:
        self._call = call
        self.calls = 0

    def __enter__(self) -> counted_system_calls:
        self._kept = {name: getattr(os, name) for name in SYSTEM_CALLS}
        for name, function in self._kept.items():
            setattr(os, name, self._counting(function))
        return self

    def __exit__(self, *_: object) -> None:
        for name, function in self._kept.items():
            setattr(os, name, function)

    def _counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            _die_if(self.calls == self._call)
            return function(*arguments, **named)

        return counted


def run_weeks_for_ever(url: str, endpoint: str | None, source: str, started: Any) -> None:
    """Go on from the last week in the lake until killed."""
    lake = opened(url, endpoint)
    week = max(
        0, len(lake.observations(source).segments(accepted=False)) - 1
    )  # the last one may be unfinished
    started.set()
    while True:
        run_week(lake, source, week)
        week += 1


def overwrite_for_ever(url: str, endpoint: str | None, path: str, started: Any) -> None:
    """Replace one artefact by another of the same size until killed; each is one letter many times."""
    lake = opened(url, endpoint)
    lake.write_bytes(path, LARGE * b"a")
    started.set()
    while True:
        for letter in (b"b", b"c"):
            lake.write_bytes(path, LARGE * letter)


def append_weeks(
    url: str,
    endpoint: str | None,
    source: str,
    writer: int,
    weeks: list[int],
    start: Any,
    results: Any,
) -> None:
    """Append polls of these weeks, all writers beginning at once; hand back what the lake answered."""
    observations = opened(url, endpoint).observations(source)
    start.wait()
    answers: list[tuple[int, Appended]] = [
        (week, observations.append(poll(week, writer), moment(week))) for week in weeks
    ]
    results.put((writer, answers))
