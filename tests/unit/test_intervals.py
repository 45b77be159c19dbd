import numpy as np
import pandas as pd
import pytest

from steadycast import intervals, schema
from steadycast.errors import ModelError

MONDAY = pd.Timestamp("2015-06-01")


def residuals(rows: int = 400, spread: float = 0.1) -> pd.DataFrame:
    noise = np.random.default_rng(3)
    horizon = np.tile([1, 2, 3, 4], rows // 4)
    origin = MONDAY + pd.to_timedelta(7 * (np.tile(np.arange(rows // 2), 2) // 4), unit="D")
    return pd.DataFrame(
        {
            schema.ENTITY: np.repeat(["calm", "wild"], rows // 2),
            schema.HORIZON: horizon,
            schema.ORIGIN: origin,
            schema.WEEK: origin + pd.to_timedelta(7 * (horizon - 1), unit="D"),
            intervals.LEVEL: 100.0,
            schema.RESIDUAL: 100 * spread * noise.standard_normal(rows) * np.sqrt(horizon)
            * np.repeat([0.5, 2.0], rows // 2),
        }
    )  # fmt: skip


def forecast(point: float = 100.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            schema.ENTITY: ["calm"] * 4 + ["wild"] * 4 + ["new"] * 4,
            schema.HORIZON: [1, 2, 3, 4] * 3,
            schema.WEEK: MONDAY,
            schema.POINT: point,
            intervals.LEVEL: 100.0,
        }
    )


def test_the_bounds_cover_what_they_promise_on_errors_they_have_not_seen():
    bands = intervals.learn(residuals())
    fresh = residuals(4000)
    for coverage in (80, 95):
        half = bands.half_width(fresh, coverage)
        assert (fresh[schema.RESIDUAL].abs() <= half).mean() == pytest.approx(coverage / 100, abs=0.05)


def test_bounds_lie_in_order_around_the_point():
    bounded = intervals.add_bounds(forecast(), intervals.learn(residuals()), nonnegative=True)
    columns = [schema.LOWER_95, schema.LOWER_80, schema.POINT, schema.UPPER_80, schema.UPPER_95]
    assert (np.diff(bounded[columns].to_numpy(), axis=1) >= 0).all()


def test_an_interval_never_narrows_with_the_horizon_and_a_wild_series_gets_a_wider_one():
    bounded = intervals.add_bounds(forecast(), intervals.learn(residuals()), nonnegative=True)
    width = (bounded[schema.UPPER_80] - bounded[schema.LOWER_80]).groupby(bounded[schema.ENTITY])
    assert all((np.diff(values) >= 0).all() for _, values in width)
    assert width.mean()["calm"] < width.mean()["new"] < width.mean()["wild"]


@pytest.mark.parametrize(("nonnegative", "lowest"), [(True, 0.0), (False, -np.inf)])
def test_only_a_nonnegative_target_stops_at_zero(nonnegative, lowest):
    bounded = intervals.add_bounds(forecast(1.0), intervals.learn(residuals()), nonnegative=nonnegative)
    assert bounded[schema.LOWER_95].min() >= lowest
    assert (bounded[schema.LOWER_95].min() < 0) is not nonnegative


def test_a_row_without_a_level_has_no_bounds_rather_than_invented_ones():
    unknown = forecast().assign(**{intervals.LEVEL: np.nan})
    bounded = intervals.add_bounds(unknown, intervals.learn(residuals()), nonnegative=True)
    assert bounded[list(schema.BOUNDS)].isna().all().all()


def test_without_past_errors_there_are_no_intervals_and_the_error_says_what_is_needed():
    with pytest.raises(ModelError, match="at least 10 weeks of history"):
        intervals.learn(residuals().assign(**{intervals.LEVEL: 0.0}))


def seasonal(summer: float = 1.0, last: float = 1.0) -> pd.DataFrame:
    """Two years of errors of 0.05 on average; ``summer`` and ``last`` (6 weeks) make some of them larger."""
    table = residuals(832, 0.04)
    months = (table[schema.WEEK] + pd.Timedelta(days=3)).dt.month
    table.loc[months.isin([6, 7, 8]), schema.RESIDUAL] *= summer
    late = table[schema.WEEK] > table[schema.WEEK].max() - pd.Timedelta(weeks=6)
    table.loc[late, schema.RESIDUAL] *= last
    return table


def width(table: pd.DataFrame, week: pd.Timestamp) -> float:
    bounded = intervals.add_bounds(
        forecast().assign(**{schema.WEEK: week}), intervals.learn(table), nonnegative=True
    )
    return float((bounded[schema.UPPER_80] - bounded[schema.LOWER_80]).mean())


def test_a_season_with_larger_errors_has_wider_intervals_than_another():
    summer, winter = pd.Timestamp("2017-07-03"), pd.Timestamp("2017-01-02")
    assert width(seasonal(), summer) == pytest.approx(width(seasonal(), winter), rel=0.25)
    assert width(seasonal(summer=3.0), summer) > 1.5 * width(seasonal(summer=3.0), winter)


def test_intervals_follow_the_latest_misses_within_limits():
    week = pd.Timestamp("2017-06-05")
    calm, stirred, wild = (width(seasonal(last=factor), week) for factor in (1.0, 2.0, 50.0))
    assert stirred > 1.2 * calm
    # one odd month does not make the interval useless
    bands = intervals.learn(seasonal(last=50.0))
    assert bands.late == intervals.LATE_LIMITS[1]
    assert wild > stirred


def test_what_a_model_of_long_ago_got_wrong_counts_little():
    table, week = seasonal(), pd.Timestamp("2017-06-05")
    old = table[schema.ORIGIN] < table[schema.ORIGIN].min() + pd.Timedelta(weeks=40)
    worse = table.assign(**{schema.RESIDUAL: table[schema.RESIDUAL].where(~old, 3 * table[schema.RESIDUAL])})
    assert width(worse, week) < 1.08 * width(table, week)


def test_a_few_weeks_of_one_season_move_its_width_but_little():
    table = residuals(32)
    bands = intervals.learn(table)
    assert all(0.7 < factor < 1.4 for factor in bands.seasons.values())
