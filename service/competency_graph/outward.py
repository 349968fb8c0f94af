"""Asking a SPARQL endpoint that the operator named. Asks no other, and follows no redirect.

What comes back is bounded in time and size, and is handed on unread.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final
from urllib.parse import urlencode, urlsplit

from competency_graph.config import PRIVATE
from competency_graph.errors import CompetencyGraphError, ServiceFailed, ServiceTooLarge

RESULTS: Final = "application/sparql-results+json"
_CHUNK: Final = 1 << 16

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint that may be asked, and whether its name may lead into the own network."""

    url: str
    private: bool

    def permits(self, address: Address) -> bool:
        """Say whether this endpoint may be at an address.

        An address that the operator wrote as such is permitted. A name leads to public addresses
        only, or where it is marked to private ones, but never to one link (cloud providers give
        out credentials there) or to many machines.
        """
        if address == _written(urlsplit(self.url).hostname or ""):
            return True
        nowhere = address.is_multicast or address.is_unspecified or address.is_link_local
        if self.private:
            return not nowhere and not _carried(address)
        return address.is_global and not (nowhere or address.is_reserved or _carried(address))


def endpoints(entries: Sequence[str]) -> dict[str, Endpoint]:
    """Return what ``SERVICE_ALLOW`` names, by the IRI that a query has to write."""
    found = [
        Endpoint(url=entry.removeprefix(PRIVATE), private=entry.startswith(PRIVATE))
        for entry in entries
    ]
    return {endpoint.url: endpoint for endpoint in found}


def ask(endpoint: Endpoint, query: str, *, seconds: float, most: int) -> bytes:
    """Ask an endpoint a SELECT query (SPARQL 1.1 Protocol, 2.1.2) and return the answer in JSON.

    Args:
        endpoint: whom to ask.
        query: the query.
        seconds: how long it may take, from the look-up of the name to the last byte.
        most: how many bytes the answer may have.

    Raises:
        ServiceFailed: it gave no answer in time, or another than 200 with results in JSON, or its
            name leads where it may not.
        ServiceTooLarge: the answer is larger than it may be.
    """
    asking = _Asking(endpoint, query, time.monotonic() + seconds, most)
    thread = threading.Thread(target=asking.run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive() or asking.late:
        asking.cut()
        raise ServiceFailed(endpoint.url, f"did not answer within {seconds:.3g} s")
    if asking.failed is not None:
        raise asking.failed
    return asking.answer


class _Asking:
    """One request. In a thread of its own nothing of it takes too long, nor a name's look-up."""

    def __init__(self, endpoint: Endpoint, query: str, deadline: float, most: int) -> None:
        self.answer = b""
        self.failed: CompetencyGraphError | None = None
        self.late = False
        self._endpoint = endpoint
        self._query = query
        self._deadline = deadline
        self._most = most
        self._socket: socket.socket | None = None
        self._given_up = False

    def run(self) -> None:
        """Fill in the answer, or why there is none."""
        try:
            self._socket = self._connected()
            with self._socket:
                self.answer = self._asked(self._socket)
        except CompetencyGraphError as error:
            self.failed = error
        except ssl.SSLCertVerificationError:
            self.failed = self._failure("has a certificate that does not hold for its name")
        except TimeoutError:
            self.late = True
        except (OSError, http.client.HTTPException, ValueError):
            self.failed = self._failure("could not be reached, or broke off")

    def cut(self) -> None:
        """End it, whatever it is at."""
        self._given_up = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _failure(self, what: str) -> ServiceFailed:
        return ServiceFailed(self._endpoint.url, what)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0 or self._given_up:
            raise TimeoutError
        return left

    def _connected(self) -> socket.socket:
        """Connect to an address that is permitted: what is looked up is what is connected to."""
        split = urlsplit(self._endpoint.url)
        host, port = split.hostname or "", split.port or {"http": 80, "https": 443}[split.scheme]
        permitted = [address for address in _addresses(host, port) if self._permits(address)]
        if not permitted:
            raise self._failure("is at an address that is not public, and not named so")
        self._socket = connected = self._first(permitted, port)
        if split.scheme == "http":
            return connected
        connected.settimeout(self._left())
        return ssl.create_default_context().wrap_socket(connected, server_hostname=host)

    def _permits(self, address: str) -> bool:
        return self._endpoint.permits(ipaddress.ip_address(address))

    def _first(self, addresses: Sequence[str], port: int) -> socket.socket:
        for number, address in enumerate(addresses, 1):
            try:
                return socket.create_connection((address, port), self._left() / 2)
            except OSError:
                if number == len(addresses):
                    raise
        raise AssertionError("there is an address")

    def _asked(self, connected: socket.socket) -> bytes:
        split = urlsplit(self._endpoint.url)
        connection = http.client.HTTPConnection(split.hostname or "")
        connection.sock = connected
        connected.settimeout(self._left())
        connection.request(
            "POST",
            (split.path or "/") + ("?" + split.query if split.query else ""),
            urlencode({"query": self._query}).encode(),
            {
                "Host": split.netloc,
                "Accept": RESULTS,
                "Accept-Encoding": "identity",
                "Content-Type": "application/x-www-form-urlencoded",
                "User-Agent": f"competency-graph/{version('competency-graph')}",
                "Connection": "close",
            },
        )
        with connection.getresponse() as response:
            if 300 <= response.status < 400:
                raise self._failure("answered with a redirect, which is not followed")
            if response.status != 200:
                raise self._failure(f"answered with status {response.status}")
            kind = response.headers.get_content_type()
            coded = response.headers.get("Content-Encoding", "identity").lower()
            if kind != RESULTS or coded != "identity":
                raise self._failure(f"answered with another format than {RESULTS}")
            return self._read(connected, response.read1, response.length)

    def _read(
        self, connected: socket.socket, read: Callable[[int], bytes], told: int | None
    ) -> bytes:
        content = bytearray()
        while len(content) <= self._most and (told or 0) <= self._most:
            connected.settimeout(self._left())
            chunk = read(_CHUNK)
            if not chunk:
                if told is not None and len(content) < told:
                    raise self._failure("broke off in the middle of its answer")
                return bytes(content)
            content += chunk
        raise ServiceTooLarge(self._endpoint.url, f"{self._most / 1_000_000:g} MB")


def _addresses(host: str, port: int) -> Iterator[str]:
    for _, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield str(address[0])


def _written(host: str) -> Address | None:
    """Return the address that a host is written as; nothing for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _carried(address: Address) -> bool:
    """Say whether an address only carries another inside (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return False
    carried = address.ipv4_mapped or address.sixtofour or address.teredo
    return carried is not None or address in _NAT64
