"""Two series that have each other's numbers: in the last week, in published weeks, in points."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadycast import schema
from steadycast.checking.swapped import MOST, swapped

from .test_checking import AS_OF, LEVELS, NUMBERS, actuals, evidence, flagged, forecast, judged

NAMES = {"shop_1": "shop_2", "shop_2": "shop_1"}


def among(values, expected, size=0.05):
    level = np.full(len(expected), float(np.mean(expected)))
    return swapped(np.array(values), np.array(expected), level, np.full(len(expected), size))


def test_each_that_is_what_was_expected_of_the_other_is_found_once():
    assert among([100.0, 80.0, 60.0, 90.0], [100.0, 90.0, 60.0, 80.0]) == [(1, 3)]


def test_bad_weeks_that_fit_no_other_series_are_no_exchange():
    assert among([100.0, 75.0, 60.0, 50.0], [100.0, 90.0, 60.0, 80.0]) == []


def test_of_series_that_are_much_alike_nobody_can_tell():
    assert among([100.0, 100.5], [100.5, 100.0]) == []


def test_where_nearly_all_are_off_it_is_no_exchange():
    expected = np.linspace(50.0, 150.0, 2 * MOST)
    assert among(expected[::-1], expected) == []


@given(seed=st.integers(0, 10_000), count=st.integers(2, 80))
def test_usual_errors_are_not_taken_for_an_exchange(seed, count):
    random = np.random.default_rng(seed)
    expected = random.uniform(50, 150, count)
    sigma = 0.05 / 2.33
    values = expected * np.exp(np.clip(sigma * random.standard_normal(count), -3 * sigma, 3 * sigma))
    assert len(among(values, expected)) <= 1


def exchanged_input(weeks):
    known = actuals()
    new = known[schema.WEEK] >= AS_OF - pd.Timedelta(weeks=weeks)
    known.loc[new, schema.ENTITY] = known.loc[new, schema.ENTITY].replace(NAMES)
    return known


@pytest.fixture
def neighbours(monkeypatch):
    """Two shops that are 14 % apart: either would pass as a bad week of the other."""
    monkeypatch.setitem(LEVELS, "shop_2", 1.14 * LEVELS["shop_1"])


def test_last_values_under_each_others_name_are_flagged_though_either_alone_would_pass(neighbours):
    known = actuals()
    seen = evidence(known)
    new = known[schema.WEEK] == AS_OF - pd.Timedelta(weeks=1)
    known.loc[new, schema.ENTITY] = known.loc[new, schema.ENTITY].replace(NAMES)
    changed = evidence(known, published=seen.published)
    found = judged(forecast(known), changed)
    assert flagged(found, "input") == {"shop_1", "shop_2"}
    assert "and the other way round: the two look exchanged" in " ".join(found.warnings())
    assert "times what was forecast for it" not in " ".join(found.warnings())


def test_past_weeks_that_another_had_when_they_were_published_are_flagged():
    published = [forecast(origin=AS_OF - pd.Timedelta(weeks=back)) for back in (1, 2, 3)]
    known = exchanged_input(8)
    found = judged(forecast(known), evidence(known, published=published))
    told = " ".join(found.warnings())
    assert "shop_1: 3 of its past weeks are now what shop_2 had when they were published" in told
    assert {"shop_1", "shop_2"} <= flagged(found, "input")
    # a revision of both is none
    other = actuals()
    other[schema.VALUE] *= np.where(other[schema.ENTITY].isin(NAMES), 1.01, 1.0)
    assert "were exchanged since" not in " ".join(
        judged(forecast(other), evidence(other, published=published)).warnings()
    )


def test_points_and_bounds_under_each_others_name_are_flagged_in_all_their_weeks(neighbours):
    known = actuals()
    frame = forecast(known)
    mine, theirs = (frame[schema.ENTITY] == name for name in NAMES)
    kept = frame.loc[mine, NUMBERS].to_numpy()
    frame.loc[mine, NUMBERS] = frame.loc[theirs, NUMBERS].to_numpy()
    frame.loc[theirs, NUMBERS] = kept
    found = judged(frame, evidence(known))
    assert flagged(found, "exchanged") == {"shop_1", "shop_2"}
    assert flagged(found, "point") == set()
    weeks = {remark.week for remark in found.remarks if remark.kind == "exchanged"}
    assert weeks == set(frame[schema.WEEK])


@pytest.mark.parametrize("factor", [2.2, 0.45])
def test_a_single_width_is_odd_against_all_others_in_a_calmer_season(factor):
    frame = forecast()
    calm = 0.6  # all intervals are narrower than the last publications were
    for bound in schema.BOUNDS:
        far = frame[bound] - frame[schema.POINT]
        alone = np.where(frame[schema.ENTITY] == "shop_3", factor, 1.0)
        frame[bound] = frame[schema.POINT] + calm * alone * far
    found = judged(frame)
    assert flagged(found, "width") == {"shop_3"}
    assert found.holds == ()
