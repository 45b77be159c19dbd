import numpy as np
import pandas as pd
import pytest

from steadycast import models, schema, train
from steadycast.features import CURVED
from steadycast.models import shares
from steadycast.models.shares import VIEWS
from tests.modelling import AS_OF, ENTITIES, WEEKS, panel, settings

HORIZONS = 4


def errors(drift: list[float], curve: list[float], origins: int = 26, *, alike: float = 0.0) -> pd.DataFrame:
    """Past forecasts whose views are off by so much of the actual value, by horizon.

    Args:
        drift: spread of the drift's errors per horizon.
        curve: of the errors that are the curve's own.
        origins: how many.
        alike: share of the drift's errors that the curve has too.
    """
    noise = np.random.default_rng(3)
    rows = []
    for origin in range(origins):
        for horizon in range(1, HORIZONS + 1):
            mine = drift[horizon - 1] * noise.standard_normal(40)
            other = alike * mine + curve[horizon - 1] * noise.standard_normal(40)
            rows.append(
                pd.DataFrame(
                    {
                        schema.ORIGIN: origin,
                        schema.HORIZON: horizon,
                        schema.ACTUAL: 100.0,
                        VIEWS[0]: 100 + mine,
                        VIEWS[1]: 100 + other,
                        schema.POINT: 100 + (mine + other) / 2,
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def test_of_two_views_with_errors_of_their_own_both_count_and_the_nearer_one_more():
    learnt = shares.learn(errors([4.0] * 4, [2.0] * 4), HORIZONS)
    assert all(0.6 <= share <= 0.9 for share in learnt)


def test_each_horizon_has_its_share():
    learnt = shares.learn(errors([1.0, 3.0, 4.0, 4.0], [3.0] * 4), HORIZONS)
    assert learnt[0] < learnt[2]


@pytest.mark.parametrize(
    "past",
    [
        pytest.param(errors([2.0] * 4, [6.0] * 4, alike=1.0), id="a_view_that_adds_noise_only"),
        pytest.param(errors([4.0] * 4, [2.0] * 4, origins=7), id="few_origins"),
        pytest.param(errors([4.0] * 4, [2.0] * 4).drop(columns=VIEWS[1]), id="no_second_view"),
    ],
)
def test_the_curve_has_no_say_where_it_is_not_worth_it_or_cannot_be_judged(past):
    assert not any(shares.learn(past, HORIZONS))


def test_the_shares_mix_each_horizon_and_the_views_are_not_kept():
    table = errors([4.0] * 4, [2.0] * 4, origins=2)
    told = shares.mixed(table, (0.0, 0.5, 1.0, 0.25))
    assert not set(VIEWS) & set(told.columns)
    expected = {1: table[VIEWS[0]], 3: table[VIEWS[1]], 4: 0.75 * table[VIEWS[0]] + 0.25 * table[VIEWS[1]]}
    for horizon, point in expected.items():
        at = table[schema.HORIZON] == horizon
        np.testing.assert_allclose(told.loc[at, schema.POINT], point[at])
    np.testing.assert_allclose(shares.mixed(table, (0.0,) * HORIZONS)[schema.POINT], table[VIEWS[0]])


def the_forecaster(rows: pd.DataFrame) -> models.Forecaster:
    chosen = settings()
    return models.forecaster(models.known_history(rows, chosen, AS_OF), chosen)


def table_of(made: models.Forecaster, model: models.Model) -> pd.DataFrame:
    return models.forecast_table(made, model, np.array([WEEKS]), moving_average_weeks=4)


def test_a_stored_model_mixes_its_views_as_the_past_taught_it():
    made = the_forecaster(panel())
    texts = made.train(WEEKS)
    views = table_of(made, models.load(texts, made.feature_names))
    learnt = (0.0, 0.3, 0.7, 1.0)
    texts[models.SHARES] = models.shares_text(learnt)
    told = table_of(made, models.load(texts, made.feature_names))
    pd.testing.assert_frame_equal(told, shares.mixed(views, learnt), check_like=True)


def test_the_curves_columns_are_shown_to_its_own_booster_alone():
    made = the_forecaster(panel())
    model = models.load(made.train(WEEKS), made.feature_names)
    seen = {base: set(booster.feature_name()) for base, booster in model.boosters.items()}
    assert seen["curve"] - seen["drift"] == set(CURVED)
    assert seen["drift"] < set(made.feature_names)


def test_a_series_too_short_for_a_curve_is_forecast_by_the_drift_alone():
    rows = panel()
    young = (rows[schema.ENTITY] == "Polk") & (
        rows[schema.WEEK] < pd.Timestamp(AS_OF) - pd.Timedelta(weeks=58)
    )
    rows.loc[young, schema.VALUE] = np.nan
    made = the_forecaster(rows)
    model = models.load(made.train(WEEKS), made.feature_names)
    table = table_of(made, model).set_index(schema.ENTITY)
    assert set(table.index) == set(ENTITIES)
    np.testing.assert_array_equal(table.loc["Polk", VIEWS[1]], table.loc["Polk", VIEWS[0]])
    assert (table.loc["Western", VIEWS[1]] != table.loc["Western", VIEWS[0]]).all()


def test_training_stores_the_second_booster_only_where_it_counts():
    chosen = settings()
    history = models.known_history(panel(), chosen, AS_OF)
    trained = train.train(history, chosen)
    # a smooth season with noise is what the curve is made for
    assert set(trained.models) == {"drift", "curve", models.SHARES}
    assert not set(VIEWS) & set(trained.residuals.columns)
    model = models.load(trained.models, trained.feature_names)
    assert max(model.shares) > 0
