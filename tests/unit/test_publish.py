import hashlib
import sqlite3

import pandas as pd
import pytest

from steadycast import publish
from steadycast.errors import ArtefactMissing, GateFailed, PublicationError
from steadycast.lake import open_lake
from steadycast.publication import read_published
from steadycast.sources import Connection
from tests.forecast_tables import AS_OF, forecast, panel, settings

FORECAST = f"runs/{AS_OF}/infer/forecast.parquet"
CHECK = f"runs/{AS_OF}/check_forecast.json"
SAYS = "Polk week of 2016-06-13: point 10.1 is 1.8 times the same week last year (5.6)"
FLAG = {"entity": "Polk", "week": "2016-06-13", "says": SAYS}
WEATHER = "weather_a has no data, error about 2 % higher"


@pytest.fixture(scope="module", autouse=True)
def _plots_are_tested_elsewhere():
    with pytest.MonkeyPatch.context() as patched:
        # a picture takes a second; test_plots.py draws them
        patched.setattr(publish.plots, "forecast_png", lambda actuals, frame, **words: f"{words}".encode())
        yield


@pytest.fixture
def lake(tmp_path):
    lake = open_lake(str(tmp_path / "lake"))
    lake.write_frame(f"runs/{AS_OF}/impute/panel.parquet", panel())
    return lake


def judged(lake, frame=None, **verdict):
    """Store a forecast and the gate's verdict on it, as check_forecast does."""
    lake.write_frame(FORECAST, forecast() if frame is None else frame)
    lake.write_json(
        CHECK,
        {
            "as_of": AS_OF,
            "verdict": "ok",
            "reasons": [],
            "failures": [],
            "flags": [],
            "forecast_sha256": hashlib.sha256(lake.read_bytes(FORECAST)).hexdigest(),
            "docs": f"runs/{AS_OF}/check_forecast/docs/index.html",
        }
        | verdict,
    )


def run(lake, chosen=None, **options):
    return publish.run(lake, chosen or settings(), FORECAST, CHECK, as_of=AS_OF, **options)


def test_a_good_forecast_is_published_as_it_is(lake):
    judged(lake)
    assert run(lake) == f"published/{AS_OF}/manifest.json"
    read, manifest = read_published(lake)
    assert read.equals(forecast())
    facts = ("verdict", "reasons", "degraded", "model_id", "rows", "entities")
    assert {key: manifest[key] for key in facts} == {
        "verdict": "ok", "reasons": [], "degraded": False, "model_id": "m1", "rows": 4, "entities": 2,
    }  # fmt: skip
    assert manifest["docs"].endswith("index.html")


def test_the_files_are_the_table_the_csv_and_the_plot(lake):
    judged(lake)
    run(lake)
    names = {path.rsplit("/", 1)[1] for path in lake.list("published/latest")}
    assert names == {"forecast.parquet", "forecast.csv", "forecast.png", "manifest.json"}


def test_a_run_repeated_gives_the_same_bytes(lake):
    judged(lake, reasons=[SAYS], flags=[FLAG], verdict="look")
    run(lake)
    before = {path: lake.read_bytes(path) for path in lake.list("")}
    run(lake)
    assert {path: lake.read_bytes(path) for path in lake.list("")} == before


def test_a_remark_of_the_gate_is_in_its_row_and_in_the_manifest(lake):
    judged(lake, reasons=[SAYS], flags=[FLAG], verdict="look")
    run(lake)
    read, manifest = read_published(lake)
    reasons = read.set_index(["entity", "horizon"])["degraded_reasons"].to_dict()
    assert reasons.pop(("Polk", 2)) == f"look: {SAYS}"
    assert set(reasons.values()) == {""}
    assert not read["degraded"].any()
    assert (manifest["verdict"], manifest["reasons"]) == ("look", [SAYS])


def test_missing_inputs_come_before_remarks(lake):
    cells = {("Polk", 2, "degraded"): True, ("Polk", 2, "degraded_reasons"): WEATHER}
    judged(lake, forecast(cells=cells), reasons=[SAYS], flags=[FLAG], verdict="look")
    run(lake)
    read, manifest = read_published(lake)
    assert read["degraded_reasons"].iloc[3] == f"{WEATHER}; look: {SAYS}"
    assert manifest["degraded"] is True
    assert manifest["degraded_reasons"] == [WEATHER]
    assert manifest["reasons"] == [WEATHER, SAYS]


def test_a_shared_reason_stays_one_whatever_its_text_holds(lake):
    shared = ["ridership lacks a week; older ones stand in", WEATHER]
    lake.write_json(f"runs/{AS_OF}/impute/degraded.json", {"degraded": True, "reasons": shared})
    keys = [(entity, h) for entity in ("Clark_Lake", "Polk") for h in (1, 2)]
    cells = {(*key, "degraded"): True for key in keys}
    cells |= {(*key, "degraded_reasons"): "; ".join(shared) for key in keys}
    cells["Polk", 1, "degraded_reasons"] += "; less than 4 of the last 8 weeks are known"
    judged(lake, forecast(cells=cells), reasons=[SAYS], flags=[FLAG], verdict="look")
    run(lake)
    wanted = [*shared, "less than 4 of the last 8 weeks are known"]
    assert read_published(lake)[1]["degraded_reasons"] == wanted


def test_the_plot_says_when_something_is_to_be_known_first(lake):
    judged(lake, reasons=[SAYS], flags=[FLAG], verdict="look")
    run(lake)
    assert b"unusual: 1 remark(s), see manifest.json" in lake.read_bytes("published/latest/forecast.png")


def test_a_forecast_on_hold_is_not_published(lake):
    judged(lake, verdict="hold", failures=["Polk has no forecast for horizon 2"])
    with pytest.raises(GateFailed, match="Polk has no forecast for horizon 2"):
        run(lake)
    assert lake.list("published") == []


@pytest.mark.parametrize(
    "stale",
    [
        pytest.param({"forecast_sha256": "0" * 64}, id="forecast_made_anew_after_its_check"),
        pytest.param({"as_of": "2016-05-30"}, id="verdict_of_another_week"),
    ],
)
def test_what_was_not_judged_is_not_published(lake, stale):
    judged(lake, **stale)
    with pytest.raises(PublicationError, match=r"another forecast.*\n.*clear check_forecast"):
        run(lake)
    assert lake.list("published") == []


def test_without_a_verdict_it_says_what_is_missing(lake):
    lake.write_frame(FORECAST, forecast())
    with pytest.raises(ArtefactMissing, match=r"check_forecast\.json"):
        run(lake)


def test_the_week_also_goes_to_a_table(lake, tmp_path):
    judged(lake)
    chosen = settings(publish={"sql_connection": "warehouse", "sql_table": "demand"})
    told = []
    connection = Connection("warehouse", address=f"sqlite:///{tmp_path / 'w.db'}")
    run(lake, chosen, connection=connection, progress=lambda *step: told.append(step))
    with sqlite3.connect(tmp_path / "w.db") as database:
        rows = database.execute(
            "select entity, week, point, client_forecast from demand order by 1, week"
        ).fetchall()
    database.close()
    assert rows[0] == ("Clark_Lake", "2016-06-06", 101.0, None)
    assert len(rows) == 4
    assert [(done, total) for _, done, total in told] == [(i, 4) for i in range(5)]


def test_a_database_that_refuses_leaves_the_files_published_and_says_so(lake, tmp_path):
    judged(lake)
    connection = Connection("warehouse", address=f"sqlite:///{tmp_path}/no/such/folder/w.db")
    with pytest.raises(
        PublicationError, match=r"unable to open database file\n.*files are published.*clear publish"
    ):
        run(lake, connection=connection)
    assert read_published(lake)[0].equals(forecast())


def test_flags_of_two_kinds_on_one_row_are_joined():
    flags = [
        {**FLAG, "says": "a"},
        {**FLAG, "says": "b"},
        {**FLAG, "week": "2016-06-20", "says": "elsewhere"},
    ]
    flagged = publish.with_flags(forecast(), flags)
    assert flagged["degraded_reasons"].tolist() == ["", "", "", "look: a; look: b"]
    assert flagged.dtypes.equals(forecast().dtypes)


def test_the_plot_is_drawn_from_the_targets_rows_of_the_panel(lake):
    judged(lake)
    weather = panel().assign(source="weather_a", variable="tmax_f")
    both = pd.concat([weather, panel()], ignore_index=True)
    lake.write_frame(f"runs/{AS_OF}/impute/panel.parquet", both)
    with pytest.MonkeyPatch.context() as patched:
        seen = []
        patched.setattr(
            publish.plots, "forecast_png", lambda actuals, frame, **words: seen.append(actuals) or b""
        )
        run(lake)
    (actuals,) = seen
    pd.testing.assert_frame_equal(actuals.reset_index(drop=True), panel()[["entity", "week", "value"]])


def test_the_explanation_of_this_very_forecast_is_published_with_it(lake):
    judged(lake)
    digest = hashlib.sha256(lake.read_bytes(FORECAST)).hexdigest()
    names = ("contributions.parquet", "change.parquet", "why.png")
    for name in names:
        lake.write_bytes(f"runs/{AS_OF}/infer/{name}", name.encode())
    lake.write_json(f"runs/{AS_OF}/infer/explanation.json", {"forecast_sha256": digest, "sentences": []})
    files = lake.read_json(run(lake))["files"]
    assert lake.read_bytes(files["why.png"]) == b"why.png"
    assert {*names, "explanation.json"} < set(files)
    lake.write_json(f"runs/{AS_OF}/infer/explanation.json", {"forecast_sha256": "of another"})
    assert "why.png" not in lake.read_json(run(lake))["files"]
