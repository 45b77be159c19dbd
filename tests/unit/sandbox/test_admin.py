import httpx
import pytest


@pytest.fixture
def ask(sandbox):
    def request(method, path, **options):
        return httpx.request(
            method, f"{sandbox.url}/admin/faults{path}", timeout=10, trust_env=False, **options
        )

    return request


def test_a_fault_is_set_listed_counted_and_cleared(ask, get):
    put = ask("PUT", "/fuel", json={"kind": "html", "count": 2, "from": "2016-06-06"})
    assert put.json() == {
        "fuel": {"kind": "html", "count": 2, "from": "2016-06-06", "hit": 0, "spent": False}
    }
    get("/fuel/weekly.csv", params={"as_of": "2016-06-06"})
    assert ask("GET", "").json()["faults"]["fuel"]["hit"] == 1
    assert ask("DELETE", "/fuel").json() == {"cleared": ["fuel"]}
    assert ask("GET", "").json()["faults"] == {}


def test_clearing_without_a_source_takes_all_back(ask):
    for source in ("fuel", "government"):
        ask("PUT", f"/{source}", json={"kind": "down"})
    assert ask("DELETE", "").json() == {"cleared": ["fuel", "government"]}
    assert ask("DELETE", "").json() == {"cleared": []}


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        pytest.param(
            "/wether_a", b'{"kind": "html"}', 404, "no source 'wether_a'; there are ridership", id="source"
        ),
        pytest.param("/fuel", b"kind=html", 422, "the body is not JSON", id="form"),
        pytest.param("/fuel", b'"html"', 422, "no JSON object", id="text"),
        pytest.param("/fuel", b'{"kind": "htlm"}', 422, "kind 'htlm' is none of", id="kind"),
        pytest.param("/fuel", b'{"kind": "swapped"}', 422, "nothing can be swapped", id="misfit"),
    ],
)
def test_a_refused_fault_is_explained_and_not_set(ask, path, body, status, says):
    found = ask("PUT", path, content=body)
    assert found.status_code == status
    assert says in found.json()["error"]
    assert ask("GET", "").json()["faults"] == {}


def test_clearing_an_unknown_source_is_refused(ask):
    assert ask("DELETE", "/nothing").status_code == 404


def test_the_listing_names_all_kinds_with_their_options(ask):
    kinds = ask("GET", "").json()["kinds"]
    assert len(kinds) == 14
    assert kinds["slow"] == ["seconds"]
