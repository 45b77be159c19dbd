from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from steadycast import schema as c
from steadycast.errors import BadCredential, BadResponse, SchemaDrift
from steadycast.settings import FredSource
from steadycast.sources import Connection, Window, fred
from tests.unit.sources.provider import answer, by_query

PAYLOADS = Path(__file__).parents[2] / "payloads"
KEY = "abcdef0123456789abcdef0123456789"
UNRATE = {"name": "unemployment_pct", "field": "UNRATE", "unit": "%"}
HALF_A_YEAR = Window(dt.date(2016, 1, 1), dt.date(2016, 7, 4), dt.date(2016, 7, 4))


def stored(name, **given):
    return answer((PAYLOADS / name).read_bytes(), **given)


def page(values, count, **more):
    rows = [{"date": f"2016-0{i}-01", "value": value} for i, value in values]
    return answer({"count": count, "limit": 2, "observations": rows, **more})


@pytest.fixture
def poll(provider, waiting):
    def ask(
        *script, window=HALF_A_YEAR, variables=(UNRATE,), key=KEY, base="/fred", progress=lambda *step: None
    ):
        provider.says(*script)
        source = FredSource(name="government", kind="fred", connection="fred", variables=list(variables))
        connection = Connection("fred", provider.url + base, password=key)
        return fred.fetch(source, window, connection, waiting=waiting, progress=progress)

    return ask


def test_the_vintage_known_on_that_day_is_read(poll, provider):
    found = poll(stored("fred_observations_unrate.json"))
    assert found.frame[c.VALUE].tolist() == [4.9, 4.9, 5.0, 5.0, 4.7]
    assert found.frame[c.RAW].tolist() == ["4.9", "4.9", "5.0", "5.0", "4.7"]
    assert set(found.frame[c.ENTITY]) == {"US"}
    assert found.columns_found == ("UNRATE",)
    request = provider.requests[0]
    assert request.path == "/fred/series/observations"
    assert request.query == {
        "series_id": "UNRATE",
        "api_key": KEY,
        "file_type": "json",
        "realtime_start": "2016-07-04",
        "realtime_end": "2016-07-04",
        "observation_start": "2016-01-01",
        "observation_end": "2016-07-03",
        "sort_order": "asc",
        "limit": "100000",
        "offset": "0",
    }
    assert "authorization" not in request.headers


def test_a_full_stop_is_no_cell(poll):
    window = Window(dt.date(2016, 5, 27), dt.date(2016, 6, 6), dt.date(2016, 6, 6))
    found = poll(stored("fred_observations_dgs10.json"), window=window)
    assert found.frame[c.VALUE].tolist() == [1.85, 1.84]
    assert found.notes == ("1 cell(s) without a value",)


def test_each_variable_is_a_series_of_its_own(poll, provider):
    told: list[tuple[str, int, int]] = []
    prices = {"name": "prices", "field": "CPIAUCSL", "unit": "index"}
    script = by_query(lambda r: page([(1, "4.9" if r.query["series_id"] == "UNRATE" else "238.1")], 1))
    found = poll(script, variables=[UNRATE, prices], progress=lambda *step: told.append(step))
    assert found.frame[[c.VARIABLE, c.VALUE]].to_numpy().tolist() == [
        ["unemployment_pct", 4.9],
        ["prices", 238.1],
    ]
    assert told == [("government UNRATE", 1, 2), ("government CPIAUCSL", 2, 2)]


def test_pages_go_by_what_was_received(poll, provider):
    found = poll(page([(1, "1"), (2, "2")], 5), page([(3, "3"), (4, "4")], 5), page([(5, "5")], 5))
    assert found.frame[c.VALUE].tolist() == [1, 2, 3, 4, 5]
    assert [r.query["offset"] for r in provider.requests] == ["0", "2", "4"]


def test_pages_that_end_before_the_count_are_refused(poll):
    with pytest.raises(BadResponse, match=r"UNRATE has 5 observations, and the answers end after 1"):
        poll(page([(1, "1")], 5), page([], 5))


def test_a_series_without_observations_is_an_empty_poll(poll):
    assert poll(page([], 0)).frame.empty


@pytest.mark.parametrize("base", ["", "/fred", "/fred/series/observations"])
def test_any_base_of_the_documented_path_works(poll, provider, base):
    poll(page([], 0), base=base)
    assert provider.requests[0].path == "/fred/series/observations"


def test_a_wrong_key_is_a_bad_credential_though_fred_answers_400(poll, waits):
    # FRED's documentation shows this body under the content type of XML
    with pytest.raises(BadCredential, match=r"api_key is not registered") as raised:
        poll(stored("fred_error_api_key.json", status=400, kind="text/xml;charset=utf-8"))
    assert KEY not in str(raised.value)
    assert waits == []


def test_an_unknown_series_is_named(poll):
    with pytest.raises(BadResponse, match=r"refuses series 'UNRATE': Bad Request. The series does not exist"):
        poll(stored("fred_error_series.json", status=400))


@pytest.mark.parametrize(
    "connection", [None, Connection("fred", "http://127.0.0.1:1")], ids=["none", "no_key"]
)
def test_without_a_key_nothing_is_asked(connection):
    source = FredSource(name="government", kind="fred", connection="fred", variables=[UNRATE])
    with pytest.raises(BadCredential, match=r"needs an API key"):
        fred.fetch(source, HALF_A_YEAR, connection)


def test_the_key_is_not_shown_when_the_server_fails(poll):
    with pytest.raises(Exception, match=r"503") as raised:
        poll(answer(f"no {KEY}", status=503))
    assert KEY not in str(raised.value)
    assert "api_key=***" in str(raised.value)


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        pytest.param(
            {"observations": [{"date": "2016-01-01", "observed_value": "4.9"}], "count": 1},
            SchemaDrift,
            "'value' is missing; the answer has date, observed_value",
            id="renamed_field",
        ),
        pytest.param({"observation": []}, SchemaDrift, "'observations' is missing", id="renamed"),
        pytest.param({"observations": [1], "count": 1}, BadResponse, "are no records", id="no_records"),
        pytest.param({"observations": []}, BadResponse, "does not say the count", id="no_count"),
    ],
)
def test_another_shape_is_refused(poll, body, error, said):
    with pytest.raises(error, match=said):
        poll(answer(json.dumps(body)))
