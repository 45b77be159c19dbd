"""ingest to impute over the real sandbox and a real lake: every row of docs/faults.md, and good weeks."""

from __future__ import annotations

import datetime as dt
import re
import shutil

import pandas as pd
import pytest
import yaml

from steadycast import findings, impute, infer, ingest, train, validate
from steadycast.errors import (
    BadResponse,
    GateFailed,
    SchemaDrift,
    SourceRateLimited,
    SourceTimeout,
    SourceUnreachable,
)
from steadycast.lake import open_lake
from tests.integration.pipeline_weeks import FIRST, FOURTH, SECOND, THIRD, Pipeline, small_settings
from tests.sandbox_server import REPO, running_sandbox
from tests.small_data import STATIONS, write_small_data


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(write_small_data(folder / "data"), folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def first_week(sandbox, tmp_path_factory):
    """The lake's folder after a good first week of all sources; not to be changed."""
    folder = tmp_path_factory.mktemp("lake")
    verdicts = Pipeline(open_lake(str(folder)), sandbox).week(FIRST)
    assert {name: v["verdict"] for name, v in verdicts.items()} == dict.fromkeys(verdicts, "pass")
    return folder


@pytest.fixture
def pipeline(first_week, sandbox, tmp_path):
    """A pipeline in its second week, on its own copy of the lake."""
    yield from copied(first_week, sandbox, tmp_path)


@pytest.fixture(scope="module")
def but_weather_a(first_week, sandbox, tmp_path_factory):
    """The lake's folder in the second week when only weather_a is still to come; not to be changed."""
    folder = tmp_path_factory.mktemp("second") / "lake"
    shutil.copytree(first_week, folder)
    pipeline = Pipeline(open_lake(str(folder)), sandbox)
    for source in pipeline.settings.sources:
        if source.name != "weather_a":
            pipeline.poll(source.name, SECOND)
    return folder


@pytest.fixture
def before_weather_a(but_weather_a, sandbox, tmp_path):
    """A pipeline in its second week that has polled all sources but weather_a."""
    yield from copied(but_weather_a, sandbox, tmp_path)


@pytest.fixture(scope="module")
def second_week(but_weather_a, sandbox, tmp_path_factory):
    """The lake's folder after two good weeks; not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "lake"
    shutil.copytree(but_weather_a, folder)
    pipeline = Pipeline(open_lake(str(folder)), sandbox)
    pipeline.poll("weather_a", SECOND)
    pipeline.rest(SECOND)
    return folder


@pytest.fixture
def after(second_week, sandbox, tmp_path):
    """A pipeline after two good weeks."""
    yield from copied(second_week, sandbox, tmp_path)


def copied(folder, sandbox, tmp_path):
    shutil.copytree(folder, tmp_path / "lake")
    yield Pipeline(open_lake(str(tmp_path / "lake")), sandbox)
    sandbox.clear()


def panel(pipeline, source, variable, as_of=SECOND):
    frame = pipeline.lake.read_frame(f"runs/{as_of}/impute/panel.parquet")
    return frame[(frame["source"] == source) & (frame["variable"] == variable)].reset_index(drop=True)


# Good weeks


def test_two_good_weeks_are_complete_and_not_degraded(after):
    compared, degraded = after.rest(SECOND)
    assert degraded["degraded"] is False
    assert {name: found["verdict"] for name, found in compared.items()} == {
        "tmax_f": "agree",
        "tmean_f": "agree",
        "tmin_f": "agree",
    }
    target = panel(after, "ridership", "entries")
    assert sorted(target["entity"].unique()) == sorted(STATIONS)
    assert set(target["how"]) == {"observed"}
    assert target["week"].max() == pd.Timestamp("2016-06-06")


def test_a_second_poll_stores_only_what_is_new(after):
    manifest = after.lake.read_json(ingest.path(SECOND, "ridership"))
    assert (manifest["new"], manifest["changed"], manifest["unchanged"]) == (28, 0, 196)
    assert manifest["window"] == {"start": "2016-04-18", "end": "2016-06-13"}


def test_a_week_run_again_gives_the_same_bytes(after):
    before = {path: after.lake.read_bytes(path) for path in after.lake.list("")}
    after.week(SECOND)
    after.rest(SECOND)
    assert {path: after.lake.read_bytes(path) for path in after.lake.list("")} == before


def test_a_published_week_answers_the_same_after_the_provider_rewrote_the_past(after):
    after.lake.write_json(f"published/{SECOND}/manifest.json", {})
    before = after.lake.read_bytes(f"runs/{SECOND}/impute/panel.parquet")
    after.sandbox.fault("ridership", "rewritten")
    after.sandbox.fault("weather_a", "down")
    after.poll("ridership", THIRD)
    for source in ("ridership", "weather_a"):
        after.poll(source, SECOND)
    _, degraded = after.rest(SECOND)
    assert degraded["degraded"] is False
    assert after.lake.read_bytes(f"runs/{SECOND}/impute/panel.parquet") == before


def test_what_the_providers_say_of_later_days_does_not_move_the_panel(after):
    before = after.lake.read_bytes(f"runs/{SECOND}/impute/panel.parquet")
    for source in ("ridership", "weather_a"):
        after.poll(source, THIRD)
    impute.run(after.lake, after.settings, as_of=SECOND)
    assert after.lake.read_bytes(f"runs/{SECOND}/impute/panel.parquet") == before


def test_a_week_sees_prices_only_when_they_are_out(after):
    prices = panel(after, "government", "consumer_prices").set_index("week")["value"]
    # the index of April, 233.0 + 0.2 * 33, is out 47 days after its date, on 18 May
    assert prices.loc["2016-05-16"] == pytest.approx(233.0 + 0.2 * 32)
    assert prices.loc["2016-05-23"] == pytest.approx(233.0 + 0.2 * 33)


# docs/faults.md, row by row

ROWS = {
    # fault: (options for a fundamental source, its error, at ingest?), (options for an optional one, verdict)
    "down": (({}, SourceUnreachable, True), ({}, "absent")),
    "slow": (({"seconds": 3}, SourceTimeout, True), ({"seconds": 3}, "absent")),
    "hang": (({}, SourceTimeout, True), ({"drip": True}, "absent")),
    "truncated": (({}, SourceUnreachable, True), ({}, "absent")),
    "html": (({}, BadResponse, True), ({}, "absent")),
    "too_many": (({}, SourceRateLimited, True), ({}, "absent")),
    "renamed": (({}, SchemaDrift, True), ({}, "absent")),
    "unit_change": (({}, GateFailed, False), ({}, "fail")),
    "duplicates": (({"share": 0.2}, GateFailed, False), ({"share": 0.2}, "fail")),
    "typing_error": (({"share": 0.1}, GateFailed, False), ({"share": 0.01}, "warn")),
    "rewritten": (({}, None, False), ({}, "warn")),
    "shifted": (({}, None, False), ({}, "warn")),
    "stuck": (({}, None, False), ({}, "warn")),
    "swapped": (({}, None, False), ({}, "warn")),
}
WORD = {"absent": "**absent**", "fail": "**refused**", "warn": "**flagged**"}


def table():
    text = (REPO / "docs/faults.md").read_text(encoding="utf-8")
    rows = [re.split(r"\s*\|\s*", line.strip("| \n")) for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[2:] for row in rows[1:]}


def test_the_table_has_a_row_for_every_fault_of_the_sandbox_and_each_is_tested_here():
    from sandbox.faults import OPTIONS

    assert list(table()) == list(ROWS)
    assert set(table()) == set(OPTIONS)


@pytest.mark.parametrize("fault", ROWS)
def test_the_table_says_what_is_tested(fault):
    fundamental, optional = table()[fault]
    (_, error, at_ingest), (_, verdict) = ROWS[fault]
    begins = (
        "**flagged**" if error is None else "**stops** at ingest" if at_ingest else "**stops** at validate"
    )
    assert fundamental.startswith(begins)
    assert error is None or not at_ingest or f"`{error.__name__}`" in fundamental
    assert optional.startswith(WORD[verdict])


@pytest.mark.parametrize("fault", ROWS)
def test_a_fundamental_source_stops_or_is_flagged(pipeline, fault):
    (options, error, at_ingest), _ = ROWS[fault]
    pipeline.sandbox.fault("ridership", fault, **options)
    if at_ingest:
        with pytest.raises(error, match="ridership") as raised:
            pipeline.ingest("ridership", SECOND)
        assert raised.value.remedy
        assert not pipeline.lake.exists(ingest.path(SECOND, "ridership"))
    elif error is not None:
        pipeline.ingest("ridership", SECOND)
        with pytest.raises(error, match="ridership") as raised:
            pipeline.validate("ridership", SECOND)
        assert raised.value.failures
        assert pipeline.lake.exists(f"runs/{SECOND}/validate/docs/ridership/index.html")
        assert pipeline.lake.read_json(validate.path(SECOND, "ridership"))["verdict"] == "fail"
    else:
        verdict = pipeline.poll("ridership", SECOND)
        assert (verdict["verdict"], verdict["failures"]) == ("warn", [])
        assert len(verdict["segments"]) == 2
    # in no case is the past lost, and with the fault gone the week runs to its end
    pipeline.sandbox.clear()
    verdict = pipeline.poll("ridership", SECOND)
    assert verdict["failures"] == []
    known = pipeline.lake.observations("ridership").read(segments=verdict["segments"], end=SECOND)
    truth = Pipeline(open_lake(pipeline.lake.url + "-truth"), pipeline.sandbox)
    clean = truth.lake.observations("ridership").read(truth.poll("ridership", SECOND)["segments"], end=SECOND)
    columns = ["entity", "date", "variable", "value"]
    pd.testing.assert_frame_equal(known[columns], clean[columns])


@pytest.mark.parametrize("fault", ROWS)
def test_an_optional_source_never_stops_the_run(before_weather_a, fault):
    pipeline, (_, (options, expected)) = before_weather_a, ROWS[fault]
    pipeline.sandbox.fault("weather_a", fault, **options)
    verdict = pipeline.poll("weather_a", SECOND)
    assert verdict["verdict"] == expected
    compared, degraded = pipeline.rest(SECOND)
    warm, wind = panel(pipeline, "weather_a", "tmax_f"), panel(pipeline, "weather_a", "wind_mph")
    assert degraded["degraded"] is True
    assert "weather_a" in " ".join(degraded["reasons"])
    assert not (warm["value"] == 0).any()
    if expected in ("absent", "fail"):
        assert compared["tmax_f"]["serves"] == "weather_b"
        assert (warm["how"].iloc[-1], wind["how"].iloc[-1]) == ("twin", "missing")
        assert "the second provider weather_b stands in for tmax_f, tmean_f, tmin_f" in degraded["reasons"][0]
        assert "the model does without wind_mph" in degraded["reasons"][0]
    else:
        left_out = fault in ("shifted", "stuck", "swapped")  # the newest week is faulty, too
        serving = ("twin", "weather_b") if left_out else ("observed", "weather_a")
        assert (warm["how"].iloc[-1], compared["tmax_f"]["serves"]) == serving
        assert set(verdict["warnings"]) <= set(degraded["reasons"])
        # what was known before stands, few typing errors are set aside: the twin has nothing to contradict
        assert compared["tmax_f"]["verdict"] == "agree"
        assert not any("disagree on tmax_f" in reason for reason in degraded["reasons"])


@pytest.mark.parametrize("fault", ["rewritten", "shifted", "swapped"])
def test_a_rewritten_past_is_not_used(before_weather_a, fault):
    pipeline = before_weather_a
    observations = pipeline.lake.observations("weather_a")
    keys = ["entity", "date", "variable"]
    before = observations.read(end=FIRST).set_index(keys)["value"]
    pipeline.sandbox.fault("weather_a", fault)
    verdict = pipeline.poll("weather_a", SECOND)
    after = observations.read(segments=verdict["segments"], end=FIRST).set_index(keys)["value"]
    told = observations.read(segments=verdict["otherwise"], end=FIRST).set_index(keys)["value"]
    material = pipeline.lake.read_frame(f"runs/{SECOND}/revisions/weather_a.parquet")
    assert material["held"].sum() > 20
    noticed = material[material["held"] & material["before"].notna()].set_index(keys).index
    pd.testing.assert_series_equal(after.loc[noticed], before.loc[noticed])
    assert not told.loc[noticed].equals(before.loc[noticed])


def test_a_rewritten_target_is_kept_out_and_its_impact_is_told(after):
    after.sandbox.fault("ridership", "unit_change", factor=1.1, days=40)
    for source in after.settings.sources:
        after.poll(source.name, THIRD)
    after.rest(THIRD)
    panel_path = f"runs/{THIRD}/impute/panel.parquet"
    card = train.run(after.lake, after.settings, panel_path, as_of=THIRD, git_commit="abc")
    infer.run(after.lake, after.settings, panel_path, card, as_of=THIRD)
    found = after.lake.read_json(f"runs/{THIRD}/infer/impact.json")["ridership"]
    # the model follows a step of a few weeks with caution
    assert 0.02 < found["next_week"] < 0.12
    told = [f for f in findings.read(after.lake, as_of=THIRD) if f.kind == "revision"]
    assert [(f.source, f.key) for f in told] == [("ridership", "revision/ridership/entries/scaled")]
    assert "entries of Austin, Clark_Lake, Harlem and 1 more is scaled (times 1.1)" in told[0].text
    assert found["sentence"] in told[0].text


@pytest.mark.parametrize(
    ("source", "fault", "options", "verdict", "says"),
    [
        pytest.param("ridership", "down", {"count": 1}, "pass", None, id="down_once_is_retried"),
        pytest.param(
            "ridership", "too_many", {"count": 1, "retry_after": 0}, "pass", None, id="429_once_is_waited_for"
        ),
        pytest.param("ridership", "slow", {"seconds": 0.3}, "pass", None, id="slow_within_the_limits"),
        pytest.param("weather_a", "down", {"drop": True}, "absent", "dropped", id="dropped_connection"),
        pytest.param("weather_b", "html", {}, "absent", "HTML page titled", id="html_instead_of_csv"),
        pytest.param("government", "truncated", {}, "absent", "before the answer", id="truncated_fred"),
        pytest.param("government", "renamed", {}, "absent", "'value' is missing", id="renamed_fred"),
        pytest.param(
            "fuel", "unit_change", {}, "warn", "looks like USD per l", id="another_unit_within_the_range"
        ),
        pytest.param(
            "weather_b", "unit_change", {}, "warn", "looks like degC", id="degrees_c_within_the_range"
        ),
        pytest.param("government", "shifted", {}, "warn", "no longer reported", id="shifted_months"),
        pytest.param("fuel", "shifted", {}, "fail", "is stale", id="shifted_weeks"),
        pytest.param("fuel", "stuck", {}, "warn", "times in a row", id="stuck_price"),
        pytest.param("government", "swapped", {}, "fail", "lie outside", id="swapped_fred_series"),
        pytest.param(
            "ridership",
            "typing_error",
            {"share": 0.005},
            "warn",
            "no number",
            id="few_typing_errors",
        ),
        pytest.param(
            "weather_a", "typing_error", {"share": 0.4}, "fail", "no number", id="many_typing_errors"
        ),
        pytest.param(
            "weather_a",
            "duplicates",
            {"share": 0.015, "seed": 3},
            "warn",
            "more than once",
            id="few_duplicates",
        ),
    ],
)
def test_other_sources_and_milder_faults(pipeline, source, fault, options, verdict, says):
    pipeline.sandbox.fault(source, fault, **options)
    found = pipeline.poll(source, SECOND)
    texts = " ".join([*found["failures"], *found["warnings"]])
    assert found["verdict"] == verdict, texts
    assert says is None or says in texts


def proposed(verdict):
    """The lines for pipeline.yaml that the verdict proposes, as variables."""
    lines = re.findall(r"- (\{name: .*?\})(?:[;.]|$)", " ".join([*verdict["failures"], *verdict["warnings"]]))
    return {line["name"]: line for line in map(yaml.safe_load, lines)}


def with_lines(pipeline, source, lines):
    """The pipeline's settings with these lines pasted into a source."""
    entries = pipeline.settings.source(source).model_dump(mode="json", exclude_unset=True)["variables"]
    pasted = [lines.get(entry["name"], entry) for entry in entries]
    pipeline.settings = small_settings(**{source: {"variables": pasted}})


def test_a_renamed_column_is_proposed_with_its_page_and_the_pasted_line_reads_it(pipeline):
    pipeline.sandbox.fault("weather_a", "renamed", column="temp_max", new_name="high")
    verdict = pipeline.poll("weather_a", SECOND)
    lines = proposed(verdict)
    assert {name: line["field"] for name, line in lines.items()} == {"tmax_f": "high"}
    pages = pipeline.lake.list(f"{verdict['docs']}/expectations/")
    assert any(b"the column that took its place is proposed" in pipeline.lake.read_bytes(p) for p in pages)
    with_lines(pipeline, "weather_a", lines)
    assert pipeline.poll("weather_a", SECOND)["verdict"] == "pass"


def test_another_unit_is_proposed_as_a_conversion_and_the_pasted_line_undoes_it(pipeline):
    pipeline.sandbox.fault("weather_b", "unit_change")
    verdict = pipeline.poll("weather_b", SECOND)
    lines = proposed(verdict)
    assert (lines["tmax_f"]["scale"], lines["tmax_f"]["offset"]) == (1.8, 32)
    with_lines(pipeline, "weather_b", lines)
    again = pipeline.poll("weather_b", SECOND)
    assert again["failures"] == []
    assert not [text for text in again["warnings"] if "looks like" in text]


def test_a_carried_price_is_labelled_until_the_source_is_back(after):
    for source in ("ridership", "weather_a", "weather_b", "government"):
        after.poll(source, FOURTH)
    after.sandbox.fault("fuel", "down")
    after.poll("fuel", FOURTH)
    _, degraded = after.rest(FOURTH)
    assert panel(after, "fuel", "petrol_usd_gal", FOURTH)["how"].tolist()[-3:] == [
        "observed",
        "observed",
        "carried",
    ]
    assert degraded["reasons"][0].startswith(f"fuel has no new data for the week {FOURTH}: 503 ")
    assert degraded["reasons"][0].endswith("; the last known value is carried on for petrol_usd_gal")
    after.sandbox.clear()
    after.poll("fuel", FOURTH)
    _, degraded = after.rest(FOURTH)
    assert degraded["degraded"] is False
    assert set(panel(after, "fuel", "petrol_usd_gal", FOURTH)["how"].iloc[-4:]) == {"observed"}


def test_after_an_outage_the_missed_weeks_are_polled(pipeline):
    later = FIRST + dt.timedelta(weeks=11)
    settings = small_settings(ridership={"lookback_weeks": 2})
    pipeline.settings = settings
    manifest = pipeline.ingest("ridership", later)
    assert manifest["window"]["start"] == "2016-06-05"
    assert manifest["new"] == 11 * 7 * len(STATIONS)


def test_a_station_that_is_missing_degrades_the_forecast_and_borrows_from_nobody(after):
    known = after.lake.read_json(validate.path(SECOND, "ridership"))
    poll = after.lake.read_frame(f"runs/{SECOND}/ingest/ridership.poll.parquet")
    keep = poll[(poll["entity"] != "Kedzie") | (poll["date"] < "2016-06-10")]
    later = dt.datetime.combine(SECOND, dt.time(1), dt.UTC)
    segment = after.lake.observations("ridership").append(keep, later).segment
    after.lake.write_json(
        validate.path(SECOND, "ridership"), known | {"segments": [known["segments"][0], segment]}
    )
    _, degraded = after.rest(SECOND)
    assert degraded["reasons"][0].startswith(
        "ridership is incomplete in the last week (2016-06-06) for 1 of 4 "
    )
    target = panel(after, "ridership", "entries")
    missing = target.loc[target["how"] == "missing", ["entity", "week"]]
    assert missing.to_numpy().tolist() == [["Kedzie", pd.Timestamp("2016-06-06")]]
