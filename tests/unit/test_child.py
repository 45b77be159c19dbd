import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from steadycast.child import run_stage
from steadycast.errors import ModelError, StageDied, StageStuck
from steadycast.lake import open_lake

STAGES = "tests.unit.child_stages"
REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "lake").mkdir()
    return (tmp_path / "lake").as_uri(), {}


def test_it_runs_in_another_process_and_its_progress_arrives(lake) -> None:
    told = []
    path = run_stage(STAGES, lake, "works", deadline_s=60, progress=lambda *step: told.append(step))
    assert told == [("works", 1, 2)]
    assert int(open_lake(lake[0]).read_bytes(path)) != os.getpid()


def test_an_error_of_the_stage_comes_back_as_itself_with_its_traceback(lake) -> None:
    with pytest.raises(ModelError, match="the panel has no value") as caught:
        run_stage(STAGES, lake, "fails", deadline_s=60)
    assert caught.value.remedy == "look at impute"
    assert "child_stages.py" in caught.value.__notes__[0]


def test_an_error_that_can_not_travel_comes_back_in_words(lake) -> None:
    with pytest.raises(StageDied, match="_NeedsTwo: ab"):
        run_stage(STAGES, lake, "fails in its own words", deadline_s=60)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        pytest.param("is killed", "no memory left\nNext: give the worker more memory", id="sigkill"),
        pytest.param("crashes", "ended with signal SIGSEGV", id="crash_in_c"),
        pytest.param("exits", "ended with exit code 7", id="exit"),
    ],
)
def test_a_death_without_a_word_is_an_error_with_a_next_step(lake, what: str, said: str) -> None:
    with pytest.raises(StageDied, match=said):
        run_stage(STAGES, lake, what, deadline_s=60)


def test_a_hang_in_c_is_killed_for_its_silence_and_shows_where_it_hung(lake, capfd) -> None:
    began = time.monotonic()
    with pytest.raises(StageStuck, match=r"child_stages: reported no progress for 2 s"):
        run_stage(STAGES, lake, "hangs in C", deadline_s=60, silence_s=2)
    assert time.monotonic() - began < 20
    assert not psutil.pid_exists(int(open_lake(lake[0]).read_bytes("pid")))
    assert 'child_stages.py", line' in capfd.readouterr().err


def test_a_stage_that_reports_for_ever_has_a_deadline(lake) -> None:
    with pytest.raises(StageStuck, match="took longer than 2 s"):
        run_stage(STAGES, lake, "reports for ever", deadline_s=2, silence_s=30)


def test_the_child_dies_with_its_parent_even_if_that_is_killed_while_the_child_hangs_in_c(lake) -> None:
    call = f"run_stage({STAGES!r}, {lake!r}, 'hangs in C', deadline_s=60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", f"from steadycast.child import run_stage; {call}"],
        env=os.environ | {"PYTHONPATH": f"{REPO}:{REPO / 'include'}"},
    )
    made = open_lake(lake[0])
    deadline = time.monotonic() + 30
    while not (made.exists("pid") and made.read_bytes("pid")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = psutil.Process(int(made.read_bytes("pid")))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    child.wait(timeout=10)


def test_the_child_is_killed_when_its_parent_is_interrupted(lake) -> None:
    def interrupt(*step: object) -> None:
        raise TimeoutError

    # servers of other tests may live in this process
    others = psutil.Process().children()
    with pytest.raises(TimeoutError):
        run_stage(STAGES, lake, "hangs in C", deadline_s=60, progress=interrupt)
    assert set(psutil.Process().children()) <= set(others)
