import pytest
from pydantic import ValidationError

from steadycast.settings import TableLayout, Variable


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        pytest.param({}, "does not say whose values", id="neither_entity_nor_field"),
        pytest.param({"entity": "a", "entity_field": "shop"}, "both entity and entity_field", id="both"),
        pytest.param(
            {"entity": "a", "variable_field": "v"}, "a long table needs both", id="long_without_value"
        ),
        pytest.param(
            {"entity": "a", "value_field": "v"}, "a long table needs both", id="long_without_variable"
        ),
    ],
)
def test_a_layout_that_does_not_say_where_is_refused(layout, says):
    with pytest.raises(ValidationError, match=says):
        TableLayout(**layout)


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param({"entity_field": "shop"}, id="wide"),
        pytest.param({"entity": "town", "variable_field": "what", "value_field": "much"}, id="long"),
    ],
)
def test_wide_and_long_layouts_are_accepted(layout):
    assert TableLayout(**layout).date_field == "date"


@pytest.mark.parametrize(
    ("minimum", "maximum"), [pytest.param(10, -10, id="swapped"), pytest.param(5, 5, id="no_room")]
)
def test_a_range_without_room_is_refused(minimum, maximum):
    with pytest.raises(ValidationError, match="swap them or correct one"):
        Variable(name="tmax_c", unit="degC", minimum=minimum, maximum=maximum)


def test_a_range_may_be_open_on_one_side():
    assert Variable(name="tmax_c", unit="degC", maximum=50).minimum is None


def test_a_limit_that_is_no_number_is_refused():
    with pytest.raises(ValidationError, match="finite"):
        Variable(name="tmax_c", unit="degC", minimum=float("nan"))


def test_the_source_field_is_the_name_unless_said_otherwise():
    assert Variable(name="tmax_c", unit="degC").source_field == "tmax_c"
    assert Variable(name="tmax_c", field="TMAX", unit="degC").source_field == "TMAX"
