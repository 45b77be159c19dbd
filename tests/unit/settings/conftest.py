"""A small correct file to break in one place at a time."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from steadycast.errors import SettingsError
from steadycast.settings import load

SMALL = yaml.safe_load(
    """
    title: Cake shops
    schedule: {first_week: 2016-06-06}
    target: {source: sales, variable: cakes, unit: cakes per week}
    sources:
      - name: sales
        kind: http_csv
        connection: shop
        role: fundamental
        path: /sales.csv
        layout: {entity_field: shop}
        variables: [{name: cakes, unit: cakes per day, weekly: sum}]
        entities: [north, south]
      - name: weather_a
        kind: local_file
        path: /data/weather_{as_of}.csv
        layout: {entity: town}
        variables: [{name: tmax_c, unit: degC}, {name: rain_mm, unit: mm}]
        twin: weather_b
      - name: weather_b
        kind: local_file
        path: /data/weather_b.csv
        layout: {entity: town}
        variables: [{name: tmax_c, unit: degC}]
    forecast: {features: {weather_a: [tmax_c]}}
    """
)

LEAVE_OUT = object()
"""As a value of `problems`: take the key out of the file."""


def small_with(changes: dict[str, Any]) -> dict[str, Any]:
    """The small file with dotted places set to other values."""
    raw = copy.deepcopy(SMALL)
    for place, value in changes.items():
        here: Any = raw
        *path, last = (int(step) if step.isdigit() else step for step in place.split("."))
        for step in path:
            here = here.setdefault(step, {}) if isinstance(here, dict) else here[step]
        if value is LEAVE_OUT:
            del here[last]
        else:
            here[last] = value
    return raw


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write_text(text: str) -> Path:
        file = tmp_path / "pipeline.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write_text


@pytest.fixture
def problems(write: Callable[[str], Path]) -> Callable[..., list[str]]:
    """What loading the small file says after changes of dotted places; [] if nothing."""

    def changed(changes: dict[str, Any]) -> list[str]:
        try:
            load(write(yaml.safe_dump(small_with(changes), sort_keys=False)))
        except SettingsError as error:
            return error.problems
        return []

    return changed
