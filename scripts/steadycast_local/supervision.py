"""The process manager: what it starts, its configuration file, and how to ask it."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import sys
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadycast_local.credentials import USER, password_file
from steadycast_local.options import ROOT, Options

UP = {"RUNNING"}
GIVEN_UP = {"FATAL", "UNKNOWN"}


@dataclass(frozen=True)
class Component:
    """One long-running program.

    Args:
        name: as shown to people and as the name of its log file.
        command: program and arguments.
        priority: lower starts earlier and ends later.
        env: further environment of this one alone; no secrets, as it is written to a file.
    """

    name: str
    command: tuple[str, ...]
    priority: int
    env: tuple[tuple[str, str], ...] = ()


def components(options: Options) -> tuple[Component, ...]:
    """Everything that runs, in the order in which it starts."""
    airflow = (sys.executable, "-m", "airflow")
    when_up = (sys.executable, str(Path(__file__).with_name("when_up.py")), f"{options.url}/api/v2/version")
    listed = [
        Component("api-server", (*airflow, "api-server"), 20),
        # --skip-serve-logs: the API server reads the logs from this same disk, so no further port is opened
        Component("scheduler", (*when_up, *airflow, "scheduler", "--skip-serve-logs"), 30),
        Component("dag-processor", (*airflow, "dag-processor"), 30),
        Component("triggerer", (*airflow, "triggerer", "--skip-serve-logs"), 40),
    ]
    if options.deliverer:
        listed.append(Component("deliverer", (sys.executable, "-m", "steadycast.alerts", "deliver"), 45))
    if options.watchdog:
        # it starts last and ends first, so that it takes no start and no end of the others for trouble
        watchdog = (sys.executable, "-m", "watchdog")
        listed.append(Component("watchdog", watchdog, 50, _watchdog_environment(options)))
    if options.sandbox:
        listed.insert(0, Component("sandbox", _sandbox_command(options), 10))
    return tuple(listed)


def _watchdog_environment(options: Options) -> tuple[tuple[str, str], ...]:
    """Where the watchdog finds the others; webhook, mail and dead-man's switch are in our own environment."""
    return (
        ("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "include")])),
        ("STEADYCAST_WATCHDOG_AIRFLOW", options.url),
        ("STEADYCAST_WATCHDOG_USER", USER),
        ("STEADYCAST_WATCHDOG_PASSWORDS_FILE", str(password_file(options.home))),
        ("STEADYCAST_WATCHDOG_SUPERVISOR", str(options.socket)),
        ("STEADYCAST_WATCHDOG_STATE", str(options.home / "watchdog")),
    )


def _sandbox_command(options: Options) -> tuple[str, ...]:
    where = ("--host", "127.0.0.1", "--port", str(options.sandbox_port))
    return (sys.executable, "-m", "sandbox", "--data", str(options.demo_data), *where)


def write_config(options: Options, listed: tuple[Component, ...]) -> Path:
    """Write supervisor's configuration; secrets are in the environment it inherits, never in here."""
    run = options.run_dir
    lines = [
        "[supervisord]",
        f"logfile={_escape(options.logs / 'supervisord.log')}",
        "logfile_maxbytes=5MB",
        "logfile_backups=1",
        f"pidfile={_escape(run / 'supervisord.pid')}",
        f"childlogdir={_escape(options.logs)}",
        "nodaemon=true",
        "silent=true",
        "",
        "[unix_http_server]",
        f"file={_escape(options.socket)}",
        "chmod=0600",
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    # one group, so that all end at the same time and not one after another
    lines += ["", "[group:steadycast]", f"programs={','.join(c.name for c in listed)}"]
    for component in listed:
        lines += ["", *_program(component, options)]
    file = run / "supervisord.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _program(component: Component, options: Options) -> list[str]:
    return [
        f"[program:{component.name}]",
        f"command={_escape(shlex.join(component.command))}",
        f"directory={_escape(options.run_dir)}",
        f"priority={component.priority}",
        "autorestart=true",
        "startsecs=5",
        "startretries=3",
        # The program alone is asked to end. Were its whole group, the executor's workers would die under the
        # scheduler, and it would book their tasks as failed; so it waits for them, is killed, and the next
        # scheduler runs the tasks again without counting a failure.
        "stopasgroup=false",
        "killasgroup=true",
        "stopwaitsecs=6",
        "redirect_stderr=true",
        f"stdout_logfile={_escape(options.logs / (component.name + '.log'))}",
        "stdout_logfile_maxbytes=20MB",
        "stdout_logfile_backups=2",
        *_environment(component),
    ]


def _environment(component: Component) -> list[str]:
    if not component.env:
        return []
    told = (f'{name}="{_escape(value)}"' for name, value in component.env)
    return [f"environment={','.join(told)}"]


def _escape(text: str | Path) -> str:
    return str(text).replace("%", "%%")


@dataclass(frozen=True)
class ProgramState:
    """What the process manager says of one component."""

    name: str
    state: str
    text: str
    pid: int

    @property
    def given_up(self) -> bool:
        """Did it end too often to be started again?"""
        return self.state in GIVEN_UP


class Manager:
    """Asks the process manager over its unix socket."""

    def __init__(self, path: Path) -> None:
        self._proxy = xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(path))

    def states(self) -> list[ProgramState]:
        """All components and their states; empty while the process manager does not answer."""
        try:
            answer: Any = self._proxy.supervisor.getAllProcessInfo()
        except (OSError, xmlrpc.client.Error, http.client.HTTPException):
            return []
        finally:
            self._proxy("close")()
        return [
            ProgramState(p["name"], p["statename"], p["spawnerr"] or p["description"], p["pid"])
            for p in answer
        ]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        # kept where the base class looks for it when it closes
        self._connection = host, _UnixConnection(self._path)
        return self._connection[1]
