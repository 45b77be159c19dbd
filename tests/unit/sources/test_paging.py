from __future__ import annotations

import pytest

from steadycast import schema as c
from steadycast.errors import BadResponse
from steadycast.sources import http_csv, http_json
from tests.unit.sources.provider import answer, by_query

DAYS = [{"date": f"2016-06-0{n}", "tmax": n} for n in (1, 2, 3, 4, 5)]
CURSOR = {"style": "cursor", "param": "cursor", "next_field": "meta.next"}


@pytest.fixture
def poll(provider, at, week, waiting, json_source):
    def ask(*script, progress=lambda *step: None, **changes):
        provider.says(*script)
        return http_json.fetch(json_source(**changes), week, at(), waiting=waiting, progress=progress)

    return ask


def values(found):
    return found.frame[c.VALUE].tolist()


def asked(provider, name):
    return [request.query.get(name) for request in provider.requests]


def pages_of(size, first=1):
    """A provider of numbered pages; an empty one lies beyond the last."""
    return by_query(lambda r: answer(DAYS[size * (int(r.query["page"]) - first) :][:size]))


@pytest.mark.parametrize("first", [0, 1])
def test_numbered_pages_are_read_until_one_is_empty(poll, provider, first):
    paging = {"style": "page", "param": "page", "size_param": "n", "size": 2, "first_page": first}
    found = poll(pages_of(2, first), paging=paging)
    assert values(found) == [1, 2, 3, 4, 5]
    assert found.frame[c.ROW].tolist() == [1, 2, 3, 4, 5]
    assert asked(provider, "page") == [str(first + n) for n in range(4)]
    assert asked(provider, "n") == ["2"] * 4


def test_a_provider_that_caps_the_page_size_loses_nothing(poll):
    assert values(poll(pages_of(2), paging={"style": "page", "size_param": "n", "size": 5000})) == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_the_number_of_pages_saves_the_last_request(poll, provider):
    told: list[tuple[str, int, int]] = []
    body = by_query(lambda r: answer({"data": DAYS[:1] if r.query["page"] == "1" else DAYS[1:2], "pages": 2}))
    found = poll(body, records="data", paging={"style": "page"}, progress=lambda *step: told.append(step))
    assert values(found) == [1, 2]
    assert told == [("weather page", 1, 2), ("weather page", 2, 2)]


def test_404_beyond_the_last_page_is_the_end(poll):
    script = by_query(
        lambda r: answer(DAYS[:2]) if r.query["page"] == "1" else answer("Invalid page.", status=404)
    )
    assert values(poll(script, paging={"style": "page"})) == [1, 2]


def test_404_for_the_first_page_is_an_error(poll):
    with pytest.raises(BadResponse, match=r"404"):
        poll(answer(status=404), paging={"style": "page"})


def test_a_provider_that_ignores_the_page_number_is_found_out(poll, provider):
    with pytest.raises(BadResponse, match=r"page 2 repeats page 1"):
        poll(answer(DAYS), paging={"style": "page", "param": "p"})
    assert len(provider.requests) == 2


def test_offsets_go_by_the_records_received(poll, provider):
    script = by_query(lambda r: answer(DAYS[int(r.query["offset"]) :][:2]))
    found = poll(script, paging={"style": "offset", "param": "offset", "size_param": "limit", "size": 1000})
    assert values(found) == [1, 2, 3, 4, 5]
    assert asked(provider, "offset") == ["0", "2", "4", "5"]


@pytest.mark.parametrize("end", [None, "", False], ids=["null", "empty", "false"])
def test_cursors_are_followed_to_the_end(poll, provider, end):
    script = [answer({"data": DAYS[i : i + 1], "meta": {"next": n}}) for i, n in enumerate(["a", 7, end])]
    assert values(poll(*script, records="data", paging=CURSOR)) == [1, 2, 3]
    assert asked(provider, "cursor") == [None, "a", "7"]


def test_a_cursor_that_comes_back_is_an_error(poll, provider):
    script = [answer({"data": DAYS[:1], "meta": {"next": n}}) for n in ("a", "b", "a")]
    with pytest.raises(BadResponse, match=r"page 3 names 'a' as the next page again"):
        poll(*script, records="data", paging=CURSOR)
    assert len(provider.requests) == 3


@pytest.mark.parametrize(
    ("paging", "script"),
    [
        pytest.param(
            CURSOR,
            by_query(lambda r: answer({"data": [], "meta": {"next": r.query.get("cursor", "") + "x"}})),
            id="cursor",
        ),
        pytest.param(
            {"style": "page"}, by_query(lambda r: answer({"data": DAYS, "n": r.query["page"]})), id="page"
        ),
    ],
)
def test_pages_without_end_stop_at_max_pages(poll, provider, paging, script):
    with pytest.raises(BadResponse, match=r"more than max_pages = 4 pages"):
        poll(script, records="data", paging={**paging, "max_pages": 4})
    assert len(provider.requests) == 4


def test_links_are_followed_on_the_providers_own_server(poll, provider):
    # behind a proxy that ends TLS, a link often names another protocol and port
    script = [
        answer({"data": DAYS[:1], "next": "/more?at=2"}),
        answer({"data": DAYS[1:2], "next": "https://127.0.0.1/more?at=3"}),
        answer({"data": DAYS[2:3], "next": None}),
    ]
    found = poll(
        *script, records="data", params={"x": "1"}, paging={"style": "next_link", "next_field": "next"}
    )
    assert values(found) == [1, 2, 3]
    assert [r.path for r in provider.requests] == ["/daily", "/more", "/more"]
    assert asked(provider, "at") == [None, "2", "3"]
    assert asked(provider, "x") == ["1", None, None]


def test_a_link_to_another_server_is_refused(poll):
    script = answer({"data": DAYS[:1], "next": "http://elsewhere.example/more"})
    with pytest.raises(BadResponse, match=r"the next page is on another server, elsewhere.example"):
        poll(script, records="data", paging={"style": "next_link", "next_field": "next"})


def test_a_failed_page_alone_is_asked_for_again(poll, provider):
    script = [
        answer({"data": DAYS[:1], "meta": {"next": "a"}}),
        answer(status=503),
        answer({"data": DAYS[1:2], "meta": {"next": None}}),
    ]
    assert values(poll(*script, records="data", paging=CURSOR)) == [1, 2]
    assert asked(provider, "cursor") == [None, "a", "a"]


def test_csv_has_pages_too(provider, at, week, csv_source):
    provider.says(
        by_query(
            lambda r: answer(
                "date,tmax\n" + ("2016-06-01,1\n" if r.query["page"] == "1" else ""), kind="text/csv"
            )
        )
    )
    assert values(http_csv.fetch(csv_source(paging={"style": "page"}), week, at())) == [1]


def test_csv_has_pages_by_link_header(provider, at, week, csv_source):
    provider.says(
        answer("date,tmax\n2016-06-01,1\n", kind="text/csv", Link='</daily?at=2>; rel="next"'),
        answer("date,tmax\n2016-06-02,2\n", kind="text/csv"),
    )
    assert values(http_csv.fetch(csv_source(paging={"style": "next_link"}), week, at())) == [1, 2]


def test_csv_has_no_place_for_a_cursor(provider, at, week, csv_source):
    provider.says(answer("date,tmax\n2016-06-01,1\n", kind="text/csv"))
    with pytest.raises(BadResponse, match=r"no place for next_field = 'meta.next'"):
        http_csv.fetch(csv_source(paging=CURSOR), week, at())
