import datetime as dt
import gzip

import pytest

from sandbox.faults import read_fault
from sandbox.fred import read_fred_query
from sandbox.providers import Providers, load_providers
from sandbox.query import WindowQuery
from sandbox.vintages import VINTAGES_FILE, load_vintages

D = dt.date
JUNE = WindowQuery(D(2016, 6, 6), D(2016, 5, 30), D(2016, 6, 6))


@pytest.fixture(scope="module")
def providers(small_data):
    return load_providers(small_data)


def series(providers, name, fault=None, **query):
    asked = {
        "series_id": name,
        "api_key": "a" * 32,
        "file_type": "json",
        "observation_start": "2016-01-01",
    } | query
    found = providers.observations(
        read_fred_query(asked, today=D(2016, 6, 6)), read_fault(fault) if fault else None
    )
    return {one["date"]: one["value"] for one in found}


def test_a_window_ends_before_its_end_and_before_as_of(providers):
    days = [row["date"] for row in providers.rows("weather_a", JUNE, None)]
    assert (days[0], days[-1]) == ("2016-05-30", "2016-06-05")
    far = WindowQuery(D(2016, 6, 6), D(2016, 6, 1), D(2017, 1, 1))
    assert providers.rows("weather_a", far, None)[-1]["date"] == "2016-06-05"


def test_rows_come_by_date_and_then_by_station(providers):
    rows = providers.rows("ridership", JUNE, None)
    assert [(row["date"], row["station"]) for row in rows[:5]] == [
        ("2016-05-30", "Austin"),
        ("2016-05-30", "Clark_Lake"),
        ("2016-05-30", "Harlem"),
        ("2016-05-30", "Kedzie"),
        ("2016-05-31", "Austin"),
    ]


def test_faulty_rows_are_worked_out_once_for_all_pages(providers):
    fault = read_fault({"kind": "stuck"})
    assert providers.rows("ridership", JUNE, fault) is providers.rows("ridership", JUNE, fault)


def test_fred_series_are_swapped_within_their_pair_only(providers):
    fault = {"kind": "swapped", "entity": "UNRATE", "entity_b": "PAYEMS"}
    assert series(providers, "UNRATE", fault)["2016-04-01"] == series(providers, "PAYEMS")["2016-04-01"]
    assert series(providers, "CPIAUCSL", fault) == series(providers, "CPIAUCSL")


def test_fred_values_get_another_unit(providers):
    true, told = series(providers, "PAYEMS"), series(providers, "PAYEMS", {"kind": "unit_change"})
    assert {day: float(value) for day, value in told.items()} == {
        day: 1000 * float(value) for day, value in true.items()
    }


def test_fred_values_stick_on_the_last_month_before(providers):
    true, told = series(providers, "CPIAUCSL"), series(providers, "CPIAUCSL", {"kind": "stuck"})
    assert true["2016-02-01"] != true["2016-01-01"]
    assert set(told.values()) == {true["2016-01-01"]}


@pytest.mark.parametrize("kind", ["unit_change", "typing_error", "rewritten", "duplicates"])
def test_a_fault_leaves_fred_s_dot_for_a_missing_value_alone(providers, tmp_path, kind):
    lines = [
        "series,period,vintage_date,value",
        "UNRATE,2016-01,2016-06-01,4.9",
        "UNRATE,2016-02,2016-06-01,4.9",
        "UNRATE,2016-04,2016-06-01,5.0",
    ]
    (tmp_path / VINTAGES_FILE).write_bytes(gzip.compress("\n".join(lines).encode()))
    gappy = Providers(providers.tables, load_vintages(tmp_path))
    assert series(gappy, "UNRATE", {"kind": kind})["2016-03-01"] == "."


def test_fred_observations_keep_fred_s_fields(providers):
    asked = {
        "series_id": "UNRATE",
        "api_key": "a" * 32,
        "file_type": "json",
        "observation_start": "2016-05-01",
    }
    query = read_fred_query(asked, today=D(2016, 6, 6))
    (one,) = providers.observations(query, read_fault({"kind": "unit_change"}))
    assert list(one) == ["realtime_start", "realtime_end", "date", "value"]
    (one,) = providers.observations(query, read_fault({"kind": "renamed"}))
    assert list(one) == ["realtime_start", "realtime_end", "date", "value_new"]


def test_every_source_is_described(providers):
    found = providers.describe()
    assert set(found) == {"ridership", "weather_a", "weather_b", "fuel", "government"}
    assert found["weather_b"] == {
        "route": "/weather_b/daily.csv",
        "rows": 241,
        "first": "2016-01-01",
        "last": "2016-08-28",
    }
