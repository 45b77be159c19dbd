import os
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.watchdog.server import PASSWORD, Routes, serving

ROOT = Path(__file__).resolve().parents[3]


def call(tmp_path, *arguments, **environ):
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'include'}", "STEADYCAST_WATCHDOG_STATE": str(tmp_path / "state")}
    command = [sys.executable, "-m", "watchdog", *arguments]
    return subprocess.run(
        command, env=env | environ, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )


def test_one_look_at_the_demo_years_after_its_last_week_finds_nothing_and_does_nothing(tmp_path):
    routes = Routes()
    with serving(routes) as url:
        done = call(
            tmp_path, "--once", STEADYCAST_LAKE=str(tmp_path / "lake"), STEADYCAST_WATCHDOG_AIRFLOW=url,
            STEADYCAST_WATCHDOG_PASSWORD=PASSWORD, STEADYCAST_WATCHDOG_WEBHOOK=f"{url}/hook",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (routes.posts, routes.messages) == ([], [])
    assert not (tmp_path / "lake").exists()
    assert (tmp_path / "state/memory.json").exists()


def test_health_check_tells_a_watchdog_that_does_not_look_any_more(tmp_path):
    assert call(tmp_path, "--healthy").returncode == 1
    memory = tmp_path / "state/memory.json"
    memory.parent.mkdir()
    memory.write_text("{}")
    assert call(tmp_path, "--healthy").returncode == 0
    os.utime(memory, (time.time() - 900, time.time() - 900))
    assert call(tmp_path, "--healthy").returncode == 1


def test_mistakes_of_the_settings_are_told_at_once(tmp_path):
    (tmp_path / "pipeline.yaml").write_text("title: only this\n")
    done = call(tmp_path, STEADYCAST_SETTINGS=str(tmp_path / "pipeline.yaml"))
    assert done.returncode == 2
    assert "pipeline.yaml has" in done.stderr
