"""One Airflow for all end-to-end tests: its real components, the sandbox, a server that speaks Slack."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from steadycast.lake import Lake, open_lake
from tests.sandbox_server import REPO
from tests.services import free_port
from tests.slack_server import SlackServer, running_slack
from tests.small_data import STATIONS, write_small_data

sys.path.insert(0, str(REPO / "scripts"))

from steadycast_local.api import AirflowApi, Run, Task
from steadycast_local.credentials import USER
from steadycast_local.options import Options
from steadycast_local.stack import Stack

WEEKLY = "weekly_forecast"
FIRST = "2016-06-06"
START_S, RUN_S = 400, 900
"""Bounds for what hangs; a busy machine takes minutes where a quiet one takes seconds."""


@dataclass(frozen=True)
class Pipeline:
    """The running stack, and what the tests ask of it."""

    stack: Stack
    slack: SlackServer
    entities: tuple[str, ...]

    @property
    def api(self) -> AirflowApi:
        """Logged in as the administrator."""
        return self.stack.api

    @property
    def lake(self) -> Lake:
        """The lake that the tasks write to."""
        return open_lake(self.stack.options.lake.as_uri())

    @property
    def login(self) -> tuple[str, str]:
        """User and password of the web UI."""
        return USER, self.stack.credentials.password

    def run_week(self, week: str, dag: str = WEEKLY) -> Run:
        """Trigger a week by its partition key and wait until it has ended."""
        return self.api.wait(self.api.trigger(dag, week), timeout_s=RUN_S)

    def clear(self, run: Run) -> Run:
        """Clear all tasks of a run, as the UI's button does, and wait until it has ended again."""
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run.id, "reset_dag_runs": True}
        self.api.call("POST", f"/dags/{run.dag}/clearTaskInstances", json=body)
        return self.api.wait(run, timeout_s=RUN_S)

    def tasks(self, run: Run) -> dict[str, Task]:
        """Task instances of a run by ``task`` or ``task.label`` for mapped ones."""
        found = self.api.tasks(run)
        return {t.id if t.map_index < 0 else f"{t.id}.{t.label}": t for t in found}

    def log_text(self, run: Run, task: Task) -> str:
        """The log of a task's last try."""
        return "\n".join(self.api.log(run, task))

    def explain(self, run: Run) -> str:
        """States of a run's tasks and the ends of the failed ones' logs, for an assertion's message."""
        lines = [f"{run.dag} {run.week}: {run.state}"]
        for name, task in self.tasks(run).items():
            lines.append(f"  {name}: {task.state}")
            if task.state == "failed":
                lines += ["    " + line for line in self.api.log(run, task)[-12:]]
        return "\n".join(lines)


@pytest.fixture(scope="session")
def slack() -> Iterator[SlackServer]:
    with running_slack() as server:
        yield server


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory, slack: SlackServer) -> Iterator[Pipeline]:
    """Everything started, DAGs read and switched on."""
    home = tmp_path_factory.mktemp("e2e")
    data, settings = _data(home), home / "pipeline.yaml"
    entities = _write_settings(settings, small=data == home / "data")
    env = {
        "AIRFLOW_CONN_SLACK": slack.connection,
        "STEADYCAST_SETTINGS": str(settings),
        "STEADYCAST_GIT_COMMIT": "e2e",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    }
    options = Options(
        home=home / "stack",
        port=free_port(),
        sandbox_port=free_port(),
        data=data,
        extra_env=env,
        deliverer=True,
    )
    with Stack(options).running(timeout_s=START_S, say=lambda text: None) as stack:
        pipeline = Pipeline(stack, slack, entities)
        _switch_on(pipeline, home)
        yield pipeline


@pytest.fixture(scope="session")
def first_run(pipeline: Pipeline) -> Run:
    """The first week, run to its end."""
    run = pipeline.run_week(FIRST)
    assert run.state == "success", pipeline.explain(run)
    return run


def _data(home: Path) -> Path:
    """The demo's real data if they are built, else a small made-up set of the same layout."""
    named = os.environ.get("STEADYCAST_DEMO_DATA")
    demo = Path(named) if named else REPO / ".steadycast" / "demo"
    if (demo / "cta_entries_daily.csv.gz").exists():
        return demo
    return write_small_data(home / "data")


def _write_settings(file: Path, *, small: bool) -> tuple[str, ...]:
    """The project's settings with a model that trains in seconds: the way is tested, not the accuracy."""
    settings: dict[str, Any] = yaml.safe_load(
        (REPO / "include/config/pipeline.yaml").read_text(encoding="utf-8")
    )
    settings["forecast"]["model"] |= {"rounds": 60, "history_weeks": 160, "calibration_origins": 8}
    sources = {source["name"]: source for source in settings["sources"]}
    if small:
        sources["ridership"]["entities"] = list(STATIONS)
        for source in sources.values():
            source["history_start"] = max(str(source["history_start"]), "2013-07-01")
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return tuple(sources["ridership"]["entities"])


def _switch_on(pipeline: Pipeline, home: Path) -> None:
    import time

    deadline = time.monotonic() + START_S
    while not all(pipeline.api.has_dag(dag) for dag in (WEEKLY, "backtest")):
        errors = pipeline.api.import_errors()
        assert not errors, "\n".join(errors)
        assert time.monotonic() < deadline, "the DAG processor has not read the DAG files"
        time.sleep(0.5)
    for dag in (WEEKLY, "backtest"):
        pipeline.api.call("PATCH", f"/dags/{dag}", json={"is_paused": False})
