"""Questions to people in a real Airflow: an answer becomes what was chosen, and so does its absence."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from steadycast_local import Options, free_port
from steadycast_local.api import ApiError
from steadycast_local.stack import Stack

from steadycast import champion, publication, schema
from steadycast.quarantine import decisions
from tests.forecast_tables import forecast, panel
from tests.till import FIRST, SECOND, THIRD, Shop

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 400  # a busy machine takes minutes where a quiet one takes seconds
ANSWER_WITHIN_S = 40  # a person never answers at the very moment of the time limit
LATE_ANSWER_S = 60
READ_S = 6  # a person reads the question
OLD = {("left", "2016-05-25"): "824.0", ("right", "2016-05-26"): "5000"}
NEW = {("left", "2016-06-01"): "950.0"}
pytestmark = [pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three polled weeks: values wait from the first one on, another comes in the second."""
    made = Shop(
        tmp_path_factory.mktemp("shop"),
        quarantine={"answer_within_h": ANSWER_WITHIN_S / 3600},
        check_forecast={"late_answer_min": LATE_ANSWER_S / 60},
        forecast={"challengers": {"small": {"leaves": 4}}},
    )
    made.poll(FIRST, OLD)
    made.poll(SECOND, OLD | NEW)
    made.poll(THIRD, OLD | NEW)
    return made


@pytest.fixture(scope="module")
def stack(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = shop.folder / "pipeline.yaml"
    settings.write_text(json.dumps(shop.settings.model_dump(mode="json")))
    env = {
        "STEADYCAST_SETTINGS": str(settings),
        "STEADYCAST_LAKE": shop.lake.url,
        "STEADYCAST_TEST_DAGS": str(ROOT / "dags"),
        "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
    }
    options = Options(
        home=tmp_path_factory.mktemp("stack"), port=free_port(), sandbox=False,
        dags=ROOT / "tests/integration/decisions_dags", extra_env=env,
    )  # fmt: skip
    with Stack(options).running(timeout_s=LONG_S, say=lambda text: None) as running:
        for dag in ("weekly_forecast", "decisions", "forecast_end", "release", "proposing", "promotion"):
            wait(lambda dag=dag: running.api.has_dag(dag), f"the DAG {dag}")
        yield running


def wait(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + LONG_S
    while not (result := found()):
        assert time.monotonic() < deadline, f"no sign of {what}"
        time.sleep(0.3)
    return result


def review(stack: Stack, week: Any) -> None:
    run = stack.api.wait(stack.api.trigger("weekly_forecast", str(week)), timeout_s=LONG_S)
    assert run.state == "success", stack.api.log(run, stack.api.tasks(run)[0])


def question_of(stack: Stack, week: Any, dag: str = "decisions") -> tuple[Any, dict[str, Any]]:
    """The run that asks about the week, and its open question."""
    run = wait(
        lambda: next((r for r in stack.api.runs(dag) if r.week == str(week)), None),
        f"a run of {dag} for {week}",
    )
    path = f"/dags/{dag}/dagRuns/{run.id}/taskInstances/ask/-1/hitlDetails"

    def asked() -> dict[str, Any] | None:
        # a person never answers between the question and the state in which the task waits for it
        if not any((t.id, t.state) == ("ask", "awaiting_input") for t in stack.api.tasks(run)):
            return None
        try:
            return dict(stack.api.call("GET", path))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    question = wait(asked, f"a question about {week}")
    # nor before the scheduler has heard that the asking process has ended: it would take the task for lost
    time.sleep(READ_S)
    return run, {**question, "path": path}


def test_a_persons_answer_becomes_a_stored_decision(shop: Shop, stack: Stack) -> None:
    review(stack, FIRST)
    run, question = question_of(stack, FIRST)
    assert "2 implausible value(s), outlier or error?" in question["subject"]
    name = dict(zip(shop.held(FIRST)["entity"], shop.held(FIRST)["id"], strict=True))
    assert f"| {name['left']} | till | sales | left | 2016-05-25 | 824 |" in question["body"]
    answer = {
        "chosen_options": ["outlier-keep"],
        "params_input": {"exceptions": f"{name['left']} error-correct 82.4", "reason": "the shop says so"},
    }
    stack.api.call("PATCH", question["path"], json=answer)
    ended = stack.api.wait(run, timeout_s=LONG_S)
    assert ended.state == "success", {task.id: task.state for task in stack.api.tasks(run)}
    made = {one.choice: one for one in decisions.every(shop.lake, "till")}
    assert set(made) == {"error-correct", "outlier-keep"}
    corrected = made["error-correct"]
    assert (corrected.owner, corrected.reason, corrected.via) == ("admin", "the shop says so", "airflow")
    assert (corrected.cells[0].date, corrected.cells[0].value) == ("2016-05-25", 82.4)


def test_without_an_answer_the_default_is_stored_and_overrides_nobody(shop: Shop, stack: Stack) -> None:
    review(stack, SECOND)
    assert shop.used(SECOND, "left", "2016-05-25") == 82.4
    run, question = question_of(stack, SECOND)
    assert "2016-06-01" in question["body"]
    assert "2016-05-25" not in question["body"]
    ended = stack.api.wait(run, timeout_s=LONG_S)
    assert ended.state == "success"
    newest = decisions.every(shop.lake, "till")[-1]
    assert (newest.choice, newest.owner, newest.via) == ("unknown", "nobody", "timeout")
    assert [cell.date for cell in newest.cells] == ["2016-06-01"]


def test_a_week_in_which_nothing_waits_asks_nobody(shop: Shop, stack: Stack) -> None:
    review(stack, THIRD)
    assert shop.waiting(THIRD) == []
    assert shop.used(THIRD, "left", "2016-06-01") is None
    # the event that starts the question is made in the transaction that ends the task
    assert {run.week for run in stack.api.runs("decisions")} == {str(FIRST), str(SECOND)}


def held(shop: Shop, stack: Stack, week: Any) -> Any:
    """A forecast of ten times the usual, judged at the end of a run; the run that failed with it."""
    shop.lake.write_frame(f"runs/{week}/impute/panel.parquet", panel_of(week))
    odd = forecast(week)
    odd[[schema.POINT, *schema.BOUNDS]] *= 10
    odd[schema.ENTITY] = odd[schema.ENTITY].replace({"Clark_Lake": "left", "Polk": "right"})
    four = [odd.assign(**{schema.HORIZON: odd[schema.HORIZON] + ahead}) for ahead in (0, 2)]
    four[1][schema.WEEK] += dt.timedelta(weeks=2)
    shop.lake.write_frame(f"runs/{week}/infer/forecast.parquet", pd.concat(four, ignore_index=True))
    return stack.api.wait(stack.api.trigger("forecast_end", str(week)), timeout_s=LONG_S)


def panel_of(week: Any) -> pd.DataFrame:
    rows = panel(week)
    rows[schema.ENTITY] = rows[schema.ENTITY].replace({"Clark_Lake": "left", "Polk": "right"})
    return rows.assign(**{schema.SOURCE: "till", schema.VARIABLE: "sales"})


def test_a_held_forecast_ends_its_run_and_is_published_on_a_persons_word(shop: Shop, stack: Stack) -> None:
    ended = held(shop, stack, FIRST)
    states = {task.id: task.state for task in stack.api.tasks(ended)}
    assert states == {"infer": "success", "check_forecast": "success", "publish": "failed"}
    assert publication.standing(shop.lake, FIRST) is None
    run, question = question_of(stack, FIRST, "release")
    assert "the forecast is held back, publish it?" in question["subject"]
    assert "times the largest of the last 8 weeks" in question["body"]
    answer = {"chosen_options": ["publish"], "params_input": {"reason": "a fair"}}
    stack.api.call("PATCH", question["path"], json=answer)
    assert stack.api.wait(run, timeout_s=LONG_S).state == "success"
    manifest = publication.standing(shop.lake, FIRST)
    assert (manifest["verdict"], manifest["released"]["by"], manifest["released"]["reason"]) == (
        "look", "admin", "a fair",
    )  # fmt: skip


def test_without_an_answer_readers_get_the_fallback(shop: Shop, stack: Stack) -> None:
    held(shop, stack, SECOND)
    run, _ = question_of(stack, SECOND, "release")
    assert stack.api.wait(run, timeout_s=LONG_S).state == "success"
    manifest = publication.standing(shop.lake, SECOND)
    assert manifest["verdict"] == publication.FALLBACK
    assert "the forecast was held back" in manifest["reasons"][0]


def test_a_proposed_challenger_is_promoted_on_a_persons_word(shop: Shop, stack: Stack) -> None:
    standing = {"says": "small: its error is 7.0 % smaller", "seasons": {"Mar-May": 0.07}}
    report = {"champion": "base", "proposed": "small", "standings": {"small": standing}}
    shop.lake.write_json(f"backtest/{FIRST}/challengers.json", report)
    stack.api.wait(stack.api.trigger("proposing", str(FIRST)), timeout_s=LONG_S)
    run, question = question_of(stack, FIRST, "promotion")
    assert "small: its error is 7.0 % smaller" in question["body"]
    answer = {"chosen_options": ["promote"], "params_input": {"reason": ""}}
    stack.api.call("PATCH", question["path"], json=answer)
    assert stack.api.wait(run, timeout_s=LONG_S).state == "success"
    assert champion.champion(shop.lake, shop.settings, SECOND) == "small"
    assert [event.by for event in champion.events(shop.lake)] == ["admin"]
