import numpy as np
import pytest

from steadycast.drift import inputs
from steadycast.features import History

WEEKS = np.arange("2010-01-04", "2016-06-06", 7, dtype="datetime64[D]")
SEASON = np.sin(2 * np.pi * np.arange(len(WEEKS)) / 52.18)


def found(values):
    wide = np.asarray(values, dtype=np.float64).reshape(len(WEEKS), -1)
    return inputs.find(History(WEEKS, ("a",), np.ones((len(WEEKS), 1)), {"air.tmax": wide}))


def warmth(seed=1):
    return 50 + 25 * SEASON + 4 * np.random.default_rng(seed).standard_normal(len(WEEKS))


@pytest.mark.parametrize("seed", range(4))
def test_a_season_like_others_is_no_drift_although_it_differs_from_last_month(seed):
    assert found(warmth(seed)) == []


def test_another_unit_is_drift():
    values = warmth()
    values[-8:] = (values[-8:] - 32) / 1.8
    (one,) = found(values)
    assert one.feature == "air.tmax"
    assert one.change < one.low
    assert one.distance < -inputs.FAR


def test_what_rises_every_year_drifts_only_when_it_rises_as_never():
    steady = 200 * 1.02 ** (np.arange(len(WEEKS)) / 52)
    assert found(steady) == []
    jump = steady.copy()
    jump[-10:] *= 1.1
    assert [one.feature for one in found(jump)] == ["air.tmax"]


def test_a_constant_that_changes_is_drift():
    values = np.full(len(WEEKS), 3.0)
    assert found(values) == []
    values[-8:] = 4.0
    assert len(found(values)) == 1


@pytest.mark.parametrize(
    "missing", [slice(None), slice(-8, None), slice(0, -70)], ids=["all", "newest", "past"]
)
def test_what_is_missing_is_not_judged(missing):
    values = warmth()
    values[missing] = np.nan
    assert found(values) == []


def test_an_input_of_each_entity_is_judged_by_their_mean():
    wide = np.column_stack([warmth(1), warmth(2)])
    assert found(wide) == []
    wide[-8:] *= 2
    assert len(found(wide)) == 1
