"""How numbers and dates that can not be read are written."""

import datetime as dt

import pandas as pd
import pytest

from steadycast.expectations import formats
from steadycast.expectations.evidence import Evidence
from steadycast.schema import POLL_DTYPES
from steadycast.settings import LocalFileSource

SOURCE = LocalFileSource.model_validate(
    {
        "name": "s",
        "kind": "local_file",
        "path": "s.csv",
        "variables": [{"name": "x", "unit": "u"}],
        "layout": {"entity": "a"},
    }
)


def row(field, *, numbers=(), days=(), level=None):
    texts = [*numbers, *days]
    poll = pd.DataFrame(
        {
            "entity": "a",
            "date": [pd.Timestamp("2016-05-09")] * len(numbers) + [pd.NaT] * len(days),
            "variable": "x",
            "value": float("nan"),
            "raw": texts,
            "row": range(1, len(texts) + 1),
        }
    ).astype(POLL_DTYPES)
    known = pd.DataFrame({"entity": ["a"], "date": [pd.Timestamp("2016-05-01")], "variable": ["x"]})
    known = known.assign(value=level).iloc[: 0 if level is None else 1]
    found = formats.fields(Evidence(SOURCE, dt.date(2016, 6, 6), dt.date(2016, 5, 9), poll, known))
    return found.set_index("field").loc[field]


@pytest.mark.parametrize(
    ("texts", "level", "proposal"),
    [
        pytest.param(["12,5", "-3,25", "0,1"], None, 'layout: {decimal: ","}', id="decimal_comma"),
        pytest.param(["1.234,5", "12.000,25"], None, 'layout: {decimal: ",", thousands: "."}', id="both"),
        pytest.param(["1,234,567", "12,345"], None, 'layout: {thousands: ","}', id="thousands"),
        pytest.param(["1,234", "2,345"], 1800.0, 'layout: {thousands: ","}', id="level_of_thousands"),
        pytest.param(["1,234", "2,345"], 1.8, 'layout: {decimal: ","}', id="level_of_ones"),
        pytest.param(["12.5 °C", "13 °C"], None, "", id="unit_behind"),
        pytest.param(["n/a", "?"], None, "", id="no_number"),
    ],
)
def test_numbers_are_told_with_the_line_that_reads_them(texts, level, proposal):
    found = row("x", numbers=texts, level=level)
    assert (found["proposal"], found["unreadable"]) == (proposal, len(texts))
    assert found["written_otherwise_share"] == (0.0 if "?" in texts else 1.0)


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        pytest.param(["13/05/2016", "31/05/2016", "01/06/2016"], "%d/%m/%Y", id="day_first"),
        pytest.param(["05/13/2016", "05/31/2016", "06/01/2016"], "%m/%d/%Y", id="month_first"),
        pytest.param(["13.05.2016", "31.05.2016"], "%d.%m.%Y", id="points"),
        pytest.param(["20160513", "20160531"], "%Y%m%d", id="no_signs"),
        pytest.param(["13 May 2016", "31 May 2016"], "%d %b %Y", id="month_in_words"),
        pytest.param(["01/06/2016", "02/06/2016", "03/06/2016"], "%d/%m/%Y", id="only_the_window_tells"),
    ],
)
def test_dates_are_told_with_their_format(texts, form):
    assert row("date", days=texts)["proposal"] == f'layout: {{date_format: "{form}"}}'


def test_dates_of_another_year_are_no_format_of_this_window():
    assert row("date", days=["13/05/2011", "31/05/2011"])["proposal"] == ""
