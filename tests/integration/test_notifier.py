"""The callback of a run writes the outbox and nothing else; the listener helps where it never runs."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steadycast.alerts import Event, Outbox
from steadycast.errors import GateFailed, SourceUnreachable
from tests.airflow_imports import REPO, add_plugins
from tests.slack_server import running_slack
from tests.smtp_server import running_smtp

add_plugins()

import steadycast_listener  # noqa: E402 only importable now
from steadycast_notifier import RunNotifier  # noqa: E402
from steadycast_runtime import failures, lake  # noqa: E402

WEEK = "2016-06-06"
AS_OF = dt.date(2016, 6, 6)
RUN = f"run/weekly_forecast/{WEEK}"


@pytest.fixture(autouse=True)
def lake_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEADYCAST_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://site")
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


def published(reasons: list[str], verdict: str = "ok", **more: Any) -> None:
    manifest = {"verdict": verdict, "reasons": reasons, "sha256": {"forecast.csv": "1" * 64}, "files": {}}
    lake().write_json(f"published/{WEEK}/manifest.json", manifest | more)


def failed(task: str, error: Exception, map_index: int = -1) -> None:
    ti = SimpleNamespace(task_id=task.split()[0], map_index=map_index, dag_id="weekly_forecast")
    failures.note(lake(), failures.place(AS_OF, ti), error, task=task)


def put() -> list[Event]:
    outbox = Outbox(lake())
    return [posted.event for posted in sorted(map(outbox.read, outbox.paths()), key=lambda p: p.at)]


def test_a_success_names_the_week_the_file_the_picture_and_the_run(lake_url: Path) -> None:
    published([])
    RunNotifier().notify(context())
    (event,) = put()
    assert (event.kind, event.severity) == ("published", "info")
    assert event.title == f"weekly_forecast, week {WEEK}: published, nothing unusual"
    assert f"{lake_url}/published/{WEEK}/forecast.csv" in event.text
    assert event.picture == f"published/{WEEK}/forecast.png"
    assert event.link == f"http://site/dags/weekly_forecast/runs/manual__{WEEK}"


@pytest.mark.parametrize(
    ("verdict", "degraded", "kind"),
    [
        pytest.param("ok", True, "degraded", id="degraded"),
        pytest.param("look", False, "looks_odd", id="odd"),
        pytest.param("look", True, "looks_odd", id="odd_and_degraded"),
        pytest.param("fallback", True, "fallback", id="fallback"),
    ],
)
def test_a_forecast_that_is_not_as_usual_says_what_is_different(
    verdict: str, degraded: bool, kind: str
) -> None:
    published(["weather_a is absent: refused"], verdict, degraded=degraded)
    RunNotifier().notify(context())
    (event,) = put()
    assert event.kind == kind
    assert "• weather_a is absent: refused" in event.text
    assert event.next


def test_a_failure_shows_what_happened_and_the_next_step() -> None:
    failed("ingest ridership", SourceUnreachable("ridership", "http://x refused", remedy="ask the operator"))
    RunNotifier().notify(context("task_failure"))
    (event,) = put()
    assert (event.kind, event.severity, event.key) == ("run_failed", "failure", RUN)
    assert "ingest ridership: source ridership: http://x refused" in event.text
    assert event.next == "ask the operator"


def test_a_forecast_that_is_held_back_is_told_as_such() -> None:
    failed("check_forecast", GateFailed("check_forecast", ["Polk is negative"], remedy="clear ingest"))
    RunNotifier().notify(context("task_failure"))
    (event,) = put()
    assert (event.kind, event.severity) == ("held", "hold")
    assert "Polk is negative" in event.text


def test_the_first_failure_comes_first_because_others_follow_from_it() -> None:
    for task in ("validate", "compare_sources", "ingest"):
        failed(task, ValueError(f"broken {task}"))
    RunNotifier().notify(context("task_failure"))
    text = put()[0].text
    assert text.index("broken validate") < text.index("broken compare_sources") < text.index("broken ingest")


def test_a_killed_task_is_named_although_it_left_no_note() -> None:
    RunNotifier().notify(context("task_failure"))
    assert "task train ended without a word" in put()[0].text


def test_a_run_without_a_week_says_what_to_type() -> None:
    RunNotifier().notify(context("task_failure", week=None))
    (event,) = put()
    assert "type the week's Monday" in event.text
    assert event.key == "run/weekly_forecast/manual__None"


def test_a_run_that_succeeds_after_its_failure_ends_it_and_one_that_never_failed_says_nothing() -> None:
    published([])
    RunNotifier().notify(context("task_failure"))
    RunNotifier().notify(context())
    RunNotifier().notify(context())
    told = sorted((event.kind, event.resolves) for event in put())
    assert told == [("published", False), ("run_failed", False), ("run_failed", True)]


def test_what_the_stages_found_is_told_with_the_run() -> None:
    published([])
    finding = {
        "kind": "revision",
        "severity": "warning",
        "key": "revision/a",
        "title": "a has changed the past",
    }
    lake().write_json(f"runs/{WEEK}/findings/revisions.json", [finding])
    RunNotifier().notify(context())
    assert "revision" in {event.kind for event in put()}


def test_servers_that_hang_neither_delay_nor_fail_a_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    published([])
    with running_slack() as slack, running_smtp() as smtp:
        slack.mode, smtp.mode = "hang", "hang"
        monkeypatch.setenv("AIRFLOW_CONN_SLACK", slack.connection)
        monkeypatch.setenv("AIRFLOW_CONN_ALERT_MAIL", smtp.connection)
        began = time.monotonic()
        RunNotifier().notify(context())
        seconds = time.monotonic() - began
        # it can not wait for a server that it never calls
        assert (slack.requests, smtp.connections) == (0, 0)
    assert len(put()) == 1
    logging.getLogger(__name__).info("the callback took %.3f s", seconds)


def test_a_lake_that_can_not_be_written_never_raises(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STEADYCAST_LAKE", "ftp://nowhere")
    with caplog.at_level(logging.WARNING, logger="steadycast_notifier"):
        RunNotifier().notify(context())
    assert "ftp://nowhere" in caplog.text


def heard(monkeypatch: pytest.MonkeyPatch, week: str | None = WEEK) -> None:
    """What the scheduler calls, and the end of the process that it starts."""
    monkeypatch.setattr(steadycast_listener, "PATIENCE_S", 0)
    monkeypatch.setenv("PYTHONPATH", str(REPO / "include"))
    run = SimpleNamespace(dag_id="weekly_forecast", run_id=f"manual__{week}", partition_key=week)
    steadycast_listener.on_dag_run_failed(run, "task_failure")
    assert steadycast_listener._started[-1].wait(60) == 0


def test_the_listener_tells_what_the_callback_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    failed("train", ValueError("odd"))
    heard(monkeypatch)
    (event,) = put()
    assert (event.key, event.kind) == (RUN, "run_failed")
    assert "train: ValueError: odd" in event.text


def test_the_listener_says_nothing_that_the_callback_has_said(monkeypatch: pytest.MonkeyPatch) -> None:
    RunNotifier().notify(context("task_failure"))
    heard(monkeypatch)
    assert len(put()) == 1


def test_the_listener_hears_of_a_run_without_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    heard(monkeypatch, week="not a week")
    assert put()[0].key == "run/weekly_forecast/manual__not a week"


def test_a_listener_that_fails_does_not_stop_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steadycast_listener.sys, "executable", "/nowhere/python")
    run = SimpleNamespace(dag_id="weekly_forecast", run_id="r", partition_key=WEEK)
    steadycast_listener.on_dag_run_failed(run, "task_failure")
    assert json.dumps([event.title for event in put()]) == "[]"
