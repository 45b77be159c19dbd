import numpy as np
import pytest

from steadycast import explain
from steadycast.explain import groups
from steadycast.features import History


def history(**drivers):
    weeks = np.arange("2014-01-06", "2016-06-06", 7, dtype="datetime64[D]")
    return History(weeks, ("a", "b"), np.ones((len(weeks), 2)), drivers)


def test_features_that_move_together_are_one_group_also_in_opposite_directions():
    noise = np.random.default_rng(1)
    heat = noise.standard_normal((126, 1))
    told = explain.of_drivers(
        history(
            **{
                "air.tmax": heat,
                "air.tmin": heat + 0.3 * noise.standard_normal((126, 1)),
                "gas.heating": -heat,
                "fuel.price": noise.standard_normal((126, 1)),
            }
        ),
        {},
    )
    assert told == {
        **dict.fromkeys(("air.tmax", "air.tmin", "gas.heating"), "air.tmax, tmin, gas.heating"),
        "fuel.price": "fuel.price",
    }


def test_a_declared_group_stands_and_the_others_are_learnt_among_themselves():
    heat = np.random.default_rng(1).standard_normal((126, 1))
    told = explain.of_drivers(
        history(**{"air.tmax": heat, "air.tmin": heat, "air.wind": heat}), {"warmth": ["air.tmax"]}
    )
    assert told == {"air.tmax": "warmth", "air.tmin": "air.tmin, wind", "air.wind": "air.tmin, wind"}


def test_features_of_each_entity_are_compared_by_what_their_entities_have_in_common():
    noise = np.random.default_rng(1)
    promotion = noise.standard_normal((126, 1)) + 0.1 * noise.standard_normal((126, 2))
    other = promotion.mean(axis=1, keepdims=True)
    told = explain.of_drivers(history(**{"shop.promotion": promotion, "web.clicks": other}), {})
    assert len(set(told.values())) == 1


@pytest.mark.parametrize(
    "values",
    [pytest.param(np.full((126, 1), np.nan), id="missing"), pytest.param(np.ones((126, 1)), id="constant")],
)
def test_a_feature_that_tells_nothing_stays_alone(values):
    heat = np.random.default_rng(1).standard_normal((126, 1))
    assert explain.of_drivers(history(**{"air.tmax": heat, "b.c": values}), {})["b.c"] == "b.c"


@pytest.mark.parametrize(
    ("column", "group"),
    [
        ("air.tmax.over_last_year", "warmth"),
        ("holidays_last_year", groups.CALENDAR),
        ("growth_13", groups.GROWTH),
        ("lag_2_last_year", groups.SEASON),
        ("last_year_+0", groups.SEASON),
        ("lag_2", groups.RECENT),
    ],
)
def test_each_column_has_its_group(column, group):
    assert explain.of_columns([column], {"air.tmax": "warmth"}) == [group]
