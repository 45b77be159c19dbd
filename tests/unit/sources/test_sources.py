from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import get_args

import pytest

from steadycast import sources
from steadycast.errors import SteadycastError
from steadycast.settings import AnySource
from steadycast.sources.answers import Refused


def test_errors_of_an_answer_survive_the_way_between_processes():
    error = Refused("weather", "404 Not Found", remedy="look", status=404, message="gone")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.status, copy.message) == (Refused, str(error), 404, "gone")
    assert isinstance(copy, SteadycastError)


def test_httpx_never_logs_addresses():
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)


def test_every_kind_of_the_settings_has_its_connector():
    kinds = {get_args(model.model_fields["kind"].annotation)[0] for model in get_args(get_args(AnySource)[0])}
    modules = {path.stem for path in Path(sources.__file__).parent.glob("*.py")}
    assert kinds <= modules
    assert len(kinds) == 8


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("{start}..{end}@{as_of}", "2016-05-30..2016-06-06@2016-06-06", id="days"),
        pytest.param('{{"from": "{start}"}}', '{"from": "2016-05-30"}', id="doubled_braces"),
        pytest.param("${HOME}/{as_of}", "${HOME}/2016-06-06", id="environment"),
    ],
)
def test_placeholders_are_filled(week, text, filled):
    assert week.fill(text) == filled
