from __future__ import annotations

import datetime as dt

import pytest

from steadycast import schema as c
from steadycast.errors import SchemaDrift
from steadycast.settings import LocalFileSource
from steadycast.sources.table import Table, read_date, to_poll

TMAX = {"name": "tmax_f", "field": "tmax", "unit": "degF"}
TMIN = {"name": "tmin_f", "field": "tmin", "unit": "degF"}
LONG = {"entity_field": "place", "variable_field": "what", "value_field": "number"}


@pytest.fixture
def poll(week):
    def ask(columns, layout, variables=(TMAX,), **changes):
        source = LocalFileSource.model_validate(
            {
                "name": "weather",
                "kind": "local_file",
                "path": "x",
                "layout": layout,
                "variables": list(variables),
            }
            | changes
        )
        rows = len(next(iter(columns.values()), []))
        return to_poll(Table(columns, rows), source, source.layout, week)

    return ask


def cells(found):
    return found.frame[[c.ENTITY, c.VARIABLE, c.RAW, c.ROW]].to_numpy().tolist()


def test_a_wide_row_gives_a_cell_per_variable_in_the_order_of_the_rows(poll):
    columns = {"tmin": ["50", "51"], "date": ["2016-06-02", "2016-06-01"], "tmax": ["70", "71"]}
    found = poll(columns, {"entity": "midway"}, [TMAX, TMIN])
    assert cells(found) == [
        ["midway", "tmax_f", "70", 1],
        ["midway", "tmin_f", "50", 1],
        ["midway", "tmax_f", "71", 2],
        ["midway", "tmin_f", "51", 2],
    ]


def test_a_long_row_is_one_cell_and_unwanted_variables_are_left_out(poll):
    columns = {
        "date": ["2016-06-01"] * 3,
        "place": ["midway", "midway", "ohare"],
        "what": ["tmin", "snow", "tmax"],
        "number": ["50", "0", "70"],
    }
    assert cells(poll(columns, LONG, [TMAX, TMIN])) == [
        ["midway", "tmin_f", "50", 1],
        ["ohare", "tmax_f", "70", 3],
    ]


def test_a_variable_that_a_long_table_does_not_have_is_told(poll):
    columns = {"date": ["2016-06-01"], "place": ["midway"], "what": ["tmaxx"], "number": ["1"]}
    assert "no row of tmax; the answer has tmaxx" in poll(columns, LONG).notes


@pytest.mark.parametrize("gone", ["date", "place", "what", "number"])
def test_each_column_that_the_layout_names_must_be_there(poll, gone):
    columns = {"date": ["2016-06-01"], "place": ["midway"], "what": ["tmax"], "number": ["1"]}
    columns[gone.upper() + "_1"] = columns.pop(gone)
    with pytest.raises(SchemaDrift, match=f"field '{gone}' is missing") as raised:
        poll(columns, LONG)
    assert f"did you mean '{gone.upper()}_1'?" in str(raised.value)
    assert "change layout." in str(raised.value)


def test_no_hint_is_given_where_nothing_is_close(poll):
    with pytest.raises(SchemaDrift) as raised:
        poll({"date": ["2016-06-01"], "pressure_hpa": ["1"]}, {"entity": "midway"})
    assert "did you mean" not in str(raised.value)


def test_what_was_not_asked_for_is_dropped_and_counted(poll):
    columns = {
        "date": ["2016-05-29", "2016-05-30", "2016-06-05", "2016-06-06", "2016-06-01", "2016-06-01"],
        "place": ["midway", "midway", "midway", "midway", "mars", ""],
        "tmax": ["1", "2", "3", "4", "5", "6"],
    }
    found = poll(columns, {"entity_field": "place"}, entities=["midway"])
    assert found.frame[c.RAW].tolist() == ["2", "3"]
    assert found.notes == (
        "2 cell(s) of entities that were not asked for: (no name), mars",
        "2 cell(s) outside 2016-05-30 to 2016-06-05",
    )


def test_all_entities_are_kept_where_none_are_named(poll):
    columns = {"date": ["2016-06-01"] * 2, "place": ["b", "a"], "tmax": ["1", "2"]}
    assert poll(columns, {"entity_field": "place"}).frame[c.ENTITY].tolist() == ["b", "a"]


def test_an_unreadable_date_stays_with_its_text(poll):
    found = poll({"date": ["2016-06-31", "06/01/2016"], "tmax": ["70", None]}, {"entity": "midway"})
    assert found.frame[c.DATE].isna().tolist() == [True]
    assert found.frame[c.RAW].tolist() == ["2016-06-31"]
    assert found.frame[c.VALUE].isna().tolist() == [True]


def test_whole_numbers_of_the_entity_become_its_name(poll):
    columns = {"date": [dt.date(2016, 6, 1)], "place": [41320], "tmax": [70]}
    assert cells(poll(columns, {"entity_field": "place"})) == [["41320", "tmax_f", "70", 1]]


def test_the_types_of_the_frame_are_those_of_the_schema(poll):
    columns = {"date": ["2016-06-01"], "tmax": ["70"]}
    assert poll(columns, {"entity": "midway"}).frame.dtypes.astype(str).to_dict() == c.POLL_DTYPES


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        pytest.param("2016-06-01", None, "2016-06-01", id="iso"),
        pytest.param("2016-06-01T23:59:59.9Z", None, "2016-06-01", id="iso_time"),
        pytest.param("2016-06-01 06:00:00 +0530", None, "2016-06-01", id="iso_offset"),
        pytest.param("20160601", None, "NaT", id="without_hyphens_only_when_told"),
        pytest.param("20160601", "%Y%m%d", "2016-06-01", id="told_without_hyphens"),
        pytest.param("01.06.2016", "%d.%m.%Y", "2016-06-01", id="told_european"),
        pytest.param("2016-06", "%Y-%m", "2016-06-01", id="told_month"),
        pytest.param("13-2016", "%m-%Y", "NaT", id="told_but_no_month"),
        pytest.param("2016-02-30", None, "NaT", id="no_such_day"),
        pytest.param("1/6/2016", None, "NaT", id="never_guessed"),
        pytest.param("", None, "NaT", id="empty"),
        pytest.param("2016-06-01junk", None, "NaT", id="with_a_tail"),
    ],
)
def test_dates_are_read_as_told_and_never_guessed(text, date_format, day):
    assert str(read_date(text, date_format)).split("T00")[0] == day


def test_tables_are_joined_by_their_names():
    joined = Table.joined([Table({"a": [1]}, 1), Table({"b": [2], "a": [3]}, 1), Table()])
    assert (joined.columns, joined.rows) == ({"a": [1, 3], "b": [None, 2]}, 2)
