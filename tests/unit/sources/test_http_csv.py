from __future__ import annotations

import pytest

from steadycast import schema as c
from steadycast.errors import BadResponse, SchemaDrift
from steadycast.sources import http_csv
from tests.unit.sources.provider import answer


@pytest.fixture
def poll(provider, at, week, waiting, csv_source):
    def ask(*bodies, kind="text/csv", **changes):
        provider.says(*(answer(body, kind=kind) for body in bodies))
        return http_csv.fetch(csv_source(**changes), week, at(), waiting=waiting)

    return ask


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        pytest.param("date,tmax\n2016-06-01,70.5\n", {}, id="plain"),
        pytest.param("\ufeffdate,tmax\r\n2016-06-01,70.5\r\n", {}, id="mark_and_crlf"),
        pytest.param("\ufeffdate,tmax\n2016-06-01,70.5\n", {"encoding": "utf-8"}, id="mark_not_announced"),
        pytest.param("date,tmax\r2016-06-01,70.5\r", {}, id="cr"),
        pytest.param('"date","tmax"\n"2016-06-01"," 70.5"\n', {}, id="quotes_and_blanks"),
        pytest.param("tmax;date\n70.5;2016-06-01", {"delimiter": ";"}, id="semicolon_no_last_line_end"),
        pytest.param("date,tmax\n\n2016-06-01,70.5\n\n,\n", {}, id="empty_lines"),
        pytest.param(
            "date,né,tmax\n2016-06-01,1,70.5\n".encode("cp1252"), {"encoding": "cp1252"}, id="cp1252"
        ),
        pytest.param("date,tmax\n2016-06-01,70.5\n".encode("utf-16"), {"encoding": "utf-16"}, id="utf_16"),
        pytest.param('note,date,tmax\n"two\nlines, ""x""",2016-06-01,70.5\n', {}, id="line_end_in_quotes"),
    ],
)
def test_all_usual_ways_of_csv_are_read(poll, body, changes):
    frame = poll(body, **changes).frame
    assert frame[c.VALUE].tolist() == [70.5]
    assert frame[c.DATE].astype(str).tolist() == ["2016-06-01"]


@pytest.mark.parametrize(
    "kind", ["text/plain; charset=utf-8", "application/octet-stream", "application/vnd.ms-excel"]
)
def test_csv_under_its_other_names_is_read(poll, kind):
    assert len(poll("date,tmax\n2016-06-01,70.5\n", kind=kind).frame) == 1


@pytest.mark.parametrize("body", ["", "\n\n", "date,tmax\n"], ids=["nothing", "blank", "header_only"])
def test_no_rows_are_an_empty_poll(poll, body):
    frame = poll(body).frame
    assert frame.empty
    assert frame.dtypes.astype(str).to_dict() == c.POLL_DTYPES


def test_a_renamed_column_is_drift_even_without_rows(poll):
    with pytest.raises(SchemaDrift, match=r"did you mean 'tmax_c'"):
        poll("date,tmax_c\n")


def test_trace_of_rain_is_read_as_told(poll):
    rain = [{"name": "rain_in", "field": "rain", "unit": "in", "read_as": {"T": 0.0}}]
    frame = poll("date,rain\n2016-06-01,  T\n2016-06-02,0.4\n2016-06-03,t\n", variables=rain).frame
    assert frame[c.VALUE].tolist()[:2] == [0.0, 0.4]
    assert frame[c.VALUE].isna().tolist() == [False, False, True]
    assert frame[c.RAW].tolist() == ["T", "0.4", "t"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(
            "date,tmax\n2016-06-01,1,234\n2016-06-02,3\n", "line 2 has 3 cells and the header 2", id="wide"
        ),
        pytest.param("date,tmax\n2016-06-01\n2016-06-02,3\n", "line 2 has 1 cells", id="short"),
        pytest.param("date,tmax,tmax\n2016-06-01,1,2\n", "has the column 'tmax' twice", id="same_name"),
        pytest.param('date,tmax\n"2016"-06-01,1\n', "broken CSV at line 2", id="quote_in_the_middle"),
        pytest.param(
            "date,né\n".encode("latin-1") + b"2016-06-01,1\n", "is not utf-8-sig: byte 0xe9", id="encoding"
        ),
    ],
)
def test_broken_csv_is_refused_with_its_place(poll, body, said):
    with pytest.raises(BadResponse, match=said) as raised:
        poll(body)
    assert "attempt" not in str(raised.value)


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param("date,tmax\n2016-06-01,70\n2016-06", id="in_a_row"),
        pytest.param('date,tmax\n2016-06-01,"70', id="in_quotes"),
        pytest.param(b"date,tmax\n2016-06-01,\xc3", id="in_a_character"),
    ],
)
def test_a_cut_table_is_asked_for_again(poll, cut):
    assert poll(cut, "date,tmax\n2016-06-01,70.5\n").frame[c.VALUE].tolist() == [70.5]


def test_an_unknown_encoding_is_named(poll):
    with pytest.raises(BadResponse, match=r"no encoding 'utf-99'"):
        poll("date,tmax\n", encoding="utf-99")
