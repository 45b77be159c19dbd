"""The watchdog with a real supervisord, a real HTTP server and a real lake."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from steadycast import publication
from steadycast.alerts import Event, Outbox
from steadycast.lake import open_lake
from steadycast.settings import load
from tests.forecast_tables import AS_OF, settings
from tests.unit.fallback.test_publishing import observe
from tests.unit.watchdog.server import PASSWORD, Routes, serving
from watchdog.__main__ import assembled
from watchdog.manager import Manager, NotMended
from watchdog.memory import recall

ROOT = Path(__file__).resolve().parents[3]
MONDAY = dt.datetime(2016, 6, 6, 6, tzinfo=dt.UTC)
LIMITS = {"confirmations": 1, "settle_s": 0.001, "heartbeat_age_s": 5, "ping_every_s": 60, "interval_s": 1}
ONE_WEEK = {"first_week": AS_OF, "last_week": AS_OF}


@pytest.fixture
def routes():
    return Routes()


@pytest.fixture
def site(routes):
    with serving(routes) as url:
        yield url


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


@pytest.fixture
def watch(tmp_path, site, lake):
    """Makes a watch; the same memory each time, as after a restart of the watchdog."""
    made = []

    def make(password=PASSWORD, **environ):
        file = tmp_path / "pipeline.yaml"
        told = settings(watchdog=LIMITS, schedule=ONE_WEEK).model_dump(mode="json", exclude_none=True)
        file.write_text(yaml.safe_dump(told))
        given = {
            "AIRFLOW": site, "PASSWORD": password, "WEBHOOK": f"{site}/hook", "DEADMAN": f"{site}/ping/1234",
        } | environ  # fmt: skip
        env = {f"STEADYCAST_WATCHDOG_{name}": value for name, value in given.items() if value}
        env |= {"STEADYCAST_LAKE": lake.url, "PYTHONPATH": str(ROOT / "include"), "MPLBACKEND": "agg"}
        made.append(assembled(load(file), file, tmp_path / "state", env))
        return made[-1]

    yield make
    for one in made:
        one._airflow.close()


@pytest.fixture
def supervisord(tmp_path, monkeypatch):
    # short, as a socket's path may have 108 bytes only
    folder = Path(os.path.relpath(tmp_path))
    names = ("scheduler", "triggerer")
    lines = ["[supervisord]", f"logfile={tmp_path}/s.log", f"pidfile={tmp_path}/s.pid", "nodaemon=true",
             "[unix_http_server]", f"file={tmp_path}/s.sock", "[rpcinterface:supervisor]",
             "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
             "[group:steadycast]", f"programs={','.join(names)}"]  # fmt: skip
    for name in names:
        lines += [f"[program:{name}]", "command=sleep 1000", "startsecs=0", "stopwaitsecs=1",
                  "autorestart=false", "killasgroup=true"]  # fmt: skip
    config = tmp_path / "s.conf"
    config.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(config)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    socket = tmp_path / "s.sock"
    until(lambda: states(socket).get("triggerer") == "RUNNING")
    yield socket
    process.terminate()
    process.wait(20)


def states(socket):
    try:
        return {name: program.state for name, program in Manager(socket).programs().items()}
    except NotMended:
        return {}


def pid_of(socket, name):
    return Manager(socket)._call("getProcessInfo", f"steadycast:{name}")["pid"]


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about in time"
        time.sleep(0.05)


def ago(seconds):
    return lambda: dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)


def look(watch, at=None):
    return watch.look(at or dt.datetime(2016, 6, 1, tzinfo=dt.UTC), 1000.0)


def test_a_killed_program_is_started_again(watch, supervisord, routes):
    before = pid_of(supervisord, "scheduler")
    os.kill(before, signal.SIGKILL)
    until(lambda: states(supervisord)["scheduler"] == "EXITED")
    look(watch(SUPERVISOR=str(supervisord)), dt.datetime.now(dt.UTC))
    until(lambda: states(supervisord)["scheduler"] == "RUNNING")
    assert pid_of(supervisord, "scheduler") != before
    assert routes.messages == [":red_circle: Two stations, watchdog: scheduler is exited; it is restarted"]


def test_a_stopped_process_whose_heartbeat_is_old_is_killed_and_started_again(watch, supervisord, routes):
    before, other = pid_of(supervisord, "scheduler"), pid_of(supervisord, "triggerer")
    # supervisor counts whole seconds
    until(lambda: Manager(supervisord).programs()["scheduler"].up_s >= 1)
    os.kill(before, signal.SIGSTOP)
    routes.heartbeats["scheduler"] = ago(30)
    one = watch(SUPERVISOR=str(supervisord))
    look(one, dt.datetime.now(dt.UTC))
    until(lambda: states(supervisord)["scheduler"] == "RUNNING")
    assert not psutil.pid_exists(before)
    assert pid_of(supervisord, "triggerer") == other
    del routes.heartbeats["scheduler"]
    look(one, dt.datetime.now(dt.UTC))
    told = [text.partition("watchdog: ")[2].split(" sent")[0] for text in routes.messages]
    assert told == ["scheduler", "resolved: scheduler"]


def test_a_problem_is_told_once_also_by_a_watchdog_that_was_restarted(watch, routes):
    routes.heartbeats["triggerer"] = ago(30)
    for _ in range(3):
        look(watch(), dt.datetime.now(dt.UTC))
    assert len(routes.messages) == 1
    assert "triggerer sent its last heartbeat" in routes.messages[0]


def test_the_run_is_created_once_with_its_week(watch, routes):
    one = watch()
    at = MONDAY + dt.timedelta(minutes=11)
    routes.token = "second"  # a token that the client does not have yet
    fresh(routes, at)
    look(one, at)
    assert [(run["partition_key"], run["logical_date"]) for run in routes.runs] == [("2016-06-06", None)]
    look(one, at)
    assert len(routes.posts) == 1
    assert any("is not there; it is created" in text for text in routes.messages)
    assert routes.messages[-1].startswith(":white_check_mark:")


def test_a_run_that_is_dated_ahead_is_replaced_by_one_and_ended(watch, routes):
    at, later = dt.datetime(2016, 6, 6, 6, 5, tzinfo=dt.UTC), dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    ahead = {"dag_run_id": "manual__1", "partition_key": "2016-06-06", "state": "running", "conf": {"a": 1}}
    routes.runs = [ahead | {"logical_date": None, "run_after": later.isoformat()}]
    routes.refusal = 403  # a token from before the clock was set back
    for second in range(4):
        fresh(routes, at + dt.timedelta(seconds=second))
        watch().look(at + dt.timedelta(seconds=second), 1000)
        routes.token += "+"
        routes.runs = [run | {"run_after": run.get("run_after", at.isoformat())} for run in routes.runs]
    assert [(run["dag_run_id"], run["state"], run["conf"]) for run in routes.runs] == [
        ("manual__1", "failed", {"a": 1}),
        ("again__manual__1", "queued", {"a": 1}),
    ]
    assert "again__manual__1 replaces it" in routes.runs[0]["note"]
    assert any("the run of week 2016-06-06 was ended and begins again" in text for text in routes.messages)


def test_a_run_that_another_watchdog_has_created_meanwhile_is_no_error(watch, routes):
    routes.runs.append(
        {"dag_run_id": "watchdog__2016-06-06", "partition_key": "elsewhere", "state": "queued"}
    )
    at = MONDAY + dt.timedelta(minutes=11)
    fresh(routes, at)
    memory = look(watch(), at)
    assert memory.failed == {}
    assert len(routes.runs) == 1


def test_a_run_that_is_there_far_back_among_others_is_found(watch, routes):
    routes.runs = [{"dag_run_id": "x", "partition_key": "2016-06-06", "state": "success"}]
    routes.runs += [
        {"dag_run_id": f"{i}", "partition_key": "2015-01-05", "state": "success"} for i in range(230)
    ]
    at = MONDAY + dt.timedelta(minutes=11)
    fresh(routes, at)
    look(watch(), at)
    assert routes.posts == []


def test_with_a_refused_log_in_no_run_is_created_and_nothing_is_claimed(watch, routes):
    at = MONDAY + dt.timedelta(minutes=11)
    fresh(routes, at)
    memory = look(watch(password="wrong"), at)
    assert routes.posts == []
    assert memory.open == {}  # whether the run is there is not known; the deadline will tell


def test_at_the_deadline_the_fallback_is_published_and_told(watch, routes, lake):
    observe(lake)
    routes.runs = [{"dag_run_id": "x", "partition_key": "2016-06-06", "state": "failed"}]
    at = MONDAY + dt.timedelta(hours=3, minutes=1)
    fresh(routes, at)
    look(watch(), at)
    manifest = publication.standing(lake, AS_OF)
    assert manifest["verdict"] == "fallback"
    reason = "fallback: the forecast was not there by its deadline, its run failed; weeks 1-2 are"
    assert manifest["reasons"][0].startswith(reason)
    assert any(reason in text for text in routes.messages)
    before = lake.read_bytes(f"published/{AS_OF}/manifest.json")
    look(watch(), at + dt.timedelta(minutes=10))
    assert lake.read_bytes(f"published/{AS_OF}/manifest.json") == before


def test_a_fallback_that_can_not_be_made_is_told_once(watch, routes):
    at = MONDAY + dt.timedelta(hours=3, minutes=1)
    for minute in (0, 6):
        fresh(routes, at + dt.timedelta(minutes=minute))
        look(watch(), at + dt.timedelta(minutes=minute))
    assert sum("there is no fallback for 2016-06-06" in text for text in routes.messages) == 1


def test_a_week_after_the_last_one_is_nobodys_business(watch, routes):
    one = watch()
    at = MONDAY + dt.timedelta(weeks=1, hours=9)
    fresh(routes, at)
    memory = look(one, at)
    assert (routes.posts, routes.messages, memory.open) == ([], [], {})


def test_the_dead_mans_switch_hears_of_looks_and_of_trouble(watch, routes):
    one = watch()
    look(one, dt.datetime.now(dt.UTC))
    look(one, dt.datetime.now(dt.UTC))  # too soon for another ping
    routes.heartbeats["triggerer"] = ago(30)
    look(one, dt.datetime.now(dt.UTC))
    assert routes.pings == ["/ping/1234/start", "/ping/1234", "/ping/1234/fail"]


def test_an_alert_that_nobody_took_is_sent_later(watch, routes, tmp_path):
    routes.webhook_status = 500
    routes.heartbeats["triggerer"] = ago(30)
    look(watch(), dt.datetime.now(dt.UTC))
    assert len(recall(tmp_path / "state/memory.json").outbox) == 1
    routes.webhook_status = 200
    look(watch(), dt.datetime.now(dt.UTC))
    assert len(routes.messages) == 1
    assert recall(tmp_path / "state/memory.json").outbox == []
    assert len((tmp_path / "state/alerts.jsonl").read_text().splitlines()) == 1


def test_a_health_endpoint_that_answers_nonsense_is_the_api_servers_problem(watch, routes):
    routes.health_status = 500
    memory = look(watch(), dt.datetime.now(dt.UTC))
    assert set(memory.open) == {"api-server"}


def test_a_manager_that_is_gone_is_said_so(tmp_path):
    with pytest.raises(NotMended, match="supervisor does not answer getAllProcessInfo"):
        Manager(tmp_path / "nothing.sock").programs()


def fresh(routes, at):
    routes.heartbeats = {name: lambda: at for name in ("scheduler", "dag_processor", "triggerer")}


def status(lake, at, **more):
    told = {"at": at.isoformat(), "host": "elsewhere", "pid": 1, "stopped": False}
    lake.write_json("alerts/deliverer.json", told | more)


def failure(lake, at):
    Outbox(lake).put(Event("run_failed", "failure", "run/weekly/1", "The run failed", "", next="mend"), at)


def test_an_alert_that_reaches_nobody_in_time_is_told_on_the_watchdogs_own_path(watch, routes, lake):
    at = dt.datetime.now(dt.UTC)
    status(lake, at)
    failure(lake, at - dt.timedelta(minutes=9))
    assert look(watch(), at).open == {}
    later = at + dt.timedelta(minutes=2)
    status(lake, later)
    fresh(routes, later)
    memory = look(watch(), later)
    assert set(memory.open) == {"alerts"}
    assert routes.pings[-1].endswith("/fail")
    assert "1 alert(s) have reached nobody in time: The run failed" in routes.messages[-1]


def test_a_deliverer_that_is_silent_is_told(watch, routes, lake):
    at = dt.datetime.now(dt.UTC)
    status(lake, at - dt.timedelta(minutes=10))
    memory = look(watch(), at)
    assert set(memory.open) == {"deliverer"}
    assert "deliverer sent its last heartbeat 600 s ago" in routes.messages[-1]
    status(lake, at)
    assert look(watch(), at).open == {}
    assert "resolved: deliverer" in routes.messages[-1]


def test_where_nobody_has_ever_sent_alerts_nobody_is_missed(watch, lake):
    at = dt.datetime.now(dt.UTC)
    failure(lake, at - dt.timedelta(hours=1))
    assert look(watch(), at).open == {}


def test_without_a_path_of_its_own_the_watchdog_tells_the_outbox(watch, routes, lake):
    routes.heartbeats["triggerer"] = ago(30)
    one = watch(WEBHOOK="")
    for _ in range(3):
        look(one, dt.datetime.now(dt.UTC))
    del routes.heartbeats["triggerer"]
    look(one, dt.datetime.now(dt.UTC))
    outbox = Outbox(lake)
    events = [outbox.read(path).event for path in outbox.paths()]
    assert [(event.key, event.resolves) for event in events] == [
        ("watchdog/triggerer", False), ("watchdog/triggerer", True),
    ]  # fmt: skip


def test_with_a_path_of_its_own_it_tells_nobody_twice(watch, routes, lake):
    routes.heartbeats["triggerer"] = ago(30)
    look(watch(), dt.datetime.now(dt.UTC))
    assert len(routes.messages) == 1
    assert Outbox(lake).paths() == []
