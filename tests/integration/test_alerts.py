"""Alerts of a real Airflow: one message per failed run, also if its callback comes late or never."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from steadycast_local import Options, free_port
from steadycast_local.stack import Stack

from tests.slack_server import SlackServer, running_slack
from watchdog.manager import Manager

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND, THIRD = "2016-06-06", "2016-06-13", "2016-06-20"
START_S, RUN_S = 400, 300
pytestmark = [pytest.mark.timeout(900)]


def until(there: Callable[[], Any], what: str, timeout_s: float = RUN_S) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := there()):
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.3)
    return found


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackServer]:
    with running_slack() as server:
        yield server


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, slack: SlackServer) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("alerts")
    raw = yaml.safe_load((ROOT / "include/config/pipeline.yaml").read_text(encoding="utf-8"))
    raw["alerts"] |= {"group_wait_s": 0.5}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    options = Options(
        home=folder / "home", port=free_port(), sandbox=False, deliverer=True,
        dags=ROOT / "tests/integration/alert_dags", plugins=ROOT / "plugins",
        extra_env={
            "STEADYCAST_SETTINGS": str(folder / "pipeline.yaml"), "AIRFLOW_CONN_SLACK": slack.connection,
            "STEADYCAST_LISTENER_PATIENCE_S": "5",
        },
    )  # fmt: skip
    with Stack(options).running(timeout_s=START_S, say=lambda text: None) as stack:
        dags = ("fails", "is_killed")
        until(lambda: all(map(stack.api.has_dag, dags)) or stack.api.import_errors(), "the DAGs are read")
        assert stack.api.import_errors() == []
        yield stack


def messages(slack: SlackServer, text: str) -> list[str]:
    return [told for told in slack.texts if text in told]


def run(stack: Stack, dag: str, week: str) -> None:
    ended = stack.api.wait(stack.api.trigger(dag, week), timeout_s=RUN_S)
    assert ended.state == "failed"


def test_a_failed_run_is_told_once_with_its_reason(stack: Stack, slack: SlackServer) -> None:
    run(stack, "fails", FIRST)
    until(lambda: messages(slack, f"fails, week {FIRST}: failed"), "the message")
    time.sleep(8)  # longer than the listener's patience
    (text,) = messages(slack, f"fails, week {FIRST}: failed")
    assert "ValueError: the cellar is full of water" in text


def test_a_killed_task_is_told_once(stack: Stack, slack: SlackServer) -> None:
    run(stack, "is_killed", FIRST)
    until(lambda: messages(slack, f"is_killed, week {FIRST}: failed"), "the message")
    time.sleep(8)
    (text,) = messages(slack, f"is_killed, week {FIRST}: failed")
    assert "it was killed" in text


def test_without_a_dag_processor_the_listener_tells_it_and_the_late_callback_says_nothing_new(
    stack: Stack, slack: SlackServer
) -> None:
    supervisor = Manager(stack.options.socket)
    supervisor._call("stopProcess", "steadycast:dag-processor", True)
    try:
        run(stack, "fails", SECOND)
        until(lambda: messages(slack, f"fails, week {SECOND}: failed"), "the listener's message")
    finally:
        supervisor._call("startProcess", "steadycast:dag-processor", False)
    (text,) = messages(slack, f"fails, week {SECOND}: failed")
    assert "ValueError: the cellar is full of water" in text
    # callbacks of a file run one after another: when this one has told, the late one has run too
    run(stack, "fails", THIRD)
    until(lambda: messages(slack, f"fails, week {THIRD}: failed"), "the message of the next run")
    assert len(messages(slack, f"fails, week {SECOND}: failed")) == 1
