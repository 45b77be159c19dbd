import csv
import io
import re

import pytest

JUNE = {"as_of": "2016-06-06", "start": "2016-05-01", "end": "2016-06-06"}


def pages(get, **query):
    rows, page, of = [], 1, 1
    while page <= of:
        found = get("/ridership/daily", params={**JUNE, **query, "page": page, "per_page": 50}).json()
        rows, page, of = rows + found["data"], page + 1, found["pages"]
    return rows


def test_pages_together_are_the_whole(get):
    whole = get("/ridership/daily", params={**JUNE, "per_page": 5000}).json()
    assert (whole["page"], whole["pages"], len(whole["data"])) == (1, 1, 36 * 4)
    assert pages(get) == whole["data"]
    assert whole["data"][-1] == {"station": "Kedzie", "date": "2016-06-05", "entries": 6.856}


@pytest.mark.parametrize("kind", ["duplicates", "typing_error", "rewritten"])
def test_pages_of_a_faulty_answer_fit_together(get, sandbox, kind):
    sandbox.fault("ridership", kind)
    assert pages(get) == get("/ridership/daily", params={**JUNE, "per_page": 5000}).json()["data"]


def test_a_page_after_the_last_is_empty(get):
    found = get("/ridership/daily", params={**JUNE, "page": 9, "per_page": 50}).json()
    assert found == {"data": [], "page": 9, "pages": 3}


def test_an_empty_window_has_one_empty_page(get):
    found = get("/ridership/daily", params={"start": "2016-06-06", "end": "2016-06-06"}).json()
    assert found == {"data": [], "page": 1, "pages": 1}


def test_a_cursor_leads_through_the_weather(get):
    days, cursor = [], ""
    while cursor is not None:
        found = get("/weather_a/daily", params={"as_of": "2016-06-06", "cursor": cursor}).json()
        days += [row["date"] for row in found["observations"]]
        cursor = found["next_cursor"]
    assert len(days) == len(set(days)) == 1071
    assert (days[0], days[-1]) == ("2013-07-01", "2016-06-05")


@pytest.mark.parametrize("cursor", ["2", "zzz", "cm93OnR3bw", "%FF%FE"])
def test_a_made_up_cursor_is_refused(get, cursor):
    found = get("/weather_a/daily", params={"cursor": cursor})
    assert found.status_code == 422
    assert "not one that this provider gave out" in found.json()["error"]


def test_csv_comes_as_csv_with_its_texts(get):
    found = get("/weather_b/daily.csv", params=JUNE)
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(found.text)))
    assert (rows[0]["date"], rows[-1]["date"], len(rows)) == ("2016-05-01", "2016-06-05", 36)
    assert "T" in {row["precip"] for row in rows}


def test_an_empty_csv_still_has_its_header(get):
    found = get("/fuel/weekly.csv", params={"start": "2030-01-01"})
    assert found.text == "datetime,petrol_usd_per_gallon\n"


def test_petrol_is_as_old_as_it_was_on_the_monday(get):
    found = get("/fuel/weekly.csv", params={"as_of": "2016-06-06", "start": "2016-05-20"}).text
    assert [line[:10] for line in found.splitlines()[1:]] == ["2016-05-20", "2016-05-27"]


@pytest.mark.parametrize(
    ("route", "query", "says"),
    [
        pytest.param("/ridership/daily", {"as_of": "monday"}, "as_of='monday' is no date", id="as_of"),
        pytest.param("/ridership/daily", {"per_page": "0"}, "per_page='0'", id="per_page"),
        pytest.param(
            "/ridership/daily", {"cursor": "x"}, "unknown parameter.*cursor", id="cursor_of_another"
        ),
        pytest.param(
            "/weather_b/daily.csv", {"start": "2016-01-02", "end": "2016-01-01"}, "is after", id="order"
        ),
        pytest.param("/fuel/weekly.csv", {"page": "1"}, "knows as_of, start, end", id="no_pages"),
    ],
)
def test_a_bad_query_is_explained(get, route, query, says):
    found = get(route, params=query)
    assert found.status_code == 422
    assert re.search(says, found.json()["error"])
    assert found.json()["route"] == route


def test_health_tells_what_is_served(get):
    found = get("/health").json()
    assert found["status"] == "ok"
    assert found["sources"]["ridership"]["last"] == "2016-08-28"


def test_a_fault_in_the_data_comes_with_the_weeks_it_is_meant_for(get, sandbox):
    sandbox.fault("weather_a", "unit_change", from_="2016-07-04")
    june = get("/weather_a/daily", params={"as_of": "2016-06-06", "start": "2016-06-05"}).json()[
        "observations"
    ][0]
    july = get("/weather_a/daily", params={"as_of": "2016-07-04", "start": "2016-06-05"}).json()[
        "observations"
    ][0]
    assert july["temp_max"] == pytest.approx((june["temp_max"] - 32) * 5 / 9, abs=0.001)


def test_a_renamed_column_is_in_the_csv_header(get, sandbox):
    sandbox.fault("fuel", "renamed", new_name="gas_price")
    assert get("/fuel/weekly.csv").text.startswith("datetime,gas_price\n")


def test_typing_errors_reach_csv_and_json(get, sandbox):
    right = get("/fuel/weekly.csv", params=JUNE).text.splitlines()
    sandbox.fault("fuel", "typing_error", share=1)
    sandbox.fault("ridership", "typing_error", share=1)
    wrong = get("/fuel/weekly.csv", params=JUNE).text.splitlines()
    assert [a[:10] for a in wrong] == [b[:10] for b in right]
    assert all(a != b for a, b in zip(wrong[1:], right[1:], strict=True))
    assert all(isinstance(row["entries"], str) for row in pages(get))
