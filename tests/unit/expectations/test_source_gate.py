"""The gate of a source: each thing that can be wrong with a poll, its sentence and how bad it is."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast.expectations import run_suites
from steadycast.expectations.evidence import Evidence, Revised
from steadycast.expectations.source_gate import suites
from steadycast.schema import POLL_DTYPES
from steadycast.settings import LocalFileSource

AS_OF = dt.date(2016, 6, 6)
START = dt.date(2016, 5, 9)
AT = dt.datetime(2016, 6, 6, tzinfo=dt.UTC)


def source(**limits):
    return LocalFileSource.model_validate(
        {
            "name": "air",
            "kind": "local_file",
            "path": "air.csv",
            "variables": [
                {"name": "warm", "unit": "degF", "minimum": -40, "maximum": 115, "weekly": "mean"},
                {"name": "wet", "unit": "in", "weekly": "sum"},
            ],
            "entities": ["a", "b"],
            "layout": {"entity_field": "e"},
            "lookback_weeks": 4,
            "expectations": limits,
        }
    )


def series(entity, variable, first="2016-05-09", last="2016-06-05"):
    dates = pd.date_range(first, last, unit="us")
    base = {"warm": 60.0, "wet": 1.0}[variable]
    values = (
        base + np.sin(dates.day_of_year.to_numpy() / 58) * base / 4 + (dates.day.to_numpy() % 5) * base / 50
    )
    return pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": values})


def every(**dates):
    frame = pd.concat([series(e, v, **dates) for e in "ab" for v in ("warm", "wet")], ignore_index=True)
    return frame.astype({"entity": "str", "variable": "str"})


def as_poll(frame):
    return frame.assign(raw=frame["value"].map("{:g}".format), row=range(1, len(frame) + 1)).astype(
        POLL_DTYPES
    )


POLL = as_poll(every())
KNOWN = every(first="2014-01-01", last="2016-05-29")
NEW = KNOWN.iloc[:0]


def judge(poll=POLL, known=KNOWN, **limits):
    evidence = Evidence(source(**limits), AS_OF, START, poll, known)
    return run_suites(suites(evidence), run_name="2016-06-06", run_time=AT)


def changed(where, **to):
    """The good poll with some cells changed; ``where`` is a row number or a mask."""
    frame = POLL.copy()
    rows = where if not isinstance(where, int) else frame["row"] == where
    for column, value in to.items():
        frame.loc[rows, column] = value
    return frame


@pytest.mark.parametrize("known", [KNOWN, NEW], ids=["later_poll", "first_poll"])
def test_a_good_poll_has_nothing_to_say(known):
    outcome = judge(known=known)
    assert (outcome.failures, outcome.warnings) == ((), ())


def only(found):
    assert len(found) == 1, found
    return found[0]


def test_a_variable_without_any_cell_is_critical():
    outcome = judge(POLL[POLL["variable"] != "wet"])
    assert "air: no cell of wet from 2016-05-09 on" in outcome.failures


def test_an_entity_without_any_cell_is_a_warning():
    outcome = judge(POLL[POLL["entity"] != "b"], min_row_share=0.4, warn_row_share=0.4)
    assert (outcome.failures, outcome.warnings) == ((), ("air: no cell of b from 2016-05-09 on",))


def test_a_number_that_can_not_be_read_is_told_with_its_place_and_text():
    outcome = judge(changed(7, value=np.nan, raw="6O.5"))
    assert outcome.failures == ()
    told = "air: 1 of 112 rows hold a value that is no number: warm of a on 2016-05-15 is '6O.5' (row 7)"
    assert told in outcome.warnings


def test_a_date_that_can_not_be_read_is_told_with_its_text():
    outcome = judge(changed(7, date=pd.NaT, value=np.nan, raw="2016-13-01"))
    assert outcome.failures == ()
    assert "air: 1 of 112 rows have a date that can not be read: '2016-13-01' (row 7)" in outcome.warnings


@pytest.mark.parametrize("column", ["value", "date"])
def test_more_unreadable_cells_than_allowed_are_critical(column):
    gone = {"value": np.nan, **({"date": pd.NaT} if column == "date" else {})}
    bad = changed(POLL["row"] <= 5, raw="?", **gone)
    assert only(judge(bad).failures).startswith("air: 5 of 112 rows h")
    assert judge(bad, max_unreadable_share=0.1).failures == ()


OUTSIDE = "air: 1 of 56 rows lie outside -40 to 115 degF: warm of a on 2016-05-15 is 406 degF (row 7)"


def test_more_values_outside_their_range_than_allowed_are_critical_and_told_with_unit():
    assert judge(changed(7, value=406.0), max_out_of_range_share=0).failures == (OUTSIDE,)


def test_values_outside_that_the_settings_tolerate_are_a_warning():
    outcome = judge(changed(7, value=406.0))
    assert outcome.failures == ()
    assert OUTSIDE in outcome.warnings


def test_a_variable_without_limits_is_not_judged_by_range():
    assert judge(changed(POLL["row"] == 30, value=1e6)).failures == ()


def test_the_row_of_equal_duplicates_is_a_warning():
    outcome = judge(pd.concat([POLL, POLL.head(1).assign(row=113)], ignore_index=True))
    assert outcome.failures == ()
    assert only(outcome.warnings) == (
        "air: 2 of 113 rows come more than once; the first of equal ones counts: "
        "warm of a on 2016-05-09 (row 1); warm of a on 2016-05-09 (row 113)"
    )


def contradicted(rows):
    return pd.concat(
        [POLL, POLL.head(rows).assign(value=1.0, raw="1", row=range(113, 113 + rows))], ignore_index=True
    )


def test_duplicates_that_contradict_each_other_are_told_with_both_values():
    outcome = judge(contradicted(1))
    assert outcome.failures == ()
    first = POLL["raw"].iloc[0]
    assert (
        "air: 2 of 113 rows contradict another row of their cell, none is used: "
        f"warm of a on 2016-05-09 is {first} (row 1); warm of a on 2016-05-09 is 1 (row 113)"
    ) in outcome.warnings


def test_many_contradictions_are_critical():
    assert "contradict another row" in only(judge(contradicted(5)).failures)


def test_too_few_cells_are_critical_against_the_sources_own_history():
    few = POLL[(POLL["date"] < "2016-05-16") | (POLL["date"] > "2016-05-25")]
    told = only(judge(few).failures)
    assert told == "air: 72 cells since 2016-05-09, usually 112; fewer than 70% of them is too few"


def test_an_incomplete_week_is_a_warning():
    gap = POLL[(POLL["date"] != "2016-05-24") | (POLL["entity"] != "b")]
    outcome = judge(gap)
    assert outcome.failures == ()
    assert "air: incomplete weeks: 2016-05-23 has 26 cells, usually 28" in outcome.warnings


def test_a_stale_source_is_critical():
    old = POLL[POLL["date"] < "2016-05-28"]
    told = judge(old, min_row_share=0.1, warn_row_share=0.1).failures
    assert only(told) == (
        "air: the newest date is 2016-05-27, 10 days before 2016-06-06; more than 9 days is stale"
    )


def test_one_stale_series_of_a_fresh_source_is_a_warning():
    old = POLL[(POLL["date"] < "2016-05-28") | (POLL["entity"] == "a")]
    told = judge(old).warnings
    assert (
        "air: warm of b has nothing after 2016-05-27, 10 days; up to 9 is usual; "
        "wet of b has nothing after 2016-05-27, 10 days; up to 9 is usual"
    ) in told


def test_nothing_at_all_is_critical_in_words():
    told = judge(POLL.iloc[:0]).failures
    assert "air: no cell of warm and wet from 2016-05-09 on" in told
    assert "air: there is no date at all from 2016-05-09 on" in told
    assert "air: 0 cells since 2016-05-09, usually 112; fewer than 70% of them is too few" in told


def test_a_stuck_series_is_a_warning():
    mine = (POLL["entity"] == "b") & (POLL["variable"] == "warm") & (POLL["date"] >= "2016-05-30")
    told = only(judge(changed(mine, value=61.0)).warnings)
    assert told == (
        "air: warm of b has had the same value 7 times in a row (61 up to 2016-06-05); up to 4 is usual. "
        "Next: ask the provider whether its sensor or feed stands still"
    )


def test_another_unit_is_a_warning_that_names_what_is_usual():
    celsius = POLL.assign(value=POLL["value"].where(POLL["variable"] == "wet", (POLL["value"] - 32) / 1.8))
    told = judge(celsius).warnings
    assert any(
        text.startswith("air: warm of a lately has a median of ") and "unlike its history (" in text
        for text in told
    )


def test_a_rewritten_past_is_a_warning():
    mine = (POLL["entity"] == "a") & (POLL["variable"] == "warm") & (POLL["date"] < "2016-05-20")
    told = only(judge(changed(mine, value=POLL["value"] + 5)).warnings)
    assert told.startswith(
        "air: warm of a: 11 of 21 values polled again have changed, the largest by +5 degF on "
    )


def test_values_that_are_taken_back_are_a_warning():
    kept = POLL[(POLL["entity"] == "a") | (POLL["date"] >= "2016-05-16") | (POLL["variable"] == "wet")]
    told = judge(kept).warnings
    assert (
        "air: warm of b: 7 of 21 values known before are no longer reported, the first on 2016-05-09"
    ) in told


def test_everything_that_is_wrong_is_told_at_once():
    bad = changed(POLL["row"].isin([7, 8]), value=406.0)
    bad = bad[(bad["variable"] != "wet")]
    outcome = judge(bad)
    texts = " / ".join(outcome.failures)
    assert "no cell of wet" in texts
    assert "406 degF" in texts
    assert "too few" in texts


def test_what_was_revised_beyond_usual_is_a_warning_in_our_own_words():
    table = pd.DataFrame(
        {"entity": ["a", "b"], "variable": "warm", "cells": 28, "suspicious": [3, 0], "kind": "x"}
    )
    sentences = [f"the {n} thing" for n in ("first", "second", "third", "fourth")]
    found = outcome_of(Revised(table, sentences))
    assert found == ("the first thing; the second thing; the third thing; and 1 more like these",)
    assert outcome_of(Revised(table.assign(suspicious=0), [])) == ()


def outcome_of(revisions):
    evidence = Evidence(source(), AS_OF, START, POLL, KNOWN, revisions)
    mine = [suite for suite in suites(evidence) if suite.name == "air_revisions"]
    return run_suites(mine, run_name="w", run_time=AT).warnings
