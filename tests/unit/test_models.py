import sys

import numpy as np
import pandas as pd
import pytest

from steadycast import models, schema
from steadycast.errors import ModelError
from steadycast.models.model import seen
from steadycast.models.shares import VIEWS
from tests.modelling import AS_OF, ENTITIES, WEEKS, panel, settings


def the_forecaster(weeks: int = WEEKS, **model: object) -> models.Forecaster:
    chosen = settings(**model)
    return models.forecaster(models.known_history(panel(weeks), chosen, AS_OF), chosen)


def first_views(rows: pd.DataFrame) -> pd.DataFrame:
    """What both views say at the first past origin."""
    chosen = settings()
    made = models.forecaster(models.known_history(rows, chosen, AS_OF), chosen)
    block = models.past_models(made, count=8)[0]
    table = models.forecast_table(made, block.model, block.origins[:1], moving_average_weeks=4)
    return table[[schema.ENTITY, schema.ORIGIN, schema.WEEK, schema.POINT, *VIEWS]]


def test_a_past_origin_is_forecast_by_a_model_that_has_not_seen_its_weeks():
    told = first_views(panel())
    spoilt = panel()
    # what comes after the first past origin is nonsense: its forecast must not know
    spoilt.loc[spoilt[schema.WEEK] >= told[schema.ORIGIN].min(), schema.VALUE] *= 5
    pd.testing.assert_frame_equal(first_views(spoilt), told)


def test_past_origins_lie_two_weeks_apart_and_reach_the_last_weeks():
    origins = models.past_origins(200, 4, 26)
    assert set(np.diff(origins)) == {2}
    assert origins[-1] == 198


@pytest.mark.parametrize("weeks", [30, 60, 80])
def test_a_short_history_is_forecast_by_the_drift_or_the_level(weeks):
    short = the_forecaster(weeks)
    table = models.forecast_table(
        short, models.load(short.train(weeks), short.feature_names), np.array([weeks]), moving_average_weeks=4
    )
    assert table[schema.POINT].notna().all()
    assert len(table) == len(ENTITIES) * 4


def test_gaps_and_zeros_of_one_station_leave_the_others_forecast_finite_and_the_gap_missing():
    rows = panel()
    polk = rows[schema.ENTITY] == "Polk"
    recent = rows[schema.WEEK] >= pd.Timestamp(AS_OF) - pd.Timedelta(weeks=6)
    rows.loc[polk & recent, schema.VALUE] = np.nan
    rows.loc[(rows[schema.ENTITY] == "Western") & recent, schema.VALUE] = 0.0
    chosen = settings()
    history = models.known_history(rows, chosen, AS_OF)
    made = models.forecaster(history, chosen)
    model = models.load(made.train(WEEKS), made.feature_names)
    table = models.forecast_table(made, model, np.array([WEEKS]), moving_average_weeks=4)
    by_entity = table.set_index(schema.ENTITY)
    assert by_entity.loc["Polk", models.LEVEL].isna().all()
    assert by_entity.loc["Polk", schema.LAST_VALUE].isna().all()
    assert by_entity.loc[["Clark_Lake", "Western"], schema.POINT].notna().all()
    assert (by_entity[schema.LAST_VALUE]["Western"] == 0.0).all()


def test_the_number_of_threads_changes_nothing_in_the_errors():
    one, two = (
        models.past_errors(the_forecaster(threads=threads), count=8, moving_average_weeks=4).errors
        for threads in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_of_too_many_series_a_part_is_trained_on_and_all_are_forecast(monkeypatch):
    monkeypatch.setattr(sys.modules[models.Forecaster.__module__], "MAX_ENTITIES", 2)
    part = the_forecaster()
    model = models.load(part.train(WEEKS), part.feature_names)
    table = models.forecast_table(part, model, np.array([WEEKS]), moving_average_weeks=4)
    assert set(table[schema.ENTITY]) == set(ENTITIES)
    assert table[schema.POINT].notna().all()


def what_warmth_does(signs: dict[str, str]) -> np.ndarray:
    """Change of the booster's answers when it is warmer, in a panel that warmth has a hold on."""
    rows = panel()
    target = rows[schema.SOURCE] == "ridership"
    warmth = rows[~target].set_index(schema.WEEK)[schema.VALUE]
    step = rows.loc[target, schema.WEEK].map(warmth.diff().shift(1)).fillna(0.0)
    rows.loc[target, schema.VALUE] *= 1 - 0.03 * step
    chosen = settings()
    forecast = chosen.forecast.model_copy(update={"signs": signs})
    chosen = chosen.model_copy(update={"forecast": forecast})
    made = models.forecaster(models.known_history(rows, chosen, AS_OF), chosen)
    booster = models.load(made.train(WEEKS), made.feature_names).boosters["drift"]
    values = made.rows(np.arange(100, WEEKS), 1).values
    warmer = values.copy()
    for column in ("last", "over_last_year"):
        warmer[:, made.feature_names.index(f"weather.tmean_c.{column}")] += 5
    return np.subtract(*(booster.predict(seen(v, "drift", made.feature_names)) for v in (warmer, values)))


def test_a_declared_sign_holds_against_what_the_data_say():
    free = what_warmth_does({})
    assert free.min() < -1e-6
    assert (what_warmth_does({"weather.tmean_c": "+"}) >= -1e-12).all()
    assert (what_warmth_does({"weather.tmean_c": "-"}) <= 1e-12).all()


def test_of_too_many_rows_the_same_part_is_taken_each_time(monkeypatch):
    whole = the_forecaster().train(WEEKS)
    monkeypatch.setattr(sys.modules[models.Forecaster.__module__], "MAX_ROWS", 400)
    part = the_forecaster().train(WEEKS)
    assert part == the_forecaster().train(WEEKS)
    assert part != whole


def test_a_nonnegative_target_is_never_forecast_below_zero():
    chosen = settings()
    rows = panel()
    rows.loc[rows[schema.SOURCE] == "ridership", schema.VALUE] *= -1
    table = models.forecast_table(
        models.forecaster(models.known_history(rows, chosen, AS_OF), chosen),
        models.Model(),
        np.array([WEEKS]),
        moving_average_weeks=4,
    )
    assert (table[schema.POINT] == 0).all()


def test_a_horizon_that_needs_unknown_weeks_of_last_year_is_refused():
    with pytest.raises(ModelError, match="at most 42"):
        models.Forecaster(
            models.known_history(panel(), settings(), AS_OF),
            the_forecaster()._maker._calendar,
            horizons=51,
            settings=settings().forecast.model,
            nonnegative=True,
        )


def test_a_text_that_is_no_model_is_named(capfd):
    with pytest.raises(ModelError, match="stored model drift can not be read"):
        models.load({"drift": "no tree"}, ("a",))
    capfd.readouterr()


def test_a_model_of_other_features_is_refused():
    trained = the_forecaster().train(WEEKS)
    with pytest.raises(ModelError):
        models.load(trained, ("a", "b"))


def test_the_models_name_follows_from_data_settings_and_code_alone():
    history = models.known_history(panel(), settings(), AS_OF)
    future = panel(after=5)
    future = future[future[schema.WEEK] >= pd.Timestamp(AS_OF)]
    beyond = models.known_history(pd.concat([panel(), future]), settings(), AS_OF)
    assert models.data_sha256(beyond) == models.data_sha256(history)
    assert models.settings_sha256(settings(threads=1)) == models.settings_sha256(settings(threads=2))
    assert models.settings_sha256(settings(rounds=31)) != models.settings_sha256(settings())
    assert models.model_id("a", "b") == models.model_id("a", "b") != models.model_id("a", "c")


def test_wape_leaves_out_what_is_missing_on_either_side():
    table = pd.DataFrame({schema.POINT: [9.0, np.nan, 5.0], schema.ACTUAL: [10.0, 10.0, np.nan]})
    assert models.wape(table, schema.POINT) == pytest.approx(0.1)
    assert models.wape(table.iloc[1:], schema.POINT) is None
