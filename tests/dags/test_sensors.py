"""The watch over a run against a server that speaks Airflow's routes; ages that no clock jump changes."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from steadycast.settings import RecoverySettings
from steadycast.sources import Connection
from steadycast.stalls import Verdict
from tests.airflow_imports import add_plugins

add_plugins()

from steadycast_sensors.news import News  # noqa: E402
from steadycast_sensors.rest import ApiFailure, RunApi  # noqa: E402 only importable now
from steadycast_sensors.steady import SteadyTime  # noqa: E402
from steadycast_sensors.watch import Watch  # noqa: E402

RUN = "/api/v2/dags/weekly/dagRuns/manual__1"
STARTED = "2016-06-06T06:00:00+00:00"


def ago(seconds: float) -> str:
    return (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)).isoformat()


class Airflow:
    """One run as Airflow's REST API shows it, and what was asked of it."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.stored: dict[str, dict[str, Any]] = {}
        self.earlier: dict[str, list[dict[str, Any]]] = {}
        self.run = {"dag_run_id": "manual__1", "start_date": STARTED, "partition_key": "2016-06-06"}
        self.cleared: list[dict[str, Any]] = []
        self.failed: list[tuple[str, dict[str, Any]]] = []
        self.refuses = ""
        self.token = "first"
        self.refusal = 401

    def task(
        self, task: str, state: str | None, *, map_index: int = -1, silent_s: float = 0.0, **more: Any
    ) -> None:
        times = dict.fromkeys(("scheduled_when", "queued_when", "start_date"), ago(3000))
        record = {"task_id": task, "map_index": map_index, "state": state, "try_number": 1, "duration": 3.0}
        self.tasks.append(record | times | more)
        since = {"what": "page", "since": ago(3000)}
        self.stored[f"{task}/{map_index}/progress"] = {"value": since, "updated_at": ago(silent_s)}

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, token: str
    ) -> tuple[int, Any]:
        if path == "/auth/token":
            return (201, {"access_token": self.token}) if body["password"] == "right" else (401, {})
        if token != f"Bearer {self.token}":
            return self.refusal, {}
        if self.refuses and self.refuses in f"{method} {path}":
            return 503, {"detail": "not now"}
        if path == "/api/v2/dags/weekly/dagRuns":
            return 200, {"dag_runs": [{"dag_run_id": run} for run in self.earlier]}
        if path == RUN:
            return 200, self.run
        if path.endswith("/clearTaskInstances"):
            self.cleared.append(body)
            ended = body["only_running"] and body["task_ids"] == ["ended"]
            return 200, {"task_instances": [], "total_entries": 0 if ended else 1}
        if method == "PATCH":
            self.failed.append((path.removeprefix(f"{RUN}/taskInstances/"), body))
            return 200, {}
        if path.endswith("/taskInstances"):
            run = path.split("/")[-2]
            listed = self.earlier.get(run, self.tasks)
            start = int(query["offset"][0])
            return 200, {"task_instances": listed[start : start + int(query["limit"][0])]}
        task, _, key = path.removeprefix(f"{RUN}/taskInstances/").partition("/state-store/")
        place = f"{task}/{query.get('map_index', ['-1'])[0]}/{key}"
        if method == "PUT":
            self.stored[place] = {"value": body["value"], "updated_at": ago(0)}
            return 204, None
        return (200, self.stored[place]) if place in self.stored else (404, {})


@contextmanager
def served(airflow: Airflow) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization", "")
            status, told = airflow.answer(self.command, url.path, parse_qs(url.query), body, token)
            content = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = reply

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


class Watching:
    """Looks at the run, each time with a new watch if asked, as after a restart of the triggerer."""

    def __init__(self, airflow: Airflow) -> None:
        self.airflow = airflow
        self.told: list[tuple[Verdict, int, str | None]] = []

    def look(self, times: int = 1, *, login: str = "right", **settings: Any) -> None:
        async def tell(verdict: Verdict, count: int, key: str | None) -> None:
            self.told.append((verdict, count, key))

        async def looks(url: str) -> None:
            api = RunApi(Connection("api", url, "admin", login), "weekly", "manual__1")
            watch = Watch(api, "watch", RecoverySettings(**settings), tell, logging.getLogger("watch"))
            try:
                for _ in range(times):
                    await watch.look()
            finally:
                await api.close()

        with served(self.airflow) as url:
            asyncio.run(looks(url))


@pytest.fixture
def watching(airflow: Airflow) -> Watching:
    return Watching(airflow)


def test_a_silent_task_is_cleared_alone_and_only_while_it_runs(airflow: Airflow, watching: Watching) -> None:
    airflow.task("ingest", "running", map_index=0)
    airflow.task("ingest", "running", map_index=1, silent_s=200)
    airflow.task("watch", "running", silent_s=9000)
    watching.look(attempt_timeout_s=9999)
    (body,) = airflow.cleared
    assert body["task_ids"] == [["ingest", 1]]
    assert body["only_running"] is True
    assert body["only_failed"] is body["dry_run"] is body["reset_dag_runs"] is False
    assert re.match(r"Relaunched: ingest\[1\], try 1, shows no progress for 20\d s", body["note"])
    ((verdict, count, key),) = watching.told
    assert (verdict.attempt.label, count, key) == ("ingest[1]", 1, "2016-06-06")


@pytest.mark.parametrize("state", ["queued", "scheduled"])
def test_a_task_without_a_worker_is_cleared_in_whatever_state_it_is(
    airflow: Airflow, watching: Watching, state: str
) -> None:
    airflow.task("train", state)
    watching.look()
    assert [(body["task_ids"], body["only_running"]) for body in airflow.cleared] == [(["train"], False)]


@pytest.mark.parametrize(
    "state",
    [None, "deferred", "awaiting_input", "up_for_retry", "up_for_reschedule", "restarting", "success"],
)
def test_waiting_on_purpose_is_left_alone(airflow: Airflow, watching: Watching, state: str | None) -> None:
    airflow.task("check_forecast", state, silent_s=9000)
    watching.look()
    assert airflow.cleared == airflow.failed == []


def test_a_task_that_was_deferred_is_as_old_as_its_process(airflow: Airflow, watching: Watching) -> None:
    airflow.task("ingest", "running")
    airflow.stored["ingest/-1/progress"]["value"]["since"] = ago(5)
    watching.look()
    assert airflow.cleared == []


@pytest.mark.parametrize("told", [True, False])
def test_a_task_that_goes_on_after_waiting_is_as_old_as_its_queueing(
    airflow: Airflow, watching: Watching, told: bool
) -> None:
    airflow.task("ask", "running", silent_s=2900, queued_when=ago(20))
    if not told:
        airflow.stored.clear()
    watching.look()
    assert airflow.cleared == airflow.failed == []


def test_relaunches_are_counted_over_restarts_of_the_triggerer(airflow: Airflow, watching: Watching) -> None:
    airflow.task("train", "running", silent_s=200)
    for _ in range(4):
        watching.look(relaunches_per_task=2)
    assert len(airflow.cleared) == 2
    told = dict.fromkeys((verdict.kind, count) for verdict, count, _ in watching.told)
    assert list(told) == [("stalled", 1), ("stalled", 2), ("bound", 2)]
    place, body = airflow.failed[0]
    assert (place, body["new_state"]) == ("train", "failed")
    assert body["note"].startswith("Given up: train, try 1, shows no progress for 20")


def test_a_relaunch_whose_news_died_with_the_triggerer_is_told_by_the_next_in_the_same_words(
    airflow: Airflow, watching: Watching
) -> None:
    airflow.task("ingest", "running", map_index=1, silent_s=200)
    watching.look()
    airflow.tasks.clear()
    airflow.task("ingest", "success", map_index=1)
    watching.look()
    news = News("weekly", "manual__1", logging.getLogger("watch"))
    first, again = (news.event(verdict, count, None) for verdict, count, _ in watching.told)
    assert first == again


def test_a_mapped_task_that_is_given_up_is_set_to_failed_alone(airflow: Airflow, watching: Watching) -> None:
    airflow.task("ingest", "running", map_index=3, silent_s=200)
    watching.look(relaunches_per_task=0)
    assert [place for place, _ in airflow.failed] == ["ingest/3"]


def test_a_run_that_a_person_starts_again_counts_anew(airflow: Airflow, watching: Watching) -> None:
    airflow.task("train", "running", silent_s=200)
    watching.look(relaunches_per_task=1)
    airflow.run["start_date"] = "2016-06-07T06:00:00+00:00"
    watching.look(relaunches_per_task=1)
    assert len(airflow.cleared) == 2
    assert airflow.failed == []


def test_a_task_that_ends_at_that_moment_is_not_counted(airflow: Airflow, watching: Watching) -> None:
    airflow.task("ended", "running", silent_s=200)
    watching.look()
    assert airflow.stored["watch/-1/relaunches"]["value"] == []
    assert watching.told == []


def test_a_relaunch_that_can_not_be_counted_is_not_made(airflow: Airflow, watching: Watching) -> None:
    airflow.task("train", "running", silent_s=200)
    airflow.refuses = "PUT"
    with pytest.raises(ApiFailure, match="503"):
        watching.look()
    assert airflow.cleared == []


def test_a_relaunch_that_airflow_refuses_is_not_counted(airflow: Airflow, watching: Watching) -> None:
    airflow.task("train", "running", silent_s=200)
    airflow.refuses = "POST /api/v2/dags/weekly/clearTaskInstances"
    with pytest.raises(ApiFailure, match="503"):
        watching.look()
    assert airflow.stored["watch/-1/relaunches"]["value"] == []
    assert watching.told == []


def test_the_usual_time_is_that_of_the_slowest_mapped_task_in_each_run(
    airflow: Airflow, watching: Watching
) -> None:
    for run in range(8):
        airflow.earlier[f"run{run}"] = [
            {"task_id": "ingest", "map_index": i, "state": "success", "duration": 200.0 * i} for i in (0, 1)
        ]
    airflow.task("ingest", "running", start_date=ago(590))
    airflow.task("ingest", "running", map_index=1, start_date=ago(620))
    for key in ("ingest/-1/progress", "ingest/1/progress"):
        airflow.stored[key]["value"]["since"] = ago(900)
    watching.look()
    (reason,) = [verdict.reason for verdict, _, _ in watching.told]
    assert re.fullmatch(r"ingest\[1\], try 1, runs for 62\d s \(limit 600 s\)", reason)


def test_a_wrong_password_is_a_failure_that_the_next_look_may_not_have(
    airflow: Airflow, watching: Watching
) -> None:
    with pytest.raises(ApiFailure, match="/auth/token: 401"):
        watching.look(login="wrong")


@pytest.mark.parametrize("refusal", [401, 403], ids=["run_out", "of_a_clock_that_was_set_back"])
def test_a_token_that_is_no_longer_good_is_renewed(
    airflow: Airflow, watching: Watching, refusal: int
) -> None:
    airflow.refusal = refusal
    airflow.task("train", "running", silent_s=200)

    async def looks(url: str) -> int:
        api = RunApi(Connection("api", url, "admin", "right"), "weekly", "manual__1")
        await api.run()
        airflow.token = "second"
        found = len(await api.task_instances())
        await api.close()
        return found

    with served(airflow) as url:
        assert asyncio.run(looks(url)) == 1


def moment(seconds: float) -> dt.datetime:
    return dt.datetime(2016, 6, 6, 12, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, 0.0])
def test_a_clock_that_jumps_changes_no_age(jump_s: float) -> None:
    steady = SteadyTime()
    steady.begin(moment(0), 1000.0)
    assert steady.of(moment(-40)) == moment(-40)
    steady.done()
    # fifteen seconds later the clock has been set, and a task began since with the new time or the old one
    steady.begin(moment(15 + jump_s), 1015.0)
    known = steady.of(moment(-40))
    ages = [(steady.now - steady.of(moment(at))).total_seconds() for at in (10 + jump_s, 10)]
    assert (steady.now - known).total_seconds() == 55
    assert all(0 <= age <= 15 for age in ages)


def test_the_first_look_believes_the_clock_but_not_the_future() -> None:
    steady = SteadyTime()
    steady.begin(moment(0), 5.0)
    assert steady.of(moment(-900)) == moment(-900)
    assert steady.of(moment(60)) == moment(0)
    assert steady.of(None) is None
