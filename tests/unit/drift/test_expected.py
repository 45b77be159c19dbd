import numpy as np
import pandas as pd
import pytest

from steadycast import scores
from steadycast.drift import expected


def errors(weeks, start, *, seed, step=7, level=None, horizons=(0, 1, 2)):
    """Weekly WAPE around 5 %, or what ``level`` says of the season's name."""
    chance = np.random.default_rng(seed)
    index = pd.date_range(start, periods=weeks, freq=f"{step}D", unit="us")
    season = scores.season(index.to_series())
    tables = [
        pd.DataFrame(
            {
                "week": index,
                "season": season.to_numpy(),
                "horizon": horizon,
                "wape": [0.05 * (level or {}).get(s, 1.0) for s in season]
                * np.exp(0.3 * chance.standard_normal(weeks)),
            }
        )
        for horizon in horizons
    ]
    return pd.concat(tables, ignore_index=True)


def band(found, season, horizon):
    (one,) = [b for b in found if (b.season, b.horizon) == (season, horizon)]
    return one


PAST = errors(26, "2015-06-01", seed=1, step=14)


def test_the_sentence_has_error_band_season_and_horizon():
    told = expected.Band("Jun-Aug", 2, 8, 0.047, 0.0391, 0.0609, 0.07)
    assert told.sentence() == "4.7 % where 3.9–6.1 % was expected for Jun-Aug, horizon 2"
    assert (told.state, told.alarming) == ("expected", False)


def test_errors_as_usual_are_expected_and_twice_as_large_ones_are_not():
    live = errors(12, "2016-06-06", seed=2)
    usual = expected.bands(PAST, live)
    assert {one.state for one in usual} == {"expected"}
    worse = expected.bands(PAST, live.assign(wape=2.2 * live["wape"]))
    assert band(worse, "Jun-Aug", 0).state == "worse"
    assert band(worse, "Jun-Aug", 0).alarming
    better = expected.bands(PAST, live.assign(wape=0.3 * live["wape"]))
    assert {one.state for one in better} == {"better"}
    assert not any(one.alarming for one in better)


def test_the_band_holds_nine_of_ten_in_clean_years():
    states = []
    for seed in range(60):
        past = errors(26, "2015-06-01", seed=100 + seed, step=14, horizons=(1,))
        live = errors(13, "2016-06-06", seed=500 + seed, horizons=(1,))
        states += [one.state for one in expected.bands(past, live) if one.season == "Jun-Aug"]
    assert np.mean([state == "expected" for state in states]) == pytest.approx(0.9, abs=0.08)


def test_a_season_that_is_always_hard_is_expected_to_be():
    hard = {"Dec-Feb": 3.0}
    past = errors(52, "2014-06-02", seed=1, step=14, level=hard)
    live = errors(30, "2016-06-06", seed=2, level=hard)
    found = expected.bands(past, live)
    assert band(found, "Dec-Feb", 0).state == "expected"
    assert band(found, "Dec-Feb", 0).low > band(found, "Jun-Aug", 0).high
    assert found[0].season == expected.ALL


def test_fewer_live_weeks_have_a_wider_band_and_make_no_warning():
    live = errors(12, "2016-06-06", seed=2)
    long, short = (
        band(expected.bands(PAST, part), "Jun-Aug", 1) for part in (live, live[live["week"] < "2016-06-20"])
    )
    assert short.weeks == 2
    assert short.high - short.low > long.high - long.low
    few = live[live["week"] < "2016-06-20"]
    odd = expected.bands(PAST, few.assign(wape=10 * few["wape"]))
    assert odd[0].state == "worse"
    assert not any(one.alarming for one in odd)


def test_too_few_past_weeks_make_no_band():
    assert expected.bands(errors(7, "2015-06-01", seed=1), errors(12, "2016-06-06", seed=2)) == []


def test_weekly_errors_are_of_all_entities_by_horizon_and_of_all_horizons():
    rows = pd.DataFrame(
        {
            "week": pd.to_datetime(["2016-06-06"] * 3 + ["2016-06-13"]),
            "horizon": [1, 1, 2, 1],
            "abs_error": [10.0, 5.0, 30.0, 1.0],
            "actual": [100.0, -50.0, 150.0, 0.0],
        }
    )
    told = expected.weekly_errors(rows).set_index("horizon")["wape"]
    assert told.to_dict() == pytest.approx({1: 0.1, 2: 0.2, 0: 0.15})
