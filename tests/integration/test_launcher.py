"""The launcher with Airflow's real components and two tiny DAGs; its tests follow on each other."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from steadycast_local import Options, free_port, processes
from steadycast_local.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
START_S = 400  # a busy machine takes minutes where a quiet one takes seconds
pytestmark = [pytest.mark.timeout(900)]


class Launcher:
    """``python -m steadycast_local`` in the background, without a terminal, with SIGINT ignored."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.port = free_port()
        (folder / "plugins").mkdir()
        settings = folder / "pipeline.yaml"
        real = (ROOT / "include/config/pipeline.yaml").read_text()
        settings.write_text(re.sub(r"last_week: \S+", "last_week: 2016-06-13", real))
        self.arguments = ["--no-sandbox", "--dags", str(ROOT / "tests/integration/launcher_dags")]
        self.arguments += ["--plugins", str(folder / "plugins")]
        self.env = os.environ | {
            "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'include'}",
            "STEADYCAST_HOME": str(self.home),
            "STEADYCAST_SETTINGS": str(settings),
            "PORT": str(self.port),
        }
        self.out = folder / "out.txt"
        self.started: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "steadycast_local", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.out.open("wb") as out:
            process = subprocess.Popen(
                self.command("run", *self.arguments, *arguments),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )
        self.started.append(process)
        return process

    def call(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.env | env, capture_output=True, text=True, timeout=START_S
        )

    def wait_for(self, text: str, process: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + START_S
        while text not in (said := self.out.read_text()):
            assert process.poll() is None, f"ended with {process.returncode}:\n{said}"
            assert time.monotonic() < deadline, f"no {text!r} in:\n{said}"
            time.sleep(0.2)
        return said

    def left(self) -> list[str]:
        return [processes.describe(p) for p in processes.of_stack(self.home)]

    def runs(self) -> list[str]:
        return (self.home / "lake/runs.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    made = Launcher(tmp_path_factory.mktemp("launcher"))
    yield made
    for process in made.started:
        process.kill()
        process.wait()
    Stack(Options(home=made.home)).stop()


@pytest.fixture(scope="module")
def running(launcher: Launcher) -> subprocess.Popen[bytes]:
    started = launcher.start()
    launcher.wait_for("All weeks are done", started)
    return started


def test_first_run_brings_every_week_up_to_date_and_says_where_things_are(
    launcher: Launcher, running: subprocess.Popen[bytes]
) -> None:
    said = launcher.wait_for("Ctrl-C stops everything", running)
    assert launcher.runs() == [
        "published 2016-06-06",
        "published 2016-06-13",
        "backtest 2016-06-20",
    ]
    assert f"http://127.0.0.1:{launcher.port}   user admin, password " in said
    assert str(launcher.home / "lake/published/latest/forecast.csv") in said
    assert "2016-06-13 published (2/2)" in said
    assert "publish done" in said


def test_secrets_are_readable_by_their_owner_only(
    launcher: Launcher, running: subprocess.Popen[bytes]
) -> None:
    for name in ("secrets.json", "passwords.json"):
        assert (launcher.home / name).stat().st_mode & 0o077 == 0, name


def test_status_of_a_healthy_stack_is_zero(launcher: Launcher, running: subprocess.Popen[bytes]) -> None:
    done = launcher.call("status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT healthy" not in done.stdout
    for component in ("scheduler", "dag-processor", "triggerer", "api-server", "deliverer", "watchdog"):
        assert re.search(rf"^{component} +healthy ", done.stdout, re.MULTILINE), done.stdout


def test_second_run_says_where_the_first_one_is(launcher: Launcher, running: subprocess.Popen[bytes]) -> None:
    done = launcher.call("run", *launcher.arguments, PORT=str(free_port()))
    assert done.returncode == 0
    assert "Already running" in done.stdout
    assert f"http://127.0.0.1:{launcher.port}" in done.stdout


def test_busy_port_is_reported_with_its_holder_and_another_choice(launcher: Launcher, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = launcher.call(
            "run", *launcher.arguments, PORT=str(port), STEADYCAST_HOME=str(tmp_path / "other")
        )
    assert done.returncode == 1
    assert f"port {port}, wanted for the web UI, is in use by process {os.getpid()}" in done.stdout
    assert re.search(r"choose another port: PORT=\d+ make run", done.stdout)
    assert not (tmp_path / "other/airflow").exists()


def test_stop_leaves_nothing_after_launcher_and_process_manager_were_killed(
    launcher: Launcher, running: subprocess.Popen[bytes]
) -> None:
    record = Stack(Options(home=launcher.home)).record()
    assert record is not None
    running.kill()
    running.wait()
    psutil.Process(record["pid"]).kill()
    assert launcher.left(), "the components outlive their process manager, else this test tells nothing"
    done = launcher.call("stop")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Stopped \d+ processes", done.stdout)
    assert launcher.left() == []
    assert not _listens(launcher.port)


def test_next_run_goes_on_without_repeating_a_week_and_ctrl_c_leaves_nothing(launcher: Launcher) -> None:
    before = launcher.runs()
    started = launcher.start()
    launcher.wait_for("Ctrl-C stops everything", started)
    started.send_signal(signal.SIGINT)
    assert started.wait(timeout=60) == 130
    assert launcher.runs() == before
    assert launcher.left() == []
    assert not _listens(launcher.port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
