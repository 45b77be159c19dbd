"""The contract of a store, held by both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from steadycast.errors import ArtefactMissing


def test_what_was_written_is_read_back(lake):
    assert lake.write_bytes("runs/2016-06-06/a.bin", b"one\0two") == "runs/2016-06-06/a.bin"
    assert lake.read_bytes("runs/2016-06-06/a.bin") == b"one\0two"


def test_nothing_is_a_content_too(lake):
    lake.write_bytes("empty", b"")
    assert lake.exists("empty")
    assert lake.read_bytes("empty") == b""


def test_a_later_write_replaces_the_earlier_one(lake):
    lake.write_bytes("a", b"a long first content")
    lake.write_bytes("a", b"second")
    assert lake.read_bytes("a") == b"second"
    assert lake.list("") == ["a"]


def test_a_write_is_seen_by_another_process(lake, open_again, lake_url):
    lake.write_bytes("a/b", b"here")
    assert open_again(lake_url).read_bytes("a/b") == b"here"


def test_write_if_absent_stores_once_and_says_whether_it_did(lake):
    assert lake.write_bytes_if_absent("claim", b"first") is True
    assert lake.write_bytes_if_absent("claim", b"second") is False
    assert lake.write_bytes_if_absent("claim", b"first") is False
    assert lake.read_bytes("claim") == b"first"
    assert lake.list("") == ["claim"]


def test_of_writers_at_the_same_moment_exactly_one_stores(lake):
    writers = 8
    start = Barrier(writers)

    def write(number):
        start.wait()
        return lake.write_bytes_if_absent("claim", str(number).encode())

    with ThreadPoolExecutor(writers) as pool:
        won = list(pool.map(write, range(writers)))
    assert won.count(True) == 1
    assert lake.read_bytes("claim") == str(won.index(True)).encode()


def test_reading_what_is_not_there_names_the_path_and_the_next_step(lake):
    with pytest.raises(
        ArtefactMissing, match=r"runs/2016-06-06/x\.json is not in the lake\nNext: run the stage"
    ):
        lake.read_bytes("runs/2016-06-06/x.json")


def test_opening_what_is_not_there_says_so(lake):
    with pytest.raises(ArtefactMissing, match="runs/x is not in the lake"):
        lake.backend.open("runs/x")


def test_a_folder_is_no_artefact(lake):
    lake.write_bytes("runs/a", b"1")
    assert lake.exists("runs/a")
    assert not lake.exists("run")
    assert not lake.exists("runs/a/b")
    with pytest.raises(ArtefactMissing):
        lake.read_bytes("runs")


def test_list_goes_into_all_folders_and_is_sorted(lake):
    for path in ("b/2", "b/10", "b/c/1", "a", "bb/1", "b-1"):
        lake.write_bytes(path, b"")
    assert lake.list("") == ["a", "b-1", "b/10", "b/2", "b/c/1", "bb/1"]
    assert lake.list("b") == ["b/10", "b/2", "b/c/1"]
    assert lake.list("b/") == ["b/10", "b/2", "b/c/1"]


def test_list_of_a_folder_that_is_not_there_is_empty(lake):
    assert lake.list("") == []
    lake.write_bytes("a", b"")
    assert lake.list("a") == []
    assert lake.list("nothing/here") == []


def test_list_is_whole_beyond_a_page_of_answers(lake, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    paths = [f"many/{number:04d}" for number in range(25)]
    for path in paths:
        lake.write_bytes(path, b"")
    assert lake.list("many") == paths


def test_deleting_leaves_the_neighbours_and_may_be_repeated(lake):
    lake.write_bytes("a/1", b"")
    lake.write_bytes("a/2", b"")
    lake.delete("a/1")
    lake.delete("a/1")
    lake.delete("nothing/here")
    assert lake.list("") == ["a/2"]


def test_after_a_delete_the_path_is_free_again(lake):
    lake.write_bytes("claim", b"old")
    lake.delete("claim")
    assert lake.write_bytes_if_absent("claim", b"new") is True
    assert lake.read_bytes("claim") == b"new"


def test_parts_of_a_large_object_are_read_as_from_a_file(lake):
    data = bytes(range(256)) * 1024
    lake.write_bytes("large", data)
    with lake.backend.open("large") as file:
        assert file.size() == len(data)
        file.seek(1000)
        assert file.read(300) == data[1000:1300]
        file.seek(len(data) - 70_000)
        assert file.read() == data[-70_000:]
        assert file.read(5) == b""
        file.seek(len(data) - 10)
        assert file.read(100) == data[-10:]


def test_names_beyond_ascii_are_paths_like_others(lake):
    lake.write_bytes("runs/Zürich & Söhne +1%20/ä b.json", b"x")
    assert lake.list("") == ["runs/Zürich & Söhne +1%20/ä b.json"]
    assert lake.read_bytes("runs/Zürich & Söhne +1%20/ä b.json") == b"x"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("", id="empty"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("../outside", id="climbs_out"),
        pytest.param("a/../b", id="climbs"),
        pytest.param("a//b", id="empty_name"),
        pytest.param("a/", id="closing_slash"),
        pytest.param("./a", id="dot"),
        pytest.param("a\\b", id="backslash"),
        pytest.param("a\nb", id="line_break"),
        pytest.param("a/.12.tmp", id="kept_for_unfinished_writes"),
    ],
)
def test_a_path_that_would_leave_the_lake_or_differ_between_stores_is_refused(lake, path):
    for use in (lake.read_bytes, lake.exists, lake.delete, lambda p: lake.write_bytes(p, b"")):
        with pytest.raises(ValueError, match=r"is no path within the lake|kept for unfinished writes"):
            use(path)


def test_link_tells_a_person_where_it_is(lake, lake_url):
    place = lake.link("published/latest/forecast.csv")
    assert place == lake_url.removeprefix("file://") + "/published/latest/forecast.csv"
    assert lake.url == lake_url
