import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from steadycast import models, schema
from steadycast.explain import change, telling
from tests.driven import panel, settings, trained

CHOSEN = settings()


@functools.cache
def the_model():
    return trained(panel(0.1), CHOSEN)


@functools.cache
def a_newer_model():
    return trained(panel(0.05), CHOSEN)[1]


def forecasting(model):
    def of(history):
        forecaster = models.forecaster(history, CHOSEN)
        return models.forecast_table(
            forecaster, model, np.array([len(history.weeks)]), moving_average_weeks=4
        )

    return of


def split(known, now, *, new=None):
    """The split between last week's forecast from ``known`` and this week's from ``now``."""
    old_model = forecasting(the_model()[1])
    new_model = forecasting(new or the_model()[1])
    return change.change(old_model(known), new_model(now), known, now, old_model)


def weeks():
    now = the_model()[0].history
    return now.until(len(now.weeks) - 1), now


def expect_sum(table):
    np.testing.assert_allclose(
        table[list(change.CAUSES)].sum(axis=1), table[change.AFTER] - table[change.BEFORE], atol=1e-9
    )


@hypothesis_settings(max_examples=6, deadline=None)
@given(
    revised=st.lists(st.tuples(st.integers(2, 60), st.integers(0, 5), st.floats(0.3, 3)), max_size=4),
    retracted=st.lists(st.tuples(st.integers(2, 60), st.integers(0, 5)), max_size=4),
    late=st.lists(st.tuples(st.integers(2, 60), st.integers(0, 5)), max_size=4),
    news=st.floats(0.2, 5),
    retrained=st.booleans(),
)
def test_the_causes_sum_to_the_change_whatever_happened(revised, retracted, late, news, retrained):
    known, now = weeks()
    target, before = now.target.copy(), known.target.copy()
    for back, entity, factor in revised:
        target[-back, entity] *= factor
    for back, entity in retracted:
        target[-back, entity] = np.nan
    for back, entity in late:
        before[-back + 1, entity] = np.nan
    target[-1] *= news
    table = split(
        replace(known, target=before), replace(now, target=target), new=a_newer_model() if retrained else None
    )
    assert len(table) == 6 * 3
    expect_sum(table)


def test_a_week_that_comes_as_forecast_is_no_news():
    known, now = weeks()
    point = forecasting(the_model()[1])(known)
    target = now.target.copy()
    target[-1] = point[point[schema.HORIZON] == 1][schema.POINT]
    rain = now.drivers["weather.rain"].copy()
    rain[-1] = rain[-2]
    table = split(known, replace(now, target=target, drivers={"weather.rain": rain}))
    for cause in (change.DATA, change.REVISION, change.MODEL):
        np.testing.assert_allclose(table[cause], 0, atol=1e-9)
    assert table[change.CALENDAR].abs().max() > 0


def test_a_jump_of_the_newest_week_is_data_and_only_of_its_entity():
    known, now = weeks()
    calm = split(known, now).set_index([schema.ENTITY, schema.WEEK])
    target = now.target.copy()
    target[-1, 2] *= 1.5
    moved = split(known, replace(now, target=target)).set_index([schema.ENTITY, schema.WEEK])
    step = (moved - calm)[change.DATA]
    assert (step["shop_2"] > 1).all()
    # the others feel it through what all series do together, and that is data, too
    assert step.drop("shop_2").abs().max() < step["shop_2"].min()
    for cause in (change.REVISION, change.MODEL, change.CALENDAR):
        np.testing.assert_allclose(moved[cause], calm[cause], atol=1e-9)


def test_a_rewritten_past_is_revision():
    known, now = weeks()
    target = now.target.copy()
    target[-5:-1, 0] *= 0.8
    table = split(known, replace(now, target=target)).set_index(schema.ENTITY)
    assert (table.loc["shop_0", change.REVISION] < -1).all()


def test_a_retracted_value_is_revision_and_a_late_one_is_data():
    known, now = weeks()
    gap = now.target.copy()
    gap[-3:-1, 0] = np.nan
    retracted = split(known, replace(now, target=gap)).set_index(schema.ENTITY).loc["shop_0"]
    assert retracted[change.REVISION].abs().min() > 0
    late = split(replace(known, target=gap[:-1]), now).set_index(schema.ENTITY).loc["shop_0"]
    np.testing.assert_allclose(late[change.REVISION], 0, atol=1e-9)


def test_another_model_is_the_models_share_alone():
    known, now = weeks()
    same, other = split(known, now), split(known, now, new=a_newer_model())
    assert other[change.MODEL].abs().max() > 0.1
    np.testing.assert_allclose(same[change.MODEL], 0, atol=1e-9)
    for cause in (change.DATA, change.REVISION, change.CALENDAR):
        np.testing.assert_allclose(other[cause], same[cause], atol=1e-9)


def test_what_last_weeks_code_did_otherwise_is_the_models_share():
    known, now = weeks()
    old_model = forecasting(the_model()[1])
    published = old_model(known)
    published[schema.POINT] += 3.0
    table = change.change(published, old_model(now), known, now, old_model)
    np.testing.assert_allclose(table[change.MODEL], -3.0)
    expect_sum(table)


def test_an_entity_that_opened_this_week_has_no_change_and_one_that_left_neither():
    known, now = weeks()
    older = replace(known, entities=("closed", *known.entities[1:]))
    table = split(older, now)
    assert set(table[schema.ENTITY]) == set(now.entities[1:])
    expect_sum(table)


def test_a_history_that_begins_a_week_later_is_compared_week_by_week():
    known, now = weeks()
    later = replace(
        now, weeks=now.weeks[1:], target=now.target[1:],
        drivers={name: values[1:] for name, values in now.drivers.items()},
    )  # fmt: skip
    table = split(known, later)
    np.testing.assert_allclose(table[change.REVISION], 0, atol=1e-6)
    expect_sum(table)


@pytest.mark.parametrize(
    ("shape", "old"),
    [pytest.param(1, 1, id="shared"), pytest.param(6, 6, id="own"), pytest.param(6, 1, id="became_own")],
)
def test_features_of_each_or_of_all_are_laid_beside_each_other(shape, old):
    known, now = weeks()
    rain = now.drivers["weather.rain"]
    now = replace(now, drivers={"weather.rain": np.repeat(rain, shape, axis=1)})
    known = replace(known, drivers={"weather.rain": np.repeat(rain[:-1], old, axis=1)})
    laid = change.aligned(known, now).drivers["weather.rain"]
    assert laid.shape == (len(now.weeks) - 1, shape)
    assert np.isnan(laid).all() == (shape != old)


def test_the_change_is_told_in_sentences():
    table = pd.DataFrame(
        {
            "entity": ["a", "b"],
            "week": [pd.Timestamp("2016-06-13")] * 2,
            "before": [1000.0, 50.0],
            "after": [900.0, 52.0],
            "data": [-100.0, 1.0],
            "revision": [0.0, 1.0],
            "model": [-5.0, 0.0],
            "calendar": [5.0, 0.0],
        }
    )
    assert telling.change_sentences(table) == [
        "Since last week's forecast of the same 1 week: 1,050 became 952.0 (-98.0, -9.3 %): new data -99.0, "
        "revised history +1.00, new model -5.00, a week nearer +5.00.",
        "Most changed: a -100.0 (new data), b +2.00 (new data).",
    ]
