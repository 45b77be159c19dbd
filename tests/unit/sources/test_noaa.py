from __future__ import annotations

from pathlib import Path

import pytest

from steadycast import schema as c
from steadycast.errors import BadResponse
from steadycast.settings import NoaaSource
from steadycast.sources import Connection, noaa
from tests.unit.sources.provider import answer, by_query

PAYLOADS = Path(__file__).parents[2] / "payloads"
STANDARD = (PAYLOADS / "noaa_daily_summaries_standard.json").read_bytes()
VARIABLES = [
    {"name": "tmax_f", "field": "TMAX", "unit": "degF"},
    {"name": "tmin_f", "field": "TMIN", "unit": "degF"},
    {"name": "rain_in", "field": "PRCP", "unit": "in"},
]


@pytest.fixture
def poll(provider, week, waiting):
    def ask(*script, progress=lambda *step: None, **changes):
        provider.says(*script)
        given = {"name": "ghcn", "kind": "noaa", "variables": VARIABLES, "units": "standard"}
        given["stations"] = {"midway": "USW00014819"}
        source = NoaaSource.model_validate(given | changes)
        return noaa.fetch(source, week, Connection("noaa", provider.url), waiting=waiting, progress=progress)

    return ask


def test_daily_summaries_are_read(poll, provider):
    frame = poll(answer(STANDARD)).frame
    assert frame[[c.VARIABLE, c.RAW]].to_numpy().tolist() == [
        ["tmax_f", "80"],
        ["tmin_f", "61"],
        ["rain_in", "0.01"],
        ["tmax_f", "73"],
        ["tmin_f", "58"],
        ["rain_in", "0.00"],
        ["tmax_f", "75"],
        ["rain_in", "0.00"],
    ]
    assert set(frame[c.ENTITY]) == {"midway"}
    request = provider.requests[0]
    assert request.path == "/access/services/data/v1"
    assert request.query == {
        "dataset": "daily-summaries",
        "stations": "USW00014819",
        "startDate": "2016-05-30",
        "endDate": "2016-06-05",
        "dataTypes": "TMAX,TMIN,PRCP",
        "units": "standard",
        "format": "json",
        "includeStationName": "false",
    }


def test_an_element_that_the_station_never_reports_is_no_drift(poll):
    snow = {"name": "snow_in", "field": "SNOW", "unit": "in"}
    found = poll(answer(STANDARD), variables=[*VARIABLES, snow])
    assert len(found.frame) == 8
    assert "no value of SNOW" in found.notes


def test_each_station_is_asked_in_turn_and_a_silent_one_is_told(poll):
    told: list[tuple[str, int, int]] = []
    script = by_query(lambda r: answer(STANDARD if r.query["stations"] == "USW00014819" else "[]"))
    stations = {"midway": "USW00014819", "mars": "XXM00000001"}
    found = poll(script, stations=stations, progress=lambda *step: told.append(step))
    assert len(found.frame) == 8
    assert found.notes[0] == "no observation at all of mars"
    assert told == [("ghcn midway", 1, 2), ("ghcn mars", 2, 2)]


def test_no_observation_at_all_is_an_empty_poll(poll):
    assert poll(answer("[]")).frame.empty


def test_the_answer_of_another_station_is_refused(poll):
    with pytest.raises(BadResponse, match=r"is of station USW00014819, but USW00094846 was asked for"):
        poll(answer(STANDARD), stations={"ohare": "USW00094846"})


def test_noaas_own_reason_is_told(poll):
    with pytest.raises(
        BadResponse, match=r"refuses station USW00014819: Bad Request \(The startDate must come"
    ):
        poll(answer((PAYLOADS / "noaa_error.json").read_bytes(), status=400))
