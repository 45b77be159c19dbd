"""Checks that a data engineer adds in pipeline.yaml."""

import datetime as dt

import pandas as pd
import pytest

from steadycast.errors import SettingsError
from steadycast.expectations import Suite, run_suites
from steadycast.expectations.extras import extras
from steadycast.settings import LocalFileSource

CELLS = pd.DataFrame(
    {
        "entity": ["a", "a", "a"],
        "date": pd.to_datetime(["2016-06-03", "2016-06-04", "2016-06-04"]),
        "variable": ["warm", "warm", "wet"],
        "value": [60.0, 70.0, 500.0],
        "row": [1, 2, 2],
    }
).astype({"entity": "str", "variable": "str"})


def source(*given):
    return LocalFileSource.model_validate(
        {
            "name": "air",
            "kind": "local_file",
            "path": "air.csv",
            "variables": [{"name": n, "unit": "u"} for n in ("warm", "wet")],
            "layout": {"entity_field": "e"},
            "expectations": {"extras": list(given)},
        }
    )


def judge(*given):
    suite = Suite("air", CELLS, extras(source(*given)), ("entity", "date", "variable", "row"))
    return run_suites([suite], run_name="r", run_time=dt.datetime(2016, 6, 6, tzinfo=dt.UTC))


MEAN = {"expectation": "ExpectColumnMeanToBeBetween", "kwargs": {"column": "value", "max_value": 68}}


def test_an_extra_says_what_it_wanted_and_what_it_saw():
    assert judge(MEAN).warnings == (
        "air: ExpectColumnMeanToBeBetween (column value, max_value 68) does not hold; observed 210.0",
    )


def test_an_extra_of_one_variable_sees_that_variable_only():
    assert judge({**MEAN, "variable": "warm"}).warnings == ()


def test_the_severity_is_the_settings():
    outcome = judge({**MEAN, "severity": "critical"})
    assert (len(outcome.failures), len(outcome.warnings)) == (1, 0)


def test_an_extra_on_rows_names_them():
    extra = {"expectation": "ExpectColumnValuesToBeBetween", "kwargs": {"column": "value", "max_value": 65}}
    told = judge({**extra, "variable": "warm"}).warnings
    assert told == (
        "air: ExpectColumnValuesToBeBetween of warm (column value, max_value 65) does not hold; "
        "1 of 2 rows: warm of a on 2016-06-04 (row 2)",
    )


def test_every_mistake_in_extras_is_reported_at_once_with_its_place():
    with pytest.raises(SettingsError) as raised:
        extras(
            source(
                {"expectation": "ExpectColumnMeanToBeBetwen"},
                MEAN,
                {"expectation": "ExpectColumnMeanToBeBetween", "kwargs": {"colum": "value"}},
            )
        )
    first, second = raised.value.problems
    assert first == (
        "source air: expectations.extras.0: Great Expectations has no ExpectColumnMeanToBeBetwen; "
        "did you mean ExpectColumnMeanToBeBetween?"
    )
    assert second.startswith("source air: expectations.extras.2: ExpectColumnMeanToBeBetween: ")
    assert "colum" in second


@pytest.mark.parametrize("name", ["print", "__doc__", "Expectation"])
def test_only_expectations_can_be_named(name):
    with pytest.raises(SettingsError, match=f"has no {name}"):
        extras(source({"expectation": name}))
