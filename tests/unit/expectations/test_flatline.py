"""Values that repeat for longer than is normal for their series."""

import numpy as np
import pandas as pd
import pytest

from steadycast.expectations import flatline


def rows(values, entity="a", freq="D", last="2016-06-05"):
    dates = pd.date_range(end=last, periods=len(values), freq=freq, unit="us")
    return pd.DataFrame(
        {"entity": entity, "date": dates, "variable": "x", "value": np.asarray(values, "float64")}
    )


def judge(history, new, cadence="daily", normal=4):
    """Run, limit and excess of the new values after a history."""
    table = rows([*history, *new])
    fresh = pd.Series(np.arange(len(table)) >= len(history))
    found = flatline.runs(table, fresh, normal, cadence)
    assert len(found) == 1
    return tuple(found.iloc[0][["equal_run", "equal_limit", "equal_excess"]].astype(int))


RNG = np.random.default_rng(7)
MOVING = RNG.normal(size=700)


def test_a_value_that_stands_still_is_counted_over_history_and_poll():
    assert judge([*MOVING, 5.0], [5.0] * 6) == (7, 4, 3)


def test_a_series_below_zero_is_judged_alike():
    assert judge([*(MOVING - 40), -41.5], [-41.5] * 6) == (7, 4, 3)


def test_a_run_that_ended_within_the_new_values_is_seen():
    assert judge(MOVING, [1.0, 5.0, 5.0, 5.0, 5.0, 5.0, 2.0]) == (5, 4, 1)


def test_a_run_that_was_there_before_is_not_told_again():
    assert judge([*MOVING, *[5.0] * 9], [1.0, 2.0]) == (1, 9, -8)


def test_a_run_as_long_as_the_longest_so_far_is_normal():
    assert judge([*MOVING[:300], *[0.0] * 20, *MOVING[300:]], [0.0] * 12)[2] < 0


def test_long_closures_do_not_excuse_a_stuck_number():
    history = np.tile([3.0, 5.0, 4.0, 6.0, 7.0, 0.0, 0.0], 100) + np.tile(MOVING[:7] * 0, 100)
    history[200:260] = 0.0
    run, limit, excess = judge(history, [4.2] * 7)
    assert (run, excess > 0) == (7, True)
    assert limit < 7


@pytest.mark.parametrize(
    ("values", "cadence"),
    [
        pytest.param(RNG.poisson(0.4, 1500), "daily", id="small_whole_numbers"),
        pytest.param(RNG.poisson(3, 1500), "daily", id="whole_numbers"),
        pytest.param((RNG.random(1500) < 0.05) * RNG.normal(9, 1, 1500), "daily", id="mostly_zero"),
        pytest.param(np.round(RNG.normal(size=400).cumsum() / 12, 1), "monthly", id="slow_months"),
        pytest.param(np.repeat(RNG.normal(size=100), RNG.integers(1, 7, 100)), "weekly", id="steps"),
    ],
)
def test_series_that_repeat_by_nature_never_alarm(values, cadence):
    step = {"daily": 7, "weekly": 1, "monthly": 1}[cadence]
    ends = np.linspace(len(values) // 2, len(values) - step, 15).astype(int)
    excess = [judge(values[:end], values[end : end + step], cadence)[2] for end in ends]
    assert max(excess) <= 0


def test_at_a_first_poll_only_the_last_run_is_judged_against_the_others():
    table = rows([*MOVING[:50], *[2.0] * 9, *MOVING[50:90], *[7.0] * 6])
    found = flatline.runs(table, pd.Series(np.ones(len(table), dtype=bool)), 4, "daily").iloc[0]
    assert found[["equal_run", "equal_limit"]].tolist() == [6, 9]


def test_a_series_without_history_has_the_limit_of_the_settings():
    table = rows([2.0] * 6)
    found = flatline.runs(table, pd.Series(np.ones(6, dtype=bool)), 4, "daily").iloc[0]
    assert found[["equal_run", "equal_limit"]].tolist() == [6, 4]


def test_series_do_not_run_into_each_other():
    table = pd.concat([rows([1.0, 2.0, 3.0]), rows([3.0, 3.0, 5.0], entity="b")], ignore_index=True)
    found = flatline.runs(table, pd.Series([False, False, True] * 2), 4, "daily")
    assert found["equal_run"].tolist() == [1, 1]


def test_an_empty_poll_judges_nothing():
    assert flatline.runs(rows(MOVING), pd.Series(np.zeros(700, dtype=bool)), 4, "daily").empty
    assert flatline.runs(rows([]), pd.Series([], dtype=bool), 4, "daily").empty
