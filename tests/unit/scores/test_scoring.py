import datetime as dt

import numpy as np
import pandas as pd
import pytest

from steadycast import schema
from steadycast.scores import score, summarise
from tests.forecast_tables import AS_OF, forecast

NAN = float("nan")
WEEK_2 = AS_OF + dt.timedelta(weeks=1)
WEEK_3 = AS_OF + dt.timedelta(weeks=2)
WEEK_4 = AS_OF + dt.timedelta(weeks=3)


def actuals(**values):
    """Keyword: entity; value: its weekly values from AS_OF on, NaN for a week that is not complete."""
    rows = [
        {"entity": entity, "week": pd.Timestamp(AS_OF) + pd.Timedelta(weeks=i), "value": value}
        for entity, series in values.items()
        for i, value in enumerate(series)
    ]
    frame = pd.DataFrame(rows).astype({"entity": "str", "week": "datetime64[us]", "value": "float64"})
    return frame.dropna()


def part(summary, group, key):
    (row,) = summary[(summary["group"] == group) & (summary["key"] == key)].to_dict("records")
    return row


BOTH = actuals(Clark_Lake=[100.0, 110.0, 120.0], Polk=[10.0, 9.5, 9.0])


def test_each_forecast_and_model_becomes_a_row_of_the_declared_types():
    scored = score([forecast()], BOTH, WEEK_3)
    assert {c: str(t) for c, t in scored.rows.dtypes.items()} == schema.SCORE_DTYPES
    assert (
        len(scored.rows) == 4 * 4
    )  # two entities, two weeks; ours and three benchmarks, the client has none
    row = scored.rows.query("entity == 'Clark_Lake' and horizon == 2 and model == 'ours'").iloc[0]
    assert (row["forecast"], row["actual"], row["abs_error"]) == (101.0, 110.0, 9.0)
    assert (row["in_80"], row["in_95"]) == (True, True)
    assert (row["origin"], row["week"]) == (pd.Timestamp(AS_OF), pd.Timestamp(WEEK_2))


def test_a_value_on_the_bound_is_inside_and_beyond_it_is_not():
    rows = score([forecast()], actuals(Clark_Lake=[110.0, 110.1]), WEEK_3).rows
    assert rows.query("model == 'ours'")["in_80"].tolist() == [True, False]


def test_benchmarks_have_no_coverage():
    rows = score([forecast()], BOTH, WEEK_3).rows
    assert rows.query("model != 'ours'")["in_80"].isna().all()


def test_weeks_that_are_not_over_are_counted_and_not_scored():
    scored = score([forecast()], BOTH, WEEK_2)
    assert set(scored.rows["week"]) == {pd.Timestamp(AS_OF)}
    assert scored.pending == 2


def test_weeks_without_a_complete_value_are_named_once_and_not_scored():
    missing = actuals(Clark_Lake=[100.0, NAN, 100.0], Polk=[10.0, 10.0, 10.0])
    scored = score([forecast(), forecast(WEEK_2)], missing, WEEK_4)
    assert scored.without_actual.to_dict("records") == [
        {"entity": "Clark_Lake", "week": pd.Timestamp(WEEK_2)}
    ]
    assert not ((scored.rows["entity"] == "Clark_Lake") & (scored.rows["week"] == pd.Timestamp(WEEK_2))).any()


def test_nothing_published_gives_empty_tables_of_the_same_columns():
    scored = score([], BOTH, AS_OF)
    assert {c: str(t) for c, t in scored.rows.dtypes.items()} == schema.SCORE_DTYPES
    empty, full = summarise(scored.rows), summarise(score([forecast()], BOTH, WEEK_3).rows)
    assert len(empty) == 0
    assert list(empty) == list(full)


def test_wape_is_the_sum_of_errors_over_the_sum_of_values():
    overall = part(summarise(score([forecast()], BOTH, WEEK_3).rows), "overall", "all")
    assert overall["wape_ours"] == pytest.approx((1 + 9 + 0.1 + 0.6) / (100 + 110 + 10 + 9.5))
    assert overall["wape_moving_average"] == pytest.approx((0 + 10 + 0 + 0.5) / 229.5)
    assert (overall["n"], overall["weeks"]) == (4, 2)
    assert np.isnan(overall["wape_client_forecast"])


def test_the_ratio_is_to_the_benchmark_that_is_hardest_to_beat():
    overall = part(summarise(score([forecast()], BOTH, WEEK_3).rows), "overall", "all")
    assert overall["best_benchmark"] == "moving_average"
    assert overall["ratio_to_best"] == pytest.approx(10.7 / 10.5)


def test_a_benchmark_is_compared_on_the_forecasts_that_both_have():
    gaps = {("Clark_Lake", 2, "last_value"): NAN, ("Polk", 2, "last_value"): NAN}
    overall = part(summarise(score([forecast(cells=gaps)], BOTH, WEEK_3).rows), "overall", "all")
    assert overall["wape_last_value"] == pytest.approx((2 + 0.2) / 110)
    assert overall["best_benchmark"] == "moving_average"  # 10.7 / 10.5, more than 1.1 / 2.2


def test_a_benchmark_with_few_forecasts_is_not_the_best():
    client = {("Polk", 1, "client_forecast"): 10.001}
    overall = part(summarise(score([forecast(cells=client)], BOTH, WEEK_3).rows), "overall", "all")
    assert overall["best_benchmark"] == "moving_average"
    assert overall["wape_client_forecast"] == pytest.approx(0.0001)


def test_the_best_benchmark_is_found_also_when_ours_is_perfect():
    exact = actuals(Clark_Lake=[101.0, 101.0], Polk=[10.1, 10.1])
    near = forecast(cells={("Clark_Lake", 1, "last_value"): 101.5})
    overall = part(summarise(score([near], exact, WEEK_3).rows), "overall", "all")
    assert overall["best_benchmark"] == "last_value"
    assert overall["ratio_to_best"] == pytest.approx(0, abs=1e-6)


def test_a_perfect_benchmark_is_the_best_and_gives_no_endless_ratio():
    happened = {("Clark_Lake", 1): 100.0, ("Clark_Lake", 2): 110.0, ("Polk", 1): 10.0, ("Polk", 2): 9.5}
    exact = {(entity, h, "last_value"): value for (entity, h), value in happened.items()}
    overall = part(summarise(score([forecast(cells=exact)], BOTH, WEEK_3).rows), "overall", "all")
    assert overall["wape_last_value"] == 0
    assert overall["best_benchmark"] == "last_value"
    assert np.isfinite(overall["ratio_to_best"])


def test_every_group_adds_up_to_all_forecasts():
    summary = summarise(score([forecast(), forecast(WEEK_2)], BOTH, WEEK_4).rows)
    counts = summary.groupby("group")["n"].sum()
    assert set(counts) == {8}
    assert list(counts.index) == sorted(
        ["overall", "horizon", "season", "inputs", "week", "origin", "entity"]
    )


def test_groups_name_their_keys():
    summary = summarise(score([forecast()], BOTH, WEEK_3).rows)
    keys = summary.groupby("group")["key"].agg(list)
    assert keys["horizon"] == ["1", "2"]
    assert keys["week"] == ["2016-06-06", "2016-06-13"]
    assert keys["origin"] == ["2016-06-06"]
    assert keys["season"] == ["Jun-Aug"]
    assert keys["entity"] == ["Clark_Lake", "Polk"]
    assert keys["inputs"] == ["complete"]


def test_degraded_forecasts_are_a_group_of_their_own():
    poor = {("Polk", 1, "degraded"): True, ("Polk", 1, "degraded_reasons"): "weather_a has no data"}
    summary = summarise(score([forecast(cells=poor)], BOTH, WEEK_3).rows)
    assert (part(summary, "inputs", "incomplete")["n"], part(summary, "inputs", "complete")["n"]) == (1, 3)


@pytest.mark.parametrize(
    ("monday", "name"),
    [
        pytest.param("2016-02-29", "Mar-May", id="thursday_in_march"),
        pytest.param("2016-08-29", "Sep-Nov", id="thursday_in_september"),
        pytest.param("2016-11-28", "Dec-Feb", id="thursday_in_december"),
        pytest.param("2015-12-28", "Dec-Feb", id="new_year"),
        pytest.param("2016-05-30", "Jun-Aug", id="thursday_in_june"),
    ],
)
def test_a_week_belongs_to_the_season_of_its_thursday(monday, name):
    week = dt.date.fromisoformat(monday)
    happened = pd.DataFrame(
        {"entity": ["Polk"], "week": pd.to_datetime([monday]).as_unit("us"), "value": [10.0]}
    )
    rows = score([forecast(week)], happened.astype({"entity": "str"}), week + dt.timedelta(weeks=1)).rows
    assert set(rows["season"]) == {name}


def test_zero_actuals_give_no_wape_and_no_warning():
    zero = part(summarise(score([forecast()], actuals(Polk=[0.0, 0.0]), WEEK_3).rows), "overall", "all")
    assert np.isnan(zero["wape_ours"])
    assert zero["n"] == 2
