"""Where an endpoint may be, by address and by certificate, and how settings name it."""

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from competency_graph.config import Settings
from competency_graph.errors import BadSetting, ServiceFailed
from competency_graph.outward import ask, endpoints

NAME = "http://endpoint.example/sparql"
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
# Of one's own network: for those names that the operator marks.
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"]
NEVER = [
    "169.254.169.254",
    "fe80::1",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "2001:0:7f00:1::",
]
RESERVED = ["240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::7f00:1"]


def _permits(entry: str, address: str) -> bool:
    (endpoint,) = endpoints([entry]).values()
    return endpoint.permits(ip_address(address))


@pytest.mark.parametrize("address", [*PUBLIC, *PRIVATE, *NEVER, *RESERVED])
def test_a_name_leads_to_public_addresses_only(address: str) -> None:
    assert _permits(NAME, address) is (address in PUBLIC)


@pytest.mark.parametrize("address", [*PUBLIC, *PRIVATE, *NEVER])
def test_a_marked_name_leads_into_the_own_network_too(address: str) -> None:
    assert _permits("private:" + NAME, address) is (address not in NEVER)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254"])
def test_an_address_written_as_such_is_that_one_alone(address: str) -> None:
    assert _permits(f"http://{address}:3030/sparql", address)
    assert not _permits(f"http://{address}:3030/sparql", "127.0.0.2")


@pytest.mark.parametrize("address", ["::1", "::ffff:127.0.0.1"])
def test_an_address_of_ipv6_is_written_in_brackets(address: str) -> None:
    assert _permits(f"http://[{address}]:3030/sparql", address)


def test_endpoints_are_named_by_what_a_query_writes() -> None:
    settings = Settings.load({"COMPETENCY_GRAPH_SERVICE_ALLOW": f"{NAME}, private:{NAME}2"})
    found = endpoints(settings.service_allow)
    assert {url: endpoint.private for url, endpoint in found.items()} == {
        NAME: False,
        NAME + "2": True,
    }
    assert Settings.load(settings.environment()) == settings


@pytest.mark.parametrize(
    "text",
    [
        "endpoint.example/sparql",
        "ftp://endpoint.example/sparql",
        "file:///etc/passwd",
        "http://user:secret@endpoint.example/sparql",
        "http://endpoint.example/sparql#here",
        "http://endpoint.example/a b",
        "http://endpoint.example:99999/sparql",
        "http:///sparql",
        "http://münchen.example/sparql",
        "public:http://endpoint.example/sparql",
    ],
)
def test_what_is_no_endpoint_stops_the_start(text: str) -> None:
    with pytest.raises(BadSetting, match="SERVICE_ALLOW cannot be"):
        Settings.load({"COMPETENCY_GRAPH_SERVICE_ALLOW": text})


class _Endpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/sparql-results+json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """An endpoint over TLS for the address 127.0.0.1: its port and its own certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate")
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1"
    make += " -addext subjectAltName=IP:127.0.0.1 -keyout key -out certificate"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    server = HTTPServer(("127.0.0.1", 0), _Endpoint)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, tmp_path / "certificate"
    server.shutdown()
    server.server_close()
    thread.join()


def _asked(entry: str) -> bytes:
    (endpoint,) = endpoints([entry]).values()
    return ask(endpoint, "SELECT * {}", seconds=5, most=100)


def test_a_certificate_must_be_vouched_for(
    certified: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, certificate = certified
    with pytest.raises(ServiceFailed, match="certificate"):
        _asked(f"https://127.0.0.1:{port}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert _asked(f"https://127.0.0.1:{port}/") == b"{}"


def test_a_certificate_must_be_for_the_name(
    certified: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, certificate = certified
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(ServiceFailed, match="certificate"):
        _asked(f"private:https://localhost:{port}/")


def test_a_proxy_of_the_environment_is_not_asked(
    certified: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, certificate = certified
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert _asked(f"https://127.0.0.1:{port}/") == b"{}"


def test_nobody_listening_is_told_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(ServiceFailed, match="could not be reached"):
        _asked("http://127.0.0.1:9/")
    assert time.monotonic() - began < 2
