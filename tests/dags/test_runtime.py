"""What lies between Airflow and the stages: week, retries, connections, progress, absent sources."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steadycast import errors
from steadycast.settings import load
from tests.airflow_imports import REPO, add_plugins

add_plugins()

from airflow.sdk.definitions.retry_policy import RetryAction  # noqa: E402 only importable now
from airflow.sdk.exceptions import AirflowTaskTimeout  # noqa: E402
from steadycast_runtime import Week, WeekUnknown, failures, git_commit, lake, week, week_of  # noqa: E402
from steadycast_runtime.connections import (  # noqa: E402
    ConnectionMissing,
    source_connection,
    storage_arguments,
)
from steadycast_runtime.retry import LONGEST, RETRY_BY_ERROR, SOON  # noqa: E402

WEEK = dt.date(2016, 6, 6)


class StateStore(dict):
    """Takes what a task tells, as Airflow's state store does."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param(None, "no partition key", id="missing"),
        pytest.param("", "no partition key", id="empty"),
        pytest.param("2016-06-07", "is a Tuesday; its week's Monday is 2016-06-06", id="not_a_monday"),
        pytest.param("2016-W23", "is no date", id="iso_week"),
        pytest.param("20160606", "is no date", id="without_dashes"),
    ],
)
def test_a_partition_key_that_names_no_monday_says_what_to_type(key: str | None, said: str) -> None:
    with pytest.raises(WeekUnknown, match=said) as caught:
        week_of(key)
    assert "type the week's Monday as YYYY-MM-DD" in str(caught.value)


def test_a_partition_key_is_the_weeks_monday() -> None:
    assert week_of("2016-06-06") == WEEK


@pytest.mark.parametrize(
    "error",
    [
        errors.BadCredential("fred", "refused", remedy="correct the key"),
        errors.SchemaDrift("fuel", "price", found=["date"], remedy="correct the field"),
        errors.SettingsError("pipeline.yaml", ["odd"]),
        errors.GateFailed("gate of fuel", ["too few rows"], remedy="look"),
        errors.SourceAbsent("ridership", "no data", remedy="wait"),
        errors.ModelError("too short", remedy="wait"),
        errors.ArtefactMissing("runs/x"),
        WeekUnknown("no key", remedy="type it"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_person_must_correct_fails_at_once_and_says_so(error: Exception) -> None:
    decision = RETRY_BY_ERROR.evaluate(error, 1, 2)
    assert decision.action is RetryAction.FAIL
    assert str(error) in decision.reason


@pytest.mark.parametrize(
    "error",
    [
        errors.SourceUnreachable("fuel", "refused", remedy="wait"),
        errors.SourceTimeout("fuel", "slow", remedy="wait"),
        errors.BadResponse("fuel", "an HTML page", remedy="wait"),
        errors.LakeUnreachable("no answer", remedy="wait"),
        MemoryError(),
        AirflowTaskTimeout("10 min"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_tried_again_soon_and_later_each_time(error: BaseException) -> None:
    first, second = (RETRY_BY_ERROR.evaluate(error, attempt, 2) for attempt in (1, 2))
    assert first.action is second.action is RetryAction.RETRY
    assert first.retry_delay == SOON
    assert second.retry_delay == 2 * SOON


@pytest.mark.parametrize(
    ("asked_s", "expected"),
    [
        pytest.param(90, dt.timedelta(seconds=90), id="as_asked"),
        pytest.param(1, SOON, id="not_sooner_than_usual"),
        pytest.param(86_400, LONGEST, id="not_for_a_day"),
        pytest.param(None, SOON, id="no_wish"),
    ],
)
def test_a_source_that_limits_its_rate_is_asked_again_when_it_wants(
    asked_s: float | None, expected: dt.timedelta
) -> None:
    error = errors.SourceRateLimited("fuel", "429", remedy="wait", retry_after_s=asked_s)
    assert RETRY_BY_ERROR.evaluate(error, 1, 2).retry_delay == expected


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        ({"conn_type": "http", "host": "127.0.0.1", "port": 8090}, "http://127.0.0.1:8090"),
        ({"conn_type": "http", "host": "api.example", "schema": "https"}, "https://api.example"),
        ({"conn_type": "http", "host": "http://127.0.0.1:8090/fred"}, "http://127.0.0.1:8090/fred"),
        ({"conn_type": "http", "host": "https://x.example/a", "port": 444}, "https://x.example:444/a"),
        ({"conn_type": "sqlite", "host": "/data/sales.db"}, "sqlite:////data/sales.db"),
        (
            {
                "conn_type": "postgres",
                "host": "db",
                "port": 5432,
                "login": "u",
                "password": "p@/",
                "schema": "s",
            },
            "postgresql+psycopg2://u:p%40%2F@db:5432/s",
        ),
        ({"conn_type": "aws", "extra": {"endpoint_url": "http://minio:9000"}}, "http://minio:9000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_airflow_connection_becomes_an_address(
    connection: dict[str, Any], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_THERE", json.dumps(connection))
    found = source_connection("there")
    assert found is not None
    assert found.address == address


def test_credentials_and_headers_go_along_and_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"token": "t0ken", "header:X-Key": "k3y", "region_name": "eu"}
    there = {"conn_type": "http", "host": "x", "login": "me", "password": "s3cret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_THERE", json.dumps(there))
    found = source_connection("there")
    assert found is not None
    assert (found.login, found.password, found.token) == ("me", "s3cret", "t0ken")
    assert dict(found.extra) == {"header:X-Key": "k3y", "region_name": "eu"}
    assert not any(secret in repr(found) for secret in ("s3cret", "t0ken", "k3y"))


def test_a_missing_connection_says_how_to_make_it() -> None:
    with pytest.raises(ConnectionMissing, match="AIRFLOW_CONN_NOWHERE"):
        source_connection("nowhere")
    assert source_connection(None) is None


def test_the_lakes_credential_is_an_airflow_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"endpoint_url": "http://minio:9000", "region_name": "eu"}
    store = {"conn_type": "aws", "login": "key", "password": "secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(store))
    assert storage_arguments("lake") == {
        "endpoint_url": "http://minio:9000",
        "access_key": "key",
        "secret_key": "secret",
        "region": "eu",
    }


def test_a_model_is_recorded_with_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEADYCAST_GIT_COMMIT", "abc")
    assert git_commit() == "abc"
    monkeypatch.delenv("STEADYCAST_GIT_COMMIT")
    if (REPO / ".git").exists():
        assert len(git_commit().removesuffix("-dirty")) == 40
    monkeypatch.setenv("PATH", "")
    assert git_commit() == "unversioned"


@pytest.fixture
def a_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A week of a task whose source is a file that is not there."""
    monkeypatch.setenv("STEADYCAST_LAKE", str(tmp_path / "lake"))
    text = (REPO / "include/config/pipeline.yaml").read_text(encoding="utf-8")
    entry = """sources:
  - name: events
    kind: local_file
    path: {path}
    role: {role}
    layout: {{date_field: date, entity: chicago}}
    variables: [{{name: visitors, unit: persons}}]
"""

    def make(role: str, attempt: int, path: Path = tmp_path / "none.csv") -> Week:
        file = tmp_path / "pipeline.yaml"
        file.write_text(text.replace("sources:\n", entry.format(path=path, role=role), 1), encoding="utf-8")
        context = {
            "ti": SimpleNamespace(try_number=attempt, max_tries=2),
            "params": {},
            "task_state_store": StateStore(),
        }
        return Week(WEEK, load(file), lake(), lambda what, done, total: None, context)

    return make


def test_while_tries_are_left_an_optional_source_is_tried_again(a_week: Any) -> None:
    with pytest.raises(errors.SourceUnreachable, match="events"):
        a_week("optional", attempt=2).poll("events")


def test_after_the_last_try_the_run_goes_on_without_an_optional_source(
    a_week: Any, caplog: pytest.LogCaptureFixture
) -> None:
    this = a_week("optional", attempt=3)
    with caplog.at_level(logging.WARNING):
        path = this.poll("events")
    manifest = this.lake.read_json(path)
    assert manifest["status"] == "absent"
    assert "there is no file" in manifest["reason"]
    assert this.context["source_label"] == "events (absent)"
    assert manifest["reason"] in this.context["task_state_store"]["absent"]
    assert "The run goes on without events" in caplog.text


def test_an_error_that_no_retry_mends_makes_an_optional_source_absent_at_once(
    a_week: Any, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.write_text("date,guests\n2016-06-01,3\n", encoding="utf-8")
    this = a_week("optional", attempt=1, path=file)
    assert this.lake.read_json(this.poll("events"))["status"] == "absent"


def test_a_fundamental_source_is_never_left_out(a_week: Any) -> None:
    this = a_week("fundamental", attempt=3)
    with pytest.raises(errors.SourceUnreachable, match="Next:"):
        this.poll("events")
    assert not this.lake.exists(f"runs/{WEEK}/ingest/events.json")


@pytest.mark.parametrize("verdict", ["fail", "absent", None])
def test_a_run_stops_where_a_fundamental_source_was_not_accepted(a_week: Any, verdict: str | None) -> None:
    this = a_week("optional", attempt=1)
    if verdict:
        this.lake.write_json(f"runs/{WEEK}/validate/ridership.json", {"verdict": verdict})
    with pytest.raises(errors.SourceAbsent, match="ridership"):
        this.settle_gates()


@pytest.mark.parametrize("verdict", ["pass", "warn"])
def test_a_run_goes_on_whatever_an_optional_gate_says(a_week: Any, verdict: str) -> None:
    this = a_week("optional", attempt=1)
    this.lake.write_json(f"runs/{WEEK}/validate/ridership.json", {"verdict": verdict})
    this.lake.write_json(f"runs/{WEEK}/validate/events.json", {"verdict": "fail"})
    this.settle_gates()


def test_an_optional_source_whose_gate_was_killed_counts_as_absent(a_week: Any) -> None:
    this = a_week("optional", attempt=1)
    this.lake.write_json(f"runs/{WEEK}/validate/ridership.json", {"verdict": "pass"})
    this.settle_gates()
    found = this.lake.read_json(f"runs/{WEEK}/validate/events.json")
    assert found["verdict"] == "absent"
    assert "its gate did not come to an end" in found["failures"][0]


def test_progress_is_told_once_a_second_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.1, 0.2, 1.5, 1.6])
    monkeypatch.setattr(week.time, "monotonic", lambda: next(now))
    told: list[Any] = []
    store = SimpleNamespace(set=lambda key, value: told.append((key, value["done"])))
    report = week._progress({"task_state_store": store})
    for done in range(1, 6):
        report("page", done, 5)
    assert told == [("progress", 1), ("progress", 4), ("progress", 5)]


def test_progress_that_can_not_be_stored_does_not_stop_the_stage(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(key: str, value: Any) -> None:
        raise ConnectionError("no API server")

    report = week._progress({"task_state_store": SimpleNamespace(set=refuse)})
    with caplog.at_level(logging.WARNING):
        report("page", 1, 2)
    assert "no API server" in caplog.text


def test_a_note_that_can_not_be_written_hides_no_error(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "lake").write_text("a file where the lake's folder belongs", encoding="utf-8")
    from steadycast.lake import open_lake

    with caplog.at_level(logging.WARNING):
        failures.note(
            open_lake(str(tmp_path / "lake")), "runs/x/failures/y.json", ValueError("first"), task="y"
        )
    assert "could not be noted" in caplog.text
