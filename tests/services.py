"""Real servers on free loopback ports, for tests; each is ended by its own process id.

In a test folder's conftest.py::

    from tests.services import free_port, running_postgres
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_START_S = 60
_LOGIN, _PASSWORD = "steadycast", "c0ffee:@/"


class ProgramsMissing(Exception):
    """The server's programs are not installed; the text says which."""


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server with one database; the password has characters that a URL must escape."""

    port: int
    process: subprocess.Popen[bytes]
    login: str = _LOGIN
    password: str = _PASSWORD
    database: str = "postgres"

    @property
    def address(self) -> str:
        """SQLAlchemy address without a credential."""
        return f"postgresql+psycopg2://127.0.0.1:{self.port}/{self.database}"

    @property
    def url(self) -> str:
        """SQLAlchemy address with the credential."""
        from sqlalchemy.engine import URL

        parts = ("postgresql+psycopg2", self.login, self.password, "127.0.0.1", self.port, self.database)
        return URL.create(*parts).render_as_string(hide_password=False)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a new, empty PostgreSQL server for the time of the block.

    Raises:
        ProgramsMissing: initdb or postgres is not installed.
    """
    programs = _postgres_programs()
    user = _user()
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        home, data = Path(folder), Path(folder) / "data"
        (home / "password").write_text(_PASSWORD)
        if user is not None:
            # PostgreSQL refuses to run as root
            home.chmod(0o755)
            for path in (home, home / "password"):
                os.chown(path, user, -1)
        made = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            _LOGIN,
            f"--pwfile={home / 'password'}",
            "-A",
            "scram-sha-256",
        ]
        subprocess.run(
            [*made, "--no-sync", "-E", "UTF8", "--locale=C"],
            user=user, cwd=home, check=True, capture_output=True,
        )  # fmt: skip
        server = _started(programs / "postgres", home, data, user)
        try:
            yield server
        finally:
            server.process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                server.process.wait(20)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait(20)


def _started(program: Path, home: Path, data: Path, user: int | None) -> Postgres:
    port = free_port()
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "shared_buffers": "16MB",
        "max_connections": 50,
    }
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-D", data, *arguments], user=user, cwd=home, stdout=log, stderr=log
        )
    server = Postgres(port, process)
    end = time.monotonic() + _START_S
    while not _answers(server):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            process.wait()
            raise RuntimeError(f"PostgreSQL did not start:\n{(home / 'log').read_text()}")
        time.sleep(0.05)
    return server


def _answers(server: Postgres) -> bool:
    import psycopg2

    try:
        psycopg2.connect(
            host="127.0.0.1", port=server.port, user=server.login, password=server.password,
            dbname=server.database, connect_timeout=5,
        ).close()  # fmt: skip
    except psycopg2.OperationalError:
        return False
    return True


def _postgres_programs() -> Path:
    """The folder with PostgreSQL's programs: the newest of Debian's folders, or where PATH finds them."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name.split(".")[0])
    )
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path and not folders else folders
    for folder in reversed(folders):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ProgramsMissing("initdb and postgres are not installed (Debian: apt-get install postgresql)")


def _user() -> int | None:
    """User id to run the server as; None for our own."""
    if os.geteuid() != 0:
        return None
    import pwd

    return pwd.getpwnam("nobody").pw_uid
