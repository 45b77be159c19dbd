"""Great Expectations behind our own few words: findings, sentences, and pages that depend on the run only."""

import datetime as dt

import pandas as pd
import pytest

from steadycast.expectations import Check, Suite, expectation_classes, run_suites
from steadycast.expectations.running import only_where

AT = dt.datetime(2016, 6, 6, tzinfo=dt.UTC)
FRAME = pd.DataFrame(
    {"entity": ["a", "a", "b"], "value": [1.0, 20.0, None], "day": pd.to_datetime(["2016-06-03"] * 3)}
).astype({"entity": "str"})


def gx():
    return expectation_classes()


def words(found):
    return f"{found.count} of {found.total}: {[dict(row) for row in found.rows]}"


def judge(*checks, frame=FRAME, docs=None):
    return run_suites(
        [Suite("rides", frame, checks, ("entity",))], run_name="2016-06-06", run_time=AT, docs=docs
    )


def between(**more):
    return gx().ExpectColumnValuesToBeBetween(column="value", min_value=0, max_value=10, **more)


@pytest.mark.parametrize(
    ("severity", "failures", "warned"), [("critical", 1, 0), ("warning", 0, 1)], ids=["critical", "warning"]
)
def test_a_failure_is_told_by_its_severity(severity, failures, warned):
    outcome = judge(Check(between(), words, severity))
    assert (len(outcome.failures), len(outcome.warnings)) == (failures, warned)


def test_a_sentence_gets_the_rows_with_the_columns_that_identify_them():
    assert judge(Check(between(), words)).failures == (
        "1 of 3: [{'value': np.float64(20.0), 'entity': 'a'}]",
    )


def test_what_mostly_lets_pass_is_told_only_on_request():
    assert judge(Check(between(mostly=0.5), words)).warnings == ()
    assert len(judge(Check(between(mostly=0.5), words, tell_tolerated=True)).warnings) == 1


def test_a_condition_on_rows_leaves_the_others_out():
    assert judge(Check(between(row_condition=only_where("entity", equals="b")), words)).failures == ()
    present = gx().ExpectColumnValuesToNotBeNull(
        column="value", row_condition=only_where("value", present=True)
    )
    assert judge(Check(present, words)).failures == ()


def test_findings_on_the_whole_table_carry_what_was_observed_and_missed():
    outcome = judge(
        Check(gx().ExpectTableRowCountToBeBetween(min_value=5), lambda f: f"{f.observed} rows"),
        Check(
            gx().ExpectColumnDistinctValuesToContainSet(column="entity", value_set=["a", "z"]),
            lambda f: f"no {f.missing}",
        ),
        Check(
            gx().ExpectColumnMaxToBeBetween(column="day", min_value=pd.Timestamp("2016-06-05")),
            lambda f: f"{f.observed}",
        ),
    )
    assert outcome.failures == ("3 rows", "no ('z',)", "2016-06-03 00:00:00")


def test_all_failures_of_all_suites_are_told_in_their_order():
    suites = [
        Suite(
            name,
            FRAME,
            [Check(between(), lambda f, name=name: name), Check(between(mostly=0.9), lambda f: "x")][:n],
        )
        for name, n in (("first", 1), ("second", 1), ("empty", 0))
    ]
    assert run_suites(suites, run_name="r", run_time=AT).failures == ("first", "second")


def test_a_check_that_can_not_be_evaluated_says_why_instead_of_passing():
    outcome = judge(Check(gx().ExpectColumnValuesToNotBeNull(column="nope"), words, "warning"))
    (told,) = outcome.warnings
    assert told.startswith("ExpectColumnValuesToNotBeNull could not be evaluated: ")
    assert 'The column "nope" in BatchData does not exist' in told


def test_an_empty_table_is_judged_too():
    outcome = judge(
        Check(between(), words),
        Check(gx().ExpectTableRowCountToBeBetween(min_value=1), lambda f: f"{f.observed} rows"),
        frame=FRAME.iloc[:0],
    )
    assert outcome.failures == ("0 rows",)


def test_the_frame_is_not_changed():
    before = FRAME.copy(deep=True)
    judge(Check(between(), words))
    pd.testing.assert_frame_equal(FRAME, before)


def pages(folder):
    folder.mkdir()
    judge(
        Check(between(), words), Check(gx().ExpectColumnValuesToNotBeNull(column="value"), words), docs=folder
    )
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_run_builds_the_same_pages(tmp_path):
    first, second = pages(tmp_path / "1"), pages(tmp_path / "2")
    assert "index.html" in first
    assert [name for name in first if name.startswith("validations/rides/2016-06-06/")]
    assert first == second


def test_the_pages_show_the_unexpected_value_and_stay_small(tmp_path):
    found = pages(tmp_path / "docs")
    assert any(b"20.0" in page for name, page in found.items() if name.startswith("validations/"))
    assert sum(map(len, found.values())) < 1_500_000


def test_nothing_is_written_but_the_pages(tmp_path, monkeypatch):
    home, here, temporary, docs = (tmp_path / name for name in ("home", "here", "temporary", "docs"))
    for folder in (home, here, temporary, docs):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.chdir(here)
    judge(Check(between(), words), docs=docs)
    assert [*home.rglob("*"), *here.rglob("*"), *temporary.rglob("*")] == []
    assert (docs / "index.html").exists()


def test_no_progress_bar_is_printed(capfd):
    judge(Check(between(), words))
    assert capfd.readouterr() == ("", "")
