import datetime as dt

import pytest

from steadycast.errors import ArtefactUnreadable, DecisionRefused
from steadycast.lake import open_lake
from steadycast.quarantine.decisions import Cell, cell_id, every, record, seen, standing

CELL = Cell("left", "2016-05-25", "sales", "824.0")
AT = dt.datetime(2016, 6, 1, 9, tzinfo=dt.UTC)


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path))


def decide(lake, choice="error-drop", cells=(CELL,), owner="ana", reason="typo", at=AT, via="cli"):
    return record(lake, "till", cells, choice, owner=owner, reason=reason, at=at, via=via)


def test_a_decision_comes_back_as_it_was_made(lake):
    made = decide(lake)
    assert every(lake, "till") == [made]
    assert (made.id[:16], made.at) == ("20160601T090000Z", "2016-06-01T09:00:00+00:00")
    assert every(lake, "web") == []


def test_the_same_decision_twice_is_one(lake):
    assert decide(lake) == decide(lake)
    assert len(every(lake, "till")) == 1


def test_the_newest_decision_about_a_value_counts_in_any_order_of_arrival(lake):
    later = decide(lake, "outlier-keep", at=AT + dt.timedelta(hours=1))
    decide(lake)
    assert standing(every(lake, "till")) == {CELL.key: (later, CELL)}


def test_a_moment_of_another_time_zone_is_the_same_moment(lake):
    zone = dt.timezone(dt.timedelta(hours=2))
    assert decide(lake, at=AT.astimezone(zone)) == decide(lake)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"choice": "maybe"}, "'maybe' is no decision", id="no_choice"),
        pytest.param({"owner": " "}, "needs its owner", id="nobody"),
        pytest.param({"reason": ""}, "needs its reason", id="no_reason"),
        pytest.param({"cells": ()}, "no value was named", id="nothing"),
        pytest.param(
            {"choice": "error-correct"}, "the right value of sales of left on 2016-05-25", id="no_value"
        ),
        pytest.param(
            {"cells": (Cell("left", "2016-05-25", "sales", "824.0", 1.0),)},
            "takes no value",
            id="a_value_too_many",
        ),
    ],
)
def test_an_incomplete_decision_is_refused_with_what_is_missing(lake, given, says):
    with pytest.raises(DecisionRefused, match=says) as refused:
        decide(lake, **given)
    assert refused.value.remedy
    assert every(lake, "till") == []


def test_a_file_that_is_no_decision_is_named(lake):
    lake.write_json("decisions/till/x.json", {"id": "x"})
    with pytest.raises(ArtefactUnreadable, match=r"decisions/till/x\.json"):
        every(lake, "till")


def test_another_value_of_a_cell_has_another_id():
    ids = {cell_id("till", CELL.key), cell_id("web", CELL.key), cell_id("till", (*CELL.key[:3], "825.0"))}
    assert len(ids) == 3


@pytest.mark.parametrize("value", [0.1, 1e300, -0.0, 12345.678])
def test_a_number_is_named_so_that_it_comes_back(value):
    assert float(seen(value)) == value
    assert seen(-0.0) == seen(0.0)
