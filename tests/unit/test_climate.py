import datetime as dt

import numpy as np
import pytest

from steadycast import features
from steadycast.features.climate import Climate

WEEKS = 52 * 6
FIRST = dt.date(2010, 1, 4)


def the_calendar(horizons: int = 4) -> features.Calendar:
    return features.calendar(FIRST, WEEKS + horizons + 1, "US")


def a_series(worth: float = 1.0, luck: float = 0.0) -> np.ndarray:
    """A smooth year that grows by a tenth a year; Easter's week is worth more, and weather is luck."""
    calendar = the_calendar()
    days = np.arange(WEEKS) * 7.0
    value = 100 * np.exp(0.1 * days / 365.25) * (1 + 0.3 * np.sin(2 * np.pi * days / 365.25))
    value *= np.where(calendar.easter[:WEEKS] > 0, worth, 1.0)
    return (value * np.exp(luck * np.random.default_rng(5).standard_normal(WEEKS)))[:, None]


def drift(series: np.ndarray, origin: int, horizon: int) -> float:
    climate = Climate(series, the_calendar(), 4)
    return float(climate.drift(np.array([origin]), np.array([origin + horizon - 1]))[0, 0])


@pytest.mark.parametrize("origin", [215, 230, 250, 300])
def test_a_season_that_comes_again_and_a_steady_growth_are_foreseen(origin):
    series = a_series()
    assert drift(series, origin, 3) == pytest.approx(series[origin + 2, 0], rel=0.03)


def test_easter_keeps_its_worth_wherever_it_falls():
    calendar, series = the_calendar(), a_series(worth=1.5)
    easter = [int(week) for week in np.flatnonzero(calendar.easter[:WEEKS]) if week > 160]
    for week in easter:
        assert drift(series, week - 1, 2) == pytest.approx(series[week, 0], rel=0.08)
        # the week in which last year's Easter was is an ordinary one
        if not calendar.names[week - 52 + 52] or not calendar.easter[week]:
            continue
        then = next(w for w in range(week - 58, week - 44) if calendar.easter[w]) + 52
        if then != week and not calendar.names[then]:
            assert drift(series, then - 1, 2) == pytest.approx(series[then, 0], rel=0.08)


def test_the_luck_of_one_year_counts_less_than_in_last_years_week():
    series, plain = a_series(luck=0.2), a_series()
    calendar = the_calendar()
    maker = features.Maker(features.History(calendar.weeks[:WEEKS], ("a",), series, {}), calendar, horizons=4)
    origins = np.arange(240, WEEKS - 4)
    anchors = maker.anchors(origins, 1)
    truth = plain[origins]
    assert np.abs(anchors.drift - truth).mean() < 0.8 * np.abs(anchors.yearly - truth).mean()


@pytest.mark.parametrize("horizon", [1, 4])
def test_what_comes_after_the_origin_does_not_move_it(horizon):
    series = a_series(luck=0.1)
    before = drift(series, 250, horizon)
    series[250:] *= 7
    assert drift(series, 250, horizon) == before


def test_a_series_of_nothing_has_no_climate_and_no_warning():
    assert np.isnan(drift(np.zeros((WEEKS, 1)), 250, 1))
