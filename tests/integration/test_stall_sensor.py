"""StallSensor in a real Airflow: what hangs in C is relaunched, the bound holds, the healthy are left alone.

All runs go on side by side, while the triggerer is killed once; each test looks at one of them.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from steadycast_local import Options, free_port
from steadycast_local.api import AirflowApi, ApiError, Run
from steadycast_local.stack import Stack

from steadycast.alerts import Outbox
from steadycast.lake import open_lake
from tests.unit.settings.conftest import small_with

ROOT = Path(__file__).resolve().parents[2]
DAGS = ("healthy", "hangs_once", "hangs_always", "gets_no_worker", "waits")
TODAY = dt.datetime.now(dt.UTC).date()
MONDAY = TODAY - dt.timedelta(days=TODAY.weekday())
START_S, RUN_S = 400, 300
pytestmark = [pytest.mark.timeout(900)]


class Runs:
    """One run of each DAG."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api: AirflowApi = stack.api
        self.begun: dict[str, Run] = {}
        self.waited_for = ""

    def state(self, dag: str) -> str:
        return self.api.run(self.begun[dag]).state

    def tasks(self, dag: str) -> dict[str, str | None]:
        found = self.api.tasks(self.begun[dag])
        return {t.id if t.map_index < 0 else f"{t.id}[{t.map_index}]": t.state for t in found}

    def tries(self, dag: str) -> Counter[str]:
        lines = (self.stack.options.lake / "tries.txt").read_text().splitlines()
        return Counter(line.removeprefix(f"{dag} ") for line in lines if line.startswith(f"{dag} "))

    def record(self, dag: str, task: str) -> dict[str, Any]:
        return self.api.call("GET", f"{self.path(dag)}/{task}")

    def stored(self, dag: str, task: str, key: str, map_index: int = -1) -> Any:
        path = f"{self.path(dag)}/{task}/state-store"
        kept = self.api.call("GET", path, params={"map_index": map_index})["task_state_store"]
        return next((entry["value"] for entry in kept if entry["key"] == key), None)

    def relaunches(self, dag: str) -> list[dict[str, Any]]:
        return self.stored(dag, "watch", "relaunches") or []

    def alerts(self, dag: str) -> list[tuple[str, str]]:
        outbox = Outbox(open_lake(self.stack.options.lake.as_uri()))
        told = [outbox.read(path).event for path in outbox.paths()]
        return [(event.severity, event.title) for event in told if f"/{dag}/" in event.key]

    def path(self, dag: str) -> str:
        return f"/dags/{dag}/dagRuns/{self.begun[dag].id}/taskInstances"


def until(there: Callable[[], Any], what: str, timeout_s: float = RUN_S) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := there()):
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.5)
    return found


def opened(api: AirflowApi) -> bool:
    """SQLite takes one writer at a time, so that Airflow's answer may be that it is busy."""
    try:
        api.call("PATCH", "/pools/closed", json={"name": "closed", "slots": 1, "include_deferred": False})
    except ApiError as error:
        if 400 <= error.status < 500:
            raise
        return False
    return True


def settings(folder: Path) -> str:
    """One source, which is a file that comes later, and a publish deadline after the week."""
    # Airflow takes a task for lost that runs again before the executor's word of its deferral was read
    raw = small_with({"watchdog.publish_deadline_h": 200, "ready.every_s": 15})
    sales = {"kind": "local_file", "path": str(folder / "sales.csv"), "layout": {"entity": "north"}}
    raw["sources"] = [
        {k: v for k, v in raw["sources"][0].items() if k not in {"connection", "layout", "entities"}} | sales
    ]
    del raw["forecast"]
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return str(folder / "pipeline.yaml")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("stall")
    options = Options(
        home=folder / "home", port=free_port(), sandbox=False,
        dags=ROOT / "tests/integration/stall_dags", plugins=ROOT / "plugins",
        extra_env={"STEADYCAST_SETTINGS": settings(folder)},
    )  # fmt: skip
    with Stack(options).running(timeout_s=START_S, say=lambda text: None) as stack:
        runs = Runs(stack)
        api = runs.api
        until(lambda: all(map(api.has_dag, DAGS)) or api.import_errors(), "the DAGs are read")
        assert api.import_errors() == []
        api.call("POST", "/pools", json={"name": "closed", "slots": 0})
        for dag in DAGS:
            week = str(MONDAY) if dag == "waits" else None
            body = {"logical_date": None, "partition_key": week}
            runs.begun[dag] = Run.of(api.call("POST", f"/dags/{dag}/dagRuns", json=body))
        until(lambda: runs.relaunches("hangs_always"), "the first relaunch")
        triggerer = next(s for s in stack.manager.states() if s.name == "triggerer")
        psutil.Process(triggerer.pid).kill()
        until(lambda: runs.relaunches("gets_no_worker"), "a relaunch of the task without worker")
        until(lambda: opened(api), "the pool is open")
        until(
            lambda: runs.record("waits", "ingest/0")["state"] == "deferred", "ingest waits in the triggerer"
        )
        runs.waited_for = runs.stored("waits", "ingest", "progress", map_index=0)["what"]
        (folder / "sales.csv").write_text(f"date,cakes\n{MONDAY - dt.timedelta(days=1)},5\n")
        for run in runs.begun.values():
            assert api.wait(run, timeout_s=RUN_S).ended
        yield runs


def test_a_mapped_task_that_hangs_in_c_is_killed_and_its_second_try_succeeds(runs: Runs) -> None:
    assert runs.state("hangs_once") == "success"
    assert runs.tries("hangs_once") == {"stage 0": 1, "stage 1": 2, "after -1": 1}
    assert runs.tasks("hangs_once") == {
        "watch": "success", "stage[0]": "success", "stage[1]": "success", "after": "success",
    }  # fmt: skip
    (done,) = runs.relaunches("hangs_once")
    assert (done["task"], done["map_index"]) == ("stage", 1)
    assert done["reason"].startswith("stage[1], try 1, shows no progress for ")
    note = runs.record("hangs_once", "stage/1")["note"]
    assert note == f"Relaunched: {done['reason']}"
    assert runs.alerts("hangs_once") == [("warning", "hangs_once: stage[1] hung and was relaunched")]


def test_at_the_bound_the_run_fails_with_a_reason_though_the_triggerer_was_killed_in_between(
    runs: Runs,
) -> None:
    assert runs.state("hangs_always") == "failed"
    # first try and two relaunches: the next triggerer went on counting where the killed one had been
    assert runs.tries("hangs_always") == {"stage -1": 3}
    assert [r["try"] for r in runs.relaunches("hangs_always")] == [1, 2]
    states = {"watch": "success", "stage": "failed", "after": "upstream_failed"}
    assert runs.tasks("hangs_always") == states
    note = runs.record("hangs_always", "stage")["note"]
    assert note.startswith("Given up: stage, try 3, shows no progress for ")
    assert note.endswith("the task was relaunched 2 times")
    severities = Counter(severity for severity, _ in runs.alerts("hangs_always"))
    assert severities == {"warning": 2, "failure": 1}


def test_a_task_that_gets_no_worker_is_cleared_and_runs_when_there_is_one(runs: Runs) -> None:
    assert runs.state("gets_no_worker") == "success"
    assert runs.tries("gets_no_worker") == {"without_worker -1": 1}
    assert "is scheduled but not queued for " in runs.relaunches("gets_no_worker")[0]["reason"]


def test_a_healthy_run_with_a_retry_is_left_alone(runs: Runs) -> None:
    assert runs.state("healthy") == "success"
    assert runs.tries("healthy") == {"stage -1": 2}
    assert runs.relaunches("healthy") == []
    assert runs.alerts("healthy") == []


def test_a_source_that_comes_later_is_waited_for_without_a_worker_and_without_a_relaunch(runs: Runs) -> None:
    assert "waits for sales until " in runs.waited_for
    assert f"expected is {MONDAY - dt.timedelta(days=1)}" in runs.waited_for
    assert runs.state("waits") == "success"
    assert runs.tries("waits") == {"ingest 0": 1}
    assert runs.record("waits", "ingest/0")["try_number"] == 1
    assert runs.relaunches("waits") == []


def test_the_watch_ends_with_its_run(runs: Runs) -> None:
    for dag in DAGS:
        records = runs.api.call("GET", runs.path(dag))["task_instances"]
        ended = {r["task_id"]: r["end_date"] for r in records}
        watch = ended.pop("watch")
        late = [seconds(watch) - seconds(end) for end in ended.values() if end]
        # it asks every 2 s; the rest is the start of the triggerer after the one that was killed
        assert min(late) < 60, f"{dag}: {json.dumps(ended)} {watch}"


def seconds(moment: str) -> float:
    return dt.datetime.fromisoformat(moment).timestamp()


def test_a_task_that_is_cleared_after_the_runs_end_starts_the_watch_again(runs: Runs) -> None:
    assert runs.record("waits", "watch")["try_number"] == 1
    run = runs.begun["waits"].id
    body = {"dry_run": False, "only_failed": False, "dag_run_id": run, "task_ids": ["ingest"]}
    runs.api.call("POST", "/dags/waits/clearTaskInstances", json=body)
    assert runs.api.wait(runs.begun["waits"], timeout_s=RUN_S).state == "success"
    assert runs.tries("waits") == {"ingest 0": 2}
    watch = runs.record("waits", "watch")
    assert (watch["try_number"], watch["note"]) == (2, "Started again by ingest")
