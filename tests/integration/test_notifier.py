"""The Slack notifier against a real HTTP server that speaks Slack's API."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from steadycast.errors import SourceUnreachable
from tests.airflow_imports import add_plugins
from tests.slack_server import SlackServer, running_slack

add_plugins()

import steadycast_notifier  # noqa: E402 only importable now
from steadycast_notifier import SlackNotifier  # noqa: E402
from steadycast_runtime import failures, lake  # noqa: E402

WEEK = "2016-06-06"
AS_OF = dt.date(2016, 6, 6)


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    with running_slack() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SLACK", server.connection)
        yield server


@pytest.fixture(autouse=True)
def lake_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEADYCAST_LAKE", str(tmp_path / "lake"))
    return tmp_path / "lake"


def context(
    reason: str = "success", dag_id: str = "weekly_forecast", week: str | None = WEEK
) -> dict[str, object]:
    return {
        "dag": SimpleNamespace(dag_id=dag_id),
        "run_id": f"manual__{week}",
        "dag_run": SimpleNamespace(partition_key=week),
        "ti": SimpleNamespace(task_id="train", map_index=-1, dag_id=dag_id),
        "reason": reason,
    }


def published(reasons: list[str]) -> None:
    lake().write_json(
        f"published/{WEEK}/manifest.json", {"verdict": "look" if reasons else "ok", "reasons": reasons}
    )


def test_a_success_names_the_week_the_file_and_the_run(slack: SlackServer, lake_url: Path) -> None:
    published([])
    SlackNotifier().notify(context())
    (post,) = slack.posts
    assert post["channel"] == "#forecast"
    assert 'Chicago "L" entries' in post["text"]
    assert f"week {WEEK}: published, nothing unusual" in post["text"]
    assert f"{lake_url}/published/{WEEK}/forecast.csv" in post["text"]
    assert f"/dags/weekly_forecast/runs/manual__{WEEK}|open the run>" in post["text"]


def test_a_degraded_forecast_says_what_is_different(slack: SlackServer) -> None:
    published(["weather_a is absent: refused", "width < usual & odd"])
    SlackNotifier().notify(context())
    text = slack.posts[0]["text"]
    assert text.startswith(":warning:")
    assert "• weather_a is absent: refused" in text
    assert "• width &lt; usual &amp; odd" in text


def test_a_failure_shows_what_happened_and_the_next_step(slack: SlackServer) -> None:
    error = SourceUnreachable("ridership", "http://x/daily refused the connection", remedy="ask the operator")
    ti = SimpleNamespace(task_id="ingest", map_index=0, dag_id="weekly_forecast")
    failures.note(lake(), failures.place(AS_OF, ti), error, task="ingest ridership")
    SlackNotifier().notify(context("task_failure"))
    text = slack.posts[0]["text"]
    assert f"week {WEEK}: failed" in text
    assert "*ingest ridership*: source ridership: http://x/daily refused the connection" in text
    assert "_Next_: ask the operator" in text


def test_the_first_failure_comes_first_because_others_follow_from_it(slack: SlackServer) -> None:
    for task in ("validate", "compare_sources", "ingest"):
        ti = SimpleNamespace(task_id=task, map_index=-1, dag_id="weekly_forecast")
        failures.note(lake(), failures.place(AS_OF, ti), ValueError(f"broken {task}"), task=task)
    SlackNotifier().notify(context("task_failure"))
    text = slack.posts[0]["text"]
    assert text.index("broken validate") < text.index("broken compare_sources") < text.index("broken ingest")


def test_a_solved_failure_of_an_earlier_try_is_not_told(slack: SlackServer) -> None:
    ti = SimpleNamespace(task_id="ingest", map_index=0, dag_id="weekly_forecast")
    place = failures.place(AS_OF, ti)
    failures.note(lake(), place, ValueError("odd"), task="ingest ridership")
    failures.forget(lake(), place)
    SlackNotifier().notify(context("task_failure"))
    assert "odd" not in slack.posts[0]["text"]


def test_a_killed_task_is_named_although_it_left_no_note(slack: SlackServer) -> None:
    SlackNotifier().notify(context("task_failure"))
    assert "task `train` ended without a word" in slack.posts[0]["text"]


def test_a_long_failure_is_cut_below_slacks_limit(slack: SlackServer) -> None:
    for i in range(8):
        ti = SimpleNamespace(task_id="validate", map_index=i, dag_id="weekly_forecast")
        failures.note(lake(), failures.place(AS_OF, ti), ValueError("row " * 200), task="validate")
    SlackNotifier().notify(context("task_failure"))
    assert len(slack.posts[0]["text"]) < 3000
    assert "more in the task's log" in slack.posts[0]["text"]


def test_a_run_without_a_week_says_what_to_type(slack: SlackServer) -> None:
    SlackNotifier().notify(context("task_failure", week=None))
    assert "type the week's Monday" in slack.posts[0]["text"]


@pytest.mark.parametrize(
    ("mode", "said", "longest_s"),
    [
        pytest.param("rate_limited", "ratelimited", 2, id="too_many_requests"),
        pytest.param("hang", "no answer within", 1.5, id="hangs"),
        pytest.param("drip", "no answer within", 1.5, id="drips_a_byte_at_a_time"),
        pytest.param("broken", "non-JSON", 2, id="answers_html"),
    ],
)
def test_trouble_at_slack_is_one_warning_and_no_wait(
    slack: SlackServer,
    mode: str,
    said: str,
    longest_s: float,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steadycast_notifier, "TIMEOUT_S", 1.0)
    published([])
    slack.mode = mode
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="steadycast_notifier"):
        SlackNotifier().notify(context())
    assert time.monotonic() - began < longest_s + 1
    (warning,) = [r.getMessage() for r in caplog.records if r.name == "steadycast_notifier"]
    assert warning.startswith("Slack was not told how the run ended")
    assert said in warning
    assert slack.requests == 1, "a second request would only wait longer"


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        pytest.param({"password": "xoxb-wrong"}, "invalid_auth", id="token_refused"),
        pytest.param({"extra": {"base_url": "http://127.0.0.1:9/api/"}}, "refused", id="nobody_listens"),
        pytest.param(
            {"extra": {"base_url": "http://no-such-host.invalid/api/"}}, "urlopen", id="no_such_host"
        ),
        pytest.param(None, "there is no Airflow connection 'slack'", id="connection_missing"),
    ],
)
def test_a_wrong_connection_never_raises(
    slack: SlackServer,
    connection: dict[str, object] | None,
    said: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published([])
    if connection is None:
        monkeypatch.delenv("AIRFLOW_CONN_SLACK")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_SLACK", json.dumps(json.loads(slack.connection) | connection))
    with caplog.at_level(logging.WARNING, logger="steadycast_notifier"):
        SlackNotifier().notify(context())
    assert said in caplog.text
    assert slack.posts == []


def test_a_lake_that_can_not_be_read_never_raises(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STEADYCAST_LAKE", "ftp://nowhere")
    with caplog.at_level(logging.WARNING, logger="steadycast_notifier"):
        SlackNotifier().notify(context())
    assert "ftp://nowhere" in caplog.text
