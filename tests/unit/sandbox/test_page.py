from sandbox.page import page

SOURCES = {"fuel": {"route": "/fuel/weekly.csv", "rows": 3, "first": "2016-06-03", "last": "2016-06-17"}}


def test_the_page_lists_sources_and_the_faults_set():
    html = page("http://127.0.0.1:1", SOURCES, {"fuel": {"kind": "html", "hit": 0}})
    assert "<td>2016-06-03 to 2016-06-17</td>" in html
    assert "&quot;kind&quot;: &quot;html&quot;" in html
    assert "typing_error" in html


def test_what_others_wrote_can_not_become_markup():
    html = page(
        "http://127.0.0.1:1", SOURCES, {"fuel": {"kind": "renamed", "new_name": "<script>x</script>"}}
    )
    assert "<script>" not in html


def test_the_lines_to_copy_work(get, server, sandbox):
    found = get("/")
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    asked = [line for line in found.text.splitlines() if "curl &#x27;" in line and "/admin/" not in line]
    assert len(asked) == 5
    for line in asked:
        url = line.split("&#x27;")[1].replace("&amp;", "&")
        assert url.startswith(server.url)
        assert get(url.removeprefix(server.url)).status_code == 200
