"""Covariates known ahead: the model sees of each week what was known of it on the Monday that forecast it."""

import datetime as dt
import functools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from steadycast import absence, ahead, degradation, explain, features, impute, models, schema, train, what_if
from steadycast.explain import change, groups, signs
from steadycast.lake import open_lake
from steadycast.settings import Settings, load
from steadycast.what_if import Move
from tests.driven import AS_OF, ENTITIES, WEEKS, rows

HORIZONS = 4
BUDGET = "plan.budget"


def settings(*, seen=True, planned=True, declared=None, cadence="weekly"):
    """Six shops whose promotions are planned four weeks ahead."""
    table = {"layout": {"entity_field": "shop"}, "kind": "local_file", "path": "/data/sales.csv"}
    sold = {"name": "units", "unit": "units per day", "weekly": "sum"}
    plan = {
        "name": "plan", "variables": [{"name": "budget", "unit": "kUSD", "weekly": "mean"}],
        "ahead_weeks": HORIZONS, "planned": planned, "cadence": cadence, **table,
    }  # fmt: skip
    return Settings.model_validate(
        {
            "title": "Six shops",
            "schedule": {"first_week": AS_OF},
            "target": {"source": "sales", "variable": "units", "unit": "units per week"},
            "sources": [{"name": "sales", "role": "fundamental", "variables": [sold], **table}, plan],
            "forecast": {
                "ahead": {"plan": ["budget"]} if seen else {},
                "signs": declared or {},
                "model": {"rounds": 60, "calibration_origins": 12},
            },
        }
    )


def promotions():
    """Weeks of a promotion by chance, of all weeks and the coming ones: 10 or nothing."""
    return 10.0 * (np.random.default_rng(9).random(WEEKS + HORIZONS) < 0.25)


def panel(plan=None):
    """Sales that are 30 % larger in the weeks of a promotion, and the plan as each Monday knew it."""
    budget = promotions() if plan is None else plan
    first = pd.Timestamp(AS_OF) - pd.Timedelta(weeks=WEEKS)
    weeks = pd.date_range(first, periods=WEEKS + HORIZONS, freq="7D")
    noise = np.random.default_rng(5)
    season = 1 + 0.1 * np.sin(2 * np.pi * weeks.day_of_year.to_numpy() / 365.25)
    tables = []
    for i, entity in enumerate(ENTITIES):
        sold = 100.0 * (i + 1) * season * (1 + 0.03 * promotions())
        sold *= 1 + 0.01 * noise.standard_normal(len(weeks))
        tables.append(rows("sales", entity, weeks[:WEEKS], "units", sold[:WEEKS]))
    for horizon in range(1, HORIZONS + 1):
        end = WEEKS + horizon
        tables.append(rows("plan", "chain", weeks[:end], schema.ahead("budget", horizon), budget[:end]))
    return pd.concat(tables, ignore_index=True)


@functools.cache
def the_model(sign=""):
    """Arguments of infer of a model that was trained with the plan in sight."""
    chosen = settings(declared={BUDGET: sign} if sign else None)
    trained = train.train(models.known_history(panel(), chosen, AS_OF), chosen)
    return {
        "texts": trained.models,
        "residuals": trained.residuals,
        "feature_names": trained.feature_names,
        "model_id": "m",
    }


def test_the_example_of_the_documentation_is_understood(tmp_path):
    repo = Path(__file__).parents[2]
    example = yaml.safe_load(
        re.search(r"```yaml\n(.*?)```", (repo / "docs/ahead.md").read_text(), re.DOTALL)[1]
    )
    raw = yaml.safe_load((repo / "include/config/pipeline.yaml").read_text())
    raw["sources"] += example["sources"]
    raw["forecast"] |= example["forecast"]
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(raw))
    found = load(tmp_path / "pipeline.yaml")
    assert found.forecast.ahead == {"promotions": ("budget",), "weather_forecast": ("tmax_c",)}


# What a Monday knew


def version(date, value, retrieved, entity="a"):
    moment = pd.Timestamp(retrieved, tz="UTC")
    return {
        "entity": entity,
        "date": pd.Timestamp(date),
        "variable": "x",
        "value": value,
        "retrieved_at": moment,
    }


def told(*versions, planned=False, timezone="UTC"):
    """Value by horizon, None where nothing was known."""
    frame = pd.DataFrame(list(versions))
    parts = ahead.issued(frame, 3, planned=planned, timezone=timezone)
    return [float(part["value"].iloc[0]) if len(part) else None for part in parts]


def test_each_horizon_has_the_newest_version_that_its_monday_knew():
    # the cell's week begins on Monday 2016-06-20
    found = told(
        version("2016-06-22", 1.0, "2016-06-06 07:00"),
        version("2016-06-22", 2.0, "2016-06-13 23:59"),
        version("2016-06-22", 3.0, "2016-06-21 00:01"),
    )
    assert found == [2.0, 2.0, 1.0]


def test_what_came_or_was_said_later_is_not_what_was_known():
    assert told(version("2016-06-22", 9.0, "2016-06-23")) == [None, None, None]
    assert told(version("2016-06-22", 9.0, "2016-06-14")) == [9.0, None, None]


def test_of_a_plan_a_week_that_was_over_counts_as_it_was_first_read():
    versions = (version("2016-06-22", 4.0, "2016-08-01"), version("2016-06-22", 5.0, "2016-09-01"))
    assert told(*versions, planned=True) == [4.0, 4.0, 4.0]
    later = (version("2016-06-22", 4.0, "2016-06-14"), version("2016-06-22", 5.0, "2016-06-20"))
    assert told(*later, planned=True) == [5.0, 4.0, 4.0]


def test_the_monday_ends_at_midnight_of_the_pipelines_timezone():
    monday_evening_in_chicago = version("2016-06-20", 1.0, "2016-06-21 03:00")
    assert told(monday_evening_in_chicago) == [None, None, None]
    assert told(monday_evening_in_chicago, timezone="America/Chicago") == [1.0, None, None]


# From the lake into the panel


def days(first, last, value, entity="a", variable="x"):
    dates = pd.date_range(first, last, unit="us")
    frame = pd.DataFrame({"entity": entity, "date": dates, "variable": variable, "value": value})
    return frame.astype({"entity": "str", "variable": "str", "value": "float64"})


def polled(lake, name, frame, moment):
    segment = lake.observations(name).append(frame, moment).segment
    lake.observations(name).accept(segment, by="test")
    return segment


def weather_settings(**more):
    raw = settings(planned=False, cadence="daily").model_dump(mode="json", exclude_unset=True)
    raw["forecast"]["horizon_weeks"] = 2
    raw["sources"][1] |= more
    return Settings.model_validate(raw)


def weeks_of_a_weather_forecast(tmp_path, **more):
    """Three Mondays that each forecast two weeks: 10 more at each further Monday."""
    lake, segments = open_lake(str(tmp_path)), []
    sold = polled(lake, "sales", days("2016-05-02", "2016-06-05", 2.0, variable="units"), at("2016-06-06"))
    for number, monday in enumerate(("2016-05-23", "2016-05-30", "2016-06-06")):
        end = pd.Timestamp(monday) + pd.Timedelta(days=13)
        issued = days(monday, end, 10.0 * (number + 1), variable="budget")
        segments.append(polled(lake, "plan", issued, at(monday)))
    for name, named in (("sales", [sold]), ("plan", segments)):
        verdict = {"source": name, "verdict": "pass", "failures": [], "warnings": [], "segments": named}
        lake.write_json(f"runs/{AS_OF}/validate/{name}.json", verdict)
    impute.run(lake, weather_settings(**more), as_of=AS_OF)
    return lake


def at(day):
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(6), dt.UTC)


def known(lake):
    frame = lake.read_frame(f"runs/{AS_OF}/impute/panel.parquet")
    mine = frame[frame["source"] == "plan"]
    wide = mine.pivot(index="week", columns="variable", values="value")
    wide.index = [str(week.date()) for week in wide.index]
    return wide


def test_the_panel_holds_forecasts_as_issued_and_of_this_monday_all_that_is_known(tmp_path):
    found = known(weeks_of_a_weather_forecast(tmp_path))
    assert found["budget@1"].dropna().to_dict() == {"2016-05-23": 10, "2016-05-30": 20, "2016-06-06": 30}
    assert found["budget@2"].dropna().to_dict() == {"2016-05-30": 10, "2016-06-06": 20, "2016-06-13": 30}


def test_good_weeks_ahead_are_not_degraded_though_the_first_mondays_knew_nothing(tmp_path):
    lake = weeks_of_a_weather_forecast(tmp_path)
    degraded = lake.read_json(f"runs/{AS_OF}/impute/degraded.json")
    assert (degraded["degraded"], degraded["reasons"]) == (False, [])


def test_an_impossible_value_is_not_known(tmp_path):
    low = [{"name": "budget", "unit": "kUSD", "weekly": "mean", "maximum": 15}]
    found = known(weeks_of_a_weather_forecast(tmp_path, variables=low))
    assert found["budget@1"].dropna().to_dict() == {"2016-05-23": 10}


# In the model's rows


def history(frame=None, chosen=None):
    return models.known_history(panel() if frame is None else frame, chosen or settings(), AS_OF)


def test_the_columns_are_what_was_said_of_the_week_and_how_far_it_is_from_the_past():
    found = history()
    said, budget = found.ahead[BUDGET], promotions()
    assert said.shape == (HORIZONS, WEEKS + HORIZONS, 1)
    maker = features.Maker(found, features.calendar(dt.date(2012, 10, 15), WEEKS + 5, "US"))
    for horizon in (1, 3):
        rows_ = maker.rows(np.array([150]), horizon)
        told_ = dict(zip(maker.names(), rows_.values[0], strict=True))
        week = 150 + horizon - 1
        assert told_[f"{BUDGET}.week"] == budget[week]
        assert told_[f"{BUDGET}.week_over_recent"] == pytest.approx(budget[week] - budget[142:150].mean())
        assert told_[f"{BUDGET}.week_over_last_year"] == budget[week] - budget[week - 52]


@hypothesis_settings(max_examples=10, deadline=None)
@given(origin=st.integers(120, WEEKS), seed=st.integers(0, 99))
def test_nothing_that_was_said_after_an_origin_is_in_its_rows(origin, seed):
    whole = history()
    said = whole.ahead[BUDGET]
    later = np.arange(said.shape[1])[None, :] > origin + np.arange(HORIZONS)[:, None]
    noise = np.random.default_rng(seed).normal(size=said.shape)
    changed = replace(whole, ahead={BUDGET: np.where(later[..., None], noise, said)})
    calendar = features.calendar(dt.date(2012, 10, 15), WEEKS + 5, "US")
    for horizon in range(1, HORIZONS + 1):
        mine, others, cut = (
            features.Maker(each, calendar).rows(np.array([origin]), horizon).values
            for each in (whole, changed, whole.until(origin))
        )
        np.testing.assert_array_equal(mine, others)
        np.testing.assert_array_equal(mine[:, -3:], cut[:, -3:])


def test_a_panel_that_lacks_what_was_said_gives_missing_columns():
    frame = panel()
    without = frame[frame[schema.SOURCE] != "plan"]
    assert np.isnan(history(without).ahead[BUDGET]).all()


def test_a_part_of_the_entities_keeps_a_series_that_serves_all():
    assert history().part(np.array([0, 2])).ahead[BUDGET].shape == (HORIZONS, WEEKS + HORIZONS, 1)


# What it is good for


def test_a_plan_of_promotions_makes_the_forecast_better():
    with_plan, without = (
        train.train(history(chosen=chosen), chosen).scores[schema.POINT]
        for chosen in (settings(), settings(seen=False))
    )
    assert with_plan < 0.5 * without


def test_a_later_change_of_the_plan_does_not_reach_back():
    other = promotions()
    other[WEEKS:] = 10.0 - other[WEEKS:]
    mine, theirs = (train.train(history(panel(plan)), settings()) for plan in (None, other))
    assert mine.models == theirs.models


def test_what_if_moves_the_plan_of_the_coming_weeks():
    found = what_if.what_if(panel(), settings(), AS_OF, the_model(), [Move(BUDGET, "to", 10.0)])
    was = promotions()[WEEKS:] == 0
    share = (found.after[schema.POINT] / found.before[schema.POINT]).groupby(found.before["horizon"]).mean()
    assert (share[was] > 1.15).all()
    np.testing.assert_allclose(share[~was], 1.0)
    assert found.moved[0].startswith("plan.budget set to 10 kUSD from 2016-06-06 to 2016-06-27: mean ")
    assert found.outside == ()


def test_what_if_moves_the_named_weeks_only_and_knows_the_range():
    move = Move(BUDGET, "to", 40.0, first=AS_OF, last=AS_OF)
    found = what_if.what_if(panel(), settings(), AS_OF, the_model(), [move])
    changed = found.after[schema.POINT] != found.before[schema.POINT]
    assert set(found.before.loc[changed, schema.HORIZON]) == {1}
    assert found.outside[0] == "1 of 1 moved values of plan.budget are beyond 0 to 10 kUSD."


def test_the_model_keeps_the_declared_sign():
    found = what_if.what_if(
        panel(), settings(declared={BUDGET: "+"}), AS_OF, the_model("+"), [Move(BUDGET, "by", 3)]
    )
    assert (found.after[schema.POINT] - found.before[schema.POINT]).min() >= -1e-9


def test_the_explanation_names_it_and_checks_its_sign():
    chosen = settings(declared={BUDGET: "-"})
    forecaster = models.forecaster(history(chosen=chosen), chosen)
    model = models.load(the_model()["texts"], forecaster.feature_names)
    told_ = groups.of_columns(forecaster.feature_names, groups.of_drivers(forecaster.history, {}))
    assert told_.count(BUDGET) == 3
    (sign,) = signs.check(forecaster, model, chosen.forecast.signs)
    assert sign.contradicts
    table = models.forecast_table(forecaster, model, np.array([WEEKS]), moving_average_weeks=4)
    found = explain.explain(forecaster, model, table, chosen, "there is none")
    assert BUDGET in set(found.contributions["group"])


def test_a_plan_that_changes_between_two_mondays_is_told_as_data():
    chosen = settings()
    said = history().ahead[BUDGET].copy()
    # last Monday the week that is horizon 1 now was horizon 2, and the plan said the opposite
    said[1, WEEKS] = 10.0 - said[1, WEEKS]
    now = replace(history(), ahead={BUDGET: said})
    before = now.until(WEEKS - 1)

    def forecasting(known_):
        forecaster = models.forecaster(known_, chosen)
        model = models.load(the_model()["texts"], forecaster.feature_names)
        return models.forecast_table(forecaster, model, np.array([len(known_.weeks)]), moving_average_weeks=4)

    found = change.change(forecasting(before), forecasting(now), before, now, forecasting)
    first = found[found[schema.WEEK] == pd.Timestamp(AS_OF)]
    moved = (first[change.AFTER] - first[change.BEFORE]).abs()
    assert (first[change.DATA].abs() > 0.7 * moved).all()
    assert (first[change.REVISION] == 0).all()
    np.testing.assert_allclose(
        found[list(change.CAUSES)].sum(axis=1), found[change.AFTER] - found[change.BEFORE]
    )


def test_its_absence_leaves_what_was_said_before_and_has_a_price():
    known_ = history()
    said = known_.ahead[BUDGET]
    for weeks, left in ((1, 3), (4, 0)):
        gone = absence.without(known_, settings(), "plan", weeks, 150, {}).ahead[BUDGET]
        assert int(np.isfinite(gone[np.arange(4), 150 + np.arange(4), 0]).sum()) == left
        for step in range(left):
            assert gone[step, 150 + step, 0] == said[step + weeks, 150 + step, 0]
    prices = absence.price(panel(), panel().iloc[:0], settings(), as_of=AS_OF)
    assert prices["sources"]["plan"]["by_weeks"]["4"]["points"] > 1.0


# What is told when it is missing

PASS = {"verdict": "pass", "failures": [], "warnings": []}
COMPARED = {"pairs": []}


def reasons(frame, **verdicts):
    known_ = {"sales": PASS, "plan": PASS} | verdicts
    return degradation.tell(settings(), frame, known_, COMPARED, as_of=AS_OF)["reasons"]


def test_a_week_to_come_of_which_nothing_is_said_is_told():
    frame = panel()
    silent = (frame["variable"] == "budget@3") & (frame["week"] == pd.Timestamp("2016-06-20"))
    frame.loc[silent, "value"] = np.nan
    assert reasons(frame) == [
        "plan says nothing of budget of chain in the weeks of 2016-06-20; the model does without"
    ]


def test_an_absent_plan_serves_as_it_was_and_says_so():
    absent = {"verdict": "absent", "failures": ["plan has no new data for 2016-06-06: 503"], "warnings": []}
    assert reasons(panel(), plan=absent) == [
        "plan has no new data for 2016-06-06: 503; "
        "what it had said of the weeks to come still serves for budget"
    ]
