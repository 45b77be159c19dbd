"""How a task waits for its source: looks again, goes on without it, or leaves readers a fallback."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

from steadycast import publication
from steadycast.errors import SourceAbsent
from steadycast.lake import open_lake
from steadycast.settings import load
from tests.airflow_imports import add_plugins
from tests.unit.settings.conftest import small_with

add_plugins()

from steadycast_runtime import Week  # noqa: E402 only importable now
from steadycast_runtime.waiting import next_look  # noqa: E402

MONDAY = dt.date(2016, 6, 6)
SIX = dt.datetime(2016, 6, 6, 6, tzinfo=dt.UTC)


class StateStore(dict):
    """Takes what a task tells, as Airflow's state store does."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


class Waiting:
    """One source in a file, and a task that waits for it."""

    def __init__(self, folder: Path, role: str) -> None:
        self.file = folder / "sales.csv"
        sales = {
            "name": "sales", "kind": "local_file", "path": str(self.file), "role": "fundamental",
            "layout": {"date_field": "date", "entity_field": "shop"}, "entities": ["north"],
            "variables": [{"name": "cakes", "unit": "cakes per day", "weekly": "sum"}],
        }  # fmt: skip
        other = {**sales, "name": "stock", "role": "optional"}
        raw = small_with({"sources": [sales, other], "forecast": {"horizon_weeks": 1}})
        (folder / "pipeline.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
        self.store, self.told = StateStore(), []
        self.lake = open_lake(str(folder / "lake"))
        self.week = Week(
            MONDAY, load(folder / "pipeline.yaml"), self.lake,
            lambda what, done, total: self.told.append(what),
            {"task_state_store": self.store, "ti": SimpleNamespace(try_number=1, max_tries=2), "params": {}},
        )  # fmt: skip
        self.source = self.week.settings.source("sales" if role == "fundamental" else "stock")

    def shows(self, newest: str) -> None:
        self.file.write_text(f"date,shop,cakes\n{newest},north,5\n", encoding="utf-8")

    def look(self, minutes: float, *, waited: bool = True) -> dt.datetime | None:
        return next_look(self.week, self.source, SIX + dt.timedelta(minutes=minutes), waited=waited)


@pytest.fixture
def waiting(tmp_path: Path) -> Any:
    return lambda role: Waiting(tmp_path, role)


@pytest.mark.parametrize("role", ["fundamental", "optional"])
def test_a_source_that_is_up_to_date_is_looked_at_once(waiting: Any, role: str) -> None:
    task = waiting(role)
    task.shows("2016-06-05")
    assert task.look(0, waited=False) is None
    assert task.store == {}


def test_a_source_that_is_late_is_looked_at_again_and_shown_as_waiting(waiting: Any) -> None:
    task = waiting("fundamental")
    task.shows("2016-06-03")
    assert task.look(0, waited=False) == SIX + dt.timedelta(minutes=2)
    assert task.told == [
        "waits for sales until 09:00 UTC: its newest date is 2016-06-03, expected is 2016-06-05"
    ]
    task.shows("2016-06-05")
    assert task.look(2) is None


def test_the_run_goes_on_when_an_optional_source_is_late_for_half_an_hour(waiting: Any) -> None:
    task = waiting("optional")
    assert task.look(1, waited=False) == SIX + dt.timedelta(minutes=3)
    assert task.look(30) == SIX + dt.timedelta(minutes=31)
    assert task.look(31) is None


def test_a_retry_does_not_wait_anew(waiting: Any) -> None:
    task = waiting("optional")
    assert task.look(0, waited=False) is not None
    assert task.look(40, waited=False) is None


def test_a_run_that_starts_after_the_deadline_takes_what_there_is_without_a_look(waiting: Any) -> None:
    task = waiting("fundamental")
    assert task.look(180, waited=False) is None
    assert task.told == []


def test_at_the_deadline_a_date_that_the_gate_would_take_is_enough(waiting: Any) -> None:
    task = waiting("fundamental")
    task.shows("2016-06-03")
    task.look(0, waited=False)
    assert task.look(180) is None
    assert not task.lake.exists("published/2016-06-06/manifest.json")


def test_at_the_deadline_readers_get_a_fallback_if_a_fundamental_source_has_nothing(waiting: Any) -> None:
    task = waiting("fundamental")
    days = pd.date_range(end="2016-05-29", periods=7 * 110, unit="us")
    frame = pd.DataFrame({"entity": "north", "date": days, "variable": "cakes", "value": 5.0})
    known = task.lake.observations("sales")
    known.accept(known.append(frame, dt.datetime(2016, 5, 30, tzinfo=dt.UTC)).segment, by="test")
    task.look(0, waited=False)
    with pytest.raises(SourceAbsent, match=r"sales: there is no file .* deadline; readers have"):
        task.look(180)
    manifest = task.lake.read_json("published/2016-06-06/manifest.json")
    assert manifest["verdict"] == publication.FALLBACK
    assert "there is no file" in manifest["reasons"][0]


def test_without_anything_to_make_a_fallback_of_the_error_says_so(waiting: Any) -> None:
    task = waiting("fundamental")
    task.look(0, waited=False)
    with pytest.raises(SourceAbsent, match="there is nothing to make a fallback of"):
        task.look(180)
