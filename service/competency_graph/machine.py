"""The processes of one machine: starts the keeper, the gate and the web, and keeps them alive.

It owns every listening socket, so a child that dies loses no waiting connection, and it alone holds
the writing end of the lifeline, by which all children learn that it is gone (docs/design/0001).
"""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from competency_graph.config import Settings
from competency_graph.errors import BadSetting, CompetencyGraphError
from competency_graph.index import (
    BOARD,
    CHANGES_SOCKET,
    CHECK_SOCKET,
    GATE_SOCKET,
    LOOKUP_SOCKET,
    PAST_SOCKET,
    QUERY_SOCKET,
    TRIAL_SOCKET,
    Board,
)

_TICK: Final = 0.05
_PATIENCE: Final = 5.0
_LOOKUP_QUEUE: Final = 256
# The gate takes hundreds of megabytes for a large change, in objects of all sizes and many threads.
# Python's own allocator, and one heap for each thread, would give little of that back (glibc).
_RETURNING: Final = {"PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1"}
# Milliseconds; as long as a delivery has patience.
_STALLED: Final = 30_000
_UNSEALED: Final = (
    "This system does not let the readers be sealed (seccomp): that nothing is fetched from "
    "elsewhere rests on each query being looked at, without a second wall behind it."
)


class _Child:
    """A process that is started again when it ends, ever more slowly if it keeps ending."""

    def __init__(self, start: Callable[[], "subprocess.Popen[bytes]"]) -> None:
        self._start = start
        self._pause = 0.1
        self._began = time.monotonic()
        self._again = 0.0
        self.process = start()
        self._former: list[subprocess.Popen[bytes]] = []

    def succeed(self) -> None:
        """Start a successor beside it, which asks it to leave when ready."""
        self._former.append(self.process)
        self._began, self._again = time.monotonic(), 0.0
        self.process = self._start()

    def revive(self) -> int | None:
        """Start it again where it ended, and return the exit code that it ended with."""
        self._former = [process for process in self._former if process.poll() is None]
        code = self.process.poll()
        now = time.monotonic()
        if code is None:
            return None
        if not self._again:
            self._pause = 0.1 if now - self._began > 10 else min(self._pause * 2, 10)
            self._again = now + self._pause
        elif now >= self._again:
            self._again = 0.0
            self._began = now
            self.process = self._start()
        return code

    def end(self) -> None:
        """End it, and what it succeeded."""
        for process in (self.process, *self._former):
            _end(process)


def run(settings: Settings, *, tell: Callable[[str], None], first: str = "") -> int:
    """Serve until SIGTERM or SIGINT and return the exit code.

    Args:
        settings: all of them.
        tell: takes a sentence for the person who started it.
        first: what else to tell while nobody has changed anything yet.

    Raises:
        BadSetting: the address cannot be listened on.
        CompetencyGraphError: the database cannot be used; the keeper told why.
    """
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda told, _frame: stopping.append(told))
    with _listening(settings.bind) as public, _run_folder(settings.queue) as (folder, sockets):
        board = Board.create(folder / BOARD)
        reading, writing = os.pipe()
        start = partial(_start, folder, os.environ | settings.environment())
        tell(f"Loading {_without_password(settings.database)} …")
        *readers, gating = (listening.fileno() for listening in sockets)
        keeper = _Child(lambda: start("competency_graph.keeping", *readers, reading))
        gate = _Child(lambda: start("competency_graph.gating", gating, reading, **_RETURNING))
        web = _Child(lambda: start("competency_graph.web", public.fileno(), reading))
        host, port = public.getsockname()[:2]
        ready, succeeded = False, 0
        try:
            while not stopping:
                code = keeper.revive()
                if code is not None and not board.revision and not ready:
                    return code if code > 0 else CompetencyGraphError.exit_code
                gate.revive()
                web.revive()
                if board.aged > succeeded and board.aged == board.generation:
                    succeeded = board.aged
                    keeper.succeed()
                if not ready and _answers(host, port):
                    ready = True
                    shown = f"http://{'[' + host + ']' if ':' in host else host}:{port}/"
                    tell(f"Serving revision {board.revision} at {shown}  (stop with Ctrl+C)")
                    if not board.sealed:
                        tell(_UNSEALED)
                    # Filling an empty database is the first change.
                    if first and board.revision <= 1:
                        tell(first)
                time.sleep(_TICK)
            tell("Stopping …")
            return 0
        finally:
            os.close(writing)
            for child in (web, gate, keeper):
                child.end()


def _start(
    folder: Path,
    environment: Mapping[str, str],
    module: str,
    *inherited: int,
    **more: str,
) -> "subprocess.Popen[bytes]":
    """Start a process of this service in a process group of its own; ``more`` is environment."""
    return subprocess.Popen(
        [sys.executable, "-m", module, str(folder), *map(str, inherited)],
        env={**environment, **more},
        pass_fds=inherited,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1@", url)


@contextmanager
def _listening(bind: str) -> Iterator[socket.socket]:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # Who takes nothing of what was sent is left by the kernel, however little it was; an
            # accepted connection has this of the one that listens (tcp(7)).
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED)
            listening.bind((host, int(port)))
            listening.listen(4096)
        except OSError as error:
            raise BadSetting(
                f"Cannot listen on {bind}: {error.strerror}. Choose another with --bind, or the "
                "setting COMPETENCY_GRAPH_BIND."
            ) from None
        yield listening


@contextmanager
def _run_folder(queue: int) -> Iterator[tuple[Path, list[socket.socket]]]:
    """Make the private folder with the sockets that readers accept on; take it away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="competency-graph-"))
    sockets: list[socket.socket] = []
    try:
        for name, backlog in (
            (LOOKUP_SOCKET, _LOOKUP_QUEUE),
            (QUERY_SOCKET, queue),
            (TRIAL_SOCKET, queue),
            (CHECK_SOCKET, queue),
            (PAST_SOCKET, queue),
            (CHANGES_SOCKET, queue),
            (GATE_SOCKET, queue),
        ):
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listening.bind(str(folder / name))
            listening.listen(backlog)
            sockets.append(listening)
        yield folder, sockets
    finally:
        for listening in sockets:
            listening.close()
        shutil.rmtree(folder, ignore_errors=True)


def _answers(host: str, port: int) -> bool:
    """Ask the service itself whether it is ready."""
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a child and what is left of its process group."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
