import pytest

from sandbox.faults import FaultRefused, read_fault
from sandbox.providers import load_providers


@pytest.fixture(scope="module")
def providers(small_data):
    return load_providers(small_data)


@pytest.mark.parametrize(
    ("source", "fault", "says"),
    [
        pytest.param(
            "ridership", {"kind": "stuck", "entity": "Atlantis"}, "no 'Atlantis'; it has Austin", id="entity"
        ),
        pytest.param("fuel", {"kind": "stuck", "entity": "US"}, "it has only one", id="no_entities"),
        pytest.param(
            "weather_a", {"kind": "renamed", "column": "tmp"}, "no 'tmp'; it has date, temp_min", id="column"
        ),
        pytest.param(
            "weather_a", {"kind": "stuck", "column": "date"}, "column: weather_a has no 'date'", id="date"
        ),
        pytest.param("fuel", {"kind": "swapped"}, "nothing can be swapped", id="one_of_each"),
        pytest.param(
            "ridership", {"kind": "swapped", "entity": "Austin"}, "entity and entity_b", id="half_a_pair"
        ),
        pytest.param(
            "government",
            {
                "kind": "swapped",
                "entity": "UNRATE",
                "entity_b": "PAYEMS",
                "column": "value",
                "column_b": "value",
            },
            "not both",
            id="both_pairs",
        ),
        pytest.param(
            "weather_a", {"kind": "unit_change", "column": "humidity"}, "give a factor", id="no_other_unit"
        ),
        pytest.param("fuel", {"kind": "shifted", "days": 99999}, "at most", id="shift_out_of_the_calendar"),
    ],
)
def test_a_fault_that_would_do_nothing_is_refused(providers, source, fault, says):
    with pytest.raises(FaultRefused, match=says):
        providers.check(read_fault(fault), source)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        pytest.param(
            "ridership", {"kind": "swapped", "entity": "Austin", "entity_b": "Kedzie"}, id="entities"
        ),
        pytest.param("weather_a", {"kind": "swapped"}, id="columns_by_default"),
        pytest.param("weather_a", {"kind": "renamed", "column": "date"}, id="date_renamed"),
        pytest.param(
            "weather_a", {"kind": "unit_change", "column": "humidity", "factor": 0.01}, id="own_factor"
        ),
        pytest.param("government", {"kind": "unit_change", "entity": "UNRATE"}, id="series"),
        pytest.param("fuel", {"kind": "down"}, id="transport"),
    ],
)
def test_a_fault_that_fits_is_taken(providers, source, fault):
    providers.check(read_fault(fault), source)
