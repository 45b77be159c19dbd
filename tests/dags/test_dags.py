"""Policy: what holds for every DAG, whoever edits it."""

from __future__ import annotations

import ast
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_imports import REPO, add_plugins

add_plugins()

from airflow.sdk import TriggerRule  # noqa: E402 only importable now
from airflow.sdk.definitions.dag import DAG  # noqa: E402
from airflow.sdk.definitions.mappedoperator import MappedOperator  # noqa: E402

STAGES = [
    "ingest",
    "validate",
    "compare_sources",
    "quarantine",
    "impute",
    "train",
    "infer",
    "check_forecast",
    "publish",
]
DAG_FILES = sorted((REPO / "dags").glob("*.py"))
PARSE = """
import json, pathlib, sys, time
from airflow import plugins_manager, settings
from airflow.dag_processing.dagbag import DagBag
plugins_manager.get_fastapi_plugins()
errors, seconds, dags = {}, {}, []
for file in sorted(pathlib.Path(settings.DAGS_FOLDER).glob("*.py")):
    # processor time, so that other work on the machine does not decide
    began = time.process_time()
    bag = DagBag(str(file))
    seconds[file.name] = time.process_time() - began
    errors |= bag.import_errors
    dags += bag.dags
heavy = [m for m in ("pandas", "great_expectations", "lightgbm", "matplotlib", "boto3") if m in sys.modules]
print("RESULT" + json.dumps({"errors": errors, "seconds": seconds, "heavy": heavy, "dags": dags}))
"""


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(REPO / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join([str(REPO / "include"), os.environ.get("PYTHONPATH", "")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    return {**kept, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": path, **more}


def parse(env: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", PARSE], env=env, capture_output=True, text=True, timeout=300)
    assert "RESULT" in done.stdout, done.stderr[-3000:]
    return json.loads(done.stdout.split("RESULT")[1])


def test_parsing_is_quick_and_leaves_the_heavy_libraries_alone(tmp_path: Path) -> None:
    found = parse(environment(tmp_path))
    assert found["errors"] == {}
    assert found["dags"] == [
        "alert_canary",
        "backtest",
        "decisions",
        "promotion",
        "release",
        "source_audit",
        "weekly_forecast",
    ]
    assert found["heavy"] == []
    assert max(found["seconds"].values()) < 1, found["seconds"]


def test_a_mistake_in_the_settings_is_an_import_error_that_names_its_place(tmp_path: Path) -> None:
    text = (REPO / "include/config/pipeline.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "pipeline.yaml"
    broken.write_text(text.replace("horizon_weeks: 4", "horizon_weks: 4"), encoding="utf-8")
    found = parse(environment(tmp_path, STEADYCAST_SETTINGS=str(broken)))
    assert found["dags"] == []
    for error in found["errors"].values():
        assert "horizon_weks" in error
        assert "line" in error


def test_a_new_source_in_the_settings_is_a_new_mapped_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    text = (REPO / "include/config/pipeline.yaml").read_text(encoding="utf-8")
    entry = """sources:
  - name: events
    kind: http_csv
    connection: events_api
    path: /events.csv
    layout: {date_field: day, entity: chicago}
    variables: [{name: visitors, unit: persons, minimum: 0}]
"""
    more = tmp_path / "pipeline.yaml"
    more.write_text(text.replace("sources:\n", entry, 1), encoding="utf-8")
    monkeypatch.setenv("STEADYCAST_SETTINGS", str(more))
    dag = DagBag(dag_folder=str(REPO / "dags" / "weekly_forecast.py")).dags["weekly_forecast"]
    assert mapped_over(dag, "ingest")[0] == "events"
    assert mapped_over(dag, "validate")[0] == "events"


def mapped_over(dag: DAG, task_id: str) -> list[str]:
    task = dag.get_task(task_id)
    assert isinstance(task, MappedOperator)
    return list(task.op_kwargs_expand_input.value["source"])


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.name)
def test_a_dag_file_is_short_and_computes_nothing(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {"airflow", "steadycast_notifier", "steadycast_runtime", "steadycast_sensors"}


@pytest.mark.parametrize("dag_id", ["weekly_forecast", "backtest"])
def test_every_dag_tells_its_owner_its_weight_and_what_to_do_when_it_fails(
    dags: dict[str, DAG], dag_id: str
) -> None:
    dag = dags[dag_id]
    assert "### If it fails" in (dag.doc_md or "")
    assert "tier-1" in dag.tags
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    for callbacks in (dag.on_success_callback, dag.on_failure_callback):
        assert type(callbacks).__name__ == "RunNotifier"
    for task in dag.tasks:
        assert f"**{task.task_id}**" in dag.doc_md, f"'If it fails' does not speak of {task.task_id}"


@pytest.mark.parametrize("dag_id", ["weekly_forecast", "backtest"])
def test_every_task_has_an_owner_retries_and_a_time_limit(dags: dict[str, DAG], dag_id: str) -> None:
    for task in dags[dag_id].tasks:
        assert task.owner == "forecasting"
        assert task.retries == 2
        assert type(task.retry_policy).__name__ == "RetryByError"
        if task.task_id != "watch":  # lives as long as its run and holds no worker
            assert dt.timedelta(0) < task.execution_timeout <= dt.timedelta(minutes=15)
        # a task's own callback is lost when its process is killed, and fires twice when its supervisor is
        assert not task.on_failure_callback
        assert not task.on_success_callback


def test_task_ids_are_the_stages_in_their_order(dags: dict[str, DAG]) -> None:
    dag = dags["weekly_forecast"]
    assert stages(dag) == STAGES
    for stage in (*STAGES, "backtest"):
        module = REPO / "include/steadycast" / stage
        assert module.with_suffix(".py").exists() or module.is_dir(), f"{stage} has no module of its name"
    scoring = [name for name in stages(dags["backtest"]) if name != "challenge"]
    assert scoring == ["ingest", "validate", "quarantine", "backtest"]


def stages(dag: DAG) -> list[str]:
    return [task.task_id for task in dag.topological_sort() if task.task_id != "watch"]


@pytest.mark.parametrize("dag_id", ["weekly_forecast", "backtest"])
def test_each_run_is_watched_from_its_start_without_a_worker(dags: dict[str, DAG], dag_id: str) -> None:
    watch = dags[dag_id].get_task("watch")
    assert type(watch).__name__ == "StallSensor"
    assert watch.upstream_task_ids == watch.downstream_task_ids == set()
    assert watch.start_from_trigger
    assert watch.execution_timeout is None
    assert watch.start_trigger_args.trigger_kwargs["recovery"]["relaunches_per_task"] == 3


def test_a_stage_waits_for_what_it_reads(dags: dict[str, DAG]) -> None:
    dag = dags["weekly_forecast"]
    assert dag.get_task("infer").upstream_task_ids == {"impute", "train"}
    assert dag.get_task("publish").upstream_task_ids == {"infer", "check_forecast"}
    assert dag.get_task("validate").upstream_task_ids == {"ingest"}
    assert dag.get_task("compare_sources").upstream_task_ids == {"validate"}
    assert dag.get_task("quarantine").upstream_task_ids == {"compare_sources"}
    assert "quarantine" in dag.get_task("impute").upstream_task_ids


def test_only_the_gates_run_after_a_failure_before_them(dags: dict[str, DAG]) -> None:
    tasks = dags["weekly_forecast"].tasks
    rules = {task.task_id: TriggerRule(task.trigger_rule).value for task in tasks}
    tolerant = {task_id for task_id, rule in rules.items() if rule == "all_done"}
    assert tolerant == {"validate", "compare_sources"}
    assert {rules[task_id] for task_id in set(rules) - tolerant} == {"all_success"}


def test_the_week_is_the_partition_key(dags: dict[str, DAG]) -> None:
    from steadycast_runtime import settings

    schedule = settings().schedule
    timetable = dags["weekly_forecast"].timetable
    assert type(timetable).__name__ == "CronPartitionTimetable"
    assert timetable.key_format == "%Y-%m-%d"
    assert timetable.expression == schedule.cron
    assert dags["weekly_forecast"].start_date.date() == schedule.first_week
    assert dags["weekly_forecast"].end_date.date() == schedule.last_week


def test_the_backtest_follows_publication_and_actuals_of_the_same_week(dags: dict[str, DAG]) -> None:
    timetable = dags["backtest"].timetable
    assert type(timetable).__name__ == "PartitionedAssetTimetable"
    assert type(timetable.asset_condition).__name__ == "AssetAll"
    names = {asset.name for asset in timetable.asset_condition.objects}
    assert names == {"forecast_published", "actuals_accepted"}
    outlets = {
        task.task_id: {asset.name for asset in task.outlets}
        for task in dags["weekly_forecast"].tasks
        if task.outlets
    }
    assert outlets == {
        "compare_sources": {"actuals_accepted"},
        "quarantine": {"quarantine"},
        "check_forecast": {"held"},
        "publish": {"forecast_published"},
    }


def test_people_are_asked_by_a_dag_of_its_own_that_no_forecast_waits_for(dags: dict[str, DAG]) -> None:
    from steadycast.quarantine.asking import FOR_ALL

    dag = dags["decisions"]
    assert dag.timetable.asset_condition.name == "values_waiting"
    assert [task.task_id for task in dag.topological_sort()] == ["question", "ask", "record"]
    ask = dag.get_task("ask")
    assert (ask.retries, ask.defaults) == (0, ["unknown"])
    assert ask.response_timeout == dt.timedelta(hours=48)
    assert sorted(ask.options) == sorted(FOR_ALL)
    for task in dag.tasks:
        assert f"**{task.task_id}**" in dag.doc_md


def test_a_held_forecast_is_asked_about_in_a_dag_of_its_own(dags: dict[str, DAG]) -> None:
    from steadycast.release import CHOICES

    dag = dags["release"]
    assert dag.timetable.asset_condition.name == "forecast_held"
    assert [task.task_id for task in dag.topological_sort()] == ["question", "ask", "settle"]
    ask = dag.get_task("ask")
    assert (ask.retries, ask.defaults, ask.execution_timeout) == (0, ["fallback"], None)
    assert tuple(ask.options) == CHOICES
    assert {outlet.name for outlet in dag.get_task("settle").outlets} == {"released"}
    for task in dag.tasks:
        assert f"**{task.task_id}**" in dag.doc_md


def test_challengers_delay_neither_the_forecast_nor_its_score(dags: dict[str, DAG]) -> None:
    task = dags["backtest"].get_task("challenge")
    assert task.upstream_task_ids == task.downstream_task_ids == set()
    assert "challenge" not in dags["weekly_forecast"].task_ids
    asked = dags["promotion"]
    assert asked.timetable.asset_condition.name == "challenger_proposed"
    assert [task.task_id for task in asked.topological_sort()] == ["question", "ask", "record"]
    ask = asked.get_task("ask")
    assert (ask.retries, ask.defaults, ask.options) == (0, ["keep"], ["keep", "promote"])
    assert {outlet.name for outlet in dags["backtest"].get_task("backtest").outlets} == {"promotion"}
    for task in asked.tasks:
        assert f"**{task.task_id}**" in asked.doc_md


def test_candidates_are_polled_each_day_and_without_any_nothing_runs(
    dags: dict[str, DAG], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    assert type(dags["source_audit"].timetable).__name__ == "NullTimetable"
    text = (REPO / "include/config/pipeline.yaml").read_text(encoding="utf-8")
    (tmp_path / "air.csv").write_text("city,date,pm10\nbonn,2016-05-01,20\nbonn,2016-05-02,21\n")
    entry = f"""candidates:
  - name: air
    kind: local_file
    path: {tmp_path / "air.csv"}
    layout: {{entity_field: city}}
    variables: [{{name: pm10, unit: ug/m3, minimum: 0}}]
"""
    more = tmp_path / "pipeline.yaml"
    more.write_text(text + entry, encoding="utf-8")
    monkeypatch.setenv("STEADYCAST_SETTINGS", str(more))
    monkeypatch.setenv("STEADYCAST_LAKE", str(tmp_path / "lake"))
    dag = DagBag(dag_folder=str(REPO / "dags" / "source_audit.py")).dags["source_audit"]
    assert mapped_over(dag, "poll") == ["air"]
    assert dag.timetable.expression == "30 7 * * *"
    poll, scorecard = (dag.get_task(name).python_callable for name in ("poll", "scorecard"))
    path = scorecard(poll("air"))
    assert "Go on polling air: 1 poll(s)" in (tmp_path / "lake" / path).read_text(encoding="utf-8")
    for task in dag.tasks:
        assert f"**{task.task_id}**" in dag.doc_md


def test_gates_have_a_button_to_their_data_docs(dags: dict[str, DAG]) -> None:
    for dag_id, task_id in (
        ("weekly_forecast", "validate"),
        ("weekly_forecast", "check_forecast"),
        ("backtest", "validate"),
    ):
        assert [link.name for link in dags[dag_id].get_task(task_id).operator_extra_links] == ["Data Docs"]


def test_the_canary_flies_weekly_and_leaves_one_event_a_day(
    dags: dict[str, DAG], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadycast.alerts import Outbox
    from steadycast.lake import open_lake

    dag = dags["alert_canary"]
    assert dag.timetable.expression == "0 9 * * 4"
    assert [task.task_id for task in dag.tasks] == ["send"]
    assert "**send**" in dag.doc_md
    monkeypatch.setenv("STEADYCAST_LAKE", str(tmp_path))
    send = dag.get_task("send").python_callable
    assert send() == send()
    outbox = Outbox(open_lake(str(tmp_path)))
    (path,) = outbox.paths()
    assert outbox.read(path).event.kind == "canary"


def test_every_dag_tells_of_its_failure_through_the_outbox(dags: dict[str, DAG]) -> None:
    for dag in dags.values():
        assert type(dag.on_failure_callback).__name__ == "RunNotifier", dag.dag_id
