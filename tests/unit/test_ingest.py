"""Ingest over a real file and a real lake: what is asked for, what is stored, what a retry changes."""

import datetime as dt
import threading

import pandas as pd
import pytest

from steadycast import ingest
from steadycast.errors import SchemaDrift, SourceUnreachable
from steadycast.lake import open_lake
from steadycast.settings import LocalFileSource

AS_OF = dt.date(2016, 6, 6)
NEXT = dt.date(2016, 6, 13)
MIDNIGHT = dt.datetime(2016, 6, 6, tzinfo=dt.UTC)
NEXT_MIDNIGHT = dt.datetime(2016, 6, 13, tzinfo=dt.UTC)


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rides.csv"


@pytest.fixture
def source(file):
    return rides(file)


def rides(file, **changes):
    return LocalFileSource.model_validate(
        {
            "name": "rides",
            "kind": "local_file",
            "path": str(file),
            "role": "fundamental",
            "variables": [{"name": "rides", "unit": "rides per day", "weekly": "sum"}],
            "entities": ["a", "b"],
            "layout": {"date_field": "date", "entity_field": "line"},
            "lookback_weeks": 2,
            "history_start": "2016-01-04",
            **changes,
        }
    )


def write(file, *rows):
    file.write_text("line,date,rides\n" + "".join(f"{row}\n" for row in rows))


def poll(lake, source, as_of=AS_OF, at=MIDNIGHT, **options):
    path = ingest.run(lake, source, as_of=as_of, retrieved_at=at, connection=None, **options)
    return lake.read_json(path)


def accepted(lake, manifest):
    lake.observations("rides").accept(manifest["segment"], by="test")


def stored(lake, *segments):
    frame = lake.observations("rides").read(segments=segments)
    return list(zip(frame["entity"], frame["date"].dt.strftime("%m-%d"), frame["value"], strict=True))


def test_the_first_poll_asks_for_the_whole_history(lake, source, file):
    write(file, "a,2016-01-04,1", "a,2016-06-05,2")
    manifest = poll(lake, source)
    assert manifest["window"] == {"start": "2016-01-04", "end": "2016-06-06"}
    assert (manifest["rows"], manifest["new"], manifest["newest_date"]) == (2, 2, "2016-06-05")


def test_a_later_poll_asks_for_the_look_back_window(lake, source, file):
    write(file, "a,2016-06-05,2")
    accepted(lake, poll(lake, source))
    assert poll(lake, source, NEXT, NEXT_MIDNIGHT)["window"] == {"start": "2016-05-30", "end": "2016-06-13"}


def test_after_an_outage_the_window_reaches_back_to_what_is_known(lake, source, file):
    write(file, "a,2016-02-01,2")
    accepted(lake, poll(lake, source))
    assert poll(lake, source, NEXT, NEXT_MIDNIGHT)["window"]["start"] == "2016-02-01"


def test_a_refused_poll_is_no_history(lake, source, file):
    write(file, "a,2016-06-05,2")
    lake.observations("rides").reject(poll(lake, source)["segment"], by="test", why=["nonsense"])
    assert poll(lake, source, NEXT, NEXT_MIDNIGHT)["window"]["start"] == "2016-01-04"


def test_dates_from_as_of_on_are_not_stored(lake, source, file):
    write(file, "a,2016-06-05,2", "a,2016-06-06,999")
    assert stored(lake, poll(lake, source)["segment"]) == [("a", "06-05", 2.0)]


def test_a_forecast_source_is_asked_beyond_as_of(lake, file):
    write(file, "a,2016-06-06,7", "a,2016-07-04,8")
    manifest = poll(lake, rides(file, ahead_weeks=4))
    assert manifest["window"]["end"] == "2016-07-04"
    assert stored(lake, manifest["segment"]) == [("a", "06-06", 7.0)]


def test_the_answer_is_kept_as_received(lake, source, file):
    write(file, "a,2016-06-04,1O.5", "a,2016-06-05,2", "a,2016-06-05,2", "b,no day,3")
    frame = lake.read_frame(poll(lake, source)["poll"])
    assert frame["raw"].tolist() == ["1O.5", "2", "2", "no day"]
    assert frame["row"].tolist() == [1, 2, 3, 4]


def test_unreadable_values_and_dates_are_counted_and_are_no_cells(lake, source, file):
    write(file, "a,2016-06-04,1O.5", "a,2016-06-05,2", "b,no day,3")
    manifest = poll(lake, source)
    assert (manifest["unreadable"], manifest["cells"]) == (2, 1)
    assert stored(lake, manifest["segment"]) == [("a", "06-05", 2.0)]


def test_of_equal_duplicates_the_first_is_stored(lake, source, file):
    write(file, "a,2016-06-05,2", "a,2016-06-05,2.0")
    manifest = poll(lake, source)
    assert manifest["duplicates"] == 1
    assert stored(lake, manifest["segment"]) == [("a", "06-05", 2.0)]


def test_duplicates_that_contradict_each_other_are_told_and_not_stored(lake, source, file):
    write(file, "a,2016-06-05,2", "b,2016-06-05,5", "a,2016-06-05,3", "a,2016-06-05,3")
    manifest = poll(lake, source)
    assert manifest["contradicting"] == [
        "rides of a on 2016-06-05 is 2 in row 1",
        "rides of a on 2016-06-05 is 3 in row 3",
    ]
    assert stored(lake, manifest["segment"]) == [("b", "06-05", 5.0)]


def test_every_row_is_accounted_for(lake, source, file):
    write(
        file,
        "a,2016-06-05,2",
        "a,2016-06-05,3",
        "a,2016-06-05,3",
        "b,2016-06-05,1",
        "b,2016-06-05,1",
        "b,x,1",
    )
    told = poll(lake, source)
    parts = ("cells", "unreadable", "duplicates", "contradicting_rows")
    assert [told[part] for part in parts] == [1, 1, 2, 2]
    assert sum(told[part] for part in parts) == told["rows"]


def test_clean_changes_nothing_of_what_it_gets():
    frame = pd.DataFrame(
        {
            "entity": ["a", "a"],
            "date": pd.to_datetime(["2016-06-05", "2016-06-05"]).astype("datetime64[us]"),
            "variable": "rides",
            "value": [1.0, 2.0],
            "raw": ["1", "2"],
            "row": [1, 2],
        }
    )
    before = frame.copy(deep=True)
    cells, conflicts = ingest.clean(frame)
    assert (len(cells), len(conflicts)) == (0, 2)
    pd.testing.assert_frame_equal(frame, before)


def test_a_retry_writes_the_same_bytes_and_no_second_version(lake, source, file):
    write(file, "a,2016-06-05,2")
    manifest = poll(lake, source)
    paths = [ingest.path(AS_OF, "rides"), manifest["poll"]]
    before = [lake.read_bytes(path) for path in paths]
    assert poll(lake, source) == manifest
    assert [lake.read_bytes(path) for path in paths] == before
    assert lake.observations("rides").segments(accepted=False) == [manifest["segment"]]


def test_a_retry_after_acceptance_asks_for_the_same_window(lake, source, file):
    write(file, "a,2016-06-05,2")
    manifest = poll(lake, source)
    accepted(lake, manifest)
    assert poll(lake, source) == manifest


@pytest.mark.parametrize("verdict", ["pending", "accepted", "rejected"])
def test_a_retry_that_gets_another_answer_is_not_taken_for_the_first(lake, source, file, verdict):
    write(file, "a,2016-06-05,2")
    first = poll(lake, source)
    if verdict == "accepted":
        accepted(lake, first)
    if verdict == "rejected":
        lake.observations("rides").reject(first["segment"], by="test", why=["nonsense"])
    write(file, "a,2016-06-05,3")
    second = poll(lake, source)
    assert second["segment"] != first["segment"]
    assert stored(lake, second["segment"]) == [("a", "06-05", 3.0)]
    assert stored(lake, first["segment"]) == [("a", "06-05", 2.0)]


def test_two_attempts_at_once_end_with_one_segment_and_a_whole_manifest(lake, source, file):
    write(file, *(f"a,2016-{month:02}-{day:02},{day}" for month in (2, 3, 4) for day in range(1, 29)))
    threads = [threading.Thread(target=poll, args=(lake, source)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    manifest = lake.read_json(ingest.path(AS_OF, "rides"))
    assert lake.observations("rides").segments(accepted=False) == [manifest["segment"]]
    assert manifest["new"] == 84


def test_a_published_week_is_not_polled_again(lake, source, file):
    write(file, "a,2016-06-05,2")
    manifest = poll(lake, source)
    lake.write_json(f"published/{AS_OF}/manifest.json", {})
    write(file, "a,2016-06-05,999")
    assert poll(lake, source) == manifest
    assert poll(lake, source, repoll=True)["segment"] != manifest["segment"]


def test_a_source_that_is_new_in_a_published_week_is_polled(lake, source, file):
    lake.write_json(f"published/{AS_OF}/manifest.json", {})
    write(file, "a,2016-06-05,2")
    assert poll(lake, source)["status"] == "ok"


def test_only_accepted_polls_of_before_count_as_the_past(lake, source, file):
    write(file, "a,2016-06-05,2")
    week1 = poll(lake, source)
    assert poll(lake, source, NEXT, NEXT_MIDNIGHT)["segments_before"] == []
    accepted(lake, week1)
    assert poll(lake, source, NEXT, NEXT_MIDNIGHT)["segments_before"] == [week1["segment"]]


def test_a_past_week_does_not_know_the_polls_of_later_weeks(lake, source, file):
    write(file, "a,2016-06-05,2", "a,2016-06-12,3")
    accepted(lake, poll(lake, source, NEXT, NEXT_MIDNIGHT))
    past = poll(lake, source)
    assert past["segments_before"] == []
    assert past["window"]["start"] == "2016-01-04"
    assert past["newest_date"] == "2016-06-05"


def test_an_absent_source_is_written_down_with_its_reason_and_its_past(lake, source, file):
    write(file, "a,2016-06-05,2")
    week1 = poll(lake, source)
    accepted(lake, week1)
    path = ingest.absent(lake, source, as_of=NEXT, reason="source rides: 503 Service Unavailable")
    told = lake.read_json(path)
    assert (told["status"], told["reason"]) == ("absent", "503 Service Unavailable")
    assert told["segments_before"] == [week1["segment"]]


def test_a_published_week_does_not_become_absent_afterwards(lake, source, file):
    write(file, "a,2016-06-05,2")
    poll(lake, source)
    lake.write_json(f"published/{AS_OF}/manifest.json", {})
    path = ingest.absent(lake, source, as_of=AS_OF, reason="down")
    assert lake.read_json(path)["status"] == "ok"


@pytest.mark.parametrize(
    ("path", "known"), [("{as_of}.csv", "as_of"), ("rides.csv", "live")], ids=["asked_as_of", "asked_now"]
)
def test_the_manifest_says_whether_the_provider_was_asked_about_the_past(lake, tmp_path, path, known):
    file = tmp_path / path
    write(tmp_path / path.replace("{as_of}", "2016-06-06"), "a,2016-06-05,2")
    assert poll(lake, rides(file))["known"] == known


def test_a_missing_file_and_a_missing_column_leave_no_observation_behind(lake, source, file):
    with pytest.raises(SourceUnreachable, match="rides"):
        poll(lake, source)
    file.write_text("line,date,riders\na,2016-06-05,2\n")
    with pytest.raises(
        SchemaDrift, match=r"(?s)'rides' is missing.*\n- column 'rides' .* 'riders' is most like"
    ):
        poll(lake, source)
    assert lake.list("") == [ingest.drift_path(AS_OF, "rides")]


def test_an_answer_without_rows_is_stored_as_such_for_the_gate(lake, source, file):
    write(file)
    manifest = poll(lake, source)
    assert (manifest["rows"], manifest["cells"], manifest["newest_date"]) == (0, 0, None)


def test_progress_names_the_source(lake, source, file):
    write(file, "a,2016-06-05,2")
    said = []
    poll(lake, source, progress=lambda *step: said.append(step))
    assert any("rides: storing 1 rows" in what for what, _, _ in said)
