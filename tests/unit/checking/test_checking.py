"""What is odd and what is not, on a forecast of five quiet series with a season."""

import functools

import numpy as np
import pandas as pd
import pytest

from steadycast import schema
from steadycast.checking import Evidence, judge
from steadycast.checking.likely_error import learn
from steadycast.checking.past import distance, past, usual
from steadycast.settings import CheckForecastSettings

AS_OF = pd.Timestamp("2016-06-06")
ENTITIES = [f"shop_{n}" for n in range(5)]
LEVELS = dict(zip(ENTITIES, (1000.0, 400.0, 150.0, 60.0, 20.0), strict=True))
NUMBERS = [schema.POINT, *schema.BOUNDS]
WEEKS = 160


def truth(entity: str, week: pd.Series | pd.DatetimeIndex) -> np.ndarray:
    days = week.dt.day_of_year if isinstance(week, pd.Series) else week.day_of_year
    return LEVELS[entity] * (1 + 0.2 * np.sin(2 * np.pi * np.asarray(days) / 365.25))


def actuals(weeks: int = WEEKS) -> pd.DataFrame:
    mondays = pd.date_range(end=AS_OF - pd.Timedelta(weeks=1), periods=weeks, freq="7D", unit="us")
    parts = []
    for number, entity in enumerate(ENTITIES):
        noise = np.random.default_rng(number).standard_normal(weeks)
        value = truth(entity, mondays) * (1 + 0.03 * noise)
        parts.append(pd.DataFrame({schema.ENTITY: entity, schema.WEEK: mondays, schema.VALUE: value}))
    return pd.concat(parts, ignore_index=True)


def made(origins: list[pd.Timestamp], known: pd.DataFrame) -> pd.DataFrame:
    """Forecasts of the true season with the benchmarks beside them, as the product makes both."""
    wide = known.pivot(index=schema.WEEK, columns=schema.ENTITY, values=schema.VALUE)
    rows = []
    for origin in origins:
        before = wide[wide.index < origin]
        for entity in ENTITIES:
            for horizon in (1, 2, 3, 4):
                week = origin + pd.Timedelta(weeks=horizon - 1)
                point = float(truth(entity, pd.DatetimeIndex([week]))[0])
                rows.append(
                    {
                        schema.ENTITY: entity,
                        schema.WEEK: week,
                        schema.HORIZON: horizon,
                        schema.POINT: point,
                        schema.LOWER_95: point * 0.92,
                        schema.LOWER_80: point * 0.96,
                        schema.UPPER_80: point * 1.04,
                        schema.UPPER_95: point * 1.08,
                        schema.SAME_WEEK_LAST_YEAR: before[entity].get(week - pd.Timedelta(weeks=52)),
                        schema.MOVING_AVERAGE: before[entity].tail(4).mean(),
                        schema.LAST_VALUE: before[entity].iloc[-1],
                        schema.CLIENT_FORECAST: np.nan,
                        schema.DEGRADED: False,
                        schema.DEGRADED_REASONS: "",
                        schema.MODEL_ID: "m",
                        schema.AS_OF: origin,
                        schema.ORIGIN: origin,
                        "level": before[entity].tail(8).mean(),
                        schema.ACTUAL: wide[entity].get(week, np.nan),
                    }
                )
    out = pd.DataFrame(rows)
    out[schema.RESIDUAL] = out[schema.ACTUAL] - out[schema.POINT]
    return out


def forecast(known: pd.DataFrame | None = None, origin: pd.Timestamp = AS_OF) -> pd.DataFrame:
    table = made([origin], actuals() if known is None else known)
    return table[list(schema.FORECAST_DTYPES)].astype(schema.FORECAST_DTYPES)


ORIGINS = [AS_OF - pd.Timedelta(weeks=4 + 2 * back) for back in range(20)]


@functools.cache
def usual_past() -> pd.DataFrame:
    return made(ORIGINS, actuals())


def evidence(known: pd.DataFrame | None = None, **more: object) -> Evidence:
    residuals = usual_past() if known is None else made(ORIGINS, known)
    known = actuals() if known is None else known
    residuals = residuals[residuals[schema.ACTUAL].notna()].reset_index(drop=True)
    before = forecast(known, AS_OF - pd.Timedelta(weeks=1))
    before[NUMBERS] = before[NUMBERS] * 1.01
    return Evidence(known, residuals, **{"published": [before], **more})


def judged(frame: pd.DataFrame, seen: Evidence | None = None, **limits: float):
    return judge(frame, evidence() if seen is None else seen, AS_OF, CheckForecastSettings(**limits))


def flagged(judgement, kind: str) -> set[str]:
    return {remark.entity for remark in judgement.remarks if remark.kind == kind}


def test_a_usual_forecast_has_nothing_to_say():
    found = judged(forecast())
    assert (found.holds, found.looks, found.remarks) == ((), (), ())
    assert 0.01 < found.facts["estimated_error"] < 0.05
    assert 0.01 < found.facts["usual_error"] < 0.05


@pytest.mark.parametrize("factor", [0.45, 2.2, 100.0])
def test_one_series_in_another_unit_is_flagged_by_row(factor):
    frame = forecast()
    frame.loc[frame["entity"] == "shop_2", NUMBERS] *= factor
    found = judged(frame)
    assert flagged(found, "point") == flagged(found, "revision") == {"shop_2"}
    assert "nearest of its benchmarks" in " ".join(found.warnings())


def test_all_series_in_another_unit_are_held():
    frame = forecast()
    frame[NUMBERS] *= 1.6
    (text,) = judged(frame).holds
    assert text.startswith("20 of 20 points are far from last year")


def test_far_below_everything_is_held_even_for_one_series():
    frame = forecast()
    frame.loc[frame["entity"] == "shop_2", NUMBERS] *= 0.01
    assert judged(frame).holds == ("shop_2: points of less than a 3th of every benchmark",)


def test_a_season_that_last_year_had_too_is_not_odd():
    known = actuals()
    christmas = AS_OF + pd.Timedelta(weeks=1)
    last = known[schema.WEEK] == christmas - pd.Timedelta(weeks=52)
    known.loc[last, schema.VALUE] *= 1.8
    frame = forecast(known)
    frame.loc[frame[schema.WEEK] == christmas, NUMBERS] *= 1.8
    seen = evidence(known, published=[])
    assert flagged(judged(frame, seen), "point") == set()


def test_exploded_intervals_are_flagged_and_held_when_they_are_many():
    frame = forecast()
    mine = frame["entity"] == "shop_1"
    frame.loc[mine, schema.UPPER_80] += frame.loc[mine, schema.POINT] * 0.3
    one = judged(frame)
    assert flagged(one, "width") == {"shop_1"}
    assert one.holds == ()
    frame[schema.UPPER_80] = frame[schema.POINT] * 1.5
    assert "intervals are not as wide as usual" in judged(frame).holds[0]


def test_rows_of_two_series_under_each_others_name_are_held():
    frame = forecast()
    frame[schema.ENTITY] = frame[schema.ENTITY].replace({"shop_1": "shop_2", "shop_2": "shop_1"})
    assert judged(frame).holds[0].startswith("shop_1, shop_2: last value or moving average")


def test_an_old_forecast_under_this_weeks_name_is_held():
    old = forecast(origin=AS_OF - pd.Timedelta(weeks=1))
    frame = old.assign(**{schema.AS_OF: AS_OF, schema.WEEK: old[schema.WEEK] + pd.Timedelta(weeks=1)})
    found = judged(frame, evidence(published=[old]))
    assert any("are exactly those of the forecast of 2016-05-30" in text for text in found.holds)


def test_a_stuck_value_is_flagged_for_one_series_and_held_for_most():
    known = actuals()
    wide = known.pivot(index=schema.WEEK, columns=schema.ENTITY, values=schema.VALUE)
    wide.loc[wide.index[-1], "shop_0"] = wide.loc[wide.index[-2], "shop_0"]
    one = wide.stack().rename(schema.VALUE).reset_index()
    assert flagged(judged(forecast(one), evidence(one)), "input") == {"shop_0"}
    wide.loc[wide.index[-1]] = wide.loc[wide.index[-2]]
    every = wide.stack().rename(schema.VALUE).reset_index()
    assert "exactly that of an earlier week" in judged(forecast(every), evidence(every)).holds[0]


def test_weeks_that_are_missing_are_told_by_series():
    known = actuals()
    late = (known["entity"] == "shop_3") & (known["week"] >= AS_OF - pd.Timedelta(weeks=3))
    known = known[~late]
    found = judged(forecast(), evidence(known, published=[]))
    assert "shop_3: the newest known week is 4 weeks old" in found.warnings()
    assert "shop_3" in flagged(found, "input")


def test_a_last_value_far_from_its_forecast_is_an_input_to_look_at():
    known = actuals()
    last = (known["entity"] == "shop_4") & (known["week"] == AS_OF - pd.Timedelta(weeks=1))
    known.loc[last, schema.VALUE] *= 2
    seen = evidence(known)
    found = judged(forecast(known), seen)
    assert "shop_4: its last value" in " ".join(found.warnings())
    assert flagged(found, "input") == {"shop_4"}
    # the same without any publication, from the errors that train replays
    assert flagged(judged(forecast(known), evidence(known, published=[])), "input") == {"shop_4"}


def test_a_young_series_is_flagged():
    known = actuals()
    known = known[(known["entity"] != "shop_0") | (known["week"] >= AS_OF - pd.Timedelta(weeks=20))]
    found = judged(forecast(), evidence(known, published=[]))
    assert "shop_0: only 20 weeks are known of it, too few to know its season" in found.warnings()


def test_a_driver_outside_its_range_is_told():
    weeks = pd.date_range(end=AS_OF - pd.Timedelta(weeks=1), periods=60, freq="7D", unit="us")
    rows = pd.DataFrame(
        {"source": "weather", "entity": "midway", "week": weeks, "variable": "tmax_f", "how": "observed"}
    )
    rows[schema.VALUE] = 50 + 30 * np.sin(np.arange(60) / 8)
    assert judged(forecast(), evidence(drivers=rows)).looks == ()
    rows.loc[59, schema.VALUE] = 131.0
    (text,) = judged(forecast(), evidence(drivers=rows)).looks
    assert text.startswith("weather.tmax_f of midway in the week of 2016-05-30 is 131, outside of 20")


def test_many_imputed_inputs_are_a_reason_to_look():
    assert judged(forecast(), evidence(imputed=0.5)).looks == ()
    assert judged(forecast(), evidence(imputed=0.7)).looks == (
        "70 % of the inputs of the last weeks are imputed, more than 50 %",
    )


def test_the_error_to_expect_grows_where_the_benchmarks_disagree():
    known = actuals()
    residuals = evidence(known).residuals.copy()
    wild = residuals[schema.ORIGIN].isin(sorted(residuals[schema.ORIGIN].unique())[::3])
    residuals.loc[wild, schema.LAST_VALUE] *= 1.6
    residuals.loc[wild, schema.RESIDUAL] *= 6
    likely = learn(residuals, past(known, AS_OF))
    frame = residuals[residuals[schema.ORIGIN] == residuals[schema.ORIGIN].max()].copy()
    calm = likely.of(frame, past(known, AS_OF))
    frame[schema.LAST_VALUE] *= 1.6
    assert (likely.of(frame, past(known, AS_OF)) > 1.3 * calm).all()
    seen = Evidence(known, residuals)
    torn = forecast(known)
    torn[schema.SAME_WEEK_LAST_YEAR] *= 1.8
    assert any("the error to expect is" in text for text in judged(torn, seen, odd_error=0.8).looks)


def test_a_few_origins_do_not_say_what_is_usual():
    residuals = evidence().residuals
    few = sorted(residuals[schema.ORIGIN].unique())[:4]
    assert learn(residuals, past(actuals(), AS_OF)) is not None
    assert learn(residuals[residuals[schema.ORIGIN].isin(few)], past(actuals(), AS_OF)) is None


def test_without_past_errors_only_the_inputs_are_judged():
    frame = forecast()
    frame[NUMBERS] *= 2.0
    found = judged(frame, Evidence(actuals()))
    assert (found.holds, found.remarks) == ((), ())
    assert found.facts["estimated_error"] is None


def test_a_distance_is_a_ratio_and_stays_finite_at_zero():
    found = distance(pd.Series([110.0, 0.0, np.nan]), pd.Series([100.0, 100.0, 1.0]), pd.Series([100.0] * 3))
    assert found[0] == pytest.approx(np.log(1.1), abs=0.005)
    assert -5 < found[1] < -3
    assert np.isnan(found[2])


def test_what_is_usual_leans_on_the_others_where_the_past_is_short():
    entities = pd.Series(["long"] * 400 + ["short"] * 2)
    sizes = np.concatenate([np.full(400, 0.1), np.full(2, 0.9)])
    found = usual(sizes, entities, least=0.01)
    assert found.of(pd.Series(["long"]))[0] == pytest.approx(0.1, abs=0.05)
    assert found.of(pd.Series(["short"]))[0] < 0.6
    assert found.of(pd.Series(["new"]))[0] == found.pool


def test_a_plan_outside_its_range_is_told_once_with_its_coming_week():
    weeks = pd.date_range(AS_OF - pd.Timedelta(weeks=30), periods=31, freq="7D", unit="us")
    rows = [
        ("plan", "chain", week, f"budget@{horizon}", 400.0 if week == AS_OF else float(n % 10), "observed")
        for horizon in (1, 2)
        for n, week in enumerate(weeks)
    ]
    drivers = pd.DataFrame(rows, columns=list(schema.PANEL_DTYPES)).astype(schema.PANEL_DTYPES)
    told = [text for text in judged(forecast(), evidence(drivers=drivers)).looks if "plan" in text]
    assert told == [
        "plan.budget of chain in the week of 2016-06-06 is 400, outside of 0 to 9, "
        "the range that the model was trained on"
    ]
