from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from steadycast import schema as c
from steadycast.errors import BadResponse, SchemaDrift
from steadycast.settings import OpenMeteoSource
from steadycast.sources import Connection, Window, open_meteo
from tests.unit.sources.provider import answer

PAYLOADS = Path(__file__).parents[2] / "payloads"
CELSIUS = (PAYLOADS / "open_meteo_archive_celsius.json").read_text(encoding="utf-8")
TMAX = {"name": "tmax_c", "field": "temperature_2m_max", "unit": "degC"}
RAIN = {"name": "rain_mm", "field": "precipitation_sum", "unit": "mm"}
MIDWAY = {"latitude": 41.786, "longitude": -87.7522}


@pytest.fixture
def poll(provider, week, waiting):
    def ask(*script, window=week, progress=lambda *step: None, password=None, **changes):
        provider.says(*script)
        given = {
            "name": "weather",
            "kind": "open_meteo",
            "variables": [TMAX, RAIN],
            "places": {"midway": MIDWAY},
        }
        source = OpenMeteoSource.model_validate(given | changes)
        connection = Connection("meteo", provider.url, password=password)
        return open_meteo.fetch(source, window, connection, waiting=waiting, progress=progress)

    return ask


def test_the_archive_is_read_and_null_is_no_cell(poll, provider):
    found = poll(answer(CELSIUS), timezone="America/Chicago")
    assert found.frame[[c.VARIABLE, c.RAW]].to_numpy().tolist() == [
        ["tmax_c", "25.1"],
        ["rain_mm", "0.40"],
        ["tmax_c", "22.8"],
        ["rain_mm", "0.00"],
        ["rain_mm", "0.00"],
    ]
    assert set(found.frame[c.ENTITY]) == {"midway"}
    assert found.notes == ("1 cell(s) without a value",)
    request = provider.requests[0]
    assert request.path == "/v1/archive"
    assert request.query == {
        "latitude": "41.786",
        "longitude": "-87.7522",
        "start_date": "2016-05-30",
        "end_date": "2016-06-05",
        "daily": "temperature_2m_max,precipitation_sum",
        "timezone": "America/Chicago",
    }


def test_the_forecast_is_read_in_the_units_asked_for(poll, provider):
    ahead = Window(dt.date(2016, 6, 6), dt.date(2016, 6, 8), dt.date(2016, 6, 6))
    wind = {"name": "wind_mph", "field": "wind_speed_10m_max", "unit": "mph"}
    found = poll(
        answer((PAYLOADS / "open_meteo_forecast_fahrenheit.json").read_bytes()),
        window=ahead,
        product="forecast",
        units={"temperature_unit": "fahrenheit", "wind_speed_unit": "mph"},
        variables=[{**TMAX, "unit": "degF"}, wind],
    )
    assert found.frame[c.VALUE].tolist() == [81.4, 13.9, 76.0, 12.5]
    assert provider.requests[0].path == "/v1/forecast"
    assert provider.requests[0].query["temperature_unit"] == "fahrenheit"


def test_each_place_is_asked_in_turn(poll, provider):
    told: list[tuple[str, int, int]] = []
    places = {"midway": MIDWAY, "berlin": {"latitude": 52.52, "longitude": 13.41}}
    found = poll(answer(CELSIUS), places=places, progress=lambda *step: told.append(step))
    assert found.frame.groupby(c.ENTITY)[c.VALUE].size().to_dict() == {"berlin": 5, "midway": 5}
    assert found.frame[c.ROW].max() == 6
    assert [r.query["latitude"] for r in provider.requests] == ["41.786", "52.52"]
    assert told == [("weather midway", 1, 2), ("weather berlin", 2, 2)]


def test_the_key_of_a_customer_goes_into_the_query_only(poll, provider):
    poll(answer(CELSIUS), password="k3y")
    assert provider.requests[0].query["apikey"] == "k3y"
    assert "authorization" not in provider.requests[0].headers


def test_another_unit_than_declared_is_refused(poll):
    with pytest.raises(BadResponse, match=r"temperature_2m_max is °C, but pipeline.yaml says degF"):
        poll(answer(CELSIUS), variables=[{**TMAX, "unit": "degF"}])


@pytest.mark.parametrize("unit", ["°C", "celsius", "C", "degrees on our own scale"])
def test_other_spellings_and_unknown_units_pass(poll, unit):
    assert len(poll(answer(CELSIUS), variables=[{**TMAX, "unit": unit}]).frame) == 2


@pytest.mark.parametrize("status", [400, 200])
def test_open_meteos_own_reason_is_told(poll, status):
    body = (PAYLOADS / "open_meteo_error.json").read_bytes()
    with pytest.raises(BadResponse, match=r"Open-Meteo refuses midway: .*temperature_2m_maxx"):
        poll(answer(body, status=status))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        pytest.param(lambda d: d.pop("daily"), BadResponse, "has no daily.time", id="no_daily"),
        pytest.param(lambda d: d["daily"].pop("time"), BadResponse, "has no daily.time", id="no_time"),
        pytest.param(
            lambda d: d["daily"].pop("precipitation_sum"),
            SchemaDrift,
            "'precipitation_sum' is missing",
            id="variable",
        ),
        pytest.param(
            lambda d: d["daily"]["time"].pop(),
            BadResponse,
            "2 days, but not as many values",
            id="other_length",
        ),
    ],
)
def test_another_shape_is_refused(poll, change, error, said):
    body = json.loads(CELSIUS)
    change(body)
    with pytest.raises(error, match=said):
        poll(answer(body))


def test_an_answer_without_units_is_read(poll):
    body = json.loads(CELSIUS)
    del body["daily_units"]
    assert len(poll(answer(body)).frame) == 5
