import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from steadycast.drift import breaks

ENTITIES = tuple("abcdefghijklm")


def errors(weeks, *, seed, start, size=0.03, step=7):
    index = pd.DatetimeIndex(pd.date_range(start, periods=weeks, freq=f"{step}D"), name="week")
    noise = np.random.default_rng(seed).standard_normal((weeks, len(ENTITIES)))
    return pd.DataFrame(size * noise, index=index, columns=pd.Index(ENTITIES, name="entity"))


PAST = errors(26, seed=4, start="2015-06-01", step=14)


def live(seed=2, weeks=40):
    return errors(weeks, seed=seed, start="2016-06-06")


def together(found):
    return [one for one in found if not one.entity]


def test_of_40_years_of_usual_errors_few_have_a_break():
    counts = [0, 0]
    for seed in range(40):
        past = errors(26, seed=1000 + seed, start="2015-06-01", step=14)
        found = breaks.find(past, live(seed=5000 + seed, weeks=52))
        counts[0] += len(together(found))
        counts[1] += len(found) - len(together(found))
    # fewer than 1 in 10 years of all, and than 1 in 100 years of an entity
    assert counts[0] <= 3
    assert counts[1] <= 5


def test_a_level_that_falls_by_40_percent_is_found_with_its_second_week():
    table = live()
    table.iloc[20:] -= 0.4
    first = together(breaks.find(PAST, table))[0]
    assert first.since == table.index[20].date()
    assert first.found == table.index[21].date()
    assert first.size == pytest.approx(-0.4, abs=0.05)


def test_one_odd_week_however_odd_is_no_break():
    table = live()
    table.iloc[20] -= 0.9
    assert breaks.find(PAST, table) == []


def test_a_small_lean_to_one_side_is_found_after_some_weeks():
    table = live()
    table.iloc[10:] += 0.02
    first = together(breaks.find(PAST, table))[0]
    assert dt.timedelta(weeks=2) <= first.found - table.index[10].date() <= dt.timedelta(weeks=10)
    assert first.size > 0


def test_one_entity_alone_is_told_as_itself():
    table = live()
    table.loc[table.index[20] :, "c"] -= 0.5
    found = breaks.find(PAST, table)
    assert {one.entity for one in found} == {"c"}
    assert found[0].found == table.index[22].date()


def test_a_week_without_values_neither_adds_nor_ends_a_sum():
    table = live()
    table.iloc[20:] -= 0.4
    table.iloc[21] = np.nan
    assert together(breaks.find(PAST, table))[0].found == table.index[22].date()


def test_errors_are_counted_in_the_size_of_their_own_season():
    past = errors(78, seed=3, start="2013-12-02")
    winter = past.index.month.isin([12, 1, 2])
    past.loc[winter] *= 6
    calm, wild = (pd.DatetimeIndex([week], name="week") for week in ("2016-07-04", "2016-01-04"))
    sizes = [breaks._usual_size(past, week).iloc[0, 0] for week in (calm, wild)]
    assert sizes[1] > 2 * sizes[0]


@hypothesis_settings(max_examples=10, deadline=None)
@given(scale=st.floats(2, 10), seed=st.integers(0, 50), factor=st.sampled_from([-1.0, 1.0]))
def test_breaks_do_not_depend_on_the_unit_or_on_the_side(scale, seed, factor):
    table = live(seed)
    table.iloc[25:] += 0.3
    # errors large enough that the smallest usual size, which has no unit of theirs, has no part in it
    plain = breaks.find(2 * PAST, 2 * table)
    turned = breaks.find(factor * scale * PAST, factor * scale * table)
    assert {(one.entity, one.since, one.found) for one in turned} == {
        (one.entity, one.since, one.found) for one in plain
    }


def test_relative_errors_are_those_of_the_shortest_horizon():
    rows = pd.DataFrame(
        {
            "week": pd.to_datetime(["2016-06-06"] * 3 + ["2016-06-13"]),
            "horizon": [1, 2, 1, 1],
            "entity": ["a", "a", "b", "a"],
            "forecast": [100.0, 50.0, 0.0, 200.0],
            "actual": [110.0, 110.0, 5.0, 100.0],
        }
    )
    told = breaks.relative_errors(rows)
    assert told["a"].tolist() == pytest.approx([0.1, -0.5])
    assert told["b"].isna().all()


def test_without_past_or_live_errors_nothing_is_found():
    assert breaks.find(PAST.iloc[:0], live()) == []
    assert breaks.find(PAST, live().iloc[:0]) == []


def test_a_break_that_lasts_is_told_once():
    table = live()
    table.iloc[20:] -= 0.4
    assert len(together(breaks.find(PAST, table))) == 1
