"""Messages between web processes and readers over a Unix socket. Carries; never interprets.

A message is two lengths, a head in JSON, and a body; one file descriptor may travel with it.
"""

import json
import os
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from competency_graph import errors
from competency_graph.errors import CompetencyGraphError, InternalError, TooLarge, Unavailable

_LENGTHS: Final = struct.Struct("!IQ")
_DESCRIPTOR: Final = struct.Struct("i")
_MOST_HEAD: Final = 1 << 20


def send(
    connection: socket.socket,
    head: Mapping[str, Any],
    body: bytes | bytearray = b"",
    *,
    descriptor: int | None = None,
) -> None:
    """Send one message, and with it a descriptor if there is one.

    Raises:
        TooLarge: the head is, most of which clients write.
    """
    text = json.dumps(head, ensure_ascii=False).encode()
    if len(text) > _MOST_HEAD:
        raise TooLarge(
            "What goes with the body (names of graphs and files, a message) is longer than "
            f"{_MOST_HEAD} bytes. Send less of it."
        )
    message = _LENGTHS.pack(len(text), len(body)) + text + body
    if descriptor is None:
        connection.sendall(message)
        return
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _DESCRIPTOR.pack(descriptor))]
    sent = connection.sendmsg([message], rights)
    connection.sendall(message[sent:])


def receive(
    connection: socket.socket, *, most: int, waiting: Callable[[], None] | None = None
) -> tuple[dict[str, Any], bytes, int | None] | None:
    """Return head, body and descriptor of one message; nothing where the peer is gone.

    Args:
        connection: where it comes from.
        most: how many bytes its body may have.
        waiting: is called each time that nothing came for as long as the connection's timeout, and
            raises when it is not to be waited for any longer; nothing to wait once.

    Raises:
        InternalError: the message is larger than ``most`` bytes.
    """
    descriptor: int | None = None
    data = bytearray()
    wanted = _LENGTHS.size
    lengths: tuple[int, int] | None = None
    try:
        while len(data) < wanted:
            try:
                chunk, ancillary, _, _ = connection.recvmsg(
                    min(1 << 18, max(4096, wanted - len(data))), socket.CMSG_SPACE(_DESCRIPTOR.size)
                )
            except TimeoutError:
                if waiting is None:
                    raise
                waiting()
                continue
            for _level, kind, rights in ancillary:
                if kind == socket.SCM_RIGHTS:
                    descriptor = _DESCRIPTOR.unpack(rights[: _DESCRIPTOR.size])[0]
            if not chunk:
                _close(descriptor)
                return None
            data += chunk
            if lengths is None and len(data) >= _LENGTHS.size:
                lengths = _LENGTHS.unpack_from(data)
                if lengths[0] > _MOST_HEAD or lengths[1] > most:
                    raise InternalError("A message between processes is too large.")
                wanted = _LENGTHS.size + sum(lengths)
    except (ConnectionError, TimeoutError, CompetencyGraphError):
        _close(descriptor)
        raise
    assert lengths is not None
    start = _LENGTHS.size + lengths[0]
    return json.loads(data[_LENGTHS.size : start]), bytes(data[start:]), descriptor


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def error_to_bytes(error: CompetencyGraphError) -> bytes:
    """Return an error of our tree as bytes that :func:`error_from_bytes` reads."""
    return json.dumps(
        {
            "class": type(error).__name__,
            "detail": error.detail,
            "facts": dict(error.facts),
            "retry_after": error.retry_after,
        },
        default=str,
    ).encode()


def error_from_bytes(content: bytes) -> CompetencyGraphError:
    """Return the error that another process raised."""
    return error_from_head(json.loads(content))


def error_from_head(told: Mapping[str, Any]) -> CompetencyGraphError:
    """Return the error that the parts of a message describe: same class, sentence and facts."""
    kind = getattr(errors, str(told["class"]), None)
    if not (isinstance(kind, type) and issubclass(kind, CompetencyGraphError)):
        return InternalError("A worker failed in a way that has no name.")
    error = kind.__new__(kind)
    CompetencyGraphError.__init__(error, told["detail"], **told["facts"])
    if isinstance(error, Unavailable) or told["retry_after"] is not None:
        error.retry_after = told["retry_after"]
    return error
