import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from steadycast.errors import SettingsError
from steadycast.settings import Settings, load, schema_json
from steadycast.settings.__main__ import main

CONFIG = Path(__file__).parents[3] / "include" / "config"

SMALL_TEXT = """\
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
    variables:
      - {name: cakes, unit: cakes per day, weekly: sum}
"""


def test_the_shipped_file_loads():
    settings = load(CONFIG / "pipeline.yaml")
    assert settings.target_source.name == settings.target.source
    assert settings.target_source.role == "fundamental"


def test_the_shipped_schema_is_what_make_schema_writes():
    assert (CONFIG / "pipeline.schema.json").read_text(encoding="utf-8") == schema_json()


def test_the_schema_offers_every_top_level_setting_to_editors():
    assert set(json.loads(schema_json())["properties"]) == set(Settings.model_fields)


def test_a_small_file_takes_defaults(write):
    settings = load(write(SMALL_TEXT))
    assert settings.source("sales").lookback_weeks == 8
    assert settings.forecast.horizon_weeks == 4


def test_settings_are_frozen(write):
    settings = load(write(SMALL_TEXT))
    with pytest.raises(ValidationError, match="frozen"):
        settings.title = "another"
    with pytest.raises(ValidationError, match="frozen"):
        settings.sources[0].name = "another"


def test_all_mistakes_are_told_at_once_each_with_place_and_line(write):
    text = (
        SMALL_TEXT.replace("first_week: 2016-06-06", "first_week: 2016-06-08")
        .replace("path: /sales.csv", "pth: /sales.csv")
        .replace("variable: cakes,", "variable: pies,")
    )
    with pytest.raises(SettingsError) as caught:
        load(write(text))
    found = caught.value.problems
    assert [problem.split(":")[0] for problem in found] == [
        "schedule.first_week (line 2)",
        "sources.0.path (line 5)",
        "sources.0.pth (line 9)",
        "target.variable (line 3)",
    ]
    assert all(problem in str(caught.value) for problem in found)
    assert str(caught.value).startswith("pipeline.yaml has 4 problem(s):")


def test_the_union_tag_never_shows_in_a_place(write):
    with pytest.raises(SettingsError) as caught:
        load(write(SMALL_TEXT.replace("connection: shop", "conection: shop")))
    assert not any("http_csv." in problem for problem in caught.value.problems)


def test_a_key_that_appears_twice_is_refused_even_deep_in_a_list(write):
    with pytest.raises(SettingsError) as caught:
        load(write(SMALL_TEXT.replace("{name: cakes, unit", "{name: cakes, unit: pies, unit")))
    assert caught.value.problems == [
        "sources.0.variables.0.unit (line 12): key 'unit' appears twice; keep one"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "is empty or not a mapping of settings", id="empty"),
        pytest.param("# only a comment\n", "is empty or not a mapping of settings", id="comment_only"),
        pytest.param("- title\n", "is empty or not a mapping of settings", id="a_list"),
        pytest.param("title: [\n", "is not YAML", id="broken_yaml"),
        pytest.param("title: a\n\tschedule: b\n", "line 2", id="tab_names_the_line"),
        pytest.param("? [a, b]\n: c\n", "is not YAML", id="a_list_as_key"),
    ],
)
def test_a_file_that_is_no_settings_file_says_so(write, text, says):
    with pytest.raises(SettingsError, match=says):
        load(write(text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.yaml.*\n.*No such file"):
        load(tmp_path / "nowhere.yaml")


def test_a_file_that_is_not_utf8_says_so(tmp_path):
    file = tmp_path / "pipeline.yaml"
    file.write_bytes("title: Café".encode("latin-1"))
    with pytest.raises(SettingsError, match="UTF-8"):
        load(file)


def test_a_settings_file_that_is_a_folder_says_so(tmp_path):
    with pytest.raises(SettingsError, match="can not be read"):
        load(tmp_path)


def test_the_command_writes_the_schema_and_accepts_a_correct_file(write):
    file = write(SMALL_TEXT)
    assert main([str(file)]) == 0
    assert file.with_suffix(".schema.json").read_text(encoding="utf-8") == schema_json()


def test_the_command_tells_the_mistakes_of_a_file(write, capsys):
    assert main([str(write(SMALL_TEXT + "nonsense: 1\n"))]) == 1
    assert "nonsense (line 13)" in capsys.readouterr().err


def test_the_command_without_a_file_says_how_to_call_it(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
