"""The connectors against the sandbox as a real process: good weeks, and what each fault leads to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from steadycast import schema as c
from steadycast.errors import (
    BadCredential,
    BadResponse,
    SchemaDrift,
    SourceRateLimited,
    SourceTimeout,
    SourceUnreachable,
)
from steadycast.settings import load
from steadycast.sources import Connection, Window, fetch
from tests.sandbox_server import running_sandbox
from tests.small_data import STATIONS, write_small_data

AS_OF = dt.date(2016, 6, 6)
EIGHT_WEEKS = Window(AS_OF - dt.timedelta(weeks=8), AS_OF, AS_OF)
HALF_A_YEAR = Window(AS_OF - dt.timedelta(weeks=26), AS_OF, AS_OF)
KEY = "abcdef0123456789abcdef0123456789"
SOURCES = {s.name: s for s in load(Path(__file__).parents[2] / "include/config/pipeline.yaml").sources}
QUICK = {
    "timeouts": {"connect_s": 2, "read_s": 0.6, "request_s": 1, "total_s": 6},
    "retries": {"attempts": 2, "first_wait_s": 0.05, "max_wait_s": 0.2},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(write_small_data(folder / "data"), folder / "log") as running:
        yield running


@pytest.fixture
def sandbox(server):
    yield server
    server.clear()


@pytest.fixture
def poll(sandbox):
    def ask(name, window=EIGHT_WEEKS, key=KEY, **changes):
        source = SOURCES[name]
        source = type(source).model_validate(source.model_dump() | changes)
        if source.kind == "fred":
            return fetch(source, window, Connection("sandbox_fred", sandbox.fred_url, password=key))
        return fetch(source, window, Connection("sandbox", sandbox.url))

    return ask


@pytest.mark.parametrize(
    ("name", "days", "last"),
    [
        pytest.param("ridership", 56, "2016-06-05", id="ridership"),
        pytest.param("weather_a", 56, "2016-06-05", id="weather_a"),
        pytest.param("weather_b", 56, "2016-06-05", id="weather_b"),
        pytest.param("fuel", 8, None, id="fuel"),
    ],
)
def test_a_source_of_the_demo_is_read_whole(poll, name, days, last):
    found = poll(name)
    frame, source = found.frame, SOURCES[name]
    assert frame.dtypes.astype(str).to_dict() == c.POLL_DTYPES
    assert not frame[c.VALUE].isna().any()
    assert not frame.duplicated(list(c.CELL)).any()
    assert frame[c.DATE].nunique() == pytest.approx(days, abs=1)
    assert frame[c.DATE].max() < frame[c.DATE].max().__class__(AS_OF)
    assert set(frame[c.VARIABLE]) == {v.name for v in source.variables}
    assert set(frame[c.ENTITY]) == (set(STATIONS) if name == "ridership" else set(source.entities))


def test_pages_of_any_size_give_the_same_rows(poll):
    whole = poll("ridership").frame
    parts = poll("ridership", paging={"style": "page", "param": "page", "size_param": "per_page", "size": 37})
    assert parts.requests >= 6
    assert parts.frame.equals(whole)


def test_series_come_in_the_vintage_of_the_day(poll):
    before = poll("government", Window(dt.date(2016, 1, 1), dt.date(2016, 7, 4), dt.date(2016, 7, 4)))
    assert set(before.frame[c.VARIABLE]) == {"unemployment_pct", "consumer_prices", "payrolls"}
    after = poll("government", Window(dt.date(2016, 1, 1), dt.date(2016, 7, 4), dt.date(2016, 8, 1)))
    assert len(after.frame) >= len(before.frame)


def test_a_key_that_fred_does_not_know_is_a_bad_credential(poll):
    with pytest.raises(BadCredential, match="api_key is not registered"):
        poll("government", key="0" * 32)


@pytest.mark.parametrize("name", ["ridership", "weather_b", "government"])
@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        pytest.param({"kind": "down"}, SourceUnreachable, "503", id="down"),
        pytest.param({"kind": "down", "drop": True}, SourceUnreachable, "dropped", id="dropped"),
        pytest.param({"kind": "hang"}, SourceTimeout, "silent for read_s = 0.6 s", id="hang"),
        pytest.param(
            {"kind": "hang", "drip": True, "seconds": 0.1}, SourceTimeout, "request_s = 1 s", id="drip"
        ),
        pytest.param({"kind": "slow", "seconds": 5}, SourceTimeout, "silent for", id="slow"),
        pytest.param({"kind": "truncated"}, (SourceUnreachable, BadResponse), "2 attempts", id="truncated"),
        pytest.param({"kind": "html"}, BadResponse, "an HTML page", id="html"),
        pytest.param({"kind": "too_many"}, SourceRateLimited, "429", id="too_many"),
    ],
)
def test_a_broken_answer_has_its_own_error(poll, sandbox, name, fault, error, said):
    sandbox.fault(name, **fault)
    with pytest.raises(error, match=said) as raised:
        poll(name, **QUICK)
    assert raised.value.source == name
    assert "\nNext: " in str(raised.value)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("kind", ["down", "truncated", "too_many"])
def test_a_fault_of_one_request_is_overcome(poll, sandbox, kind):
    whole = poll("weather_a").frame
    sandbox.fault("weather_a", kind, count=1)
    assert poll("weather_a", **QUICK).frame.equals(whole)


@pytest.mark.parametrize("name", ["ridership", "weather_a", "weather_b", "fuel"])
def test_a_renamed_column_is_drift(poll, sandbox, name):
    sandbox.fault(name, "renamed", column=SOURCES[name].variables[0].source_field)
    with pytest.raises(SchemaDrift) as raised:
        poll(name)
    assert raised.value.field == SOURCES[name].variables[0].source_field


def test_duplicates_reach_the_gate(poll, sandbox):
    whole = poll("weather_b").frame
    sandbox.fault("weather_b", "duplicates", share=0.5, days=50)
    frame = poll("weather_b").frame
    assert len(frame) > len(whole)
    assert frame.duplicated(list(c.CELL)).any()


def test_typing_errors_reach_the_gate(poll, sandbox):
    whole = poll("weather_b").frame
    sandbox.fault("weather_b", "typing_error", share=0.5, days=50)
    frame = poll("weather_b").frame
    assert frame[c.ROW].tolist() == whole[c.ROW].tolist()
    assert (frame[c.RAW] != whole[c.RAW]).any()


def test_half_a_year_of_the_government_is_known(poll):
    frame = poll("government", Window(HALF_A_YEAR.start, dt.date(2016, 7, 4), dt.date(2016, 7, 4))).frame
    assert frame.groupby(c.VARIABLE).size().min() >= 4
