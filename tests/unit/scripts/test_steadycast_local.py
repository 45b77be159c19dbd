"""The launcher's parts that need no Airflow; tests/integration/test_launcher.py runs the whole."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from steadycast_local import Options, PortBusy, free_port, ports, processes
from steadycast_local.api import Task
from steadycast_local.credentials import load_or_create, password_file
from steadycast_local.environment import MARKER, components_environment, git_commit
from steadycast_local.options import BadOption
from steadycast_local.stack import Stack, tail
from steadycast_local.supervision import components, write_config
from steadycast_local.weeks import Demo, describe, progress

from steadycast.settings import load

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        pytest.param({"PORT": "web"}, "PORT=web is no port", id="text"),
        pytest.param({"PORT": "0"}, "PORT=0 is no port", id="zero"),
        pytest.param({"PORT": "70000"}, "from 1 to 65535", id="too_high"),
        pytest.param({"PORT": "8765"}, "need to differ", id="both_the_same"),
    ],
)
def test_port_that_can_not_be_is_refused(environ: dict[str, str], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        Options.from_environment(environ)


@pytest.mark.parametrize(
    ("environ", "there"),
    [
        pytest.param({}, True, id="by_default"),
        pytest.param({"STEADYCAST_WATCHDOG": "0"}, False, id="left_out"),
    ],
)
def test_the_watchdog_runs_unless_it_is_left_out(environ: dict[str, str], there: bool) -> None:
    names = [component.name for component in components(Options.from_environment(environ))]
    assert ("watchdog" in names) == there


def test_socket_of_a_deep_folder_is_short_enough_for_the_kernel(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / "home"
    path = Options(home=deep).socket
    assert len(os.fsencode(path)) <= 100
    assert path != Options(home=deep.with_name("other")).socket


def test_free_port_is_free_and_a_taken_one_names_its_holder() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not ports.is_free(port)
        assert f"process {os.getpid()}" in ports.holder(port)
        assert str(PortBusy(port, "the web UI", "PORT")).startswith(
            f"port {port}, wanted for the web UI, is in use by process {os.getpid()}"
        )
    assert ports.is_free(free_port())


def test_secrets_are_made_once_and_hidden(tmp_path: Path) -> None:
    first = load_or_create(tmp_path)
    assert load_or_create(tmp_path) == first
    assert first.password not in repr(first)
    assert load_or_create(tmp_path / "another") != first
    assert password_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_no_secret_is_in_the_process_managers_file(tmp_path: Path) -> None:
    options = Options(home=tmp_path / "100%home")
    options.run_dir.mkdir(parents=True)
    made = load_or_create(options.home)
    text = write_config(options, components(options)).read_text()
    assert not [value for value in vars(made).values() if value in text]
    assert "100%%home" in text


def test_components_hear_nothing_of_another_airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "redis://elsewhere")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    env = components_environment(Options(home=tmp_path), load_or_create(tmp_path))
    assert env["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW__CELERY__BROKER_URL" not in env
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert env["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_commit_is_unknown_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit(tmp_path) == "unknown"


@pytest.fixture
def stubborn(tmp_path: Path) -> Iterator[tuple[Path, list[int]]]:
    """A process with our mark; its child has a session and an environment of its own, and ignores SIGTERM."""
    child = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('up', flush=True); time.sleep(600)"
    )
    parent = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}], env={{}}, start_new_session=True,"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(600)"
    )
    home = tmp_path / "home"
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        env=os.environ | {MARKER: str(home)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pids = [process.pid, int(process.stdout.readline())]
        yield home, pids
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def test_every_process_of_a_stack_is_found_and_ended(stubborn: tuple[Path, list[int]]) -> None:
    home, pids = stubborn
    assert sorted(p.pid for p in processes.of_stack(home)) == sorted(pids)
    assert processes.of_stack(home.with_name("another")) == []
    began = time.monotonic()
    assert processes.end_all(home) == 2
    assert time.monotonic() - began < 20
    assert processes.of_stack(home) == []


def test_process_that_left_environment_and_parent_is_found_by_its_session(tmp_path: Path) -> None:
    leader = subprocess.Popen(
        ["sh", "-c", "env -i sleep 600 & echo $!"], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert leader.stdout is not None
    pid = int(leader.stdout.readline())
    leader.stdout.close()
    leader.wait()
    assert processes.of_stack(tmp_path) == []
    assert [p.pid for p in processes.of_stack(tmp_path, leader.pid)] == [pid]
    assert processes.end_all(tmp_path, leader.pid) == 1


def test_number_of_a_dead_process_is_not_taken_for_it() -> None:
    me = processes.psutil.Process()
    assert processes.is_alive(me.pid, me.create_time())
    assert not processes.is_alive(me.pid, me.create_time() - 3600)


def test_stop_of_what_never_ran_says_none(tmp_path: Path) -> None:
    assert Stack(Options(home=tmp_path)).stop() == 0


def test_tail_is_the_end_of_a_log_or_the_reason_why_not(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"line {i}\n" for i in range(30_000)))
    assert tail(log, 2) == "  line 29998\n  line 29999"
    assert tail(tmp_path / "none.log") == "  (can not be read: No such file or directory)"


def test_demo_covers_the_weeks_of_the_settings() -> None:
    settings = load(ROOT / "include/config/pipeline.yaml")
    demo = Demo.of(settings, Path("/lake"), today=dt.date(2020, 1, 1))
    assert (demo.weeks[0], demo.weeks[-1], len(demo.weeks)) == ("2016-06-06", "2016-08-22", 12)
    assert demo.after == "2016-08-29"


def test_demo_without_an_end_stops_at_this_week() -> None:
    settings = load(ROOT / "include/config/pipeline.yaml")
    endless = settings.model_copy(
        update={"schedule": settings.schedule.model_copy(update={"last_week": None})}
    )
    assert Demo.of(endless, Path("/lake"), today=dt.date(2016, 6, 22)).weeks == (
        "2016-06-06",
        "2016-06-13",
        "2016-06-20",
    )


def task(name: str, state: str | None, index: int = -1, started: str | None = None) -> Task:
    return Task(name, index, state, label=f"source {index}", tries=1, started=started, seconds=None)


@pytest.mark.parametrize(
    ("tasks", "texts"),
    [
        pytest.param([task("ingest", None), task("train", "queued")], [], id="nothing_begun"),
        pytest.param(
            [task("ingest", "success", 0), task("ingest", "running", 1), task("train", None)],
            ["ingest 1/2"],
            id="half_of_the_sources",
        ),
        pytest.param(
            [
                task("train", "running", started="2016-06-06T00:00:09Z"),
                task("ingest", "success", 0, started="2016-06-06T00:00:01Z"),
                task("ingest", "failed", 1, started="2016-06-06T00:00:02Z"),
            ],
            ["ingest 1/2 (1 failed)", "train"],
            id="in_the_order_of_their_start",
        ),
        pytest.param([task("publish", "success")], ["publish done"], id="done"),
        pytest.param([task("publish", "skipped")], ["publish done"], id="skipped_is_no_failure"),
    ],
)
def test_progress_tells_what_is_under_way(tasks: list[Task], texts: list[str]) -> None:
    assert list(progress(tasks).values()) == texts


def test_mapped_task_is_named_with_its_source() -> None:
    assert describe(task("ingest", "failed", 1)) == "ingest [source 1]"
    assert describe(task("train", "failed")) == "train"
