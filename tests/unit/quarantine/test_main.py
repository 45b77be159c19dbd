"""``python -m steadycast.quarantine``."""

import subprocess
import sys

import pytest

from steadycast.quarantine import decisions
from steadycast.quarantine.__main__ import main
from tests.till import FIRST, SECOND, Shop

TYPED = {("left", "2016-05-25"): "824.0", ("right", "2016-05-26"): "5000"}
WHO = ["--owner", "ana", "--reason", "the shop says so", "--at", "2016-06-01T09:00Z"]


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    made.week(FIRST, TYPED)
    return made


@pytest.fixture
def call(shop, capsys):
    def run(command, *arguments):
        code = main([command, "--lake", shop.lake.url, *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def name(shop):
    held = shop.held(FIRST)
    return dict(zip(held["entity"], held["id"], strict=True))


def test_list_shows_what_waits(call, name):
    code, said = call("list")
    assert code == 0
    assert "week 2016-05-30: 2 value(s)" in said
    assert f"| {name['left']} | till | sales | left | 2016-05-25 | 824 |" in said


def test_show_tells_of_neighbours_versions_and_decisions(call, name):
    call("decide", name["left"], "--as", "error-correct", "--value", "82.4", *WHO)
    code, said = call("show", name["left"])
    assert code == 0
    assert "2016-05-24" in said
    assert "2016-06-01T09:00:00+00:00 ana: error-correct 82.4 (the shop says so; cli)" in said


def test_a_decision_is_used_by_the_next_run(shop, call, name):
    code, said = call("decide", name["left"], "--as", "error-correct", "--value", "82.4", *WHO)
    assert (code, "error-correct of 1 value(s) of till" in said) == (0, True)
    assert name["left"] not in call("list")[1]
    assert "error-correct 82.4 |" in call("list", "--all")[1]
    shop.week(SECOND, TYPED)
    assert shop.used(SECOND, "left", "2016-05-25") == 82.4


def test_what_is_proposed_can_be_taken(shop, call, name):
    code, _ = call("decide", name["left"], "--as", "error-correct", "--as-proposed", *WHO)
    assert code == 0
    assert decisions.every(shop.lake, "till")[0].cells[0].value == 82.4


def test_a_value_that_looks_right_can_be_decided_too(shop, call):
    cell = ["--cell", "till", "right", "2016-05-24", "sales"]
    code, _ = call("decide", *cell, "--as", "error-correct", "--value", "290", *WHO)
    assert code == 0
    shop.week(SECOND, TYPED)
    assert shop.used(SECOND, "right", "2016-05-24") == 290.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["deadbeef", "--as", "error-drop"], "has no value deadbeef", id="unknown_id"),
        pytest.param(["{left}", "--as", "error-correct"], "say it with --value", id="no_value"),
        pytest.param(["{left}", "--as", "unknown", "--value", "1"], "takes no value", id="a_value_too_many"),
        pytest.param(
            ["{left}", "{right}", "--as", "error-correct", "--value", "1"], "can not be right for several",
            id="one_for_two",
        ),
        pytest.param(
            ["{right}", "--as", "error-correct", "--as-proposed"], "nothing is proposed", id="no_proposal"
        ),
        pytest.param(["--as", "error-drop"], "no value was named", id="nothing"),
        pytest.param(
            ["--cell", "till", "middle", "2016-05-24", "sales", "--as", "error-drop"],
            "till has no sales of middle on 2016-05-24", id="no_such_cell",
        ),
        pytest.param(
            ["--cell", "till", "left", "24.5.2016", "sales", "--as", "error-drop"], "is no date", id="no_date"
        ),
        pytest.param(
            ["{left}", "--week", "2016-07-04", "--as", "error-drop"], "the Monday of a run", id="no_such_week"
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_the_next_step_and_stores_nothing(shop, call, name, arguments, says):
    code, said = call("decide", *(text.format(**name) for text in arguments), *WHO)
    assert code == 1
    assert says in said
    assert "\nNext: " in said
    assert decisions.every(shop.lake, "till") == []


def test_a_moment_without_a_time_zone_is_refused(call, name, capsys):
    with pytest.raises(SystemExit):
        call("decide", name["left"], "--as", "unknown", *WHO[:-1], "2016-06-01T09:00")
    assert "has no time zone" in capsys.readouterr().err


def test_it_is_a_command(shop):
    done = subprocess.run(
        [sys.executable, "-m", "steadycast.quarantine", "list", "--lake", shop.lake.url],
        capture_output=True, text=True, timeout=60, env={"PYTHONPATH": "include", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 value(s)" in done.stdout
