import datetime as dt

import pandas as pd
import pytest

from steadycast.scores import left_out, score, sentences, summarise, table
from tests.forecast_tables import AS_OF, LEVEL, forecast


def scored(weeks=10, shift=0.0, **cells):
    """Forecasts of many origins against actuals that are ``shift`` above the level, and their summary."""
    origins = [AS_OF + dt.timedelta(weeks=i) for i in range(weeks)]
    frames = [forecast(origin, cells.get("cells")) for origin in origins]
    rows = [
        {
            "entity": entity,
            "week": pd.Timestamp(AS_OF) + pd.Timedelta(weeks=i),
            "value": level * (1.01 + shift),
        }
        for entity, level in LEVEL.items()
        for i in range(weeks)
    ]
    actuals = pd.DataFrame(rows).astype({"entity": "str", "week": "datetime64[us]"})
    result = score(frames, actuals, AS_OF + dt.timedelta(weeks=weeks))
    return summarise(result.rows), result


def told(**options):
    return sentences(*scored(**options))


@pytest.mark.parametrize(
    ("shift", "first"),
    [
        pytest.param(
            0.002,
            "Ours 0.2 % beats last value 0.8 %, the best benchmark, over 10 weeks and 38 forecasts "
            "(WAPE; 0.25 times its error).",
            id="better",
        ),
        pytest.param(
            -0.008,
            "Ours 0.8 % loses to moving average 0.2 %, the best benchmark, over 10 weeks and 38 forecasts "
            "(WAPE; 4.00 times its error).",
            id="worse_is_said_as_plainly",
        ),
    ],
)
def test_the_first_sentence_sets_ours_beside_the_best_benchmark(shift, first):
    assert told(shift=shift)[0] == first


def test_won_weeks_are_counted():
    assert "Ours was nearer than last value in 10 of 10 weeks." in told(shift=0.002)
    assert "Ours was nearer than moving average in 0 of 10 weeks." in told(shift=-0.008)


@pytest.mark.parametrize(
    ("shift", "says"),
    [
        pytest.param(
            0.1,
            "covered 0 % of the actual values, the 95 % interval 100 %: they are too narrow.",
            id="narrow",
        ),
        pytest.param(
            0.0, "covered 100 % of the actual values, the 95 % interval 100 %: they are wider", id="wide"
        ),
    ],
)
def test_the_intervals_are_judged_by_what_they_covered(shift, says):
    assert any(f"The 80 % interval {says}" in sentence for sentence in told(shift=shift))


def test_a_coverage_that_chance_explains_is_said_to_be_that():
    summary, result = scored(shift=0.0)
    summary.loc[summary["group"] == "week", "coverage_80"] = [1.0, 0.2] * 5
    summary.loc[summary["group"] == "overall", "coverage_80"] = 0.7
    (sentence,) = [s for s in sentences(summary, result) if s.startswith("The 80 %")]
    assert sentence.endswith("; over 10 weeks that may be chance.")


def test_coverage_is_told_by_season_once_there_are_two():
    assert "By season the 80 % interval covered Jun-Aug 100 %, Sep-Nov 100 %." in told(weeks=20)
    assert not any(sentence.startswith("By season") for sentence in told(weeks=10))


def test_few_weeks_are_no_proof_and_said_so():
    few = told(weeks=3)
    assert "Only 3 weeks: too few to tell skill from luck." in few
    assert not any("narrow" in sentence or "wider" in sentence for sentence in few)
    assert not any("too few" in sentence for sentence in told(weeks=8))


def test_one_is_not_many():
    assert "Only 1 week: too few to tell skill from luck." in told(weeks=1)
    assert told(weeks=1)[0].split(", ")[2].startswith("over 1 week and 2 forecasts")


def test_where_ours_is_worse_is_named_worst_first():
    worse = {("Polk", h, "point"): 12.0 for h in (1, 2)}
    (sentence,) = [s for s in told(cells=worse) if s.startswith("Some benchmark")]
    assert sentence.startswith("Some benchmark did better in 1 of 2 entities: Polk (")
    assert not any(s.startswith("Some benchmark") for s in told())


def test_forecasts_with_incomplete_inputs_are_told_apart():
    poor = {("Polk", 1, "degraded"): True, ("Polk", 1, "degraded_reasons"): "weather_a has no data"}
    assert "Made with incomplete inputs: 10 forecasts, off by 0.2 %; the others by 0.2 % (WAPE)." in told(
        shift=0.002, cells=poor
    )


def test_without_any_benchmark_it_says_so():
    none = {(e, h, b): float("nan") for e in LEVEL for h in (1, 2)
            for b in ("same_week_last_year", "moving_average", "last_value")}  # fmt: skip
    assert told(shift=0.002, cells=none)[0] == (
        "Ours is off by 0.2 % (WAPE) over 10 weeks and 38 forecasts; there is no benchmark to compare with."
    )


def test_what_is_not_over_or_not_complete_is_counted():
    origins = [forecast(), forecast(AS_OF + dt.timedelta(weeks=1))]
    actuals = pd.DataFrame({"entity": ["Polk"], "week": [pd.Timestamp(AS_OF)], "value": [10.0]})
    actuals = actuals.astype({"entity": "str", "week": "datetime64[us]"})
    result = score(origins, actuals, AS_OF + dt.timedelta(weeks=2))
    assert left_out(result) == [
        "Left out: 3 weekly values not complete yet, of Clark_Lake, Polk, weeks 2016-06-06, 2016-06-13.",
        "2 forecasts of weeks that are not over.",
    ]


def test_the_table_has_a_line_for_each_group_and_columns_in_line():
    lines = table(scored(shift=0.002)[0]).split("\n")
    assert lines[0].split("  ")[0] == ""
    assert "client forecast" not in lines[0]  # nobody has one
    assert [line.split()[0] for line in lines[1:4]] == ["overall", "horizon", "2"]
    at = lines[0].index("ours") + len("ours")
    assert {line[at - 3 : at] for line in lines[1:]} == {"0.2"}
