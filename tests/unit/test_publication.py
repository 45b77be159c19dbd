import datetime as dt
import hashlib
import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steadycast import publication
from steadycast.errors import ArtefactMissing, ArtefactUnreadable
from steadycast.lake import open_lake
from steadycast.lake.artefacts import Lake
from tests.forecast_tables import AS_OF, forecast

WEEKS = [AS_OF + dt.timedelta(weeks=i) for i in range(4)]


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


def files(lake, frame):
    return {
        "forecast.parquet": lake.read_bytes(lake.write_frame("staging.parquet", frame)),
        "forecast.csv": publication.csv_bytes(frame),
        "forecast.png": b"picture of " + str(frame["point"].sum()).encode(),
    }


def publish(lake, as_of=AS_OF, cells=None):
    frame = forecast(as_of, cells)
    publication.write_published(lake, as_of, files(lake, frame), {"verdict": "ok"})
    publication.renew_latest(lake)
    return frame


def test_what_is_published_is_read_back_with_its_manifest(lake):
    frame = publish(lake)
    read, manifest = publication.read_published(lake, AS_OF)
    pd.testing.assert_frame_equal(read, frame)
    assert (manifest["as_of"], manifest["verdict"]) == ("2016-06-06", "ok")
    assert set(manifest["sha256"]) == {"forecast.parquet", "forecast.csv", "forecast.png"}


def test_the_copies_for_people_are_those_of_the_manifest(lake):
    publish(lake)
    manifest = lake.read_json(f"published/{AS_OF}/manifest.json")
    for folder in (f"published/{AS_OF}", "published/latest"):
        for name, digest in manifest["sha256"].items():
            assert hashlib.sha256(lake.read_bytes(f"{folder}/{name}")).hexdigest() == digest


def test_publishing_the_same_again_changes_nothing(lake):
    publish(lake)
    before = {path: lake.read_bytes(path) for path in lake.list("published")}
    publish(lake)
    assert {path: lake.read_bytes(path) for path in lake.list("published")} == before


def test_the_latest_is_read_when_no_week_is_named(lake):
    publish(lake, WEEKS[0])
    newest = publish(lake, WEEKS[1])
    read, manifest = publication.read_published(lake)
    pd.testing.assert_frame_equal(read, newest)
    assert manifest["as_of"] == str(WEEKS[1])


def test_weeks_are_listed_oldest_first_without_latest(lake):
    for week in (WEEKS[2], WEEKS[0], WEEKS[1]):
        publish(lake, week)
    assert publication.published_weeks(lake) == WEEKS[:3]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(WEEKS), min_size=1, max_size=5))
def test_latest_never_goes_back_whatever_is_run_again(tmp_path_factory, order):
    lake = open_lake(str(tmp_path_factory.mktemp("lake")))
    newest = dt.date.min
    for i, week in enumerate(order):
        publish(lake, week, {("Polk", 1, "point"): 10.0 + i / 100})
        newest = max(newest, week)
        read, manifest = publication.read_published(lake)
        assert manifest["as_of"] == str(newest)
        assert manifest == publication.read_published(lake, newest)[1]
        assert set(read["as_of"]) == {pd.Timestamp(newest)}


def test_a_week_published_meanwhile_by_another_run_ends_up_as_latest(lake, monkeypatch):
    publish(lake, WEEKS[0])
    plain_write, others = Lake.write_bytes, [WEEKS[2]]

    def overtaken(self, path, data):
        if path == "published/latest/manifest.json" and others:
            publish(self, others.pop())  # ours still has the older manifest in hand
        return plain_write(self, path, data)

    monkeypatch.setattr(Lake, "write_bytes", overtaken)
    publish(lake, WEEKS[1])
    assert lake.read_json("published/latest/manifest.json")["as_of"] == str(WEEKS[2])


class Killed(BaseException):
    """The process ends here; nothing catches it."""


def killed_after(monkeypatch, writes):
    plain_write, done = Lake.write_bytes, []

    def write(self, path, data):
        if len(done) == writes:
            raise Killed
        done.append(path)
        return plain_write(self, path, data)

    monkeypatch.setattr(Lake, "write_bytes", write)
    return done


@pytest.mark.parametrize("writes", range(12))
def test_a_kill_between_any_two_writes_leaves_the_old_or_the_new_publication(lake, monkeypatch, writes):
    old = publish(lake)
    new = forecast(cells={("Polk", 1, "point"): 10.5})
    with monkeypatch.context() as patched:
        done = killed_after(patched, writes)
        with pytest.raises(Killed):
            publish(lake, AS_OF, {("Polk", 1, "point"): 10.5})
    for week in (AS_OF, None):
        read, _ = publication.read_published(lake, week)
        assert read.equals(new if f"published/{week or 'latest'}/manifest.json" in done else old)
    publish(lake, AS_OF, {("Polk", 1, "point"): 10.5})
    assert publication.read_published(lake)[0].equals(new)


def test_twelve_kills_are_between_all_writes(lake, monkeypatch):
    done = killed_after(monkeypatch, 1000)
    publish(lake)
    assert len(done) == 12
    assert done[-1] == "published/latest/manifest.json"


def test_a_first_publication_that_was_killed_is_not_there(lake, monkeypatch):
    with monkeypatch.context() as patched:
        killed_after(patched, 7)
        with pytest.raises(Killed):
            publish(lake)
    assert publication.published_weeks(lake) == []
    with pytest.raises(ArtefactMissing, match="this week is not published"):
        publication.read_published(lake, AS_OF)


def test_a_file_that_was_changed_afterwards_is_refused(lake):
    publish(lake)
    path = lake.read_json(f"published/{AS_OF}/manifest.json")["files"]["forecast.parquet"]
    lake.write_frame(path, forecast(cells={("Polk", 1, "point"): 99.0}))
    with pytest.raises(ArtefactUnreadable, match="SHA-256"):
        publication.read_published(lake, AS_OF)


def test_nothing_published_has_no_latest(lake):
    with pytest.raises(ArtefactMissing, match="publish a week first"):
        publication.renew_latest(lake)


def test_the_csv_has_iso_dates_three_decimals_and_empty_cells():
    frame = forecast(
        cells={("Clark_Lake", 1, "point"): 101.23456, ("Clark_Lake", 1, "lower_95"): -0.0001}
    ).head(1)
    header, row, end = publication.csv_bytes(frame).decode().split("\n")
    assert header.startswith(
        "entity,week,horizon,point,lower_95,lower_80,upper_80,upper_95,same_week_last_year,"
    )
    assert row == (
        "Clark_Lake,2016-06-06,1,101.235,0.000,90.000,110.000,120.000,95.000,100.000,102.000,,false,,m1,2016-06-06"
    )
    assert end == ""


def test_the_csv_keeps_letters_and_quotes_commas():
    frame = forecast(cells={("Polk", 1, "degraded_reasons"): 'weather, "Midway" – absent'})
    assert '"weather, ""Midway"" – absent"' in publication.csv_bytes(frame).decode("utf-8")


def test_the_manifest_is_plain_json_for_other_programs(lake):
    publish(lake)
    manifest = json.loads(lake.read_bytes("published/latest/manifest.json"))
    assert all(lake.exists(path) for path in manifest["files"].values())
