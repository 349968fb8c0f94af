"""Large answers: whole or in part, coded or not, always the same bytes; nothing is left of them."""

import csv
import gzip
import http.client
import os
import select
import socket
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import zstandard
from competency_graph.codings import LEAST
from competency_graph.errors import RangeNotSatisfiable, TooManyRequests, Unavailable
from competency_graph.index import Whole
from competency_graph.index.board import Seat
from competency_graph.index.spool import INLINE, Spool
from competency_graph.web import delivery
from competency_graph.web.delivery import AT_ONCE, LARGE, Deliveries, Delivery, coding_for, part_of
from conftest import Reply, Service

ROWS = 100_000
_ALL = f"SELECT * {{ ?a ?b ?c . ?s ?p ?o }} LIMIT {ROWS}"
LARGE_PATH = "/sparql?" + urllib.parse.urlencode({"query": _ALL})
MIDDLE_PATH = "/graph/shapes-house"
SMALL_PATH = "/api/v1/competencies/ce-brokering"
_PLAIN = {"Accept": "text/csv"}


def _get(service: Service, path: str = LARGE_PATH, **more: str) -> Reply:
    return service.send("GET", path, None, 60, _PLAIN if path == LARGE_PATH else None, **more)


@pytest.fixture(scope="module")
def whole(service: Service) -> Reply:
    """The large answer, uncoded."""
    reply = _get(service)
    assert reply.status == 200
    assert sum(1 for _ in csv.reader(reply.body.decode().splitlines(keepends=True))) == ROWS + 1
    assert len(reply.body) > 40 * LARGE
    return reply


def _decoded(reply: Reply) -> bytes:
    match reply.headers.get("Content-Encoding"):
        case "gzip":
            return gzip.decompress(reply.body)
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(reply.body)
    return reply.body


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "path", [LARGE_PATH, "/graphs?default", MIDDLE_PATH, SMALL_PATH, "/", "/static/style.css"]
)
def test_it_comes_coded_to_who_asks_for_that(service: Service, path: str, coding: str) -> None:
    plain, coded = _get(service, path), _get(service, path, Accept_Encoding=coding)
    assert (plain.status, coded.status) == (200, 200)
    assert "Content-Encoding" not in plain.headers
    assert coded.headers["Content-Encoding"] == coding
    assert _decoded(coded) == plain.body
    assert len(coded.body) < len(plain.body) / 2
    for reply in (plain, coded):
        assert int(reply.headers["Content-Length"]) == len(reply.body)
        assert "Accept-Encoding" in reply.headers["Vary"]
    assert coded.headers["ETag"] != plain.headers["ETag"]
    again = _get(service, path, Accept_Encoding=coding, If_None_Match=coded.headers["ETag"])
    assert again.status == 304


def test_what_fits_a_packet_is_not_coded(service: Service) -> None:
    reply = service.query("ASK {}", Accept_Encoding="gzip, zstd")
    assert len(reply.body) < LEAST
    assert "Content-Encoding" not in reply.headers


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.9", "gzip"),
        ("gzip;q=0.5", "gzip"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0, zstd;q=0", None),
        ("*", None),
        ("*;q=0, gzip", "gzip"),
        ("identity;q=0, *", "gzip"),
        ("identity;q=0, gzip;q=0, *;q=0.1", "zstd"),
        ("zstd;q=0.2, *;q=0.5", None),
        (";;,", None),
    ],
)
def test_the_coding_is_what_the_client_likes_best(header: str, coding: str | None) -> None:
    assert coding_for(header) == coding


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_what_was_cut_off_is_continued_to_the_same_bytes(service: Service, coding: str) -> None:
    first = _get(service, Accept_Encoding=coding)
    half = len(first.body) // 2
    rest = _get(
        service, Accept_Encoding=coding, Range=f"bytes={half}-", If_Range=first.headers["ETag"]
    )
    assert rest.status == 206
    size = len(first.body)
    assert rest.headers["Content-Range"] == f"bytes {half}-{size - 1}/{size}"
    assert int(rest.headers["Content-Length"]) == size - half == len(rest.body)
    assert rest.headers["ETag"] == first.headers["ETag"]
    assert first.body[:half] + rest.body == first.body


@pytest.mark.parametrize("path", [LARGE_PATH, MIDDLE_PATH, SMALL_PATH])
def test_a_part_is_what_was_asked_for(service: Service, path: str) -> None:
    all_of_it = _get(service, path)
    assert all_of_it.headers["Accept-Ranges"] == "bytes"
    assert _get(service, path, Range="bytes=10-19").body == all_of_it.body[10:20]
    assert _get(service, path, Range="bytes=-7").body == all_of_it.body[-7:]
    several = _get(service, path, Range="bytes=0-1,5-6")
    assert (several.status, several.body) == (200, all_of_it.body)
    changed = _get(service, path, Range="bytes=10-19", If_Range='"another"')
    assert (changed.status, changed.body) == (200, all_of_it.body)
    known = _get(service, path, Range="bytes=10-", If_None_Match=all_of_it.headers["ETag"])
    assert known.status == 304
    beyond = _get(service, path, Range="bytes=999999999-")
    assert beyond.status == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(all_of_it.body)}"
    assert beyond.json()["code"] == "range-not-satisfiable"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-", range(100)),
        ("bytes=0-0", range(1)),
        ("bytes=90-999", range(90, 100)),
        ("bytes=-500", range(100)),
        ("bytes=5-2", None),
        ("bytes=a-b", None),
        ("rows=0-5", None),
        ("bytes=0-1, 3-4", None),
        ("bytes=-", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("", None),
    ],
)
def test_ranges_are_read_as_the_standard_has_them(header: str, part: range | None) -> None:
    assert part_of(100, header) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0"])
def test_no_bytes_are_not_a_part(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        part_of(100, header)


def test_ranges_are_for_get_alone(service: Service, whole: Reply) -> None:
    posted = service.query(_ALL, Accept="text/csv", Range="bytes=0-9")
    assert (posted.status, len(posted.body)) == (200, len(whole.body))
    assert "Accept-Ranges" not in posted.headers
    head = service.send("HEAD", LARGE_PATH, None, 60, _PLAIN, Range="bytes=0-9")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole.body)
    assert head.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT DISTINCT ?p { ?s ?p ?o }",
        "SELECT ?p (COUNT(*) AS ?n) (SAMPLE(?s) AS ?one) { ?s ?p ?o } GROUP BY ?p",
        "SELECT DISTINCT ?a ?b { ?a (<http://www.w3.org/2004/02/skos/core#broader>+) ?b }",
        "SELECT * { ?a ?p ?b . ?b ?q ?c OPTIONAL { ?c ?r ?d } } LIMIT 5000",
        "CONSTRUCT WHERE { ?s ?p ?o }",
    ],
)
def test_every_reader_answers_with_the_same_bytes(service: Service, query: str) -> None:
    assert len({service.query(query).headers["ETag"] for _ in range(8)}) == 1


def _descriptors(service: Service) -> dict[int, int]:
    """Return how many descriptors each web process has."""
    found = {}
    for pid in service.processes("competency_graph.web"):
        found[pid] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return found


def _settles(service: Service, before: dict[int, int]) -> bool:
    deadline = time.monotonic() + 10
    while (now := _descriptors(service)) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    return now == before


@contextmanager
def _taking(service: Service, number: int, head: bytes = b"") -> Iterator[list[socket.socket]]:
    """Ask for the large answer as often, reading no more than how each begins."""
    host, port = service.url.removeprefix("http://").split(":")
    request = f"GET {LARGE_PATH} HTTP/1.1\r\nHost: {host}\r\nAccept: text/csv\r\n".encode()
    with ExitStack() as opened:
        clients = []
        for _ in range(number):
            client = opened.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(60)
            client.connect((host, int(port)))
            client.sendall(request + head + b"\r\n")
            clients.append(client)
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 200"
        yield clients


def test_who_leaves_midway_leaves_nothing_behind(service: Service) -> None:
    _get(service)
    # Idle connections of other tests are closed after a while, and count meanwhile.
    time.sleep(0.5)
    before = _descriptors(service)
    with _taking(service, 6):
        during = _descriptors(service)
        # A socket and a file each.
        assert sum(during.values()) >= sum(before.values()) + 12
    assert _settles(service, before)
    for _ in range(3):
        service.send("HEAD", LARGE_PATH, None, 60, _PLAIN)
        _get(service, Range="bytes=999999999-")
        _get(service, If_Match='"another"')
    assert _settles(service, before)


def test_web_processes_hold_nothing_of_it(service: Service, whole: Reply) -> None:
    def resident() -> int:
        return sum(
            int(line.split()[1])
            for pid in service.processes("competency_graph.web")
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmRSS:")
        )

    before, size = resident(), 0
    with _taking(service, 4) as clients:
        waiting = list(clients)
        while waiting:
            for client in select.select(waiting, [], [], 30)[0]:
                size += len(client.recv(1 << 20))
            waiting = waiting if size < 4 * len(whole.body) else []
        grown = resident() - before
    assert grown * 1024 < len(whole.body) / 2


def test_over_http_1_0_it_has_its_length_too(service: Service, whole: Reply) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(f"GET {LARGE_PATH} HTTP/1.0\r\nAccept: text/csv\r\n\r\n".encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert int(answer.headers["Content-Length"]) == len(whole.body)
        assert answer.read() == whole.body
        assert client.recv(1) == b""


def test_the_connection_goes_on_after_it(service: Service, whole: Reply) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    for _ in range(3):
        connection.request("GET", LARGE_PATH, headers=_PLAIN)
        assert connection.getresponse().read() == whole.body
    first = connection.sock
    connection.request("GET", SMALL_PATH)
    assert connection.getresponse().status == 200
    assert connection.sock is first
    connection.close()


def test_one_client_takes_so_many_at_once() -> None:
    counted = Deliveries()
    for _ in range(AT_ONCE):
        counted.begin("a")
    with pytest.raises(TooManyRequests) as refused:
        counted.begin("a")
    assert refused.value.retry_after
    counted.begin("b")
    counted.end("a")
    counted.begin("a")


def _delivery(content: bytes, connection: socket.socket) -> Delivery:
    file = tempfile.TemporaryFile()
    file.write(content)
    file.flush()
    whole = Whole(
        media_type="text/csv",
        revision=1,
        size=len(content),
        digest="",
        descriptor=os.dup(file.fileno()),
    )
    file.close()
    return Delivery(whole, range(len(content)), connection, Deliveries(), "a")


@contextmanager
def _connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return both ends of a connection whose reader has room for little."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listening.getsockname())
        server, _ = listening.accept()
        with server:
            # As the server has its sockets: none of them waits in the kernel.
            server.settimeout(60)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 50_000)
            yield server, client


def test_who_takes_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 0.5)
    with _connected() as (server, _):
        sending = _delivery(bytes(20_000_000), server)
        began = time.monotonic()
        with pytest.raises(BrokenPipeError):
            list(sending)
        assert 0.4 < time.monotonic() - began < 5
        sending.close()


@pytest.mark.parametrize(("step", "stays"), [(40_000, True), (1_000, False)])
def test_who_takes_enough_is_not_left(
    monkeypatch: pytest.MonkeyPatch, step: int, stays: bool
) -> None:
    # The rule at a hundredth of the time: 80 kB over 0.5 s, read twenty times a second.
    monkeypatch.setattr(delivery, "PATIENCE", 0.5)
    monkeypatch.setattr(delivery, "SLOWEST", 160_000)
    seen: list[type[BaseException] | None] = []
    with _connected() as (server, client):
        sending = _delivery(bytes(2_000_000), server)

        def send() -> None:
            try:
                list(sending)
                seen.append(None)
            except BrokenPipeError as error:
                seen.append(type(error))
            finally:
                sending.close()

        sender = threading.Thread(target=send)
        sender.start()
        client.settimeout(10)
        try:
            while sender.is_alive():
                left = step
                while left and (got := len(client.recv(left))):
                    left -= got
                time.sleep(0.05)
        except OSError:
            pass
        sender.join(10)
    assert seen == [None if stays else BrokenPipeError]


def test_a_full_disk_is_told_and_nothing_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tempfile, "TemporaryFile", lambda buffering: open("/dev/full", "wb", buffering=buffering)
    )
    spool = Spool(1 << 30, None, Seat())
    with pytest.raises(Unavailable) as refused:
        spool.write(bytes(INLINE + 1))
    assert "room" in refused.value.detail
    assert spool.file is not None
    spool.file.close()
