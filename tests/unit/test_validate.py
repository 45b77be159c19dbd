"""The verdict on a poll, and what follows from it, over a real lake and the real gate."""

import datetime as dt

import pandas as pd
import pytest

from steadycast import ingest, validate
from steadycast.errors import ArtefactConflict, GateFailed, SourceAbsent
from steadycast.lake import open_lake
from steadycast.settings import LocalFileSource

AS_OF = dt.date(2016, 6, 6)
NEXT = dt.date(2016, 6, 13)


@pytest.fixture
def lake(tmp_path):
    return open_lake(str(tmp_path / "lake"))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "air.csv"


def air(file, role="optional"):
    return LocalFileSource.model_validate(
        {
            "name": "air",
            "kind": "local_file",
            "path": str(file),
            "role": role,
            "variables": [{"name": "warm", "unit": "degF", "minimum": -40, "maximum": 115, "weekly": "mean"}],
            "entities": ["a"],
            "layout": {"entity": "a"},
            "lookback_weeks": 2,
            "history_start": "2016-05-02",
        }
    )


def write(file, last, **cells):
    """Daily values from 2 May to ``last``; ``cells`` replaces some, named d0605 and so on."""
    dates = pd.date_range("2016-05-02", last)
    values = {f"d{day:%m%d}": str(60 + day.day % 7) for day in dates} | cells
    lines = [f"2016-{key[1:3]}-{key[3:]},{value}" for key, value in values.items()]
    file.write_text("date,warm\n" + "\n".join(lines) + "\n")


def poll(lake, source, as_of=AS_OF):
    at = dt.datetime.combine(as_of, dt.time(6), dt.UTC)
    return lake.read_json(ingest.run(lake, source, as_of=as_of, retrieved_at=at, connection=None))


def judge(lake, source, as_of=AS_OF):
    return lake.read_json(validate.run(lake, source, as_of=as_of))


def accepted(lake):
    return lake.observations("air").segments()


def test_a_good_poll_is_accepted_and_counts(lake, file):
    write(file, "2016-06-05")
    segment = poll(lake, air(file))["segment"]
    assert judge(lake, air(file)) == {
        "source": "air",
        "verdict": "pass",
        "failures": [],
        "warnings": [],
        "segments": [segment],
        "docs": "runs/2016-06-06/validate/docs/air",
        "revisions": "runs/2016-06-06/revisions/air.json",
    }
    assert accepted(lake) == [segment]


def test_the_pages_of_the_gate_are_in_the_lake(lake, file):
    write(file, "2016-06-05")
    poll(lake, air(file))
    docs = judge(lake, air(file))["docs"]
    assert lake.exists(f"{docs}/index.html")
    assert b"air_cells" in lake.read_bytes(f"{docs}/index.html")


def test_a_warning_lets_the_poll_count(lake, file):
    write(file, "2016-06-05", d0604="61x")
    poll(lake, air(file))
    # one of 35 is more than the 2 % that are tolerated, so tolerate more
    source = air(file).model_copy(
        update={"expectations": air(file).expectations.model_copy(update={"max_unreadable_share": 0.1})}
    )
    verdict = judge(lake, source)
    assert verdict["verdict"] == "warn"
    assert any("'61x'" in text for text in verdict["warnings"])
    assert accepted(lake) == verdict["segments"]


def two_weeks(lake, file, role):
    """A good week, then one with a value that no thermometer shows."""
    write(file, "2016-06-05")
    first = poll(lake, air(file, role))["segment"]
    judge(lake, air(file, role))
    write(file, "2016-06-12", d0610="406")
    return first, poll(lake, air(file, role), NEXT)["segment"]


def test_an_optional_source_is_refused_and_the_run_goes_on_with_what_was_accepted_before(lake, file):
    first, second = two_weeks(lake, file, "optional")
    verdict = judge(lake, air(file), NEXT)
    assert (verdict["verdict"], verdict["segments"]) == ("fail", [first])
    assert "is 406 degF (row " in verdict["failures"][0]
    assert lake.observations("air").verdict(second) == "rejected"
    refused = lake.read_json(f"verdicts/air/{second}.json")
    assert (refused["by"], refused["why"]) == ("validate", verdict["failures"])


def test_a_fundamental_source_is_refused_and_the_run_stops_with_all_failures(lake, file):
    first, _ = two_weeks(lake, file, "fundamental")
    with pytest.raises(GateFailed) as raised:
        validate.run(lake, air(file, "fundamental"), as_of=NEXT)
    assert raised.value.gate == "gate of air, week 2016-06-13"
    assert "406 degF" in raised.value.failures[0]
    assert "docs/air/index.html" in raised.value.remedy
    assert "clear ingest of air" in raised.value.remedy
    stored = lake.read_json(validate.path(NEXT, "air"))
    assert (stored["verdict"], stored["segments"]) == ("fail", [first])
    assert accepted(lake) == [first]


def test_after_a_correction_the_fundamental_source_passes(lake, file):
    first, second = two_weeks(lake, file, "fundamental")
    with pytest.raises(GateFailed):
        validate.run(lake, air(file, "fundamental"), as_of=NEXT)
    write(file, "2016-06-12")
    third = poll(lake, air(file, "fundamental"), NEXT)["segment"]
    assert third != second
    assert judge(lake, air(file, "fundamental"), NEXT)["segments"] == [first, third]


def test_an_absent_optional_source_leaves_what_was_accepted_before(lake, file):
    write(file, "2016-06-05")
    first = poll(lake, air(file))["segment"]
    judge(lake, air(file))
    ingest.absent(lake, air(file), as_of=NEXT, reason="503 Service Unavailable")
    verdict = judge(lake, air(file), NEXT)
    assert verdict == {
        "source": "air",
        "verdict": "absent",
        "failures": ["air has no new data for the week 2016-06-13: 503 Service Unavailable"],
        "warnings": [],
        "segments": [first],
        "docs": None,
    }


@pytest.mark.parametrize("written_down", [True, False], ids=["absent_manifest", "no_manifest"])
def test_an_absent_fundamental_source_stops_the_run(lake, file, written_down):
    source = air(file, "fundamental")
    if written_down:
        ingest.absent(lake, source, as_of=AS_OF, reason="503")
    with pytest.raises(SourceAbsent, match="no data for the week 2016-06-06") as raised:
        validate.run(lake, source, as_of=AS_OF)
    assert raised.value.remedy == "clear ingest of air when the provider answers again"
    assert lake.read_json(validate.path(AS_OF, "air"))["verdict"] == "absent"


def test_a_source_of_which_ingest_left_nothing_is_absent(lake, file):
    verdict = judge(lake, air(file))
    assert verdict["verdict"] == "absent"
    assert verdict["failures"] == ["air has no new data for the week 2016-06-06: ingest left nothing behind"]


def test_a_second_run_gives_the_same_bytes_pages_included(lake, file):
    two_weeks(lake, file, "optional")
    judge(lake, air(file), NEXT)
    paths = lake.list(f"runs/{NEXT}/validate")
    before = {path: lake.read_bytes(path) for path in paths}
    judge(lake, air(file), NEXT)
    assert {path: lake.read_bytes(path) for path in lake.list(f"runs/{NEXT}/validate")} == before


def test_a_past_week_judged_again_does_not_know_later_polls(lake, file):
    write(file, "2016-06-05")
    poll(lake, air(file))
    first = judge(lake, air(file))
    write(file, "2016-06-12")
    poll(lake, air(file), NEXT)
    judge(lake, air(file), NEXT)
    assert judge(lake, air(file)) == first


def test_a_poll_that_another_attempt_replaced_is_not_judged(lake, file):
    write(file, "2016-06-05")
    manifest = poll(lake, air(file))
    other = lake.read_frame(manifest["poll"]).assign(value=1.0)
    lake.write_frame(manifest["poll"], other)
    with pytest.raises(ArtefactConflict, match=r"air\.poll\.parquet"):
        validate.run(lake, air(file), as_of=AS_OF)
    assert accepted(lake) == []


def test_dates_from_as_of_on_are_no_history(lake, file):
    write(file, "2016-06-05")
    poll(lake, air(file))
    expected = judge(lake, air(file))
    future = pd.DataFrame(
        {
            "entity": "a",
            "date": pd.date_range("2016-06-06", "2016-09-01"),
            "variable": "warm",
            "value": -999.0,
        }
    )
    observations = lake.observations("air")
    early = observations.append(future, dt.datetime(2016, 6, 1, tzinfo=dt.UTC)).segment
    observations.accept(early, by="test")
    manifest = lake.read_json(ingest.path(AS_OF, "air"))
    lake.write_json(ingest.path(AS_OF, "air"), manifest | {"segments_before": [early]})
    assert judge(lake, air(file)) == expected | {"segments": [early, *expected["segments"]]}


def test_progress_ends_with_the_verdict(lake, file):
    write(file, "2016-06-05")
    poll(lake, air(file))
    said = []
    validate.run(lake, air(file), as_of=AS_OF, progress=lambda *step: said.append(step))
    assert said[-1] == ("air: pass", 3, 3)
