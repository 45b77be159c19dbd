"""Pieces of sentences."""

import pandas as pd
import pytest

from steadycast.expectations import wording
from steadycast.expectations.running import Finding


def finding(count, rows):
    return Finding(False, count, 9, tuple({"n": n} for n in rows), None, (), "")


@pytest.mark.parametrize(
    ("names", "text"), [(["b", "a", "c"], "a, b and c"), (["b", "a"], "a and b"), (["a"], "a"), ([], "")]
)
def test_names_are_listed_by_alphabet(names, text):
    assert wording.listed(names) == text


@pytest.mark.parametrize(
    ("count", "rows", "text"),
    [
        pytest.param(2, [1, 2], "1; 2", id="all_shown"),
        pytest.param(5, [1, 2, 3, 4, 5], "1; 2; 3; and 2 more", id="first_three"),
    ],
)
def test_the_first_rows_are_described_and_the_others_counted(count, rows, text):
    assert wording.rows(finding(count, rows), lambda row: str(row["n"])) == text


def test_rows_are_counted_against_those_looked_at():
    assert wording.count(finding(2, [])) == "2 of 9 rows"


@pytest.mark.parametrize(
    ("day", "text"),
    [(pd.Timestamp("2016-06-05"), "warm of a on 2016-06-05"), (pd.NaT, "warm of a on an unreadable date")],
)
def test_a_cell_is_named_by_variable_entity_and_date(day, text):
    assert wording.cell({"variable": "warm", "entity": "a", "date": day}) == text


@pytest.mark.parametrize(
    ("low", "high", "text"), [(-40, 115, "-40 to 115"), (0, None, "0 and more"), (None, 1.5, "up to 1.5")]
)
def test_limits_in_words(low, high, text):
    assert wording.limits(low, high) == text
