"""Two providers of the same thing, side by side."""

import numpy as np
import pandas as pd
import pytest

from tests.twin_sources import compare, days, settings, window


def test_only_common_variables_are_compared_in_three_windows():
    found = compare(days(60), days(60))
    assert found["variable"].unique().tolist() == ["warm"]
    assert found["window_weeks"].tolist() == [1, 4, 8]
    assert found["days"].tolist() == [7, 28, 56]


def test_bias_is_source_minus_twin_and_mae_has_no_sign():
    wave = np.tile([1.0, -3.0], 28)
    last = window(compare(days(56, 20 + wave), days(56)), 8)
    assert (last["bias"], last["mae"]) == (pytest.approx(-1.0), pytest.approx(2.0))


def test_correlation_is_that_of_numpy():
    rng = np.random.default_rng(1)
    x, y = rng.normal(20, 5, 56), rng.normal(20, 5, 56)
    found = window(compare(days(56, x), days(56, y)), 8)["correlation"]
    assert found == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_a_side_that_does_not_vary_has_no_correlation():
    assert np.isnan(window(compare(days(56, 0.1), days(56, np.arange(56.0))), 8)["correlation"])


@pytest.mark.parametrize(
    ("off", "days_off", "verdict"),
    [
        pytest.param(2.9, 7, "agree", id="within_the_tolerance"),
        pytest.param(3.1, 7, "disagree", id="beyond_it_every_day"),
        pytest.param(5.0, 1, "agree", id="one_day_of_seven"),
        pytest.param(5.0, 2, "agree", id="two_days_of_seven"),
        pytest.param(5.0, 3, "disagree", id="three_days_of_seven"),
        pytest.param(30.0, 1, "disagree", id="one_day_so_far_off_that_the_mean_is"),
    ],
)
def test_a_window_is_judged_by_its_tolerance(off, days_off, verdict):
    values = np.full(56, 20.0)
    values[-days_off:] += off
    assert window(compare(days(56, values), days(56)), 1)["agreement"] == verdict


@pytest.mark.parametrize(("common", "verdict"), [(4, "undecided"), (5, "agree")])
def test_too_few_days_decide_nothing(common, verdict):
    assert window(compare(days(common), days(56)), 1)["agreement"] == verdict


def test_without_a_tolerance_nothing_is_decided():
    found = compare(days(56), days(56, 50.0), settings())
    assert set(found["agreement"]) == {"undecided"}
    assert found["beyond_share"].isna().all()
    assert found["mae"].tolist() == [30.0] * 3


def test_one_bad_entity_is_not_hidden_by_a_good_one():
    wanted = settings(tolerance={"warm": 3.0}, entities=("m", "n"))
    first = pd.concat([days(56), days(56, 40.0, entity="n")])
    second = pd.concat([days(56), days(56, entity="n")])
    found = compare(first, second, wanted)
    assert [window(found, 8, entity)["agreement"] for entity in "mn"] == ["agree", "disagree"]


def test_days_from_as_of_on_change_nothing():
    future = days(56).assign(date=lambda f: f["date"] + pd.Timedelta(days=56), value=1e6)
    first = days(56, np.arange(56.0))
    expected = compare(first, days(56))
    pd.testing.assert_frame_equal(
        compare(pd.concat([first, future]), pd.concat([days(56), future])), expected
    )


def test_nothing_in_common_is_zero_days_and_undecided():
    found = compare(days(56), days(0))
    assert (found["days"].tolist(), set(found["agreement"])) == ([0, 0, 0], {"undecided"})
