"""The stage: what waits is left out, a decision is used from the next run on and lapses with its value."""

import datetime as dt

import pytest

from steadycast import findings, impute, publication, quarantine
from steadycast.known import known_rows
from steadycast.quarantine import decisions
from steadycast.quarantine.asking import cells_of
from tests.till import FIRST, SECOND, THIRD, Shop, sales

TYPED = {("left", "2016-05-25"): "824.0"}
"""A Wednesday's sales with a slipped decimal point."""
AT = dt.datetime(2016, 6, 1, 9, tzinfo=dt.UTC)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def decide(shop, choice, value=None, week=FIRST, at=AT):
    rows = shop.held(week)
    [cell] = cells_of(rows)
    cell = decisions.Cell(cell.entity, cell.date, cell.variable, cell.seen, value)
    return decisions.record(
        shop.lake, "till", [cell], choice, owner="ana", reason="asked the shop", at=at, via="cli"
    )


def test_a_clean_history_holds_nothing_back(shop):
    report = shop.week(FIRST)
    assert (report["undecided"], report["decisions"], report["lapsed"]) == (0, [], [])
    assert findings.read(shop.lake, as_of=FIRST) == []


def test_an_implausible_value_is_flagged_kept_and_left_out_until_somebody_decides(shop):
    report = shop.week(FIRST, TYPED)
    assert report["undecided"] == 1
    assert shop.waiting(FIRST) == ["left 2016-05-25 824.0"]
    assert shop.held(FIRST)["kind"].tolist() == ["changed digits"]
    assert shop.held(FIRST)["proposed"].tolist() == [82.4]
    assert shop.used(FIRST, "left", "2016-05-25") is None
    assert shop.used(FIRST, "left", "2016-05-26") == sales("left", dt.date(2016, 5, 26))
    kept = shop.lake.observations("till").read(start=dt.date(2016, 5, 25), end=dt.date(2016, 5, 26))
    assert 824.0 in kept["value"].tolist()


@pytest.mark.parametrize(
    ("choice", "value", "used"),
    [
        pytest.param("outlier-keep", None, 824.0, id="kept"),
        pytest.param("error-drop", None, None, id="dropped"),
        pytest.param("error-correct", 82.4, 82.4, id="corrected"),
        pytest.param("unknown", None, None, id="unknown_stays_out"),
    ],
)
def test_a_decision_is_used_when_the_same_value_is_polled_again(shop, choice, value, used):
    shop.week(FIRST, TYPED)
    made = decide(shop, choice, value)
    report = shop.week(SECOND, TYPED)
    assert shop.used(SECOND, "left", "2016-05-25") == used
    assert shop.waiting(SECOND) == []
    assert report["decisions"] == [
        {
            "id": made.id, "source": "till", "choice": choice, "owner": "ana", "reason": "asked the shop",
            "via": "cli", "cells": 1,
        }
    ]  # fmt: skip


def test_a_decision_lapses_when_the_source_changes_the_value_and_comes_back_with_it(shop):
    shop.week(FIRST, TYPED)
    decide(shop, "error-correct", 82.4)
    right = sales("left", dt.date(2016, 5, 25))
    report = shop.week(SECOND)
    assert shop.used(SECOND, "left", "2016-05-25") == right
    [lapsed] = report["lapsed"]
    assert (lapsed["owner"], lapsed["seen"], lapsed["now"]) == ("ana", "824.0", right)
    [told] = findings.read(shop.lake, as_of=SECOND)
    assert "1 decision(s) lapsed because the source changed the value" in told.title
    assert shop.week(THIRD, TYPED)["lapsed"] == []
    assert shop.used(THIRD, "left", "2016-05-25") == 82.4


def test_a_published_week_keeps_the_decisions_that_it_was_made_of(shop):
    before = shop.week(FIRST, TYPED)
    publication.write_published(shop.lake, FIRST, {}, {"verdict": "pass"})
    decide(shop, "error-correct", 82.4)
    assert shop.review(FIRST) == before
    assert shop.used(FIRST, "left", "2016-05-25") is None
    assert shop.review(FIRST, repoll=True)["undecided"] == 0
    assert shop.used(FIRST, "left", "2016-05-25") == 82.4


def test_a_week_without_its_own_report_goes_by_the_one_before(shop):
    shop.week(FIRST, TYPED)
    shop.poll(SECOND, TYPED)
    assert shop.used(SECOND, "left", "2016-05-25") is None


def test_a_flag_stays_beyond_the_window_that_is_polled_again(shop):
    old = {("left", "2015-03-04"): "824.0"}
    shop.week(FIRST, old)
    shop.week(SECOND, old)
    assert shop.waiting(SECOND) == ["left 2015-03-04 824.0"]


def test_another_rule_judges_everything_anew(tmp_path):
    Shop(tmp_path).week(FIRST, TYPED)
    wide = Shop(tmp_path, quarantine={"spike_ratio": 50})
    wide.week(SECOND, TYPED)
    assert wide.waiting(SECOND) == []


def test_letters_among_the_digits_wait_too_and_their_right_value_comes_in(shop):
    typed = {("right", "2016-05-24"): "3O1.50"}
    shop.week(FIRST, typed)
    assert shop.waiting(FIRST) == ["right 2016-05-24 3O1.50"]
    assert shop.held(FIRST)["proposed"].tolist() == [301.5]
    decide(shop, "error-correct", 301.5)
    shop.week(SECOND, typed)
    assert shop.used(SECOND, "right", "2016-05-24") == 301.5


def test_one_finding_tells_of_all_values_of_a_variable(shop):
    typed = {("left", f"2016-05-{day}"): "5000" for day in (20, 21, 22, 23, 24, 25, 26)}
    shop.week(FIRST, typed)
    [told] = findings.read(shop.lake, as_of=FIRST)
    assert (told.kind, told.severity, told.source) == ("quarantine", "warning", "till")
    assert told.title == "till: 7 values wait for a decision"
    assert "sales of left on 2016-05-26 is 5000 EUR (outside range, usual is" in told.text
    assert "and 2 more" in told.text


def test_the_panel_says_corrected_where_a_decided_value_went_in(shop):
    shop.week(FIRST, TYPED)
    decide(shop, "error-correct", 82.4)
    shop.week(SECOND, TYPED)
    panel = shop.lake.read_frame(impute.run(shop.lake, shop.settings, as_of=SECOND))
    hows = panel[(panel["entity"] == "left") & (panel["week"] >= "2016-05-16")]["how"].tolist()
    assert hows == ["observed", "corrected", "observed"]


def test_the_panel_lacks_the_week_of_a_value_that_waits(shop):
    shop.week(FIRST, TYPED)
    panel = shop.lake.read_frame(impute.run(shop.lake, shop.settings, as_of=FIRST))
    assert panel[panel["how"] == "missing"]["week"].dt.strftime("%m-%d").tolist() == ["05-23"]


def test_an_outlier_beyond_the_range_is_learnt_from_when_the_business_says_so(shop):
    typed = {("right", "2016-05-25"): "1500"}
    shop.week(FIRST, typed)
    decide(shop, "outlier-keep")
    shop.week(SECOND, typed)
    panel = shop.lake.read_frame(impute.run(shop.lake, shop.settings, as_of=SECOND))
    week = panel[(panel["entity"] == "right") & (panel["week"] == "2016-05-23")]
    assert week["how"].tolist() == ["observed"]
    assert week["value"].iloc[0] > 1500


def test_scores_and_fallbacks_read_the_same_values(shop):
    shop.week(FIRST, TYPED)
    rows = known_rows(shop.lake, "till", FIRST)
    assert 824.0 not in rows["value"].tolist()


def test_filters_are_counted_stored_and_told(tmp_path):
    rules = [
        {"name": "foreign_customers", "why": "sold abroad", "drop_entities": ["right"]},
        {"name": "small_change", "variable": "sales", "minimum": 35},
    ]
    shop = Shop(tmp_path, source={"filters": rules})
    report = shop.week(FIRST, {("left", "2016-05-25"): "12.5"})
    known = len(shop.lake.observations("till").read(end=FIRST))
    counts = report["filtered_values"]["till"]
    assert counts["foreign_customers"] == known / 2
    stored = shop.lake.read_frame(report["filtered"])
    assert stored["filter"].value_counts().to_dict() == counts
    assert 12.5 in stored["value"].tolist()
    assert "left 2016-05-25 12.5" not in shop.waiting(FIRST)
    assert shop.used(FIRST, "right", "2016-05-24") is None
    assert shop.used(FIRST, "left", "2016-05-24") is not None
    told = {found.key: found for found in findings.read(shop.lake, as_of=FIRST)}
    assert told["quarantine/till/filter/foreign_customers"].severity == "info"
    assert f"left out {known // 2} of {known} values" in told["quarantine/till/filter/foreign_customers"].text


def test_a_run_that_reads_the_target_alone_leaves_what_the_week_said_of_others(tmp_path):
    other = {
        "name": "web", "kind": "local_file", "path": str(tmp_path / "till.csv"), "internal": True,
        "layout": {"entity_field": "till", "date_field": "day"},
        "variables": [{"name": "orders", "field": "sales", "unit": "EUR", "minimum": 0, "maximum": 700}],
    }  # fmt: skip
    shop = Shop(tmp_path)
    both = shop.settings.model_dump(mode="json")
    shop.settings = type(shop.settings).model_validate({**both, "sources": [*both["sources"], other]})
    shop.poll(FIRST, TYPED)
    source = shop.settings.source("web")
    from steadycast import ingest

    manifest = shop.lake.read_json(
        ingest.run(shop.lake, source, as_of=FIRST, retrieved_at=AT, connection=None)
    )
    verdict = {"source": "web", "verdict": "pass", "segments": [manifest["segment"]]}
    shop.lake.write_json(f"runs/{FIRST}/validate/web.json", verdict)
    assert set(shop.review(FIRST)["sources"]) == {"till", "web"}
    report = shop.review(FIRST, only=["till"])
    assert set(report["sources"]) == {"till", "web"}
    assert sorted(shop.held(FIRST)["source"].tolist()) == ["till", "web"]


def test_a_source_that_nobody_validated_is_named(shop):
    from steadycast.errors import ArtefactMissing

    with pytest.raises(ArtefactMissing, match=r"validate/till\.json"):
        quarantine.run(shop.lake, shop.settings, as_of=FIRST)
