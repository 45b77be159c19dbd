"""Which column took the place of one that is gone."""

import numpy as np
import pandas as pd
import pytest
import yaml

from steadycast.expectations import drift
from steadycast.settings import LocalFileSource, Variable

RNG = np.random.default_rng(11)
DATES = pd.date_range("2016-05-09", "2016-06-05", unit="us")
WARM, WET = RNG.normal(60, 9, 28).round(1), RNG.exponential(0.2, 28).round(2)

SOURCE = LocalFileSource.model_validate(
    {
        "name": "air",
        "kind": "local_file",
        "path": "air.csv",
        "variables": [
            {"name": "warm_f", "field": "temp_max", "unit": "degF", "minimum": -40, "maximum": 115},
            {"name": "wet_in", "field": "precip", "unit": "in"},
        ],
        "entities": ["a", "b"],
        "layout": {"entity_field": "station"},
    }
)


def known():
    parts = [("warm_f", RNG.normal(60, 9, 200)), ("wet_in", RNG.exponential(0.2, 200))]
    dates = pd.date_range("2015-10-01", periods=200, unit="us")
    return pd.concat(
        [pd.DataFrame({"entity": "a", "date": dates, "variable": v, "value": x}) for v, x in parts]
    )


def answer(**names):
    """A good answer with some columns under another name."""
    columns = {
        "date": [f"{day:%Y-%m-%d}" for day in DATES],
        "station": ["a", "b"] * 14,
        "temp_max": WARM.tolist(),
        "precip": WET.tolist(),
        "remark": ["fine"] * 28,
        "serial": list(range(1000, 1028)),
    }
    return {names.get(name, name): cells for name, cells in columns.items()}


def gone(columns, history=None):
    table = drift.fields(
        SOURCE, SOURCE.layout, drift.Answer(columns, known() if history is None else history)
    )
    return table[table["missing"] == 1].set_index("field")


def test_an_answer_with_all_columns_has_nothing_to_say():
    assert gone(answer()).empty


@pytest.mark.parametrize("new", ["temp_max_new", "TempMax", "max_temp", "temperature_high", "zz"])
def test_a_renamed_variable_is_found_by_name_and_values(new):
    row = gone(answer(temp_max=new)).loc["temp_max"]
    assert row["proposed"] == new
    line = yaml.safe_load(row["proposal"])[0]
    assert Variable.model_validate(line) == SOURCE.variable("warm_f").model_copy(update={"field": new})


def test_two_renamed_columns_are_told_apart_by_their_values():
    found = gone(answer(temp_max="v1", precip="v2"))
    assert found["proposed"].to_dict() == {"temp_max": "v1", "precip": "v2"}


@pytest.mark.parametrize(
    ("field", "new", "line"),
    [
        ("date", "day", {"layout": {"date_field": "day"}}),
        ("station", "site", {"layout": {"entity_field": "site"}}),
    ],
)
def test_dates_and_entities_are_known_by_what_they_hold(field, new, line):
    row = gone(answer(**{field: new})).loc[field]
    assert (row["proposed"], yaml.safe_load(row["proposal"])) == (new, line)


def test_a_column_that_is_gone_for_good_has_no_proposal():
    columns = answer()
    del columns["temp_max"], columns["serial"]
    row = gone(columns).loc["temp_max"]
    assert (row["proposed"], row["proposal"]) == ("", "")
    assert drift.sentence({"field": "temp_max", **row.to_dict()}) == (
        "column 'temp_max' (variables.warm_f.field) is missing, and no other column is like it"
    )


def test_without_history_the_name_alone_decides():
    row = gone(answer(temp_max="temp_max_2"), known().iloc[:0]).loc["temp_max"]
    assert row["proposed"] == "temp_max_2"
    assert np.isnan(row["values_likeness"])
