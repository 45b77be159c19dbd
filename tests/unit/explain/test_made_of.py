import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from steadycast import explain, models, schema
from steadycast.explain import groups, made_of
from tests.driven import AS_OF, ENTITIES, panel, settings, trained

CHOSEN = settings()


@functools.cache
def the_model():
    return trained(panel(0.1), CHOSEN)


def forecast(forecaster, model):
    origin = np.array([len(forecaster.history.weeks)])
    return models.forecast_table(forecaster, model, origin, moving_average_weeks=4)


def explained(history):
    """The forecast from a history with the model that was trained on the good one, and its contributions."""
    _, model = the_model()
    forecaster = models.forecaster(history, CHOSEN)
    table = forecast(forecaster, model)
    drivers = explain.of_drivers(history, {})
    return table, explain.contributions(forecaster, model, table, drivers)


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    gaps=st.lists(st.tuples(st.integers(1, 120), st.integers(0, 5), st.integers(1, 20)), max_size=6),
    scale=st.sampled_from([1e-3, 1.0, 1e6]),
    shift=st.floats(-1.5, 0.5),
)
def test_contributions_sum_to_the_forecast_whatever_is_missing_small_large_or_negative(gaps, scale, shift):
    history = the_model()[0].history
    target = scale * (history.target + shift * 100)
    for back, entity, length in gaps:
        end = len(target) - back
        target[max(0, end - length) : end, entity] = np.nan
    table, told = explained(replace(history, target=target))
    keys = [schema.ENTITY, schema.WEEK]
    point = table.set_index(keys)[schema.POINT].dropna()
    total = told.groupby(keys)[made_of.CONTRIBUTION].sum().reindex(point.index)
    np.testing.assert_allclose(total, point, rtol=1e-8, atol=1e-9 * scale)
    # nothing is left over: the parts themselves explain the forecast
    assert groups.REST not in set(told[made_of.GROUP])


def test_a_forecast_starts_from_last_year_or_from_the_recent_level_where_there_is_none():
    history = the_model()[0].history
    target = history.target.copy()
    target[:-30, 0] = np.nan
    _, told = explained(replace(history, target=target))
    start = told[told[made_of.GROUP].isin([groups.START, groups.LEVEL]) & (told["contribution"] != 0)]
    by_entity = start.groupby(schema.ENTITY)[made_of.GROUP].agg(set)
    assert by_entity["shop_0"] == {groups.LEVEL}
    assert by_entity["shop_1"] == {groups.START}
    # the last of the four weeks is matched with Independence Day a week before
    last_year = history.target[[-52, -51, -50, -50], 1]
    np.testing.assert_allclose(start[start[schema.ENTITY] == "shop_1"]["contribution"], last_year)


def test_what_stands_in_for_a_forecast_is_told_as_the_rest():
    forecaster, model = the_model()
    table = forecast(forecaster, model)
    table[schema.POINT] += 7.0
    told = explain.contributions(forecaster, model, table, {})
    rest = told[told[made_of.GROUP] == groups.REST]["contribution"]
    np.testing.assert_allclose(rest, 7.0)


def test_the_driver_that_moves_the_target_has_a_share_that_follows_it():
    forecaster, model = the_model()
    parts = models.parts(forecaster, model, np.arange(100, 190), 1)
    told = made_of.by_group(parts, groups.of_columns(forecaster.feature_names, {"weather.rain": "rain"}))
    rain = forecaster.history.drivers["weather.rain"][99:189, 0]
    share = told["rain"][:, 0]
    assert np.corrcoef(rain, share)[0, 1] > 0.6
    assert share.std() > 0.01 * 100


def test_a_groups_share_is_stable_under_correlated_features_where_single_ones_are_not():
    """Three thermometers say the same: which of them the trees take is chance, their sum is not."""
    names = ("rain", "rain_b", "rain_c")
    frame = panel(0.1, copies=names)
    alone, together = [], []
    for seed in range(4):
        chosen = settings(drivers=names)
        model = chosen.forecast.model.model_copy(update={"seed": seed})
        chosen = chosen.model_copy(update={"forecast": chosen.forecast.model_copy(update={"model": model})})
        forecaster, model = trained(frame, chosen)
        learnt = explain.of_drivers(forecaster.history, {})
        assert set(learnt.values()) == {"weather.rain, rain_b, rain_c"}
        parts = models.parts(forecaster, model, np.arange(150, 190), 1)
        columns = forecaster.feature_names
        single = made_of.by_group(parts, groups.of_columns(columns, {f"weather.{n}": n for n in names}))
        alone.append([single[name][:, 0] for name in names])
        together.append(made_of.by_group(parts, groups.of_columns(columns, learnt))[learnt["weather.rain"]])
    # how far the seeds lie apart, against the size of what they tell
    spread_alone = np.std(alone, axis=0).mean() / np.abs(alone).mean()
    spread_together = np.std(together, axis=0).mean() / np.abs(together).mean()
    assert spread_together < 0.6 * spread_alone


def test_the_total_is_of_a_mean_week_with_the_start_first():
    forecaster, model = the_model()
    table = forecast(forecaster, model)
    total = explain.total(explain.contributions(forecaster, model, table, {"weather.rain": "rain"}))
    assert total.index[0] == groups.START
    assert total.abs().iloc[1:].is_monotonic_decreasing
    assert total.sum() == pytest.approx(table[schema.POINT].sum() / 4)


def test_rows_come_by_entity_and_week():
    forecaster, model = the_model()
    told = explain.contributions(forecaster, model, forecast(forecaster, model), {})
    assert told.dtypes.astype(str).to_dict() == made_of.COLUMNS
    assert told[schema.ENTITY].unique().tolist() == list(ENTITIES)
    assert told[schema.WEEK].min() == pd.Timestamp(AS_OF)
    assert not told.duplicated([schema.ENTITY, schema.WEEK, made_of.GROUP]).any()
