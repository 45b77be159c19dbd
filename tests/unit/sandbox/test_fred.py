import datetime as dt

import pytest

from sandbox.fred import FredError, answer, observations, read_fred_query
from sandbox.vintages import load_vintages

KEY = "a" * 32
TODAY = dt.date(2016, 7, 29)
BASE = {"series_id": "UNRATE", "api_key": KEY, "file_type": "json"}


def ask(small_data, **query):
    vintages = load_vintages(small_data)
    checked = read_fred_query({**BASE, **query}, today=vintages.newest)
    return answer(checked, observations(vintages, checked))


def test_the_answer_has_the_documented_fields(small_data):
    found = ask(
        small_data, observation_start="2016-05-01", realtime_start="2016-06-06", realtime_end="2016-06-06"
    )
    assert found == {
        "realtime_start": "2016-06-06",
        "realtime_end": "2016-06-06",
        "observation_start": "2016-05-01",
        "observation_end": "9999-12-31",
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": "asc",
        "count": 1,
        "offset": 0,
        "limit": 100000,
        "observations": [
            {
                "realtime_start": "2016-06-06",
                "realtime_end": "2016-06-06",
                "date": "2016-05-01",
                "value": "5.0",
            }
        ],
    }


def test_without_real_time_dates_the_newest_vintage_is_served(small_data):
    found = ask(small_data)
    assert found["realtime_end"] == "2016-07-29"
    assert found["observations"][-1]["date"] == "2016-06-01"


def test_limit_and_offset_page_and_count_tells_all(small_data):
    whole = ask(small_data)["observations"]
    found = ask(small_data, limit="10", offset="30")
    assert (found["count"], found["limit"], found["offset"]) == (36, 10, 30)
    assert found["observations"] == whole[30:]


def test_descending_order_turns_it_round(small_data):
    assert ask(small_data, sort_order="desc")["observations"] == ask(small_data)["observations"][::-1]


def test_observation_bounds_are_both_included(small_data):
    found = ask(small_data, observation_start="2016-02-01", observation_end="2016-04-01")["observations"]
    assert [one["date"] for one in found] == ["2016-02-01", "2016-03-01", "2016-04-01"]


def test_a_real_time_span_cuts_the_days_of_each_version(small_data):
    found = ask(
        small_data,
        series_id="CPIAUCSL",
        observation_start="2016-05-01",
        observation_end="2016-05-01",
        realtime_start="2016-07-01",
        realtime_end="2016-08-31",
    )["observations"]
    assert [(one["realtime_start"], one["realtime_end"]) for one in found] == [
        ("2016-07-01", "2016-07-28"),
        ("2016-07-29", "2016-08-31"),
    ]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param({"api_key": ""}, "api_key is not set", id="no_key"),
        pytest.param({"api_key": "short"}, "api_key is not a 32 character", id="key_form"),
        pytest.param({"api_key": "0" * 32}, "api_key is not registered", id="unknown_key"),
        pytest.param({"series_id": ""}, "series_id is not set", id="no_series"),
        pytest.param({"series_id": "NOPE"}, "The series does not exist", id="unknown_series"),
        pytest.param({"file_type": "xml"}, "file_type is 'xml'", id="xml"),
        pytest.param({"file_type": ""}, "file_type", id="default_is_xml"),
        pytest.param({"realtime_start": "june"}, "realtime_start is not a valid date", id="no_date"),
        pytest.param(
            {"realtime_start": "2016-07-02", "realtime_end": "2016-07-01"}, "can not be after", id="realtime"
        ),
        pytest.param(
            {"observation_start": "2016-07-02", "observation_end": "2016-07-01"},
            "can not be after",
            id="dates",
        ),
        pytest.param({"limit": "0"}, "limit is not between 1 and 100000", id="limit"),
        pytest.param({"offset": "-1"}, "offset is not between", id="offset"),
        pytest.param({"sort_order": "up"}, "sort_order is not one of", id="order"),
        pytest.param({"units": "pch"}, "units is 'pch'; the sandbox serves units=lin only", id="units"),
        pytest.param({"frequency": "q"}, "frequency is not one that the sandbox has", id="unknown_variable"),
    ],
)
def test_a_bad_request_is_explained(small_data, query, says):
    with pytest.raises(FredError, match=f"^Bad Request.  .*{says}"):
        ask(small_data, **query)


def test_over_http_a_bad_request_is_400_with_code_and_message(get):
    found = get("/fred/series/observations", params={"series_id": "UNRATE", "file_type": "json"})
    assert found.status_code == 400
    assert found.json()["error_code"] == 400
    assert "api_key is not set" in found.json()["error_message"]


def test_over_http_observations_are_served_as_of_a_day(get):
    day = {"realtime_start": "2016-06-06", "realtime_end": "2016-06-06"}
    found = get("/fred/series/observations", params={**BASE, **day, "series_id": "CPIAUCSL"})
    assert found.headers["content-type"] == "application/json"
    assert found.json()["observations"][-1] == {**day, "date": "2016-04-01", "value": "239.60"}
