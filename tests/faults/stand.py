"""A real stack on made-up data: Airflow's components, the sandbox, supervisor and the watchdog."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from steadycast.settings import Settings
from tests.faults import limits
from tests.faults.clock import Clock
from tests.faults.listener import Listener, running_listener
from tests.faults.strike import VARIABLE, plan, release, struck
from tests.sandbox_server import REPO
from tests.services import ProgramsMissing, free_port, running_postgres
from tests.small_data import write_small_data
from watchdog.airflow import AGAIN

sys.path.insert(0, str(REPO / "scripts"))

from steadycast_local import processes
from steadycast_local.api import AirflowApi, ApiError, Run
from steadycast_local.options import Options
from steadycast_local.stack import Stack

START_S = 400
DAG, VANILLA = "weekly_forecast", "vanilla"


class NotThere(AssertionError):
    """Something did not happen in time."""


class Stand:
    """The stack and what the rows of the matrix do with it."""

    def __init__(
        self, home: Path, stack: Stack, listener: Listener, settings: Settings, clock: Clock | None = None
    ) -> None:
        self.home, self.stack, self.listener, self.settings = home, stack, listener, settings
        self.clock = clock or Clock(home / "clock")
        self.faults = home / "faults"

    @property
    def api(self) -> AirflowApi:
        """Logged in as the administrator."""
        return self.stack.api

    def plan(self, week: dt.date, stage: str, fault: str) -> None:
        """Put a fault into a stage of a week's run, to come."""
        plan(self.faults, limits.key(week, stage), fault)

    def release(self, week: dt.date, stage: str) -> None:
        """Let the week's stage go on that is held."""
        release(self.faults, limits.key(week, stage))

    def struck(self, week: dt.date, stage: str, timeout_s: float = 240) -> Mapping[str, float]:
        """Wait until the fault has struck; when, and in which process."""
        told = until(lambda: struck(self.faults, limits.key(week, stage)), timeout_s, f"fault in {stage}")
        assert told is not None
        return told

    def trigger(self, week: dt.date) -> Run:
        """Start the week's run."""
        return self.api.trigger(DAG, str(week))

    def now(self, run: Run) -> Run:
        """The run, or the one that the watchdog has put in its place."""
        with contextlib.suppress(ApiError):
            return Run.of(self.api.call("GET", f"/dags/{run.dag}/dagRuns/{AGAIN}{run.id}"))
        return run

    def has_ended(self, run: Run) -> bool:
        """Has the run ended? False too while Airflow does not answer."""
        with contextlib.suppress(ApiError):
            return self.api.run(run).ended
        return False

    def ended(self, run: Run, timeout_s: float) -> Run:
        """Wait for a run to end; Airflow may be away for a while meanwhile."""
        until(lambda: self.has_ended(run), timeout_s, f"end of {run.dag} {run.week}")
        return self.api.run(run)

    @property
    def sandbox_url(self) -> str:
        """Where the providers are."""
        return f"http://127.0.0.1:{self.stack.options.sandbox_port}"

    def cure(self, run: Run, task: Mapping[str, Any]) -> str:
        """What made the task's next try, in a word."""
        tries = task["try_number"] - 1
        seen = (task["note"] or "").splitlines()[-1:] or ["Airflow's own retry"]
        return seen[0] if tries == 1 else f"{seen[0]} ({tries} more tries)"

    def tasks(self, run: Run) -> list[dict[str, Any]]:
        """All task instances of a run, as the API tells them."""
        path = f"/dags/{run.dag}/dagRuns/{run.id}/taskInstances"
        return list(self.api.call("GET", path, params={"limit": 1000})["task_instances"])

    def succeeded(self, run: Run, task: str) -> bool:
        """Has the task of the run succeeded? False too while Airflow does not answer."""
        with contextlib.suppress(ApiError):
            return next(t for t in self.tasks(run) if t["task_id"] == task)["state"] == "success"
        return False

    def verdict(self, week: dt.date) -> str:
        """Of the week's publication; "" if there is none."""
        manifest = self.stack.options.lake / "published" / str(week) / "manifest.json"
        return str(json.loads(manifest.read_text())["verdict"]) if manifest.exists() else ""

    def is_published(self, week: dt.date) -> bool:
        """Has the week its forecast, and not only a fallback?"""
        return self.verdict(week) not in ("", "fallback")

    def pid(self, component: str) -> int:
        """Process id of a component as supervisor has it."""
        return next(state.pid for state in self.stack.manager.states() if state.name == component)

    def wait_until_read(self, *dags: str) -> None:
        """Wait until the DAG files have been read."""

        def look() -> bool:
            errors = self.api.import_errors()
            assert not errors, "\n".join(errors)
            return all(self.api.has_dag(dag) for dag in dags)

        until(look, START_S, "DAGs")

    def beat(self, component: str) -> float:
        """When the component gave its last sign of life, seconds since 1970; 0 if that is not known now."""
        try:
            told = self.api.call("GET", "/monitor/health")
        except ApiError:
            return 0
        if component == "api-server":
            return time.time()
        name = component.replace("-", "_")
        last = told.get(name, {}).get(f"latest_{name}_heartbeat")
        return dt.datetime.fromisoformat(last).timestamp() if last else 0

    def processes(self) -> list[psutil.Process]:
        """All processes of the stack."""
        record = self.stack.record()
        return processes.of_stack(self.stack.options.home, record["pid"] if record else None)

    def power_on(self) -> None:
        """What a boot does after everything has died."""
        self.stack.start()
        self.stack.wait_until_healthy(START_S, say=lambda _: None)

    def repair(self) -> None:
        """By hand, so that the next row finds a stack that works: continue what is stopped."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.status() == psutil.STATUS_STOPPED:
                    process.resume()


def until(look: Callable[[], Any], timeout_s: float, what: str, pause_s: float = 0.5) -> Any:
    """Look again and again until there is something.

    Raises:
        NotThere: nothing in time.
    """
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotThere(f"no {what} within {timeout_s:.0f} s")
        time.sleep(pause_s)
    return found


@contextlib.contextmanager
def running_stand(
    home: Path,
    *,
    parallel: int = 16,
    watched: bool = True,
    lake_mb: int = 0,
    side_by_side: bool = False,
    **watchdog: float,
) -> Iterator[Stand]:
    """Everything started and read; ended with the block.

    Args:
        home: folder of everything that is written.
        parallel: tasks at a time.
        watched: False leaves out the sensor and the watchdog: what is left is Airflow under supervisor.
        lake_mb: size of a file system of its own for the lake, which can be filled; needs the right to mount.
        side_by_side: many weeks run at once, so that Airflow gets PostgreSQL if it is installed. With SQLite
            two calls that clear a task at the same moment wait for each other in the API server until SQLite
            gives up, since each call's audit row is written by the event loop that has to end the other call.
        watchdog: its settings, where they differ from those of ``limits``.
    """
    home.mkdir(parents=True, exist_ok=True)
    clock = Clock(home / "clock")
    settings = home / "pipeline.yaml"
    told = limits.write_settings(settings, **watchdog)
    with running_listener() as listener, _database(side_by_side) as database:
        options = Options(
            home=home / "stack", port=free_port(), sandbox_port=free_port(), watchdog=watched,
            data=write_small_data(home / "data"), dags=REPO / "tests/faults/dags",
            extra_env=_environment(home, settings, listener, parallel, watched=watched)
            | clock.environment | database,
        )  # fmt: skip
        with (
            _small_disk(options.lake, lake_mb),
            Stack(options).running(timeout_s=START_S, say=lambda _: None) as stack,
        ):
            stand = Stand(home, stack, listener, told, clock)
            stand.wait_until_read(DAG, VANILLA)
            yield stand


@contextlib.contextmanager
def _database(postgres: bool) -> Iterator[dict[str, str]]:
    """Environment of Airflow for its database: the launcher's SQLite, or a PostgreSQL of its own."""
    with contextlib.ExitStack() as opened:
        found: dict[str, str] = {}
        if postgres:
            with contextlib.suppress(ProgramsMissing):
                url = opened.enter_context(running_postgres()).url
                found["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = url
        yield found


@contextlib.contextmanager
def _small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    if not megabytes:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    size = f"size={megabytes}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _environment(
    home: Path, settings: Path, listener: Listener, parallel: int, *, watched: bool
) -> dict[str, str]:
    path = (REPO / "tests/faults/site", REPO / "include", REPO / "plugins", REPO)
    return {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        VARIABLE: str(home / "faults"),
        "STEADYCAST_FAULTS_UNWATCHED": "" if watched else "1",
        "STEADYCAST_FAULTS_EXECUTION_S": str(limits.EXECUTION_S),
        "STEADYCAST_SETTINGS": str(settings),
        "STEADYCAST_GIT_COMMIT": "faults",
        "STEADYCAST_WATCHDOG_WEBHOOK": f"{listener.url}/webhook",
        "STEADYCAST_WATCHDOG_DEADMAN": f"{listener.url}/ping",
        "AIRFLOW__CORE__PARALLELISM": str(parallel),
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "128",
    }
