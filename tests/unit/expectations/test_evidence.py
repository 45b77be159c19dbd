"""What the source gate measures: completeness by period, behaviour by series."""

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


def weeks(found):
    rows = e.periods(found)
    return list(zip(rows["period"].dt.strftime("%m-%d"), rows["cells"], rows["usual"], strict=True))


FULL = polled(cells("2016-05-09", "2016-06-05"))


def test_a_full_window_has_the_declared_cells_in_each_week():
    assert weeks(evidence(FULL)) == [(week, 7, 7.0) for week in ("05-09", "05-16", "05-23", "05-30")]


def test_a_week_without_any_cell_is_a_row_too():
    gap = FULL[(FULL["date"] < "2016-05-16") | (FULL["date"] > "2016-05-22")]
    assert weeks(evidence(gap))[1] == ("05-16", 0, 7.0)


def test_a_week_that_is_not_due_yet_is_left_out():
    assert [week for week, _, _ in weeks(evidence(FULL, expected_lag_days=3))] == ["05-09", "05-16", "05-23"]


def test_the_sources_own_history_says_what_is_usual():
    history = pd.concat([cells("2016-01-04", "2016-05-08"), cells("2016-01-04", "2016-05-08", entity="b")])
    assert weeks(evidence(FULL, history))[0] == ("05-09", 7, 14.0)


def test_a_short_history_says_nothing_yet():
    assert weeks(evidence(FULL, cells("2016-04-25", "2016-05-08")))[0] == ("05-09", 7, 7.0)


def test_without_history_or_declared_entities_the_poll_itself_says_what_is_usual():
    gap = FULL[FULL["date"] > "2016-05-15"]
    assert weeks(evidence(gap, entities=None))[:2] == [("05-09", 0, 7.0), ("05-16", 7, 7.0)]


def test_months_are_counted_for_monthly_sources():
    poll = polled(cells("2016-01-01", "2016-04-01", freq="MS"))
    found = evidence(poll, start="2015-12-15", cadence="monthly", expected_lag_days=30, lookback_weeks=26)
    assert weeks(found) == [("01-01", 1, 1.0), ("02-01", 1, 1.0), ("03-01", 1, 1.0), ("04-01", 1, 1.0)]


def test_an_empty_poll_has_its_weeks_and_no_series():
    found = evidence(FULL.iloc[:0])
    assert [count for _, count, _ in weeks(found)] == [0, 0, 0, 0]
    assert e.series(found).empty


def one(found):
    rows = e.series(found)
    assert len(rows) == 1
    return rows.iloc[0]


def test_the_newest_date_and_its_age():
    assert one(evidence(FULL))[["newest", "age_days"]].tolist() == [pd.Timestamp("2016-06-05"), 1]


def counting(first="2014-01-01", last="2016-05-29"):
    """A history that changes every day, by season and little else."""
    frame = cells(first, last)
    day = frame["date"].dt.day_of_year
    return frame.assign(value=20 + 10 * np.sin(day / 58) + (day % 3))


def test_equal_values_at_the_end_are_counted_over_poll_and_history():
    history = counting()
    stuck = polled(cells("2016-05-25", "2016-06-05", 5.0))
    row = one(evidence(stuck, history))
    assert row[["equal_run", "equal_limit", "equal_excess"]].tolist() == [12, 4, 8]


def test_runs_that_were_as_long_before_are_normal():
    closed_in_april = cells("2016-04-01", "2016-04-20", 0.0)
    history = pd.concat([counting(last="2016-03-31"), closed_in_april, counting("2016-04-21", "2016-05-24")])
    row = one(evidence(polled(cells("2016-05-25", "2016-06-05", 0.0)), history))
    assert row[["equal_run", "equal_limit", "equal_excess"]].tolist() == [12, 20, -8]


def test_a_run_in_the_middle_is_no_run_at_the_end():
    values = np.arange(28.0)
    values[5:15] = 5.0
    assert one(evidence(polled(cells("2016-05-09", "2016-06-05", values))))["equal_run"] == 1


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
