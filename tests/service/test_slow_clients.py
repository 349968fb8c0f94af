"""A client that reads slowly holds no reader: the answer is whole before it is sent."""

import socket
import time
import urllib.parse
from contextlib import ExitStack

from conftest import Service

_LARGE = "SELECT * { ?a ?b ?c . ?s ?p ?o } LIMIT 200000"
_CLIENTS = 20


def test_many_slow_readers_of_large_answers_keep_nobody_waiting(service: Service) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    path = "/sparql?" + urllib.parse.urlencode({"query": _LARGE})
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/csv\r\n\r\n".encode()
    with ExitStack() as open_sockets:
        slow = []
        for _ in range(_CLIENTS):
            client = open_sockets.enter_context(socket.create_connection((host, int(port))))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(60)
            client.sendall(request)
            slow.append(client)
        # The head of each answer is there: every query has been answered by its reader.
        for client in slow:
            assert client.recv(12) == b"HTTP/1.1 200"
        for _ in range(5):
            for client in slow:
                client.recv(1024)
            began = time.monotonic()
            assert service.query("ASK { ?s ?p ?o }").status == 200
            # Far from a measure of speed: a held reader would wait for minutes.
            assert time.monotonic() - began < 5
