import ast
from pathlib import Path

import pandas as pd
import pytest

from steadycast import schema

PACKAGE = Path(schema.__file__).parent
TABLES = {name: value for name, value in vars(schema).items() if name.endswith("_DTYPES")}
COLUMNS_OF_FORECASTS_AND_SCORES = {
    *schema.BOUNDS,
    *schema.BENCHMARKS,
    schema.DEGRADED_REASONS,
    schema.COVERAGE_80,
    schema.COVERAGE_95,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_declared_dtype_makes_a_column_that_keeps_it(name):
    dtypes = TABLES[name]
    frame = pd.DataFrame({column: pd.Series(dtype=dtype) for column, dtype in dtypes.items()})
    assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == dtypes


def test_a_poll_has_the_columns_of_an_observation_first():
    assert list(schema.POLL_DTYPES)[: len(schema.OBSERVATION_DTYPES)] == list(schema.OBSERVATION_DTYPES)


def test_a_cell_is_a_part_of_an_observation():
    assert set(schema.CELL) < set(schema.OBSERVATION_DTYPES)


def test_bounds_are_in_ascending_order():
    assert schema.BOUNDS == ("lower_95", "lower_80", "upper_80", "upper_95")


def test_the_forecast_has_the_point_four_bounds_and_all_benchmarks():
    assert {schema.POINT, *schema.BOUNDS, *schema.BENCHMARKS} < set(schema.FORECAST_DTYPES)


def test_zero_is_never_a_way_that_a_number_came_about():
    assert "zero" not in schema.HOWS
    assert schema.HOWS[0] == "observed"


def test_columns_of_the_forecast_are_typed_nowhere_else():
    typed = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.name == "schema.py" or "settings" in file.parts:
            continue  # settings have keys of their own
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in COLUMNS_OF_FORECASTS_AND_SCORES:
                typed.setdefault(str(file.relative_to(PACKAGE)), set()).add(node.value)
    assert typed == {}
