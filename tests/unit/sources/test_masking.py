from __future__ import annotations

import pytest

from steadycast.sources import Connection
from steadycast.sources.masking import Secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("http://h/x?api_key=abc&b=2", "http://h/x?api_key=***&b=2", id="api_key"),
        pytest.param(
            "http://h/x?b=2&X-Amz-Signature=abc#f", "http://h/x?b=2&X-Amz-Signature=***#f", id="signature"
        ),
        pytest.param("http://h/x?access_token=abc&key=d", "http://h/x?access_token=***&key=***", id="two"),
        pytest.param("http://ann:abc@h/x", "http://***@h/x", id="login_in_the_address"),
        pytest.param(
            "http://h/x?monkey=1&keyboard=2", "http://h/x?monkey=1&keyboard=2", id="only_sounds_like_one"
        ),
    ],
)
def test_secrets_are_known_by_their_names(text, shown):
    assert Secrets(None).hide(text) == shown


@pytest.mark.parametrize(
    "connection",
    [
        pytest.param(Connection("x", password="p@ss word"), id="password"),
        pytest.param(Connection("x", token="p@ss word"), id="token"),
        pytest.param(Connection("x", extra={"header:X-Key": "p@ss word"}), id="header"),
        pytest.param(Connection("x", "postgresql://ann:p%40ss%20word@h/db"), id="address"),
    ],
)
@pytest.mark.parametrize("form", ["p@ss word", "p%40ss%20word", "p%40ss+word"])
def test_secrets_are_known_by_value_in_every_form(connection, form):
    assert Secrets(connection).hide(f"no {form}, sorry") == "no ***, sorry"


def test_a_connection_shows_none_of_its_secrets():
    connection = Connection("shop", "postgresql://ann:pw1@h/db", "ann", "pw2", "pw3", {"header:X-Key": "pw4"})
    assert "pw" not in repr(connection)
    assert "pw" not in f"{connection} {[connection]}"
