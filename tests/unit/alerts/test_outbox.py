"""The outbox keeps every event once, in order, on a local folder and on S3."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from steadycast.alerts import Event, Outbox
from steadycast.lake import Lake, open_lake
from tests.s3_server import running_s3

NOW = dt.datetime(2016, 6, 6, 6, tzinfo=dt.UTC)
FAILED = Event(
    "run_failed", "failure", "run/weekly_forecast/2016-06-06", "The run failed", "train ran out of memory",
    next="clear train", as_of=dt.date(2016, 6, 6), link="http://x/run",
)  # fmt: skip


@pytest.fixture(params=["local", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    if request.param == "local":
        yield open_lake(str(tmp_path))
        return
    with running_s3() as server:
        yield server.lake(f"s3://{server.new_bucket()}/lake")


def test_an_event_comes_back_as_it_was_put(lake: Lake) -> None:
    outbox = Outbox(lake)
    posted = outbox.read(outbox.put(FAILED, NOW))
    assert (posted.event, posted.at) == (FAILED, NOW)


def test_the_same_event_put_again_later_is_the_same_file(lake: Lake) -> None:
    outbox = Outbox(lake)
    first = outbox.put(FAILED, NOW)
    assert outbox.put(FAILED, NOW + dt.timedelta(hours=1)) == first
    assert outbox.paths() == [first]


def test_what_has_ended_can_happen_again(lake: Lake) -> None:
    outbox = Outbox(lake)
    over = replace(FAILED, resolves=True)
    paths = [outbox.put(event, NOW) for event in (FAILED, over, FAILED)]
    assert len(set(paths)) == 3
    assert [outbox.read(path).event.resolves for path in outbox.paths()] == [False, True, False]


def test_writers_at_the_same_moment_lose_nothing(lake: Lake) -> None:
    outbox = Outbox(lake)
    events = [replace(FAILED, text=f"try {number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda event: outbox.put(event, NOW), events))
    assert len(paths) == 8
    assert {outbox.read(path).event.text for path in outbox.paths()} == {event.text for event in events}


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("a/b", "a-b"), id="characters_that_no_path_has"),
        pytest.param(("x" * 90 + "1", "x" * 90 + "2"), id="long_keys_with_the_same_beginning"),
        pytest.param(("../up", "..-up"), id="a_way_out_of_the_lake"),
    ],
)
def test_different_keys_never_share_a_folder(keys: tuple[str, str], tmp_path: Path) -> None:
    outbox = Outbox(open_lake(str(tmp_path)))
    folders = {outbox.put(replace(FAILED, key=key), NOW).rsplit("/", 1)[0] for key in keys}
    assert len(folders) == 2
    assert all(path.startswith("alerts/events/") for path in outbox.paths())


def test_a_time_without_a_timezone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no timezone"):
        Outbox(open_lake(str(tmp_path))).put(FAILED, NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"severity": "loud"}, "severity 'loud'", id="unknown_severity"),
        pytest.param({"key": " "}, "its key is empty", id="no_key"),
        pytest.param({"title": ""}, "its title is empty", id="no_title"),
    ],
)
def test_an_event_that_nobody_could_read_is_refused(change: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(FAILED, **change)
