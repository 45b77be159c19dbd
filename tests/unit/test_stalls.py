import datetime as dt

import pytest

from steadycast.settings import RecoverySettings
from steadycast.stalls import Attempt, judge

NOW = dt.datetime(2016, 6, 6, 12, tzinfo=dt.UTC)


def ago(seconds):
    return NOW - dt.timedelta(seconds=seconds)


def verdict(attempt, settings=None, usual=(), relaunches=None):
    usual_s = {attempt.task: usual}
    return judge([attempt], NOW, settings or RecoverySettings(), usual_s, relaunches or {})[0]


@pytest.mark.parametrize(
    ("state", "times", "reason"),
    [
        pytest.param("running", {"started_at": ago(120)}, "", id="silent_at_the_limit"),
        pytest.param("running", {"started_at": ago(121)}, "no progress for 121 s", id="never_progressed"),
        pytest.param("running", {"started_at": ago(800), "progress_at": ago(9)}, "", id="progressing"),
        pytest.param(
            "running", {"started_at": ago(800), "progress_at": ago(130)}, "no progress for 130 s", id="silent"
        ),
        pytest.param(
            "running", {"started_at": ago(5), "progress_at": ago(900)}, "", id="progress_of_last_try"
        ),
        pytest.param(
            "running", {"started_at": ago(901), "progress_at": ago(1)}, "runs for 901 s", id="too_long"
        ),
        pytest.param("running", {"started_at": ago(-3600)}, "", id="clock_set_back"),
        pytest.param("running", {"started_at": None}, "", id="start_unknown"),
        pytest.param("queued", {"queued_at": ago(300)}, "", id="queued_at_the_limit"),
        pytest.param("queued", {"queued_at": ago(301)}, "queued for 301 s", id="queued"),
        pytest.param("queued", {"queued_at": ago(900), "scheduled_at": ago(4)}, "", id="queued_of_last_try"),
        pytest.param("queued", {"queued_at": ago(-60)}, "", id="queued_clock_set_back"),
        pytest.param("scheduled", {"scheduled_at": ago(300)}, "", id="scheduled_at_the_limit"),
        pytest.param("scheduled", {"scheduled_at": ago(301)}, "not queued for 301 s", id="never_queued"),
    ],
)
def test_stall_is_told_with_its_seconds(state, times, reason):
    found = verdict(Attempt("train", state, **times))
    assert found.kind == ("stalled" if reason else "healthy")
    assert reason in found.reason


@pytest.mark.parametrize(
    "state",
    [
        None,
        "deferred",
        "awaiting_input",
        "restarting",
        "up_for_retry",
        "up_for_reschedule",
        "success",
        "failed",
    ],
)
def test_waiting_on_purpose_and_ended_are_no_stall(state):
    old = ago(9999)
    attempt = Attempt("gate", state, scheduled_at=old, queued_at=old, started_at=old, progress_at=old)
    assert verdict(attempt).kind == "healthy"


@pytest.mark.parametrize(
    ("usual", "age", "kind"),
    [
        pytest.param([100] * 7, 400, "healthy", id="seven_runs_are_too_few"),
        pytest.param([100] * 8, 301, "stalled", id="three_times_the_usual"),
        pytest.param([100] * 8, 300, "healthy", id="at_three_times"),
        pytest.param([600] * 8, 1700, "healthy", id="slow_stages_get_longer"),
        pytest.param([1] * 8, 299, "healthy", id="short_stages_have_a_third_of_the_limit"),
        pytest.param([1] * 8, 301, "stalled", id="and_no_more"),
        pytest.param([100] * 7 + [5000], 301, "stalled", id="one_slow_run_changes_nothing"),
    ],
)
def test_usual_time_counts_once_it_is_known(usual, age, kind):
    attempt = Attempt("train", "running", started_at=ago(age), progress_at=ago(1))
    assert verdict(attempt, usual=usual).kind == kind


def test_after_each_relaunch_an_attempt_may_take_twice_as_long():
    attempt = Attempt("backtest", "running", started_at=ago(700), progress_at=ago(1))
    kinds = [verdict(attempt, usual=[30] * 8, relaunches={("backtest", -1): n}).kind for n in (0, 1, 2)]
    assert kinds == ["stalled", "stalled", "healthy"]


def test_override_is_of_its_stage_alone():
    settings = RecoverySettings(stages={"train": {"progress_timeout_s": 500}})
    assert verdict(Attempt("train", "running", started_at=ago(400)), settings).kind == "healthy"
    assert verdict(Attempt("infer", "running", started_at=ago(400)), settings).kind == "stalled"


def test_mapped_tasks_have_their_own_count():
    first, second = (Attempt("ingest", "queued", map_index=i, queued_at=ago(400)) for i in (0, 1))
    found = judge([first, second], NOW, RecoverySettings(), {}, {("ingest", 0): 3})
    assert [v.kind for v in found] == ["bound", "stalled"]
    assert found[0].reason.endswith("the task was relaunched 3 times")
    assert found[1].reason.startswith("ingest[1], try 1, is queued")


def test_one_look_relaunches_no_more_than_the_run_has_left():
    stuck = [Attempt("ingest", "queued", map_index=i, queued_at=ago(400)) for i in range(3)]
    found = judge(stuck, NOW, RecoverySettings(), {}, {("train", -1): 3, ("infer", -1): 2})
    assert [v.kind for v in found] == ["stalled", "bound", "bound"]
    assert found[1].reason.endswith("the run had 6 relaunches")


def test_healthy_task_at_its_bound_stays_healthy():
    attempt = Attempt("train", "running", started_at=ago(5))
    assert verdict(attempt, relaunches={("train", -1): 3}).kind == "healthy"


@pytest.mark.parametrize("state", ["queued", "scheduled"])
def test_a_task_behind_others_that_still_begin_waits_for_its_turn(state):
    waits = Attempt("ingest", state, map_index=9, scheduled_at=ago(900), queued_at=ago(800))
    others = [
        Attempt("ingest", "success", map_index=i, queued_at=ago(850 - 100 * i), started_at=ago(840 - 100 * i))
        for i in range(8)
    ]
    assert judge([waits, *others], NOW, RecoverySettings(), {}, {})[0].kind == "healthy"
    assert judge([waits, *others[:2]], NOW, RecoverySettings(), {}, {})[0].kind == "stalled"
