"""Whose values the model gets, cell by cell, and how that is marked."""

import dataclasses
import datetime as dt

import pandas as pd

from steadycast import twins
from steadycast.twins.arbitration import USUAL_DTYPES
from tests.twin_sources import AS_OF, days, settings

SPAN = twins.Span(
    off="a",
    pair=("a", "b"),
    entity="m",
    variable="warm",
    start="2016-05-23",
    end="2016-05-29",
    open=False,
    since="2016-05-30",
    why=("it is off",),
    bias=20.0,
)
WANTED = settings(tolerance={"warm": 3.0})


def arbitration(*spans, bias=2.0):
    usual = pd.DataFrame([["a", "b", "m", "warm", bias]], columns=list(USUAL_DTYPES)).astype(USUAL_DTYPES)
    return twins.Arbitration(spans, usual)


def observed():
    a = pd.concat([days(28, 40.0), days(28, 1.0, variable="wet")], ignore_index=True)
    return {"a": a, "b": days(28, 20.0)}


def arbitrate(*spans):
    return twins.arbitrate(observed(), arbitration(*spans), WANTED, as_of=AS_OF)


def warm(frame):
    return frame[frame["variable"] == "warm"].set_index("date")["value"]


def test_only_the_bad_days_are_the_twins_and_read_like_the_source():
    believed, moved = arbitrate(SPAN)
    values = warm(believed["a"])
    assert values["2016-05-23":"2016-05-29"].unique().tolist() == [22.0]
    assert values.drop(values["2016-05-23":"2016-05-29"].index).unique().tolist() == [40.0]
    assert len(values) == 28
    assert moved["date"].tolist() == list(pd.date_range("2016-05-23", "2016-05-29", unit="us"))
    assert warm(believed["b"]).unique().tolist() == [20.0]


def test_an_open_stretch_goes_up_to_the_week():
    believed, _ = arbitrate(dataclasses.replace(SPAN, open=True))
    assert warm(believed["a"])["2016-05-23":].unique().tolist() == [22.0]


def test_the_twin_that_is_off_gets_the_sources_values():
    believed, _ = arbitrate(dataclasses.replace(SPAN, off="b"))
    assert warm(believed["b"])["2016-05-23":"2016-05-29"].unique().tolist() == [38.0]
    assert warm(believed["a"]).unique().tolist() == [40.0]


def test_undecided_changes_nothing():
    believed, moved = arbitrate(dataclasses.replace(SPAN, off=None))
    pd.testing.assert_frame_equal(believed["a"], observed()["a"])
    assert moved.empty


def test_where_the_twin_has_nothing_the_cell_is_missing():
    frames = observed()
    frames["b"] = frames["b"][frames["b"]["date"] != "2016-05-25"]
    believed, moved = twins.arbitrate(frames, arbitration(SPAN), WANTED, as_of=AS_OF)
    assert pd.Timestamp("2016-05-25") not in warm(believed["a"]).index
    assert len(moved) == 6


def test_what_nobody_vouches_for_is_left_out_on_the_same_days():
    believed, _ = arbitrate(SPAN)
    wet = believed["a"][believed["a"]["variable"] == "wet"].set_index("date")["value"]
    assert len(wet) == 21
    assert wet["2016-05-23":"2016-05-29"].empty


def test_only_the_weeks_with_replaced_days_are_marked():
    believed, moved = arbitrate(SPAN)
    weeks = pd.date_range("2016-05-09", periods=4, freq="7D", unit="us")
    panel = pd.DataFrame(
        {"source": "a", "entity": "m", "week": weeks, "variable": "warm", "value": 1.0, "how": "observed"}
    ).astype({"source": "str", "entity": "str", "variable": "str", "how": "str"})
    marked = twins.mark(panel, moved, WANTED, believed)
    assert marked["how"].tolist() == ["observed", "observed", "twin", "observed"]


def test_a_week_that_was_not_compared_believes_everybody(tmp_path):
    from steadycast.lake import open_lake

    found = twins.of_week(open_lake(str(tmp_path)), dt.date(2016, 6, 6))
    assert (found.spans, found.usual.empty) == ((), True)
