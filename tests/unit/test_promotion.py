import numpy as np
import pandas as pd
import pytest

from steadycast import infer, models, schema, train
from tests.modelling import AS_OF, panel, settings


def residuals(ours: float, last_year: float, *, origins: int = 10, known: float = 1.0) -> pd.DataFrame:
    """Past forecasts of 100 that miss by so much; last year's week is known in a share of the rows."""
    origin = pd.date_range("2016-01-04", periods=origins, freq="14D")
    table = pd.DataFrame({schema.ORIGIN: np.repeat(origin, 4), schema.ACTUAL: 100.0})
    return table.assign(
        **{
            schema.POINT: 100 + ours,
            schema.RESIDUAL: -ours,
            schema.SAME_WEEK_LAST_YEAR: np.where(
                np.arange(len(table)) < known * len(table), 100 + last_year, np.nan
            ),
            schema.MOVING_AVERAGE: 130.0,
            schema.LAST_VALUE: 140.0,
        }
    )


def test_a_model_that_beats_every_benchmark_is_published():
    chosen = models.promotion(residuals(ours=3, last_year=4))
    assert (chosen.column, chosen.reason) == (schema.POINT, "")
    assert chosen.scores[schema.SAME_WEEK_LAST_YEAR] == pytest.approx((0.03, 0.04))


def test_a_benchmark_that_was_nearer_takes_its_place_and_the_reason_says_by_how_much():
    chosen = models.promotion(residuals(ours=4, last_year=-3))
    assert chosen.column == schema.SAME_WEEK_LAST_YEAR
    assert "same week last year is" in chosen.reason
    assert "off by 3.0 % and the model by 4.0 %" in chosen.reason


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(residuals(4, 3, origins=7), id="too_few_past_origins"),
        pytest.param(residuals(4, 3, known=0.4), id="a_benchmark_of_less_than_half_the_rows"),
        pytest.param(residuals(4, 3).iloc[:0], id="no_past_at_all"),
    ],
)
def test_the_model_keeps_its_place_where_little_is_known(table):
    assert models.promotion(table).column == schema.POINT


def test_where_the_benchmark_is_missing_the_model_stays():
    table = residuals(4, 3, known=0.5)
    points, errors = models.as_published(table, table, models.promotion(table))
    assert points[schema.POINT].tolist() == [103.0] * 20 + [104.0] * 20
    assert errors[schema.RESIDUAL].tolist() == [-3.0] * 20 + [-4.0] * 20


def test_the_benchmark_is_published_with_its_own_intervals_and_says_so_in_every_row():
    chosen = settings()
    history = models.known_history(panel(), chosen, AS_OF)
    trained = train.train(history, chosen)
    noise = 0.002 * np.random.default_rng(1).standard_normal(len(trained.residuals))
    spoilt = trained.residuals.assign(
        **{schema.SAME_WEEK_LAST_YEAR: trained.residuals[schema.ACTUAL] * (1 + noise)}
    )
    given = {"feature_names": trained.feature_names, "model_id": "m"}
    ours = infer.infer(history, chosen, trained.models, trained.residuals, **given)
    table = infer.infer(history, chosen, trained.models, spoilt, **given)
    pd.testing.assert_series_equal(table[schema.POINT], table[schema.SAME_WEEK_LAST_YEAR], check_names=False)
    assert table[schema.DEGRADED_REASONS].str.contains("the model is not published").all()
    assert not ours[schema.DEGRADED].any()
    # the benchmark's past errors were a tenth of the model's: so is the width
    width, before = (t[schema.UPPER_80] - t[schema.LOWER_80] for t in (table, ours))
    assert (width < before / 2).all()


def test_the_clients_past_forecasts_are_scored_too():
    chosen = settings()
    rows = panel()
    history = models.known_history(rows, chosen, AS_OF)
    client = rows[rows[schema.SOURCE] == "ridership"]
    trained = train.train(history, chosen, client=client)
    assert trained.scores[schema.CLIENT_FORECAST] == 0.0
    assert models.promotion(trained.residuals).column == schema.CLIENT_FORECAST
