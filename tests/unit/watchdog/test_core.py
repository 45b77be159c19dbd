import datetime as dt
from dataclasses import replace

import pytest

from steadycast.settings import WatchdogSettings
from watchdog.core import BeginAgain, CreateRun, PublishFallback, Restart, Tell, decide
from watchdog.due import Due
from watchdog.memory import Memory
from watchdog.seen import Program, Run, Seen

WEEK = dt.date(2016, 6, 6)
START = dt.datetime(2016, 6, 6, 6, tzinfo=dt.UTC)
LIMITS = WatchdogSettings(confirmations=2, settle_s=100)
NAMES = ("api-server", "scheduler", "dag-processor", "triggerer")
UP = {name: Program("RUNNING", 1000) for name in NAMES}


def well(at=START, programs=UP, **changes):
    beats = {name: at - dt.timedelta(seconds=3) for name in NAMES[1:]}
    return replace(Seen(at=at, up_s=1000, heartbeats=beats, programs=programs, database=None), **changes)


def looks(*seen, memory=None, limits=LIMITS):
    """What is done at each of the looks."""
    memory, done = memory or Memory(), []
    for one in seen:
        actions, memory = decide(one, limits, memory)
        done.append(actions)
    return done, memory


def late(seconds=61, who="scheduler", **changes):
    seen = well(**changes)
    return replace(seen, heartbeats={**seen.heartbeats, who: seen.at - dt.timedelta(seconds=seconds)})


def program(name, state, up_s=1000.0):
    return well(programs=UP | {name: Program(state, up_s)})


def due(hours=0.0, minutes=0.0, **changes):
    at = START + dt.timedelta(hours=hours, minutes=minutes)
    known = {"runs": (), "paused": False, "published": ""}
    return well(at, due=Due(WEEK, START), **(known | changes))


def test_nothing_is_done_while_all_is_well():
    done, memory = looks(well(), well(), due(runs=("running",)), due(5, runs=("success",), published="ok"))
    assert done == [[], [], [], []]
    assert memory.open == {}


@pytest.mark.parametrize(
    ("seen", "component"),
    [
        pytest.param(late(), "scheduler", id="old_heartbeat"),
        pytest.param(late(who="triggerer"), "triggerer", id="triggerer"),
        pytest.param(late(who="dag-processor"), "dag-processor", id="dag_processor"),
        pytest.param(well(api="timed out", heartbeats={}), "api-server", id="api_does_not_answer"),
        pytest.param(program("scheduler", "FATAL"), "scheduler", id="given_up"),
        pytest.param(program("scheduler", "EXITED", 1), "scheduler", id="ended"),
        pytest.param(program("sandbox", "FATAL"), "sandbox", id="program_without_heartbeat"),
    ],
)
def test_a_dead_or_wedged_component_is_restarted_once_it_is_confirmed(seen, component):
    (first, second), memory = looks(seen, seen)
    assert first == []
    assert [type(action) for action in second] == [Restart, Tell]
    assert second[0].component == component
    assert second[1].text.endswith("it is restarted")
    assert set(memory.open) == {component}


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(late(59), id="heartbeat_within_limit"),
        pytest.param(late(-3600), id="clock_set_back"),
        pytest.param(late(programs=UP | {"scheduler": Program("RUNNING", 20)}), id="just_started"),
        pytest.param(program("scheduler", "STARTING", 1), id="starting"),
        pytest.param(program("scheduler", "BACKOFF", 1), id="supervisor_tries_itself"),
        pytest.param(well(api="refused", heartbeats={}, programs={}, up_s=50), id="watchdog_just_started"),
    ],
)
def test_what_is_no_sign_of_death_restarts_nothing(seen):
    done, _ = looks(seen, seen, seen, seen)
    assert done == [[], [], [], []]


@pytest.mark.parametrize(
    ("up_s", "restarted"),
    [
        pytest.param(122, False, id="its_heartbeat_is_of_the_process_before"),
        pytest.param(130, True, id="it_was_well_after_its_start"),
    ],
)
def test_a_wedge_soon_after_the_start_is_not_taken_for_a_slow_start(up_s, restarted):
    limits = LIMITS.model_copy(update={"settle_s": 300})
    seen = late(124, programs=UP | {"scheduler": Program("RUNNING", up_s)})
    (_, second), _ = looks(seen, seen, limits=limits)
    assert any(isinstance(action, Restart) for action in second) == restarted


def test_a_silence_after_the_first_heartbeat_is_borne_twice_as_long_and_longer_after_restarts():
    young = {"scheduler": Program("RUNNING", 110)}
    assert restarts_after(late(100, programs=UP | young), settle_s=300) == 0
    once = Memory(restarts={"scheduler": [START - dt.timedelta(minutes=20)]})
    assert restarts_after(late(100), memory=once) == 0
    assert restarts_after(late(121), memory=once) == 1


def restarts_after(seen, memory=None, **limits):
    done, _ = looks(seen, seen, memory=memory, limits=LIMITS.model_copy(update=limits))
    return sum(isinstance(action, Restart) for actions in done for action in actions)


def test_an_api_server_is_judged_by_its_last_answer_since_its_start():
    young = UP | {"api-server": Program("RUNNING", 150)}
    silent = well(programs=young, api="timed out", heartbeats={})
    answered = Memory(api_answered=START - dt.timedelta(seconds=121))
    assert restarts_after(silent, memory=answered, settle_s=300) == 1
    a_moment_ago = Memory(api_answered=START - dt.timedelta(seconds=119))
    assert restarts_after(silent, memory=a_moment_ago, settle_s=300) == 0
    before_its_start = Memory(api_answered=START - dt.timedelta(seconds=151))
    assert restarts_after(silent, memory=before_its_start, settle_s=300) == 0


def test_celery_workers_that_do_not_answer_are_told_and_not_restarted():
    none, one = well(workers=()), well(workers=("celery@a",))
    done, memory = looks(one, none, none, none, one)
    assert [[a.text for a in actions] for actions in done] == [
        [], [], ["0 of 1 Celery workers answer (none)"], [],
        ["resolved: 0 of 1 Celery workers answer (none)"],
    ]  # fmt: skip
    assert memory.open == {}


def test_while_the_broker_is_silent_nobody_knows_about_the_workers():
    silent = well(broker="OperationalError")
    done, memory = looks(well(workers=()), well(workers=()), silent, silent)
    assert [a.text for a in done[3]] == ["the broker of the Celery workers does not answer: OperationalError"]
    assert set(memory.open) == {"workers", "broker"}


def test_one_bad_look_between_good_ones_is_forgotten():
    done, _ = looks(late(), well(), late(), well(), late())
    assert done == [[]] * 5


def test_while_the_api_is_silent_nothing_is_said_about_the_others():
    silent = well(START + dt.timedelta(seconds=61), api="timed out", heartbeats={})
    (_, second, third), _ = looks(late(), silent, silent)
    assert [a.component for a in second + third if isinstance(a, Restart)] == ["api-server"]


def test_each_problem_is_told_once_and_its_end_once():
    fresh = late(200, programs=UP | {"scheduler": Program("RUNNING", 10)})
    done, memory = looks(late(), late(), fresh, fresh, well(), well())
    told = [[a.text for a in actions if isinstance(a, Tell)] for actions in done]
    assert told == [
        [], ["scheduler sent its last heartbeat 61 s ago; it is restarted"], [], [],
        ["resolved: scheduler sent its last heartbeat 61 s ago"], [],
    ]  # fmt: skip
    assert memory.open == {}


def test_a_component_that_restarts_do_not_help_is_left_to_a_person_who_is_told_once():
    seen = [late(300, at=START + dt.timedelta(minutes=3 * i)) for i in range(16)]
    done, _ = looks(*seen)
    flat = [action for actions in done for action in actions]
    assert sum(isinstance(a, Restart) for a in flat) == LIMITS.restarts_per_hour
    assert sum("a person has to look" in a.text for a in flat if isinstance(a, Tell)) == 1


def test_restarts_do_not_keep_a_slow_start_from_ending():
    """An API server that takes 150 s to start on a busy machine, with 100 s to settle."""
    up, restarts, memory = 1000.0, [], Memory()
    for second in range(0, 1200, 15):
        at = START + dt.timedelta(seconds=second)
        silent = up < 150 or not restarts
        programs = UP | {"api-server": Program("RUNNING", up)}
        seen = well(at, programs, api="refused" if silent else None, heartbeats={})
        actions, memory = decide(seen, LIMITS, memory)
        up += 15
        if any(isinstance(a, Restart) for a in actions):
            restarts.append(second)
            up = 0.0
    assert len(restarts) == 1
    assert memory.open == {}


def test_without_a_process_manager_it_tells_and_restarts_nothing():
    seen = late(programs={})
    (_, second), _ = looks(seen, seen)
    assert second == [Tell("scheduler sent its last heartbeat 61 s ago")]


@pytest.mark.parametrize(
    ("seen", "creates"),
    [
        pytest.param(due(minutes=9), False, id="within_grace"),
        pytest.param(due(minutes=11), True, id="after_grace"),
        pytest.param(due(minutes=11, runs=("queued",)), False, id="run_is_there"),
        pytest.param(due(minutes=11, runs=("failed",)), False, id="run_failed"),
        pytest.param(due(minutes=11, runs=None), False, id="not_known"),
        pytest.param(due(minutes=11, paused=True), False, id="paused"),
        pytest.param(due(minutes=11, published="ok"), False, id="published"),
    ],
)
def test_the_run_is_created_if_it_did_not_start(seen, creates):
    done, _ = looks(seen, seen)
    made = [a for actions in done for a in actions if isinstance(a, CreateRun)]
    assert made == ([CreateRun(WEEK)] if creates else [])
    told = " ".join(a.text for a in done[1] if isinstance(a, Tell))
    assert ("it is created" in told) == creates
    assert ("unpause" in told) == (seen.paused is True)


def dated(minutes, name="manual__1"):
    run = Run(name, "2016-06-06", START + dt.timedelta(minutes=minutes))
    return well(running=(run,), airflow_at=START)


@pytest.mark.parametrize(("minutes", "again"), [(-5, False), (1, False), (57, True)])
def test_a_run_that_is_dated_ahead_begins_again(minutes, again):
    done, memory = looks(dated(minutes), dated(minutes), well(running=(), airflow_at=START))
    assert done[0] == []
    begun = [(a.run, a.week) for a in done[1] if isinstance(a, BeginAgain)]
    assert begun == ([("manual__1", "2016-06-06")] if again else [])
    told = [a.text for a in done[1] if isinstance(a, Tell)]
    assert told == ([f"{TOLD}; it begins again"] if again else [])
    assert done[2] == ([Tell(f"resolved: {TOLD}")] if again else [])
    assert memory.open == {}


TOLD = (
    "the run of week 2016-06-06 is dated 57 min ahead, since the clock was set back: "
    "Airflow would let it rest until then"
)


def test_a_watchdog_whose_own_clock_is_wrong_lets_runs_go_on():
    wrong = replace(dated(0), at=START - dt.timedelta(days=3650))
    done, _ = looks(wrong, wrong, wrong)
    assert not [a for actions in done for a in actions if isinstance(a, BeginAgain)]


def test_while_the_runs_are_not_known_one_that_is_dated_ahead_is_not_called_resolved():
    done, memory = looks(dated(57), dated(57), well(running=None, airflow_at=START))
    assert done[2] == []
    assert list(memory.open) == ["clock manual__1"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param(due(2.9), None, id="before_the_deadline"),
        pytest.param(due(3.1, runs=("running",)), "its run was running at the deadline", id="runs_too_long"),
        pytest.param(due(3.1, runs=("failed",)), "its run failed", id="failed"),
        pytest.param(due(3.1), "its run has not started", id="never_started"),
        pytest.param(
            due(3.1, runs=None, api="refused", paused=None, heartbeats={}),
            "Airflow could not be asked about its run",
            id="airflow_is_down",
        ),
        pytest.param(due(3.1, published="ok"), None, id="published"),
        pytest.param(due(3.1, published="fallback"), None, id="fallback_is_there"),
        pytest.param(due(3.1, published=None, lake="refused"), None, id="lake_not_known"),
        pytest.param(due(3.1, paused=True), None, id="paused_by_a_person"),
    ],
)
def test_at_the_deadline_readers_get_a_fallback(seen, reason):
    (first,), _ = looks(seen)
    made = [a for a in first if isinstance(a, PublishFallback)]
    wanted = f"the forecast was not there by its deadline, {reason}"
    assert made == ([PublishFallback(WEEK, wanted)] if reason else [])


def test_a_fallback_that_failed_is_tried_again_after_five_minutes():
    seen = [due(3.1, minutes=i, runs=("failed",)) for i in range(11)]
    done, _ = looks(*seen)
    tried = [i for i, acts in enumerate(done) if any(isinstance(a, PublishFallback) for a in acts)]
    assert tried == [0, 5, 10]


def test_a_fallback_is_a_problem_until_the_run_has_published():
    fallback = due(4, runs=("failed",), published="fallback")
    real = due(5, runs=("success",), published="ok")
    (_, second, third), _ = looks(fallback, fallback, real)
    text = f"week {WEEK}: only a fallback is published; its run failed"
    assert (second, third) == ([Tell(text)], [Tell(f"resolved: {text}")])


def test_a_week_that_is_no_longer_due_is_not_called_resolved():
    late_week = due(4, runs=("failed",), published="fallback")
    (_, _, third), _ = looks(late_week, late_week, well())
    assert third[0].text.startswith("another week is due now, no longer watched: week 2016-06-06")


def test_a_pause_is_remembered_while_airflow_can_not_be_asked():
    down = due(3.1, runs=None, api="refused", paused=None, heartbeats={})
    done, _ = looks(due(1, paused=True), down)
    assert not [a for a in done[1] if isinstance(a, PublishFallback)]


def test_memory_survives_a_restart_of_the_watchdog():
    _, memory = looks(late(), late())
    again = Memory.model_validate_json(memory.model_dump_json())
    done, _ = looks(late(), memory=again)
    assert done == [[]]


def deliverer(beat_s, **changes):
    """A look at a stack with a deliverer, whose last sign of life is so old; None if there never was one."""
    seen = well(programs=UP | {"deliverer": Program("RUNNING", 1000)}, overdue=(), **changes)
    beat = None if beat_s is None else seen.at - dt.timedelta(seconds=beat_s)
    return replace(seen, heartbeats={**seen.heartbeats, "deliverer": beat})


@pytest.mark.parametrize("beat_s", [pytest.param(151, id="silent"), pytest.param(None, id="never_began")])
def test_a_deliverer_that_sends_nothing_is_restarted(beat_s):
    done, _ = looks(deliverer(beat_s), deliverer(beat_s))
    assert [action.component for action in done[1] if isinstance(action, Restart)] == ["deliverer"]


def test_a_deliverer_whose_channels_all_hang_has_the_time_for_it():
    done, memory = looks(*[deliverer(140)] * 4)
    assert done == [[]] * 4
    assert memory.open == {}


def test_alerts_that_reach_nobody_are_a_problem_until_they_do():
    late_ones = replace(deliverer(1), overdue=("The run failed", "b", "c", "d"))
    done, memory = looks(late_ones, late_ones, late_ones)
    assert done[1] == [Tell("4 alert(s) have reached nobody in time: The run failed; b; c and more")]
    assert done[2] == []
    done, memory = looks(replace(late_ones, overdue=None), deliverer(1), memory=memory)
    assert [len(actions) for actions in done] == [0, 1]
    assert memory.open == {}
