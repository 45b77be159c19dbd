"""The commands that people use with alerts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from steadycast.alerts import Outbox, canary
from steadycast.alerts.__main__ import main, now
from steadycast.alerts.deliverer import STATUS
from tests.alerting import Post, event

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    for name in ("SLACK", "ALERT_MAIL", "ALERT_SNS", "ALERT_SES", "ALERT_WEBHOOK", "LAKE"):
        monkeypatch.delenv(f"AIRFLOW_CONN_{name}", raising=False)
    return Post(tmp_path, {})


@pytest.fixture
def call(post: Post, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(command: str, *arguments: str) -> tuple[int, str]:
        code = main([command, "--lake", post.lake.url, "--settings", str(post.file), *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_a_mute_keeps_a_thing_quiet_is_listed_and_can_be_ended(post, call) -> None:
    until = (now() + HOUR).isoformat()
    code, path = call("mute", "--kind", "run_*", "--until", until, "--owner", "anna", "--why", "known")
    assert code == 0
    post.put(event())
    _, told = call("list")
    assert "1 open, 0 unsent" in told
    assert "not told  thing/0001  muted by anna" in told
    assert "anna: known" in told
    assert call("unmute", path.strip())[0] == 0
    assert "1 open, 1 unsent" in call("list")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--until", "9999-01-01T00:00Z"], "within 60 days", id="for_ever"),
        pytest.param(["--until", "2016-01-01T00:00Z"], "ends after its beginning", id="over"),
    ],
)
def test_a_mute_for_ever_is_refused(call, arguments: list[str], said: str) -> None:
    code, told = call("mute", "--key", "x", "--owner", "a", "--why", "b", *arguments)
    assert code == 1
    assert said in told


def test_a_person_can_say_that_a_thing_is_over(post, call) -> None:
    post.put(event())
    assert call("resolve", "thing/0001", "--owner", "anna", "--why", "mended by hand")[0] == 0
    newest = Outbox(post.lake).newest("thing/0001")
    assert newest is not None
    assert newest.resolves
    assert "anna says that it is over: mended by hand" in newest.text
    code, told = call("resolve", "thing/0001", "--owner", "anna", "--why", "again")
    assert (code, "nothing is open" in told) == (1, True)


def test_a_canary_is_answered_by_its_code(post, call) -> None:
    bird = canary.message(dt.date(2016, 6, 9), 24)
    post.put(bird)
    post.deliver(post.all_told)
    assert call("confirm", "wrong")[0] == 1
    assert call("confirm", canary.code_of(bird.key))[0] == 0
    newest = Outbox(post.lake).newest(bird.key)
    assert newest is not None
    assert newest.resolves


def test_healthy_means_that_somebody_sends(post, call) -> None:
    assert call("healthy")[0] == 1
    deliverer = post.deliverer()
    deliverer.look()
    assert call("healthy")[0] == 0
    deliverer.close()
    assert call("healthy")[0] == 1
    old = post.lake.read_json(STATUS) | {"stopped": False, "at": (now() - HOUR).isoformat()}
    post.lake.write_json(STATUS, old)
    assert call("healthy")[0] == 1


def test_a_failed_run_is_told_unless_somebody_has_told_it(post, call) -> None:
    assert call("failed", "weekly_forecast", "run1", "--week", "2016-06-06", "--why", "killed")[0] == 0
    assert call("failed", "weekly_forecast", "run1", "--week", "2016-06-06", "--why", "other words")[0] == 0
    outbox = Outbox(post.lake)
    (path,) = outbox.paths()
    assert outbox.read(path).event.text.startswith("killed")
    over = replace(outbox.read(path).event, resolves=True)
    outbox.put(over, now() - 3 * HOUR)
    assert call("failed", "weekly_forecast", "run1", "--week", "2016-06-06", "--why", "again")[0] == 0
    assert len(outbox.paths()) == 3


def test_settings_with_a_mistake_are_told_in_plain_words(post, call) -> None:
    post.file.write_text("title: nothing\n")
    code, told = call("list")
    assert code == 1
    assert "problem(s)" in told
