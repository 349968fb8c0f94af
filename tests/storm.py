"""A storm of hostile requests, sent to a running service from a process of its own.

    python tests/storm.py HOST:PORT SECONDS QUERY_TIMEOUT CLIENTS < a maintainer's token

Each kind is sent again and again, by as many clients as the service has readers for it, and each
request that ended is a line of JSON: its ``kind``, how it ended (``told``), whether that is how it
must, in how many ``seconds``, and what its limit is (``most``). Asks nothing else, judges nothing.
"""

import gzip
import http.client
import json
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from urllib.parse import quote, urlencode

Address = tuple[str, int]

DEEP = 10_000
LARGE = 100_000_000
SLOW_READERS = 10
HALF_OPEN = 200
# Of the service: what a head may take, and how long a body and an answer may not move.
_HEAD, _STALLED = 15.0, 30.0
_BLOCK = b" " * 1_000_000
_FORM = "application/x-www-form-urlencoded"
_RDF_XML = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="urn:e:">'
_NUMBERS = " ".join(str(number) for number in range(400))
_DOUBLE = "BIND('aaaaaaaa' AS ?s0) " + "".join(
    f"BIND(CONCAT(?s{n}, ?s{n}) AS ?s{n + 1}) " for n in range(40)
)
_LONG = _DOUBLE[: _DOUBLE.index("BIND(CONCAT(?s14")]

QUERIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "cross product": (
        "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
        ("503 time",),
    ),
    "closure of a wide path": (
        "SELECT (COUNT(*) AS ?n) { ?a (!<a:p>|^!<a:p>)+ ?b }",
        ("503 time", "503 memory"),
    ),
    # The parser takes long before its stack ends: on a slow machine the time limit is first.
    "path of 9,000 steps": (
        f"SELECT * {{ <a:a> {'/'.join(['<a:p>'] * 9_000)} ?o }}",
        ("400 nesting", "503 time"),
    ),
    # The engine's time is linear in the text, so that it has an answer.
    "exponential regular expression": (
        f"SELECT ?x {{ {_LONG} FILTER(REGEX(?s14, '^((a+)+)+x$')) BIND(1 AS ?x) }}",
        ("200 no rows",),
    ),
    "regular expressions on long texts": (
        f"SELECT (COUNT(*) AS ?n) {{ {_LONG} VALUES ?a {{ {_NUMBERS} }} VALUES ?b {{ {_NUMBERS} }} "
        "FILTER(REGEX(CONCAT(?s14, STR(?a), STR(?b)), '^((a+)+)+x$')) }",
        ("503 time",),
    ),
    "string doubling": (f"SELECT (STRLEN(?s40) AS ?n) {{ {_DOUBLE} }}", ("503 memory", "503 time")),
    "huge VALUES": (
        "SELECT (COUNT(*) AS ?n) { "
        + "".join(f"VALUES ?{name} {{ {' '.join(map(str, range(4_000)))} }} " for name in "abc")
        + "FILTER(?a + ?b + ?c = 0) }",
        ("503 time", "503 memory"),
    ),
    "VALUES of 5 MB": (
        f"SELECT * {{ VALUES ?a {{ {' '.join(map(str, range(700_000)))} }} }}",
        ("400 length", "413 too-large"),
    ),
    "giant ORDER BY": (
        "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY DESC(?f) ?c ?a",
        ("503 memory", "503 time"),
    ),
    "deep SPARQL": ("SELECT * " + "{" * DEEP + "}" * DEEP, ("400 nesting",)),
    "9,000 additions": (
        f"SELECT ({'+'.join(['1'] * 9_000)} AS ?x) {{}}",
        ("400 nesting", "503 time"),
    ),
}
_BOMB = (
    "<!DOCTYPE r ["
    + '<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + f']>{_RDF_XML}<rdf:Description rdf:about="urn:e:x"><e:says>&i;</e:says>'
    "</rdf:Description></rdf:RDF>"
)
CANDIDATES: Mapping[str, tuple[str, str]] = {
    "deep JSON-LD": ("application/ld+json", '{"urn:p":' * DEEP + "1" + "}" * DEEP),
    "deep RDF/XML": (
        "application/rdf+xml",
        _RDF_XML + '<rdf:Description rdf:about="urn:a"><e:b>' * DEEP,
    ),
    "deep Turtle": ("text/turtle", "<urn:a> <urn:b> " + "[ <urn:p> " * DEEP),
    "entity bomb": ("application/rdf+xml", _BOMB),
}
_SHAPES = """
PREFIX sh: <http://www.w3.org/ns/shacl#>
<urn:shapes> a sh:NodeShape ; sh:targetSubjectsOf <urn:b> ;
    sh:property <urn:shapes#pattern> .
<urn:shapes#pattern> a sh:PropertyShape ; sh:path <urn:b> ; sh:pattern "^(a+)+$x" ;
    sh:severity sh:Violation ; sh:message "Write something else."@en .
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """A request: how it must end (status, and limit or code), and within how many seconds."""

    kind: str
    told: tuple[str, ...]
    most: float
    method: str = "POST"
    path: str = "/validate"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    blank: int = 0
    """How many bytes of nothing follow the body."""


def queries(seconds: float) -> Iterator[Hostile]:
    """Yield those that readers of queries meet."""
    for kind, (text, told) in QUERIES.items():
        body = urlencode({"query": text}).encode()
        headers = {"Content-Type": _FORM}
        yield Hostile(
            kind=kind, told=told, most=seconds, path="/sparql", body=body, headers=headers
        )


def candidates(seconds: float) -> Iterator[Hostile]:
    """Yield those that forks for everybody's candidates meet."""
    for kind, (media_type, text) in CANDIDATES.items():
        headers = {"Content-Type": media_type}
        yield Hostile(
            kind=kind,
            told=("400 unreadable-input", "503 time"),
            most=seconds,
            body=text.encode(),
            headers=headers,
        )
    parts = {"data": f'<urn:a> <urn:b> "{"a" * 60}" .', "shapes": _SHAPES}
    body = "".join(
        f'--mark\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.ttl"\r\n\r\n'
        f"{text}\r\n"
        for name, text in parts.items()
    )
    yield Hostile(
        kind="exponential pattern of shapes",
        told=("503 time",),
        most=seconds,
        body=f"{body}--mark--\r\n".encode(),
        headers={"Content-Type": "multipart/form-data; boundary=mark"},
    )


def bodies(token: str) -> Iterator[Hostile]:
    """Yield those that web processes must not take; nobody works on them."""
    known = {"Authorization": f"Bearer {token}", "Content-Type": "text/turtle"}
    graph = "/graphs?graph=urn:storm"
    for kind, method, path, headers, told in (
        ("100 MB to /validate", "POST", "/validate", {"Content-Type": "text/turtle"}, "413"),
        ("100 MB of a stranger", "PUT", graph, {"Content-Type": "text/turtle"}, "401"),
        ("100 MB of a maintainer", "PUT", graph, known, "413"),
        ("100 MB of a query", "POST", "/sparql", {"Content-Type": _FORM}, "400"),
        ("100 MB to nowhere", "POST", "/nowhere", {}, "404"),
    ):
        codes = {"413": "too-large", "401": "unauthorised", "400": "length", "404": "not-found"}
        yield Hostile(
            kind=kind,
            told=(f"{told} {codes[told]}",),
            # The time to send it: none of the service's own.
            most=2.0,
            method=method,
            path=path,
            headers=headers,
            blank=LARGE,
        )
    bomb = gzip.compress(bytes(LARGE))
    for kind, method, path, headers in (
        ("compressed bomb to /validate", "POST", "/validate", {"Content-Type": "text/turtle"}),
        ("compressed bomb of a maintainer", "PUT", graph, known),
    ):
        yield Hostile(
            kind=kind,
            told=("415 unsupported-media-type",),
            most=2.0,
            method=method,
            path=path,
            body=bomb,
            headers=headers | {"Content-Encoding": "gzip"},
        )


class Storm:
    """Sends for some seconds and says how each request ended.

    Args:
        address: of the service.
        seconds: how long new requests are begun.
    """

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._until = time.monotonic() + seconds
        self._saying = threading.Lock()
        self.holding = threading.Event()
        """Set once slow readers have the answers that they do not read."""

    def again(self, requests: Iterator[Hostile], source: str) -> None:
        """Send one after the other, and again, from an address of this machine."""
        for hostile in cycle(requests):
            if time.monotonic() > self._until:
                return
            began = time.monotonic()
            told = _told(self._address, source, hostile)
            took = time.monotonic() - began
            self._say(hostile.kind, told, told in hostile.told, took, hostile.most)

    def never_reading(self, source: str) -> None:
        """Ask for large answers and take nothing of them, until the service gives up."""
        query = quote("SELECT * { ?a ?b ?c . ?s ?p ?o } LIMIT 20000")
        head = f"GET /sparql?query={query} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n"
        while time.monotonic() < self._until - _STALLED:
            held = {}
            for _ in range(SLOW_READERS):
                client = _connected(self._address, source, small=True)
                client.sendall(head.encode())
                status = client.recv(12)[9:].decode()
                if status == "200":
                    held[client] = time.monotonic()
                else:
                    # On a slow machine it may take too long beside the other queries.
                    self._say("slow reader", status, status == "503", 0, 0)
                    client.close()
            self.holding.set()
            for took in _ends(held):
                self._say("slow reader", "cut off", True, took, _STALLED)

    def half_open(self, source: str) -> None:
        """Connect and say nothing, half a head, or half a body, until the service gives up."""
        head = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: text/turtle\r\n"
        for kind, said, most, told in (
            ("silent connection", b"", _HEAD, "closed"),
            ("half a head", head, _HEAD, "408"),
            ("half a body", head + b"Content-Length: 1000\r\n\r\nhalf", _STALLED, "408"),
        ):
            share = HALF_OPEN // 3 + 1
            threading.Thread(
                target=self._half, args=(source, kind, said, most, told, share)
            ).start()

    def _half(
        self, source: str, kind: str, said: bytes, most: float, told: str, share: int
    ) -> None:
        while time.monotonic() < self._until - most:
            held = {}
            for _ in range(share):
                client = _connected(self._address, source)
                client.sendall(said)
                held[client] = time.monotonic()
            for client, began in held.items():
                try:
                    got = client.recv(12)[9:].decode() or "closed"
                except OSError as error:
                    got = repr(error)
                self._say(kind, got, got == told, time.monotonic() - began, most)
                client.close()

    def _say(self, kind: str, told: str, right: bool, seconds: float, most: float) -> None:
        line = {"kind": kind, "told": told, "right": right, "seconds": seconds, "most": most}
        with self._saying:
            print(json.dumps(line), flush=True)


def _told(address: Address, source: str, hostile: Hostile) -> str:
    """Send a request and return its status, and what of the body says why."""
    connection = http.client.HTTPConnection(*address, timeout=60, source_address=(source, 0))
    try:
        connection.putrequest(hostile.method, hostile.path)
        for name, value in hostile.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(hostile.body) + hostile.blank))
        connection.endheaders(hostile.body)
        for _ in range(hostile.blank // len(_BLOCK)):
            connection.send(_BLOCK)
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no answer: {error!r}"
    finally:
        connection.close()
    if answer.status == 200:
        rows = len(body["results"]["bindings"]) if "results" in body else "a verdict"
        return f"200 {rows or 'no rows'}"
    return f"{answer.status} {body.get('limit', body['code'])}"


def _connected(address: Address, source: str, *, small: bool = False) -> socket.socket:
    client = socket.socket()
    if small:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.bind((source, 0))
    client.connect(address)
    return client


def _ends(held: Mapping[socket.socket, float]) -> Iterator[float]:
    """Yield after how many seconds each connection was ended by the other side."""
    waiting = select.poll()
    clients = {client.fileno(): client for client in held}
    for descriptor in clients:
        waiting.register(descriptor, select.POLLRDHUP)
    while clients:
        for descriptor, _ in waiting.poll(60_000) or [(next(iter(clients)), 0)]:
            waiting.unregister(descriptor)
            client = clients.pop(descriptor)
            yield time.monotonic() - held[client]
            client.close()


def main(where: str, seconds: str, query_timeout: str, clients: str) -> None:
    """Send all kinds at once, and wait until all have ended."""
    # On a machine of its own it would not take processors from the service.
    os.nice(19)
    host, _, port = where.rpartition(":")
    token = sys.stdin.readline().strip()
    storm = Storm((host, int(port)), float(seconds))
    most = float(query_timeout)
    senders: list[Callable[[], None]] = [
        partial(storm.never_reading, "127.0.0.2"),
        partial(storm.half_open, "127.0.0.3"),
        partial(storm.again, bodies(token), "127.0.0.4"),
    ]
    for number in range(int(clients)):
        # Each begins elsewhere, so that not all are of one kind at a time.
        texts = list(queries(most))
        turn = number * len(texts) // int(clients)
        senders += [
            partial(storm.again, iter(texts[turn:] + texts[:turn]), f"127.0.0.{5 + number}"),
            partial(storm.again, candidates(most), f"127.0.0.{15 + number}"),
        ]
    threads = [threading.Thread(target=sender) for sender in senders]
    threads[0].start()
    storm.holding.wait(most * SLOW_READERS)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
