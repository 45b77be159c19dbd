"""How much came and how late, against the source's own history."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast.expectations import arrival
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
    rows = arrival.periods(found)
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


def test_an_empty_poll_has_its_weeks():
    assert [count for _, count, _ in weeks(evidence(FULL.iloc[:0]))] == [0, 0, 0, 0]


def test_the_days_of_the_newest_week_that_are_due_are_counted_by_their_weekdays():
    weekdays_only = cells("2015-11-02", "2016-05-08", freq="B")
    poll = polled(cells("2016-05-09", "2016-06-02", freq="B"))
    found = weeks(evidence(poll, weekdays_only, expected_lag_days=4))
    assert found[-2:] == [("05-23", 5, 5.0), ("05-30", 4, 4.0)]
    gap = poll[poll["date"] != "2016-05-31"]
    assert weeks(evidence(gap, weekdays_only, expected_lag_days=4))[-1] == ("05-30", 3, 4.0)


def test_a_season_in_which_fewer_come_is_usual():
    # in May and June only weekends are reported, as every year
    everyday = cells("2013-01-07", "2016-05-08")
    open_days = everyday[~everyday["date"].dt.month.isin([5, 6]) | (everyday["date"].dt.day_of_week >= 3)]
    rows = arrival.periods(evidence(polled(cells("2016-05-09", "2016-06-05")), open_days))
    assert rows["usual"].tolist() == pytest.approx([4.9] * 4)  # never below min_row_share of lately


def test_a_gap_of_last_year_does_not_excuse_one_of_today():
    history = cells("2014-01-06", "2016-05-08")
    history = history[(history["date"] < "2015-05-01") | (history["date"] > "2015-06-20")]
    gap = FULL[(FULL["date"] < "2016-05-16") | (FULL["date"] > "2016-05-22")]
    rows = arrival.periods(evidence(gap, history))
    assert rows["share"].tolist()[1] == 0


def polls(ages, weekly=True):
    """A history that came in weekly polls whose newest date had these ages in days."""
    monday, parts, first = pd.Timestamp("2016-01-04", tz="UTC"), [], pd.Timestamp("2015-12-01")
    for age in ages:
        last = monday.tz_convert(None) - pd.Timedelta(days=age)
        part = cells(first, last)
        parts.append(part.assign(retrieved_at=monday))
        first, monday = last + pd.Timedelta(days=1), monday + pd.Timedelta(days=7)
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("newest", "known", "late"),
    [
        pytest.param("2016-06-05", polls([1] * 20), -2, id="on_time"),
        pytest.param("2016-05-31", polls([1] * 20), 3, id="later_than_ever"),
        pytest.param("2016-05-31", polls([1, 6] * 10), -1, id="was_as_late_before"),
        pytest.param("2016-05-31", polls([1] * 5), -3, id="too_few_polls_to_tell"),
        pytest.param("2016-05-27", polls([1] * 5), 1, id="beyond_max_lag_days"),
    ],
)
def test_a_series_is_late_against_its_earlier_polls(newest, known, late):
    found = arrival.ages(evidence(polled(cells("2016-05-09", newest)), known))
    assert found["late_days"].tolist() == [late]
    assert found["newest"].tolist() == [pd.Timestamp(newest)]


def test_an_empty_poll_has_no_age():
    assert arrival.ages(evidence(FULL.iloc[:0], polls([1] * 20))).empty
