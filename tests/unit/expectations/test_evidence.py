"""What the source gate measures: the behaviour of each series."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast.expectations import evidence as e
from steadycast.schema import POLL_DTYPES
from steadycast.settings import LocalFileSource

AS_OF = dt.date(2016, 6, 6)


def source(**changes):
    return LocalFileSource.model_validate(
        {
            "name": "s",
            "kind": "local_file",
            "path": "s.csv",
            "variables": [{"name": "x", "unit": "u", "weekly": "mean"}],
            "entities": ["a"],
            "layout": {"entity_field": "e"},
            "lookback_weeks": 4,
            **changes,
        }
    )


def cells(first, last, value=1.0, entity="a", freq="D"):
    dates = pd.date_range(first, last, freq=freq, unit="us")
    values = np.broadcast_to(np.asarray(value, dtype="float64"), len(dates)).copy()
    frame = pd.DataFrame({"entity": entity, "date": dates, "variable": "x", "value": values})
    return frame.astype({"entity": "str", "variable": "str"})


def polled(*parts):
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(raw=frame["value"].astype("str"), row=range(1, len(frame) + 1)).astype(POLL_DTYPES)


def evidence(poll, known=None, start="2016-05-09", **changes):
    known = cells("2016-01-02", "2016-01-01") if known is None else known
    return e.Evidence(source(**changes), AS_OF, dt.date.fromisoformat(start), poll, known)


FULL = polled(cells("2016-05-09", "2016-06-05"))


def test_an_empty_poll_has_no_series():
    assert e.series(evidence(FULL.iloc[:0])).empty


def one(found):
    rows = e.series(found)
    assert len(rows) == 1
    return rows.iloc[0]


def counting(first="2014-01-01", last="2016-05-29"):
    """A history that changes every day, by season and little else."""
    frame = cells(first, last)
    day = frame["date"].dt.day_of_year
    return frame.assign(value=20 + 10 * np.sin(day / 58) + (day % 3))


def test_values_like_those_of_the_season_are_usual():
    poll = polled(counting("2016-05-09", "2016-06-05"))
    assert one(evidence(poll, counting()))["unusual_share"] == 0.0


def test_another_unit_is_unlike_the_history():
    poll = polled(counting("2016-05-09", "2016-06-05").assign(value=lambda f: (f["value"] - 32) / 1.8))
    row = one(evidence(poll, counting()))
    assert row["unusual_share"] == 1.0
    assert row["recent_median"] < row["usual_low"]


def test_a_rewritten_window_can_not_vouch_for_itself():
    celsius = counting("2016-05-09", "2016-05-29").assign(value=-5.0)
    history = pd.concat([counting(last="2016-05-08"), celsius])
    assert one(evidence(polled(cells("2016-05-09", "2016-06-05", -5.0)), history))["unusual_share"] == 1.0


def test_with_little_history_nothing_is_unusual():
    assert one(evidence(FULL.assign(value=1e6), cells("2016-04-01", "2016-05-08")))["unusual_share"] == 0.0


def test_values_of_january_do_not_judge_june():
    history = counting().assign(value=lambda f: f["value"].where(f["date"].dt.month > 2, 1000.0))
    assert one(evidence(polled(counting("2016-05-09", "2016-06-05")), history))["usual_high"] < 100


def test_the_season_goes_on_over_the_year_end():
    found = evidence(
        polled(counting("2015-12-07", "2016-01-03")), counting(last="2015-12-06"), start="2015-12-07"
    )
    january = e.Evidence(found.source, dt.date(2016, 1, 4), found.start, found.poll, found.known)
    assert one(january)["unusual_share"] == 0.0


def test_values_polled_again_that_changed_are_counted_with_the_largest_change():
    again = polled(cells("2016-05-09", "2016-06-05", np.r_[np.ones(10), 3.0, np.ones(17)]))
    row = one(evidence(again, cells("2016-05-09", "2016-05-29")))
    assert row[["repolled", "revised", "largest_change"]].tolist() == [21, 1, 2.0]
    assert row["largest_on"] == pd.Timestamp("2016-05-19")


@pytest.mark.parametrize(
    ("value", "revised"), [(1.005, 0), (1.02, 1)], ids=["rounding", "more_than_one_percent"]
)
def test_rounding_is_no_revision(value, revised):
    again = polled(cells("2016-05-09", "2016-05-09", value))
    assert one(evidence(again, cells("2016-05-09", "2016-05-09")))["revised"] == revised


def test_cells_that_the_provider_took_back_are_counted():
    moved = polled(cells("2016-05-10", "2016-06-05"))
    row = one(evidence(moved, cells("2016-05-01", "2016-05-29")))
    # what lies before the window was not asked for and is not missed
    assert row[["known_in_window", "vanished"]].tolist() == [21, 1]
    assert row["vanished_on"] == pd.Timestamp("2016-05-09")


def test_one_series_does_not_judge_another():
    history = pd.concat([counting(), counting().assign(entity="b", value=lambda f: f["value"] * 100)])
    poll = polled(
        counting("2016-05-09", "2016-06-05"),
        counting("2016-05-09", "2016-06-05").assign(entity="b", value=lambda f: f["value"] * 100),
    )
    assert e.series(evidence(poll, history))["unusual_share"].tolist() == [0.0, 0.0]
