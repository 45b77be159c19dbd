import pandas as pd
import pytest

from steadycast.quarantine.filters import left_out
from steadycast.settings import Filter

ROWS = pd.DataFrame(
    {
        "entity": ["de", "fr", "de", "us"],
        "variable": ["sales", "sales", "orders", "sales"],
        "value": [5.0, 50.0, 500.0, 5000.0],
    }
)


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        pytest.param([], ["", "", "", ""], id="no_filter"),
        pytest.param([{"drop_entities": ["us"]}], ["", "", "", "f0"], id="a_list_that_goes"),
        pytest.param([{"keep_entities": ["de"]}], ["", "f0", "", "f0"], id="a_list_that_stays"),
        pytest.param([{"variable": "sales", "minimum": 5}], ["", "", "", ""], id="the_bound_itself_stays"),
        pytest.param(
            [{"variable": "sales", "minimum": 6, "maximum": 100}], ["f0", "", "", "f0"], id="range"
        ),
        pytest.param(
            [{"drop_entities": ["us"]}, {"variable": "sales", "maximum": 10}], ["", "f1", "", "f0"],
            id="the_first_that_fits_counts",
        ),
    ],
)  # fmt: skip
def test_what_a_filter_leaves_out(rules, names):
    filters = [Filter(name=f"f{i}", **rule) for i, rule in enumerate(rules)]
    assert left_out(ROWS, filters).tolist() == names


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        pytest.param({}, "must say one thing", id="nothing"),
        pytest.param({"drop_entities": ["a"], "keep_entities": ["b"]}, "must say one thing", id="two_things"),
        pytest.param({"minimum": 1}, "variable goes with minimum or maximum", id="range_of_nothing"),
        pytest.param(
            {"drop_entities": ["a"], "variable": "x"}, "variable goes with", id="variable_of_a_list"
        ),
        pytest.param({"variable": "x", "minimum": 2, "maximum": 1}, "is not above minimum", id="empty_range"),
    ],
)
def test_a_filter_that_says_nothing_or_too_much_is_refused(rule, says):
    with pytest.raises(ValueError, match=says):
        Filter(name="f", **rule)
