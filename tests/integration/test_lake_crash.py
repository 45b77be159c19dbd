"""Nothing is lost, doubled or half there: real processes that write at once, or are killed at any moment."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import signal
import time

import pytest

from steadycast.lake import Lake, open_lake
from tests import lake_workers as workers
from tests.s3_server import running_s3

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["pandas", "pyarrow.parquet", "boto3", "moto.server"]
)  # a start then takes 0.1 s
KILLS = 10


@pytest.fixture(scope="module")
def s3_server():
    with running_s3() as server:
        yield server


@pytest.fixture(params=["local", "s3"])
def place(request, tmp_path):
    """Address and endpoint of an empty lake."""
    if request.param == "local":
        return str(tmp_path / "lake"), None
    server = request.getfixturevalue("s3_server")
    return f"s3://{server.new_bucket()}/lake", server.url


def run(target, *arguments):
    """Run a function in a process of its own; its exit code, negative for the signal that ended it."""
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def known(weeks, writer_of=None):
    """What must be known after these polls, by a plain dictionary: {(entity, day): value}."""
    state = {}
    for week in sorted(weeks):
        state.update(workers.cells(week, (writer_of or {}).get(week, 0)))
    return state


def read(observations, **given):
    frame = observations.read(**given)
    state = dict(zip(zip(frame["entity"], frame["date"], strict=True), frame["value"], strict=True))
    assert len(state) == len(frame), "a cell came twice"
    return state


def contents(lake, source):
    """All that belongs to a source, {path without the source: bytes}."""
    return {
        path.replace(source, "*"): lake.read_bytes(path) for path in lake.list("") if f"/{source}/" in path
    }


def check_readable(lake, source):
    """The promise to a reader at any moment: what is there is whole, and left by a number of whole steps."""
    observations = lake.observations(source)
    weeks = range(len(observations.segments(accepted=False)))
    accepted = range(len(observations.segments()))
    assert [workers.moment(w).strftime("%Y%m%d") for w in weeks] == [
        s[:8] for s in observations.segments(accepted=False)
    ]
    assert len(weeks) - len(accepted) in (0, 1)
    assert read(observations) == known(accepted)
    assert read(observations, segments=observations.segments(accepted=False)) == known(weeks)
    for week in weeks[-2:]:  # the older ones were looked at when they were new
        folder = f"published/{source}/{week}"
        if lake.exists(f"{folder}/manifest.json"):
            stored = lake.read_json(f"{folder}/manifest.json")
            for name, checksum in stored["sha256"].items():
                assert hashlib.sha256(lake.read_bytes(f"{folder}/{name}")).hexdigest() == checksum
        docs = f"runs/{source}/{week}/docs"
        if lake.exists(f"{docs}/manifest.json"):
            assert lake.list(docs) == [
                f"{docs}/{name}" for name in ("detail.html", "index.html", "manifest.json")
            ]
        for path in lake.list(folder):
            assert not path.endswith(".parquet") or len(lake.read_frame(path)) > 0


def uninterrupted(lake, source="whole"):
    workers.poll_week(lake, source, 0)
    workers.run_week(lake, source, 1)
    return contents(lake, source)


def test_killed_between_any_two_changes_of_the_store_a_retry_completes_the_week(place):
    lake = workers.opened(*place)
    whole = uninterrupted(lake)
    calls = workers.DyingBackend(lake.backend, 0)
    workers.run_week(Lake(calls), "whole", 1)
    assert calls.calls >= 8
    for call in range(1, calls.calls + 1):
        source = f"call_{call}"
        workers.poll_week(lake, source, 0)
        assert run(workers.run_week_and_die_at_call, *place, source, call) == -signal.SIGKILL
        check_readable(lake, source)
        workers.run_week(lake, source, 1)
        assert contents(lake, source) == whole


def test_killed_between_any_two_calls_of_the_system_a_retry_completes_the_week(tmp_path):
    lake = open_lake(str(tmp_path / "lake"))
    whole = uninterrupted(lake)
    workers.poll_week(lake, "counted", 0)
    with workers.counted_system_calls(0) as counted:
        workers.run_week(lake, "counted", 1)
    assert counted.calls > 50
    for call in range(1, counted.calls + 1):
        source = f"call_{call}"
        workers.poll_week(lake, source, 0)
        assert run(workers.run_week_and_die_at_system_call, lake.url, source, call) == -signal.SIGKILL
        check_readable(lake, source)
        workers.run_week(lake, source, 1)
        assert contents(lake, source) == whole
    assert list((tmp_path / "lake").rglob(".*.tmp")), "none was killed between filling a file and naming it"
    assert not [path for path in lake.list("") if path.endswith(".tmp")]


def test_killed_at_random_moments_the_weeks_go_on_as_if_nothing_had_been(place):
    chance = random.Random(20160606)
    lake = workers.opened(*place)
    began = time.monotonic()
    workers.run_week(lake, "timed", 0)
    week_s = time.monotonic() - began
    weeks = 0
    # on a busy machine the killed ones come less far than the timed one: they then get more and longer tries
    for kill in range(10 * KILLS):
        if kill >= KILLS and weeks > 2:
            break
        started = PROCESSES.Event()
        process = PROCESSES.Process(target=workers.run_weeks_for_ever, args=(*place, "weather", started))
        process.start()
        assert started.wait(60)
        time.sleep(chance.uniform(0, 2 * week_s) * (1 + kill // KILLS))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        check_readable(lake, "weather")
        weeks = len(lake.observations("weather").segments(accepted=False))
    assert weeks > 2
    workers.run_week(lake, "weather", weeks - 1)
    for week in range(weeks):
        workers.run_week(lake, "whole", week)
    assert contents(lake, "weather") == contents(lake, "whole")


def test_writers_at_once_lose_nothing_and_double_nothing(place):
    writers, shared = 4, [0, 3, 6]
    start, results = PROCESSES.Barrier(writers), PROCESSES.Queue()
    own = {0: [1, 7], 1: [2, 8], 2: [4, 9], 3: [5, 10]}
    processes = [
        PROCESSES.Process(
            target=workers.append_weeks,
            args=(*place, "weather", writer, sorted([*shared, *own[writer]]), start, results),
        )
        for writer in range(writers)
    ]
    for process in processes:
        process.start()
    answered = dict(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
        assert process.exitcode == 0

    observations = workers.opened(*place).observations("weather")
    segments = observations.segments(accepted=False)
    assert [s[:8] for s in segments] == [workers.moment(w).strftime("%Y%m%d") for w in range(11)]
    writer_of = {week: writer for writer, weeks in own.items() for week in weeks}
    for week in shared:
        agreed = {appended for answers in answered.values() for w, appended in answers if w == week}
        assert {a.segment for a in agreed} == {segments[week]}
        said = read(observations, segments=[segments[week]])
        winner = [w for w in range(writers) if workers.cells(week, w) == said]
        assert len(winner) == 1
        writer_of[week] = winner[0]

    for accepted in (segments[5:], segments):
        for segment in accepted:
            observations.accept(segment, by="test")
        weeks = [segments.index(s) for s in accepted]
        assert read(observations) == known(weeks, writer_of)
    for week in range(11):
        assert read(observations, as_of=workers.moment(week)) == known(range(week + 1), writer_of)
    versions = observations.versions()
    assert not versions.duplicated(["entity", "variable", "date", "retrieved_at"]).any()


def test_a_reader_at_work_never_sees_half_of_a_write(place):
    lake: Lake = workers.opened(*place)
    started = PROCESSES.Event()
    process = PROCESSES.Process(target=workers.run_weeks_for_ever, args=(*place, "weather", started))
    process.start()
    try:
        assert started.wait(60)
        observations = lake.observations("weather")
        seen = 0
        until = time.monotonic() + 3
        while time.monotonic() < until or seen < 2:
            segments = observations.segments()
            assert read(observations, segments=segments) == known(range(len(segments)))
            assert len(segments) >= seen
            seen = len(segments)
            for path in lake.list("published/weather")[-3:]:
                lake.read_frame(path) if path.endswith(".parquet") else lake.read_json(path)
    finally:
        process.kill()
        process.join()


def test_a_large_artefact_is_the_old_one_or_the_new_one_at_any_moment_and_after_a_kill(place):
    chance = random.Random(20160613)
    lake = workers.opened(*place)
    seen = set()
    for _ in range(4):
        started = PROCESSES.Event()
        process = PROCESSES.Process(target=workers.overwrite_for_ever, args=(*place, "large", started))
        process.start()
        assert started.wait(60)
        until = time.monotonic() + chance.uniform(0.3, 0.6)
        while time.monotonic() < until:
            seen.add(whole_letter(lake.read_bytes("large")))
        process.kill()
        process.join()
        seen.add(whole_letter(lake.read_bytes("large")))
        assert lake.list("") == ["large"]
    assert len(seen) > 1, "the reader never met a change"


def whole_letter(data):
    assert len(data) == workers.LARGE
    assert data.count(data[:1]) == workers.LARGE
    return data[:1]
