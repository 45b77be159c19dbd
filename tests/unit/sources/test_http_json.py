from __future__ import annotations

import datetime as dt

import pytest

from steadycast import schema as c
from steadycast.errors import BadResponse, SchemaDrift
from steadycast.sources import fetch
from tests.unit.sources.provider import answer


@pytest.fixture
def poll(provider, at, week, json_source):
    def ask(body, **changes):
        provider.says(answer(body))
        return fetch(json_source(**changes), week, at())

    return ask


def test_path_and_params_get_the_windows_days(poll, provider):
    poll([], path="/as-of/{as_of}/daily", params={"from": "{start}", "to": "{end}", "fixed": "{{x}}"})
    request = provider.requests[0]
    assert request.path == "/as-of/2016-06-06/daily"
    assert request.query == {"from": "2016-05-30", "to": "2016-06-06", "fixed": "{x}"}


def test_headers_of_the_settings_are_sent(poll, provider):
    poll([], headers={"X-Client": "steadycast"})
    assert provider.requests[0].headers["x-client"] == "steadycast"


def test_an_empty_list_is_an_empty_poll_with_the_right_types(poll):
    found = poll([])
    assert found.frame.dtypes.astype(str).to_dict() == c.POLL_DTYPES
    assert found.frame.empty
    assert found.notes == ("the answer has no rows",)


def test_records_are_found_at_a_dotted_path_and_nested_fields_by_dotted_names(poll):
    found = poll(
        {"result": {"days": [{"day": {"date": "2016-06-01"}, "temp": {"max": 70.5}}]}},
        records="result.days",
        layout={"date_field": "day.date", "entity": "midway"},
        variables=[{"name": "tmax_f", "field": "temp.max", "unit": "degF"}],
    )
    assert found.frame[c.VALUE].tolist() == [70.5]
    assert found.columns_found == ("day.date", "temp.max")


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        pytest.param("70.50", "70.50", id="text_keeps_its_digits"),
        pytest.param(70, "70", id="whole_number"),
        pytest.param(" 70.5 ", "70.5", id="blanks_around"),
        pytest.param(7.05e1, "70.5", id="number"),
    ],
)
def test_numbers_come_with_the_text_that_was_sent(poll, value, raw):
    frame = poll([{"date": "2016-06-01", "tmax": value}]).frame
    assert frame[c.RAW].tolist() == [raw]
    assert frame[c.VALUE].tolist() == [float(raw)]


@pytest.mark.parametrize("value", [True, "1,234.5", "12 3", "1_000", "inf", "0x1F", "1e999", "٣"])
def test_what_is_no_number_stays_as_text(poll, value):
    found = poll([{"date": "2016-06-01", "tmax": value}])
    assert found.frame[c.VALUE].isna().tolist() == [True]
    assert found.frame[c.RAW].tolist() == [str(value)]
    assert "1 value(s) can not be read" in found.notes[0]


@pytest.mark.parametrize(
    "body", ['[{"date":"2016-06-01","tmax":NaN}]', '[{"date":"2016-06-01","tmax":null}]']
)
def test_null_and_nan_are_no_cells_but_are_counted(poll, body):
    found = poll(body)
    assert found.frame.empty
    assert found.notes == ("1 cell(s) without a value",)


def test_texts_for_missing_are_no_cells(poll):
    tmax = [{"name": "tmax_f", "field": "tmax", "unit": "degF", "missing": ["M", "-999"]}]
    found = poll([{"date": "2016-06-01", "tmax": v} for v in ("M", -999, "m", 70)], variables=tmax)
    assert found.frame[c.RAW].tolist() == ["m", "70"]
    assert found.notes[0] == "2 cell(s) without a value"


def test_duplicates_are_kept_with_their_place(poll):
    day = {"date": "2016-06-01", "tmax": 70}
    assert poll([day, day, {"date": "2016-06-02", "tmax": 71}]).frame[c.ROW].tolist() == [1, 2, 3]


def test_a_renamed_column_is_named_with_the_closest_one(poll):
    with pytest.raises(SchemaDrift, match=r"'tmax' is missing.*\nNext: did you mean 'TMax_F'") as raised:
        poll([{"date": "2016-06-01", "TMax_F": 70}])
    assert raised.value.field == "tmax"
    assert raised.value.found == ["date", "TMax_F"]


def test_a_field_that_some_records_leave_out_is_no_drift(poll):
    found = poll([{"date": "2016-06-01"}, {"date": "2016-06-02", "tmax": 70}])
    assert found.frame[c.ROW].tolist() == [2]


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        pytest.param(
            {"other": []}, SchemaDrift, "field 'data' is missing; the answer has other", id="renamed"
        ),
        pytest.param({"data": None}, BadResponse, "no list of records at data, but None", id="null"),
        pytest.param({"data": {"a": 1}}, BadResponse, "no list of records at data, but a", id="an_object"),
        pytest.param({"data": [1]}, BadResponse, "holds str '1' where a record belongs", id="no_records"),
        pytest.param([1], SchemaDrift, "the answer has list", id="a_list"),
    ],
)
def test_another_shape_is_refused(poll, body, error, said):
    with pytest.raises(error, match=said):
        poll(body, records="data")


def test_a_window_without_a_day_asks_nothing(provider, at, week, json_source):
    empty = type(week)(week.end, week.end, week.as_of)
    assert fetch(json_source(), empty, at()).requests == 0
    assert provider.requests == []


def test_utf_16_and_latin_1_are_read_as_the_server_says(provider, at, week, json_source):
    source = json_source(layout={"entity_field": "place"}, entities=["Orléans"])
    body = '[{"date":"2016-06-01","place":"Orléans","tmax":70}]'
    for data, kind in (
        (body.encode("utf-16"), "application/json"),
        (body.encode("latin-1"), "application/json; charset=ISO-8859-1"),
        (b"\xef\xbb\xbf" + body.encode(), "application/json"),
    ):
        provider.says(answer(data, kind=kind))
        assert fetch(source, week, at()).frame[c.ENTITY].tolist() == ["Orléans"]


def test_progress_is_told_after_the_page(provider, at, week, json_source):
    told: list[tuple[str, int, int]] = []
    provider.says(answer([]))
    fetch(json_source(), week, at(), progress=lambda *step: told.append(step))
    assert told == [("weather page", 1, 1)]


def test_dates_are_calendar_days(poll):
    rows = [
        {"date": text, "tmax": i} for i, text in enumerate(["2016-06-01T23:30:00-06:00", "2016-06-02 00:00"])
    ]
    assert [d.date() for d in poll(rows).frame[c.DATE]] == [dt.date(2016, 6, 1), dt.date(2016, 6, 2)]
