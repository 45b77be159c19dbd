"""What can be chosen about a local stack, and where its files lie."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB_PORT = 8080
SANDBOX_PORT = 8765
LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel's limit for a unix socket's path is 108 on Linux and 104 on macOS."""


class BadOption(Exception):
    """An environment variable has a value that can not be used."""


@dataclass(frozen=True)
class Options:
    """Choices for one local stack; the defaults are those of ``make run``.

    Args:
        home: folder of everything that the stack writes.
        port: of the web UI and the REST API, on 127.0.0.1.
        sandbox_port: of the provider simulator, on 127.0.0.1.
        data: folder of the demo data that the sandbox serves.
        sandbox: start the provider simulator.
        watchdog: start the process that watches the others and restarts them.
        deliverer: start the process that sends the alerts.
        dags: folder of the DAG files; plugins: folder of the Airflow plugins.
        extra_env: further environment of all components; wins over ours.
    """

    home: Path = ROOT / ".steadycast"
    port: int = WEB_PORT
    sandbox_port: int = SANDBOX_PORT
    data: Path | None = None
    sandbox: bool = True
    watchdog: bool = False
    deliverer: bool = False
    dags: Path = ROOT / "dags"
    plugins: Path = ROOT / "plugins"
    extra_env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Options:
        """The options of ``make run``.

        PORT, STEADYCAST_SANDBOX_PORT, STEADYCAST_HOME, STEADYCAST_DEMO_DATA, and STEADYCAST_WATCHDOG=0
        and STEADYCAST_ALERTS=0, which leave these two out.

        Raises:
            BadOption: a port is no number from 1 to 65535, or both ports are the same.
        """
        home = environ.get("STEADYCAST_HOME")
        data = environ.get("STEADYCAST_DEMO_DATA")
        options = cls(
            home=Path(home).expanduser().resolve() if home else ROOT / ".steadycast",
            port=_port(environ, "PORT", WEB_PORT),
            sandbox_port=_port(environ, "STEADYCAST_SANDBOX_PORT", SANDBOX_PORT),
            data=Path(data).expanduser().resolve() if data else None,
            watchdog=environ.get("STEADYCAST_WATCHDOG", "1") != "0",
            deliverer=environ.get("STEADYCAST_ALERTS", "1") != "0",
        )
        if options.port == options.sandbox_port:
            raise BadOption(
                f"PORT and STEADYCAST_SANDBOX_PORT are both {options.port}; they need to differ, e.g. "
                f"STEADYCAST_SANDBOX_PORT={options.port + 1} make run"
            )
        return options

    @property
    def url(self) -> str:
        """Address of the web UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: database and configuration."""
        return self.home / "airflow"

    @property
    def lake(self) -> Path:
        """The lake's folder."""
        return self.home / "lake"

    @property
    def logs(self) -> Path:
        """One log file per component; the tasks' logs are below ``tasks``."""
        return self.home / "logs"

    @property
    def run_dir(self) -> Path:
        """What is needed to find the processes again."""
        return self.home / "run"

    @property
    def demo_data(self) -> Path:
        """Folder that the sandbox serves."""
        return self.data or self.home / "demo"

    @property
    def socket(self) -> Path:
        """The process manager's unix socket; in the temporary folder if the home's path is too long."""
        inside = self.run_dir / "supervisor.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
            return inside
        digest = sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"steadycast-{digest}.sock"


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise BadOption(
            f"{name}={text} is no port; choose a number from 1 to 65535, e.g. {name}={default + 1}"
        )
    return int(text)
