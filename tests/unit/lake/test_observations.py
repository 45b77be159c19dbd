"""Observations on both stores: versions, verdicts, reads as of a moment."""

from __future__ import annotations

import datetime as dt
from threading import Barrier, Thread

import pandas as pd
import pytest

from steadycast.errors import ArtefactMissing, ArtefactUnreadable
from steadycast.schema import OBSERVATION_DTYPES

NAN = float("nan")
JANUARY = dt.date(2016, 1, 1)


def week(number, hour=0):
    """The moment of the n-th weekly poll."""
    return dt.datetime(2016, 6, 6, hour, tzinfo=dt.UTC) + dt.timedelta(weeks=number)


def poll(cells):
    """A poll's table from {(entity, day of January 2016, variable): value}; variable t if left out."""
    rows = [(e, pd.Timestamp(2016, 1, d), v[0] if v else "t", x) for (e, d, *v), x in cells.items()]
    return pd.DataFrame(rows, columns=["entity", "date", "variable", "value"]).astype(OBSERVATION_DTYPES)


def short(frame):
    """{(entity, day): (value, number of the weekly poll it came with)}"""
    weeks = [(m - week(0)).days // 7 for m in frame["retrieved_at"]]
    return {
        (e, d.day): (x, w)
        for e, d, x, w in zip(frame["entity"], frame["date"], frame["value"], weeks, strict=True)
    }


def long(frame):
    """[(entity, day, value, number of the weekly poll)]"""
    weeks = [(m - week(0)).days // 7 for m in frame["retrieved_at"]]
    return list(zip(frame["entity"], [d.day for d in frame["date"]], frame["value"], weeks, strict=True))


@pytest.fixture
def weather(lake):
    return lake.observations("weather")


@pytest.fixture
def accepted(weather):
    """Appends a poll and accepts it."""

    def append(cells, retrieved_at):
        appended = weather.append(poll(cells), retrieved_at)
        weather.accept(appended.segment, by="test")
        return appended

    return append


def test_a_poll_counts_once_it_is_accepted(weather):
    appended = weather.append(poll({("a", 1): 5.0}), week(0))
    assert (appended.new, appended.changed, appended.unchanged) == (1, 0, 0)
    assert weather.read().empty
    assert weather.segments() == []
    assert weather.segments(accepted=False) == [appended.segment]
    assert weather.verdict(appended.segment) == "pending"
    weather.accept(appended.segment, by="validate")
    assert short(weather.read()) == {("a", 1): (5.0, 0)}
    assert weather.segments() == [appended.segment]
    assert weather.verdict(appended.segment) == "accepted"


def test_the_segment_is_named_by_its_moment_and_kept_beside_its_verdict(lake, weather):
    segment = weather.append(
        poll({("a", 1): 5.0}), dt.datetime(2016, 6, 6, 7, 8, 9, 10, tzinfo=dt.UTC)
    ).segment
    weather.reject(segment, by="Ann", why=["too warm", "too late"])
    assert segment == "20160606T070809000010Z"
    assert lake.list("") == [f"observations/weather/{segment}.parquet", f"verdicts/weather/{segment}.json"]
    assert lake.read_json(f"verdicts/weather/{segment}.json") == {
        "segment": segment,
        "verdict": "rejected",
        "by": "Ann",
        "why": ["too warm", "too late"],
    }


def test_the_segment_file_can_be_read_by_anyone(lake, weather):
    segment = weather.append(poll({("b", 1, "t"): 5.0, ("a", 2, "u"): 6.0}), week(0)).segment
    frame = lake.read_frame(f"observations/weather/{segment}.parquet")
    assert frame.columns.tolist() == ["entity", "date", "variable", "value", "retrieved_at", "changed"]
    assert frame.astype(str).to_numpy().tolist() == [
        ["b", "2016-01-01", "t", "5.0", "2016-06-06 00:00:00+00:00", "True"],
        ["a", "2016-01-02", "u", "6.0", "2016-06-06 00:00:00+00:00", "True"],
    ]


def test_a_moment_of_another_time_zone_is_the_same_moment(weather):
    there = dt.timezone(dt.timedelta(hours=2))
    assert weather.append(poll({("a", 1): 5.0}), dt.datetime(2016, 6, 6, 2, tzinfo=there)).segment.startswith(
        "20160606T00"
    )


def test_only_what_differs_makes_a_version(weather, accepted):
    accepted({("a", 1): 5.0, ("a", 2): 6.0}, week(0))
    second = accepted({("a", 1): 5.0, ("a", 2): 7.0, ("b", 2): 1.0}, week(1))
    assert (second.new, second.changed, second.unchanged) == (1, 1, 1)
    assert long(weather.versions()) == [
        ("a", 1, 5.0, 0),
        ("a", 2, 6.0, 0),
        ("a", 2, 7.0, 1),
        ("b", 2, 1.0, 1),
    ]
    assert short(weather.read()) == {("a", 1): (5.0, 0), ("a", 2): (7.0, 1), ("b", 2): (1.0, 1)}


def test_as_of_a_moment_later_polls_are_unknown(weather, accepted):
    accepted({("a", 1): 5.0}, week(0))
    accepted({("a", 1): 7.0}, week(1))
    assert weather.read(as_of=week(0) - dt.timedelta(microseconds=1)).empty
    assert short(weather.read(as_of=week(0))) == {("a", 1): (5.0, 0)}
    assert short(weather.read(as_of=week(1) - dt.timedelta(microseconds=1))) == {("a", 1): (5.0, 0)}
    assert short(weather.read(as_of=week(1))) == {("a", 1): (7.0, 1)}


def test_what_a_later_poll_leaves_out_stays_known(weather, accepted):
    accepted({("a", 1): 5.0, ("a", 2): 6.0}, week(0))
    accepted({("a", 2): 6.0, ("a", 1): NAN}, week(1))
    assert short(weather.read()) == {("a", 1): (5.0, 0), ("a", 2): (6.0, 0)}


def test_a_cell_that_returns_to_an_old_value_has_three_versions(weather, accepted):
    for number, value in enumerate((5.0, 6.0, 5.0)):
        accepted({("a", 1): value}, week(number))
    assert long(weather.versions()) == [("a", 1, 5.0, 0), ("a", 1, 6.0, 1), ("a", 1, 5.0, 2)]


def test_arrays_tell_the_same_versions_and_the_polls_that_told_them(weather, accepted):
    accepted({("a", 1): 1.0, ("a", 2): 2.0, ("b", 1): 5.0}, week(0))
    accepted({("a", 2): 2.5, ("b", 1): 5.0}, week(1))
    told, frame = weather.told(weather.segments()), weather.versions()
    assert told.cells.value.tolist() == frame["value"].tolist() == [1.0, 2.0, 2.5, 5.0]
    assert told.first.tolist() == [True, True, False, True]
    first = (week(0) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).days
    assert told.moment.tolist() == [first, first, first + 7, first]
    january = (JANUARY - dt.date(1970, 1, 1)).days
    assert told.polls.tolist() == [[first, january, january + 1], [first + 7, january, january + 1]]


def test_a_poll_without_cells_leaves_a_segment_too(weather):
    for number, empty in enumerate((poll({}), poll({("a", 1): NAN}))):
        appended = weather.append(empty, week(number))
        weather.accept(appended.segment, by="test")
        assert (appended.new, appended.changed, appended.unchanged) == (0, 0, 0)
    assert len(weather.segments()) == 2
    assert weather.read().empty


@pytest.mark.parametrize("cells", [{}, {("b", 2, "u"): 1.0, ("a", 1, "t"): 2.0}], ids=["empty", "filled"])
def test_reads_have_the_declared_columns_and_order(weather, accepted, cells):
    accepted(cells, week(0))
    for frame in (weather.read(), weather.versions()):
        assert frame.dtypes.astype(str).to_dict() == {
            **OBSERVATION_DTYPES,
            "retrieved_at": "datetime64[us, UTC]",
        }
        assert frame.index.tolist() == list(range(len(cells)))


def test_reads_are_sorted_by_entity_variable_date(weather, accepted):
    accepted(
        {("b", 1, "t"): 1, ("a", 2, "u"): 2, ("a", 3, "t"): 3, ("a", 1, "u"): 4, ("é", 1, "t"): 5}, week(0)
    )
    accepted({("B", 1, "t"): 6, ("a", 2, "t"): 7}, week(1))
    frame = weather.read()
    cells = list(zip(frame["entity"], frame["variable"], frame["date"].dt.day, strict=True))
    assert cells == [
        ("B", "t", 1),
        ("a", "t", 2),
        ("a", "t", 3),
        ("a", "u", 1),
        ("a", "u", 2),
        ("b", "t", 1),
        ("é", "t", 1),
    ]


def test_start_counts_and_end_does_not(weather, accepted):
    accepted({("a", day): float(day) for day in range(1, 6)}, week(0))
    accepted({("a", day): float(-day) for day in range(1, 6)}, week(1))
    january = dt.date(2016, 1, 2), dt.date(2016, 1, 4)
    assert short(weather.read(start=january[0], end=january[1])) == {("a", 2): (-2.0, 1), ("a", 3): (-3.0, 1)}
    assert [row[1:3] for row in long(weather.versions(*january))] == [
        (2, 2.0),
        (2, -2.0),
        (3, 3.0),
        (3, -3.0),
    ]
    assert weather.read(start=dt.date(2016, 2, 1)).empty
    assert weather.read(end=JANUARY).empty


def test_sources_do_not_see_each_other(lake, accepted):
    accepted({("a", 1): 5.0}, week(0))
    assert lake.observations("weather_a").read().empty
    assert lake.observations("weather_a").segments(accepted=False) == []


def test_trying_the_same_append_again_changes_nothing(lake, weather, accepted):
    accepted({("a", 1): 1.0}, week(0))
    first = weather.append(poll({("a", 1): 5.0, ("a", 2): 6.0}), week(1))
    before = {path: lake.read_bytes(path) for path in lake.list("")}
    assert weather.append(poll({("a", 2): 6.0, ("a", 1): 5.0}), week(1)) == first
    assert {path: lake.read_bytes(path) for path in lake.list("")} == before


def test_of_two_answers_for_one_moment_the_first_stands(weather):
    first = weather.append(poll({("a", 1): 5.0}), week(0))
    assert weather.append(poll({("a", 1): 6.0, ("b", 1): 7.0}), week(0)) == first
    weather.accept(first.segment, by="test")
    assert weather.append(poll({("a", 1): 6.0}), week(0)) == first
    assert short(weather.read()) == {("a", 1): (5.0, 0)}


def test_after_a_rejection_the_same_moment_can_be_polled_again(weather):
    bad = weather.append(poll({("a", 1): 500.0}), week(0))
    weather.reject(bad.segment, by="validate", why=["too warm"])
    assert weather.append(poll({("a", 1): 500.0}), week(0)) == bad
    good = weather.append(poll({("a", 1): 5.0}), week(0))
    assert good.segment == f"{bad.segment}-2"
    assert weather.append(poll({("a", 1): 6.0}), week(0)) == good
    weather.accept(good.segment, by="validate")
    assert weather.segments(accepted=False) == [bad.segment, good.segment]
    assert weather.segments() == [good.segment]
    assert short(weather.read(as_of=week(0))) == {("a", 1): (5.0, 0)}


def test_the_latest_verdict_stands(weather, accepted):
    segment = accepted({("a", 1): 5.0}, week(0)).segment
    weather.reject(segment, by="Ann", why=["the provider took it back"])
    assert weather.read().empty
    assert weather.verdict(segment) == "rejected"
    weather.accept(segment, by="Ann")
    assert short(weather.read()) == {("a", 1): (5.0, 0)}


def test_a_rejected_poll_is_no_base_for_the_next(weather, accepted):
    accepted({("a", 1): 5.0}, week(0))
    bad = weather.append(poll({("a", 1): 500.0}), week(1))
    weather.reject(bad.segment, by="validate", why=["too warm"])
    good = accepted({("a", 1): 5.0}, week(2))
    assert (good.new, good.changed, good.unchanged) == (0, 0, 1)
    assert short(weather.read()) == {("a", 1): (5.0, 0)}


def test_what_a_poll_confirmed_outlives_the_rejection_of_the_poll_before(weather, accepted):
    accepted({("a", 1): 5.0}, week(0))
    doubtful = accepted({("a", 1): 6.0, ("a", 2): 7.0}, week(1))
    accepted({("a", 1): 6.0, ("a", 2): 7.0}, week(2))
    weather.reject(doubtful.segment, by="Ann", why=["a test of the provider"])
    assert short(weather.read()) == {("a", 1): (6.0, 2), ("a", 2): (7.0, 2)}
    assert short(weather.read(as_of=week(1))) == {("a", 1): (5.0, 0)}


def test_a_poll_accepted_late_does_not_silence_the_later_ones(weather, accepted):
    accepted({("a", 1): 5.0}, week(0))
    late = weather.append(poll({("a", 1): 6.0}), week(1))
    accepted({("a", 1): 5.0}, week(2))
    weather.accept(late.segment, by="Ann")
    assert long(weather.versions()) == [("a", 1, 5.0, 0), ("a", 1, 6.0, 1), ("a", 1, 5.0, 2)]


def test_a_poll_inserted_before_a_later_one_does_not_change_what_was_known_later(weather, accepted):
    accepted({("a", 1): 5.0, ("a", 2): 1.0}, week(0))
    accepted({("a", 1): 5.0, ("a", 3): 2.0}, week(2))
    later = weather.read(as_of=week(2))
    inserted = accepted({("a", 1): 6.0, ("a", 2): 3.0}, week(1))
    assert (inserted.new, inserted.changed, inserted.unchanged) == (0, 2, 0)
    assert short(weather.read(as_of=week(1))) == {("a", 1): (6.0, 1), ("a", 2): (3.0, 1)}
    assert short(weather.read(as_of=week(2))) == {("a", 1): (5.0, 2), ("a", 2): (3.0, 1), ("a", 3): (2.0, 2)}
    assert later["value"].tolist() == [5.0, 1.0, 2.0]


def test_a_run_that_kept_its_list_of_segments_reads_the_same_for_ever(weather, accepted):
    accepted({("a", 1): 5.0}, week(0))
    accepted({("a", 1): 5.0, ("a", 2): 2.0}, week(2))
    kept = weather.segments()
    before = weather.read(segments=kept)
    accepted({("a", 1): 6.0}, week(1))
    weather.reject(kept[0], by="Ann", why=["withdrawn"])
    pd.testing.assert_frame_equal(weather.read(segments=kept), before)
    pd.testing.assert_frame_equal(weather.read(segments=[*reversed(kept), kept[0]]), before)


def test_segments_outside_the_given_ones_do_not_count_even_if_accepted(weather, accepted):
    first = accepted({("a", 1): 5.0}, week(0)).segment
    second = accepted({("a", 1): 6.0}, week(1)).segment
    pending = weather.append(poll({("a", 1): 7.0}), week(2)).segment
    assert short(weather.read(segments=[first])) == {("a", 1): (5.0, 0)}
    assert short(weather.read(segments=[first, pending])) == {("a", 1): (7.0, 2)}
    assert short(weather.read(segments=[second, pending], as_of=week(1))) == {("a", 1): (6.0, 1)}
    assert long(weather.versions(segments=[first, pending])) == [("a", 1, 5.0, 0), ("a", 1, 7.0, 2)]
    assert weather.read(segments=[]).empty


def test_a_deleted_old_segment_takes_nothing_from_the_later_ones(lake, weather, accepted):
    old = accepted({("a", 1): 5.0, ("a", 2): 1.0}, week(0)).segment
    accepted({("a", 1): 5.0}, week(1))
    lake.delete(f"observations/weather/{old}.parquet")
    assert short(weather.read()) == {("a", 1): (5.0, 1)}


@pytest.mark.parametrize("segment", ["20160606T000000000000Z", "../x", "", "20160606T000000000000Z-1"])
def test_a_segment_that_is_not_there_is_named(weather, segment):
    uses = [
        lambda: weather.read(segments=[segment]),
        lambda: weather.accept(segment, by="x"),
        lambda: weather.reject(segment, by="x", why=[]),
    ]
    for use in uses:
        with pytest.raises(ArtefactMissing, match=r"is not in the lake\nNext: run ingest of weather"):
            use()


def test_a_cell_that_comes_twice_is_named(weather):
    frame = pd.concat([poll({("a", 1): 5.0, ("b", 2): 1.0}), poll({("b", 2): 1.0})])
    with pytest.raises(
        ValueError,
        match=r"source weather: 1 cell\(s\) come twice, .* entity 'b', date 2016-01-02, variable 't'",
    ):
        weather.append(frame, week(0))
    assert weather.segments(accepted=False) == []


def test_a_cell_that_comes_twice_is_refused_even_if_it_is_known(weather, accepted):
    accepted({("a", 1): 5.0}, week(0))
    with pytest.raises(ValueError, match=r"1 cell\(s\) come twice"):
        weather.append(pd.concat([poll({("a", 1): 5.0})] * 2), week(1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda f: f.drop(columns="variable"), r"lack the column\(s\) variable", id="column"),
        pytest.param(
            lambda f: f.assign(entity=pd.Series([None], dtype="str")),
            "has a value but no entity",
            id="entity",
        ),
        pytest.param(lambda f: f.assign(date=pd.NaT), "observation 1 has a value but no date", id="date"),
        pytest.param(
            lambda f: f.assign(date=f["date"] + pd.Timedelta(hours=1)),
            "01T01:00:00.* is no whole day",
            id="hour",
        ),
    ],
)
def test_what_is_no_observation_is_refused(weather, change, told):
    with pytest.raises(ValueError, match=told):
        weather.append(change(poll({("a", 1): 5.0})), week(0))


def test_a_moment_without_time_zone_is_refused(weather):
    with pytest.raises(ValueError, match=r"retrieved_at .* has no time zone"):
        weather.append(poll({}), dt.datetime(2016, 6, 6))  # noqa: DTZ001 - that is the mistake
    with pytest.raises(ValueError, match=r"as_of .* has no time zone"):
        weather.read(as_of=dt.datetime(2016, 6, 6))  # noqa: DTZ001 - that is the mistake


def test_other_columns_and_any_index_are_welcome(weather):
    frame = poll({("a", 1): 5.0, ("a", 2): 6.0}).assign(raw="5", row=1).iloc[::-1]
    assert weather.append(frame, week(0)).new == 2


def test_minus_zero_is_zero(weather, accepted):
    accepted({("a", 1): 0.0}, week(0))
    assert accepted({("a", 1): -0.0}, week(1)).unchanged == 1


def test_foreign_files_among_the_segments_are_passed_over(lake, weather, accepted):
    accepted({("a", 1): 5.0}, week(0))
    lake.write_bytes("observations/weather/README.txt", b"")
    lake.write_bytes("observations/weather/copy of 20160606T000000000000Z.parquet", b"")
    assert len(weather.segments(accepted=False)) == 1


@pytest.mark.parametrize("data", [b"", b"no parquet", b"x" * 100_000])
def test_a_broken_segment_is_named(lake, weather, data):
    lake.write_bytes("observations/weather/20160606T000000000000Z.parquet", data)
    with pytest.raises(
        ArtefactUnreadable, match=r"observations/weather/20160606T000000000000Z\.parquet can not be read"
    ):
        weather.read(segments=["20160606T000000000000Z"])


def test_a_table_that_is_no_segment_is_named(lake, weather):
    lake.write_frame("observations/weather/20160606T000000000000Z.parquet", poll({("a", 1): 5.0}))
    with pytest.raises(ArtefactUnreadable, match="not a segment of observations"):
        weather.read(segments=["20160606T000000000000Z"])


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"verdict": "perhaps"}'])
def test_a_broken_verdict_is_named(lake, weather, data):
    segment = weather.append(poll({("a", 1): 5.0}), week(0)).segment
    lake.write_bytes(f"verdicts/weather/{segment}.json", data)
    with pytest.raises(ArtefactUnreadable, match=rf"verdicts/weather/{segment}\.json can not be read"):
        weather.read()


def test_appends_at_the_same_moment_agree_on_one_segment(lake_url, open_again):
    writers = 4
    start, results = Barrier(writers), []

    def append(number):
        observations = open_again(lake_url).observations("weather")
        start.wait()
        results.append(observations.append(poll({("a", 1): float(number)}), week(0)))

    threads = [Thread(target=append, args=[number]) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == writers
    assert len(set(results)) == 1
    assert open_again(lake_url).observations("weather").segments(accepted=False) == [results[0].segment]
