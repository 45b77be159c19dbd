from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from steadycast.errors import BadResponse, SourceTimeout, SourceUnreachable
from steadycast.sources import Connection, http_json
from steadycast.sources.wire import Wire
from tests.unit.sources import provider as providers
from tests.unit.sources.conftest import DAY
from tests.unit.sources.provider import answer, drip, drop

GOOD = answer([{"date": DAY, "tmax": 70.5}])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a key and its self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with providers.running(context) as running:
        yield running


@pytest.fixture
def poll(secure, json_source, week, waiting, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    def ask(*script, **changes):
        secure.says(*script)
        connection = Connection("weather", secure.url, token="t0k")
        return http_json.fetch(json_source(**changes), week, connection, waiting=waiting)

    return ask


def test_an_authority_of_the_environment_is_trusted(poll, secure):
    assert len(poll(GOOD).frame) == 1
    assert secure.requests[0].headers["authorization"] == "Bearer t0k"


def test_an_unknown_authority_is_not_trusted(poll, secure, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(SourceUnreachable, match="certificate verify failed"):
        poll(GOOD)
    assert secure.requests == []


def test_a_dripping_answer_ends_at_request_s_under_tls_too(poll):
    began = time.monotonic()
    with pytest.raises(SourceTimeout, match=r"no complete answer within request_s = 0.5 s"):
        poll(drip(b" "), timeouts={"request_s": 0.5, "read_s": 5}, retries={"attempts": 1})
    assert time.monotonic() - began < 2


def test_a_connection_made_after_the_cut_is_cut_too(provider):
    provider.says(drip(b" "))
    wire = Wire()
    with httpx.Client(trust_env=False) as client, wire.cut_after(0.01):
        time.sleep(0.2)  # as on a machine so busy that the connection is only made when time is up
        with pytest.raises(httpx.TransportError):
            client.get(provider.url, timeout=5, extensions={"trace": wire.trace})
    assert wire.is_cut


def test_a_dropped_connection_under_tls_is_asked_again(poll):
    assert len(poll(drop(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n["), GOOD).frame) == 1


def test_a_redirect_to_an_unencrypted_address_is_refused(poll, other_server):
    other_server.says(GOOD)
    with pytest.raises(BadResponse, match="redirects to an unencrypted address"):
        poll(answer(status=302, Location=other_server.url))
    assert other_server.requests == []
