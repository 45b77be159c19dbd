"""StallSensor in a real Airflow: tasks that hang in C are relaunched, the bound holds, the healthy are left alone.

All runs go on side by side, while the triggerer is killed once; each test looks at one of them.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from steadycast_local import Options, free_port
from steadycast_local.api import AirflowApi, Run, Task
from steadycast_local.stack import Stack

from steadycast.alerts import Outbox
from steadycast.lake import open_lake

ROOT = Path(__file__).resolve().parents[2]
DAGS = ("healthy", "hangs_once", "hangs_always", "gets_no_worker")
START_S, RUN_S = 400, 300
pytestmark = [pytest.mark.timeout(900)]


class Runs:
    """One run of each DAG, ended."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api: AirflowApi = stack.api
        self.ended: dict[str, Run] = {}
        self.watched_by: set[int] = set()

    def tasks(self, dag: str) -> dict[str, Task]:
        found = self.api.tasks(self.ended[dag])
        return {t.id if t.map_index < 0 else f"{t.id}[{t.map_index}]": t for t in found}

    def tries(self, dag: str) -> Counter[str]:
        lines = (self.stack.options.lake / "tries.txt").read_text().splitlines()
        return Counter(line.removeprefix(f"{dag} ") for line in lines if line.startswith(f"{dag} "))

    def record(self, dag: str, task: str) -> dict[str, Any]:
        run = self.ended[dag]
        return self.api.call("GET", f"/dags/{dag}/dagRuns/{run.id}/taskInstances/{task}")

    def relaunches(self, dag: str, run: Run | None = None) -> list[dict[str, Any]]:
        run = run or self.ended[dag]
        path = f"/dags/{dag}/dagRuns/{run.id}/taskInstances/watch/state-store"
        kept = self.api.call("GET", path)["task_state_store"]
        return next((entry["value"] for entry in kept if entry["key"] == "relaunches"), [])

    def watch_log(self, dag: str) -> str:
        return "\n".join(self.api.log(self.ended[dag], self.tasks(dag)["watch"]))

    def alerts(self, dag: str) -> list[tuple[str, str]]:
        outbox = Outbox(open_lake(self.stack.options.lake.as_uri()))
        told = [outbox.read(path).event for path in outbox.paths()]
        return [(event.severity, event.title) for event in told if f"/{dag}/" in event.key]


def until(there: Callable[[], Any], what: str, timeout_s: float = RUN_S) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := there()):
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    options = Options(
        home=tmp_path_factory.mktemp("stall") / "home", port=free_port(), sandbox=False,
        dags=ROOT / "tests/integration/stall_dags", plugins=ROOT / "plugins",
    )  # fmt: skip
    with Stack(options).running(timeout_s=START_S, say=lambda text: None) as stack:
        runs = Runs(stack)
        api = runs.api
        until(lambda: all(map(api.has_dag, DAGS)) or api.import_errors(), "the DAGs are read")
        assert api.import_errors() == []
        api.call("POST", "/pools", json={"name": "closed", "slots": 0})
        begun = {
            dag: Run.of(api.call("POST", f"/dags/{dag}/dagRuns", json={"logical_date": None})) for dag in DAGS
        }
        until(lambda: runs.relaunches("hangs_always", begun["hangs_always"]), "the first relaunch")
        triggerer = next(s for s in stack.manager.states() if s.name == "triggerer")
        psutil.Process(triggerer.pid).kill()
        until(
            lambda: runs.relaunches("gets_no_worker", begun["gets_no_worker"]), "a relaunch by the next one"
        )
        api.call("PATCH", "/pools/closed", json={"name": "closed", "slots": 1})
        runs.ended = {dag: api.wait(run, timeout_s=RUN_S) for dag, run in begun.items()}
        yield runs


def test_a_mapped_task_that_hangs_in_c_is_killed_and_its_second_try_succeeds(runs: Runs) -> None:
    assert runs.ended["hangs_once"].state == "success"
    assert runs.tries("hangs_once") == {"stage 0": 1, "stage 1": 2, "after -1": 1}
    assert {name: task.state for name, task in runs.tasks("hangs_once").items()} == {
        "watch": "success", "stage[0]": "success", "stage[1]": "success", "after": "success",
    }  # fmt: skip
    (done,) = runs.relaunches("hangs_once")
    assert (done["task"], done["map_index"]) == ("stage", 1)
    assert done["reason"].startswith("stage[1], try 1, shows no progress for ")
    note = runs.api.call(
        "GET", f"/dags/hangs_once/dagRuns/{runs.ended['hangs_once'].id}/taskInstances/stage/1"
    )["note"]
    assert note == f"Relaunched: {done['reason']}"
    assert runs.alerts("hangs_once") == [("warning", "hangs_once: stage[1] hung and was relaunched")]


def test_at_the_bound_the_run_fails_with_a_reason_though_the_triggerer_was_killed_in_between(
    runs: Runs,
) -> None:
    assert runs.ended["hangs_always"].state == "failed"
    # first try and two relaunches: the next triggerer went on counting where the killed one had been
    assert runs.tries("hangs_always") == {"stage -1": 3}
    assert [r["try"] for r in runs.relaunches("hangs_always")] == [1, 2]
    states = {name: task.state for name, task in runs.tasks("hangs_always").items()}
    assert states == {"watch": "success", "stage": "failed", "after": "upstream_failed"}
    note = runs.record("hangs_always", "stage")["note"]
    assert note.startswith("Given up: stage, try 3, shows no progress for ")
    assert note.endswith("the task was relaunched 2 times")
    severities = Counter(severity for severity, _ in runs.alerts("hangs_always"))
    assert severities == {"warning": 2, "failure": 1}


def test_a_task_that_gets_no_worker_is_cleared_and_runs_when_there_is_one(runs: Runs) -> None:
    assert runs.ended["gets_no_worker"].state == "success"
    assert runs.tries("gets_no_worker") == {"without_worker -1": 1}
    assert "is scheduled but not queued for " in runs.relaunches("gets_no_worker")[0]["reason"]


def test_a_healthy_run_with_a_retry_is_left_alone(runs: Runs) -> None:
    assert runs.ended["healthy"].state == "success"
    assert runs.tries("healthy") == {"stage -1": 2}
    assert runs.relaunches("healthy") == []
    assert runs.alerts("healthy") == []


def test_the_watch_ends_with_its_run(runs: Runs) -> None:
    for dag in DAGS:
        path = f"/dags/{dag}/dagRuns/{runs.ended[dag].id}/taskInstances"
        ended = {r["task_id"]: r["end_date"] for r in runs.api.call("GET", path)["task_instances"]}
        watch = ended.pop("watch")
        late = [seconds(watch) - seconds(end) for end in ended.values() if end]
        # it asks every 2 s; the rest is a busy machine
        assert min(late) < 20, f"{dag}: {json.dumps(ended)} {watch}"


def seconds(moment: str) -> float:
    import datetime as dt

    return dt.datetime.fromisoformat(moment).timestamp()
