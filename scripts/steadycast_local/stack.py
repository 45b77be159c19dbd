"""One local stack: prepare, start, wait until healthy, stop."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from steadycast_local import ports, processes
from steadycast_local.api import AirflowApi, ApiError
from steadycast_local.credentials import USER, Credentials, load_or_create
from steadycast_local.environment import components_environment
from steadycast_local.options import Options
from steadycast_local.supervision import UP, Component, Manager, components, write_config

Say = Callable[[str], None]
LOG_TAIL_LINES = 25
MIGRATE_TIMEOUT_S = 300
HEALTHY_TIMEOUT_S = 300
"""Airflow is up within 20 s on two idle cores; a machine that is busy with other things takes minutes."""
REMIND_S = 20


class ComponentFailed(Exception):
    """A component ended or did not become healthy in time; the message holds the last lines of its log."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        self.component = name
        self.log = log
        super().__init__(f"{name} {what}. Last lines of {log}:\n{tail(log)}")


class Stack:
    """The components that belong to one home.

    Args:
        options: ports and folders.
        listed: the components to run; all of them if left out.
    """

    def __init__(self, options: Options, listed: Sequence[Component] | None = None) -> None:
        self.options = options
        self.components = tuple(listed) if listed is not None else components(options)
        self.manager = Manager(options.socket)
        self._child: subprocess.Popen[bytes] | None = None
        self._credentials: Credentials | None = None
        self._api: AirflowApi | None = None

    @property
    def credentials(self) -> Credentials:
        """The home's secrets; made on first use."""
        if self._credentials is None:
            self._credentials = load_or_create(self.options.home)
        return self._credentials

    @property
    def api(self) -> AirflowApi:
        """A client logged in as the administrator."""
        if self._api is None:
            self._api = AirflowApi(self.options.url, USER, self.credentials.password)
        return self._api

    @property
    def env(self) -> dict[str, str]:
        """The components' environment, for commands beside them such as ``airflow dags list``."""
        return components_environment(self.options, self.credentials)

    def prepare(self, say: Say = print) -> None:
        """Make the folders, the secrets and Airflow's database.

        Raises:
            ComponentFailed: the database could not be set up.
        """
        for folder in (
            self.options.airflow_home,
            self.options.lake,
            self.options.logs / "tasks",
            self.options.run_dir,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        self._migrate(say)

    def start(self) -> None:
        """Start all components under the process manager; they outlive this process until ``stop``.

        Raises:
            PortBusy: a port is in use by something else.
        """
        self.check_ports()
        if self._child is not None:
            self._child.poll()  # one that died, as with the machine, is collected
        self.options.socket.unlink(missing_ok=True)
        config = write_config(self.options, self.components)
        with (self.options.logs / "supervisord.out").open("ab") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)],
                cwd=self.options.run_dir,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # a session of its own: Ctrl-C reaches us only, and the session finds every process again
                start_new_session=True,
            )
        record = {
            "pid": self._child.pid,
            "started": psutil.Process(self._child.pid).create_time(),
            "boot": psutil.boot_time(),
            "port": self.options.port,
            "sandbox_port": self.options.sandbox_port,
            "sandbox": self.options.sandbox,
        }
        self._record_file.write_text(json.dumps(record), encoding="utf-8")

    def check_ports(self) -> None:
        """Raise PortBusy if a port that the components need is in use."""
        names = {c.name for c in self.components}
        if "api-server" in names and not ports.is_free(self.options.port):
            raise ports.PortBusy(self.options.port, "the web UI", "PORT")
        if "sandbox" in names and not ports.is_free(self.options.sandbox_port):
            raise ports.PortBusy(self.options.sandbox_port, "the sandbox", "STEADYCAST_SANDBOX_PORT")

    def wait_until_healthy(self, timeout_s: float = HEALTHY_TIMEOUT_S, say: Say = print) -> None:
        """Wait until every component answers or sends heartbeats; says each one that does.

        Raises:
            ComponentFailed: one ended, or they are not all healthy in time.
        """
        began = reminded = time.monotonic()
        waiting = [c.name for c in self.components]
        while waiting:
            for state in self.manager.states():
                if state.given_up:
                    raise ComponentFailed(
                        state.name, f"does not stay up ({state.text})", self.log(state.name)
                    )
            if self._child is not None and self._child.poll() is not None:
                raise ComponentFailed("supervisord", "ended", self.options.logs / "supervisord.out")
            healthy = self.healthy()
            for name in [n for n in waiting if n in healthy]:
                say(f"  {name} is up ({time.monotonic() - began:.0f} s)")
                waiting.remove(name)
            if waiting and time.monotonic() - reminded > REMIND_S:
                reminded = time.monotonic()
                say(f"  waiting for {', '.join(waiting)} ({reminded - began:.0f} s)")
            if waiting and time.monotonic() - began > timeout_s:
                raise ComponentFailed(
                    waiting[0], f"is not healthy after {timeout_s:.0f} s", self.log(waiting[0])
                )
            time.sleep(0.25)

    def healthy(self) -> set[str]:
        """Names of the components that answer or send heartbeats now."""
        found = set()
        with contextlib.suppress(ApiError):
            beats = self.api.health()
            names = {"scheduler": "scheduler", "dag_processor": "dag-processor", "triggerer": "triggerer"}
            found = {names[k] for k, status in beats.items() if k in names and status == "healthy"}
            if beats.get("metadatabase") == "healthy":
                found.add("api-server")
        # these open no port: they are well as long as the process manager keeps them up
        portless = {"watchdog", "deliverer"}
        found |= {s.name for s in self.manager.states() if s.name in portless and s.state in UP}
        if any(c.name == "sandbox" for c in self.components) and not ports.is_free(self.options.sandbox_port):
            found.add("sandbox")
        return found

    def is_running(self) -> bool:
        """Is the process manager of this home alive?"""
        record = self.record()
        return record is not None and processes.is_alive(record["pid"], record["started"])

    def record(self) -> dict[str, Any] | None:
        """What the last start wrote down; None if there was none since the machine booted."""
        try:
            record: dict[str, Any] = json.loads(self._record_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record if abs(record["boot"] - psutil.boot_time()) < 60 else None

    def stop(self) -> int:
        """End all processes of this home, also without a process manager; returns how many there were."""
        record = self.record()
        session = record["pid"] if record else None
        count = len(processes.of_stack(self.options.home, session))
        if record and self.is_running():
            self._end_orderly(record["pid"])
        processes.end_all(self.options.home, session)
        if self._child is not None:
            self._child.wait(timeout=10)
        self._record_file.unlink(missing_ok=True)
        self.options.socket.unlink(missing_ok=True)
        if self._api is not None:
            self._api.close()
            self._api = None
        return count

    @contextlib.contextmanager
    def running(self, timeout_s: float = HEALTHY_TIMEOUT_S, say: Say = print) -> Iterator[Stack]:
        """Prepare, start and wait; stop at the end whatever happens."""
        self.prepare(say)
        try:
            self.start()
            self.wait_until_healthy(timeout_s, say)
            yield self
        finally:
            self.stop()

    def log(self, name: str) -> Path:
        """A component's log file."""
        return self.options.logs / f"{name}.log"

    @property
    def _record_file(self) -> Path:
        return self.options.run_dir / "stack.json"

    def _migrate(self, say: Say) -> None:
        """Set Airflow's database up, unless this version of Airflow has done so."""
        from importlib.metadata import version

        done = self.options.airflow_home / "migrated"
        if done.exists() and done.read_text(encoding="utf-8") == version("apache-airflow"):
            return
        say("Setting up Airflow's database")
        log = self.options.logs / "migrate.log"
        with log.open("wb") as out:
            code = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                cwd=self.options.run_dir,
                env=self.env,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=MIGRATE_TIMEOUT_S,
            ).returncode
        if code:
            raise ComponentFailed("airflow db migrate", f"ended with code {code}", log)
        done.write_text(version("apache-airflow"), encoding="utf-8")

    def _end_orderly(self, pid: int) -> None:
        """Let the process manager stop its programs one after another, so that tasks are handed back."""
        manager = psutil.Process(pid)
        manager.terminate()
        if self._child is not None and self._child.pid == pid:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=30)
            return
        with contextlib.suppress(psutil.TimeoutExpired):
            manager.wait(timeout=30)


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log file."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, os.fstat(handle.fileno()).st_size - 64_000))
            text = handle.read().decode("utf-8", "replace")
    except OSError as error:
        return f"  (can not be read: {error.strerror})"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (empty)"
