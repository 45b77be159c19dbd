import datetime as dt

import pytest

from sandbox.query import BadQuery, WindowQuery, read_whole, read_window


def test_a_window_is_read():
    query = {"as_of": "2016-06-06", "start": "2016-05-30", "end": "2016-06-06"}
    assert read_window(query) == WindowQuery(dt.date(2016, 6, 6), dt.date(2016, 5, 30), dt.date(2016, 6, 6))


def test_what_is_left_out_or_empty_is_open():
    assert read_window({"as_of": ""}) == WindowQuery(None, None, None)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param({"as_of": "06/06/2016"}, "as_of='06/06/2016' is no date.*2016-06-06", id="american"),
        pytest.param({"as_of": "20160606"}, "YYYY-MM-DD", id="compact"),
        pytest.param({"start": "2016-02-30"}, "start='2016-02-30' is no date", id="no_such_day"),
        pytest.param({"end": "0001-01-01"}, "before 1600", id="too_early"),
        pytest.param(
            {"asof": "2016-06-06"}, "unknown parameter.* asof; this route knows as_of", id="mistyped"
        ),
        pytest.param(
            {"start": "2016-06-06", "end": "2016-06-05"}, "start=2016-06-06 is after end", id="backwards"
        ),
    ],
)
def test_a_window_that_can_not_be_meant_is_refused(query, says):
    with pytest.raises(BadQuery, match=says):
        read_window(query)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "101", "9" * 30])
def test_a_number_out_of_bounds_is_refused(text):
    with pytest.raises(BadQuery, match=r"per_page=.*whole number from 1 to 100"):
        read_whole({"per_page": text}, "per_page", 10, most=100)


def test_a_number_left_out_is_the_default():
    assert read_whole({}, "per_page", 10, most=100) == 10
