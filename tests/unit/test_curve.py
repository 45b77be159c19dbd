import datetime as dt

import numpy as np
import pytest

from steadycast import features
from steadycast.features.curve import SHORTEST, Curve

WEEKS = 52 * 5
FIRST = dt.date(2011, 1, 3)


def the_calendar() -> features.Calendar:
    return features.calendar(FIRST, WEEKS + 5, "US")


def a_series(size: float = 100.0, *, growth: float = 0.0, worth: float = 1.0) -> np.ndarray:
    """A smooth year; the week of Thanksgiving is worth more."""
    days = np.arange(WEEKS) * 7.0
    value = size * np.exp(growth * days / 365.25) * (1 + 0.3 * np.sin(2 * np.pi * days / 365.25))
    festive = np.array(["Thanksgiving Day" in names for names in the_calendar().names[:WEEKS]])
    return value * np.where(festive, worth, 1.0)


def curve(series: np.ndarray, origin: int, horizon: int) -> np.ndarray:
    size = features.Lookback(np.abs(series))
    return Curve(series, size, the_calendar(), 4).at(np.array([origin]), horizon)[0]


@pytest.mark.parametrize("size", [1e-4, 1e8])
@pytest.mark.parametrize("origin", [130, 200, 250])
def test_a_smooth_season_with_a_slow_trend_is_foreseen_whatever_its_size(origin, size):
    series = a_series(size, growth=0.05)[:, None]
    assert curve(series, origin, 4)[0] == pytest.approx(series[origin + 3, 0], rel=0.03)


def test_a_holiday_is_known_by_its_name_and_its_neighbours_are_left_alone():
    calendar, series = the_calendar(), a_series(worth=1.5)[:, None]
    (*_, week) = [w for w in range(WEEKS) if "Thanksgiving Day" in calendar.names[w]]
    plain = a_series()
    # drawn to nothing a little, as there were only four before
    assert 1.3 < curve(series, week - 1, 2)[0] / plain[week] < 1.52
    assert curve(series, week - 2, 2)[0] == pytest.approx(plain[week - 1], rel=0.04)


def test_a_bend_of_the_trend_is_followed_and_the_trend_stands_still_ahead():
    weeks = np.arange(WEEKS)
    series = (a_series() * np.exp(np.maximum(weeks - 180, 0) / 52 * 0.2))[:, None]
    ahead = np.concatenate([curve(series, 250, h) for h in (1, 4)])
    season = a_series()[[250, 253]]
    assert ahead[0] == pytest.approx(series[250, 0], rel=0.05)
    assert ahead[1] / ahead[0] == pytest.approx(season[1] / season[0], rel=0.02)


def test_weeks_from_the_origin_on_have_no_say():
    series = np.stack([a_series(), a_series(7.0, growth=0.1)], axis=1)
    spoilt = series.copy()
    spoilt[200:] = 1e6
    np.testing.assert_array_equal(curve(series, 200, 3), curve(spoilt, 200, 3))


def test_a_gap_leaves_the_other_series_as_they_are_and_the_curve_finite():
    series = np.stack([a_series(), a_series(3.0), a_series(5.0)], axis=1)
    gaps = series.copy()
    gaps[100:130, 1] = np.nan
    gaps[0:40, 2] = np.nan
    told, with_gaps = curve(series, 250, 2), curve(gaps, 250, 2)
    assert with_gaps[0] == pytest.approx(told[0], rel=1e-12)
    np.testing.assert_allclose(with_gaps, told, rtol=0.02)


def test_a_short_past_or_one_without_a_level_has_no_curve():
    series = np.stack([a_series(), a_series(), a_series()], axis=1)
    series[: 250 - SHORTEST + 1, 1] = np.nan
    series[240:, 2] = np.nan
    told = curve(series, 250, 1)
    assert np.isnan(told).tolist() == [False, True, True]
    assert np.isnan(curve(series, SHORTEST - 1, 1)).all()


def test_zeros_and_negative_values_are_on_the_scale_too():
    series = a_series(1.0)[:, None] - 1.2
    series[::17] = 0.0
    told = curve(series, 250, 1)[0]
    assert np.isfinite(told)
    assert abs(told) < 2 * np.abs(series).max()
