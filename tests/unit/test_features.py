import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import features, models, schema
from steadycast.errors import ModelError
from tests.modelling import AS_OF, ENTITIES, panel, settings


def the_calendar(first: str, weeks: int = 120) -> features.Calendar:
    return features.calendar(dt.date.fromisoformat(first), weeks, "US")


@pytest.mark.parametrize(
    ("week", "expected"),
    [
        pytest.param("2016-06-06", "2015-06-08", id="an_ordinary_week_is_52_weeks_back"),
        pytest.param("2016-11-21", "2015-11-23", id="thanksgiving_to_thanksgiving"),
        pytest.param("2016-03-21", "2015-03-30", id="easter_51_weeks_back_though_the_date_is_another"),
        pytest.param("2016-07-04", "2015-06-29", id="fourth_of_july_53_weeks_back"),
    ],
)
def test_a_week_is_matched_with_the_week_of_the_same_holidays_last_year(week, expected):
    calendar = the_calendar("2015-01-05")
    at = list(calendar.weeks.astype(str)).index(week)
    matched = calendar.weeks[at] - np.timedelta64(7 * int(calendar.last_year[at]), "D")
    assert str(matched) == expected


def test_a_holiday_counts_only_on_a_day_on_which_people_would_work():
    calendar = the_calendar("2015-06-29", 54)
    by_week = dict(zip(calendar.weeks.astype(str), calendar.holidays, strict=True))
    # 4 July 2015 is a Saturday: its observed Friday counts
    assert by_week["2015-06-29"] == 1
    assert by_week["2015-07-06"] == 0


def test_history_keeps_no_week_from_as_of_on():
    history = models.known_history(panel(after=6), settings(), AS_OF)
    assert history.as_of == AS_OF
    assert history.target.shape == (len(history.weeks), len(ENTITIES))
    assert history.weeks[-1] < np.datetime64(AS_OF)


def test_history_without_any_target_value_says_what_to_look_at():
    empty = panel().assign(**{schema.VALUE: np.nan})
    with pytest.raises(ModelError, match=r"(?s)no value of ridership\.entries before 2016-06-06.*impute"):
        models.known_history(empty, settings(), AS_OF)


def test_one_series_of_weather_serves_every_station():
    history = models.known_history(panel(), settings(), AS_OF)
    assert history.drivers["weather.tmean_c"].shape == (len(history.weeks), 1)


def test_a_late_source_is_moved_to_the_week_in_which_it_is_known():
    known = features.history(
        panel(), source="ridership", variable="entries", features={"weather": ["tmean_c"]},
        late_weeks={"weather": 2}, as_of=AS_OF, max_weeks=400,
    )  # fmt: skip
    punctual = models.known_history(panel(), settings(), AS_OF)
    late, there = known.drivers["weather.tmean_c"], punctual.drivers["weather.tmean_c"]
    assert np.isnan(late[:2]).all()
    np.testing.assert_array_equal(late[2:], there[:-2])


def test_features_of_an_origin_do_not_move_when_later_weeks_do():
    before = models.known_history(panel(), settings(), AS_OF)
    changed = panel()
    late = changed[schema.WEEK] >= pd.Timestamp(AS_OF) - pd.Timedelta(weeks=10)
    changed.loc[late, schema.VALUE] = 1e6
    after = models.known_history(changed, settings(), AS_OF)
    origins = np.array([len(before.weeks) - 10])
    rows = []
    for history in (before, after):
        calendar = features.calendar(history.weeks[0].item(), len(history.weeks) + 6, "US")
        rows.append(features.Maker(history, calendar).rows(origins, 3).values)
    np.testing.assert_array_equal(rows[0], rows[1])


def test_a_mean_of_too_few_weeks_is_missing_and_none_reaches_before_the_beginning():
    past = features.Lookback(np.array([[1.0], [np.nan], [np.nan], [4.0], [6.0]]))
    ends = np.array([0, 1, 4, 5])
    assert past.mean(ends, 4).ravel().tolist() == pytest.approx([np.nan, np.nan, 2.5, 5.0], nan_ok=True)
    assert past.at(np.array([-1, 0])).ravel().tolist() == pytest.approx([np.nan, 1.0], nan_ok=True)


def test_a_ratio_to_nothing_is_missing_not_infinite():
    assert features.ratio(np.array([2.0, 1.0, 1.0]), np.array([4.0, 0.0, np.nan])).tolist() == pytest.approx(
        [0.5, np.nan, np.nan], nan_ok=True
    )
