"""Behind nginx as Debian ships it: answers are whole, coded and in parts as without it."""

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping

import pytest
from conftest import Reply, Service, start_service
from test_large_answers import LARGE_PATH

_FOUND = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(_FOUND is None, reason="no nginx: nothing was asked through it")
# All that is said is where; HTTP/1.0 to the service, buffers and time-outs are its own. Debian's
# file switches gzip on.
_CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {url};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""
_REQUESTS = 5


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, int]]:
    """A service, and the port of the nginx in front of it."""
    folder = tmp_path_factory.mktemp("nginx")
    service = start_service(
        folder, trusted_proxies="127.0.0.1", rate_limit=f"{_REQUESTS}/min", kill_limit="off"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder / "nginx.conf"
    # Its processes would give up the rights to the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(_CONFIGURATION.format(folder=folder, port=port, url=service.url, user=user))
    assert _FOUND is not None
    nginx = subprocess.Popen([_FOUND, "-c", str(file), "-e", str(folder / "nginx.log")])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not _listens(port):
        assert nginx.poll() is None, (folder / "nginx.log").read_text()
        time.sleep(0.05)
    yield service, port
    nginx.terminate()
    nginx.wait(10)
    assert service.stop() == 0


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _ask(
    port: int,
    client: str,
    path: str = LARGE_PATH,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> Reply:
    """Ask from an address of this machine, each of which is a client of its own."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=60, source_address=(client, 0)
    )
    try:
        connection.request(method, path, headers={"Accept": "text/csv"} | dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.headers), answer.read())
    finally:
        connection.close()


def _direct(service: Service, client: str, **headers: str) -> Reply:
    port = int(service.url.rpartition(":")[2])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return _ask(port, client, headers=named)


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_large_answers_arrive_as_they_are(behind: tuple[Service, int], coding: str) -> None:
    service, port = behind
    address = f"127.0.1.{len(coding)}"
    plain = _direct(service, address, Accept_Encoding=coding)
    through = _ask(port, address, headers={"Accept-Encoding": coding})
    assert (plain.status, through.status) == (200, 200)
    for name in ("Content-Length", "Content-Encoding", "ETag", "Content-Type", "Revision"):
        assert through.headers.get(name) == plain.headers.get(name), name
    assert through.body == plain.body
    assert len(plain.body) > 1_000_000 or coding != "identity"


def test_parts_and_heads_come_through(behind: tuple[Service, int]) -> None:
    _, port = behind
    whole = _ask(port, "127.0.2.1")
    half = len(whole.body) // 2
    rest = _ask(
        port,
        "127.0.2.1",
        headers={"Range": f"bytes={half}-", "If-Range": whole.headers["ETag"]},
    )
    assert rest.status == 206
    assert rest.headers["Content-Range"].endswith(f"/{len(whole.body)}")
    assert whole.body[:half] + rest.body == whole.body
    head = _ask(port, "127.0.2.1", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]
    known = _ask(port, "127.0.2.1", headers={"If-None-Match": whole.headers["ETag"]})
    assert known.status == 304


def test_refusals_come_through_whole(behind: tuple[Service, int]) -> None:
    _, port = behind
    reply = _ask(port, "127.0.3.1", "/sparql?query=SELECT")
    assert reply.status == 400
    assert reply.json()["code"] == "bad-query"
    assert int(reply.headers["Content-Length"]) == len(reply.body)


def test_the_client_is_whom_the_proxy_saw(behind: tuple[Service, int]) -> None:
    _, port = behind
    path = "/sparql?query=ASK%7B%7D"
    # What a client says of itself does not make it another one.
    told = [
        _ask(port, "127.0.4.1", path, {"Accept": "*/*", "X-Forwarded-For": f"10.0.0.{n}"}).status
        for n in range(_REQUESTS + 1)
    ]
    assert told == [200] * _REQUESTS + [429]
    assert _ask(port, "127.0.4.2", path, {"Accept": "*/*"}).status == 200
