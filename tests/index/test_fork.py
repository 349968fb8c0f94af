"""A sealed fork ends at its limits, tells errors as they are, and reaches nothing outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from competency_graph.errors import LimitReached, NotFound
from competency_graph.index import fork, sealed

_ROOMY = 200_000_000


def test_it_gives_the_result_back() -> None:
    assert sealed(lambda: b"x" * 300_000, seconds=10, memory=_ROOMY) == b"x" * 300_000


def test_an_error_of_ours_comes_back_as_itself() -> None:
    def work() -> bytes:
        raise NotFound("There is no such thing.", name="thing")

    with pytest.raises(NotFound, match="no such thing") as caught:
        sealed(work, seconds=10, memory=_ROOMY)
    assert caught.value.facts == {"name": "thing"}


def test_time_is_limited() -> None:
    def work() -> bytes:
        while True:
            pass

    began = time.monotonic()
    with pytest.raises(LimitReached) as caught:
        sealed(work, seconds=0.3, memory=_ROOMY)
    assert caught.value.limit == "time"
    assert time.monotonic() - began < 3


def test_memory_is_limited() -> None:
    with pytest.raises(LimitReached) as caught:
        sealed(lambda: bytes(800_000_000), seconds=20, memory=_ROOMY)
    assert caught.value.limit == "memory"


def test_nothing_goes_out_of_a_sealed_fork() -> None:
    with socket.socket() as canary:
        canary.bind(("127.0.0.1", 0))
        canary.listen()
        canary.settimeout(0.5)

        def work() -> bytes:
            attempts = []
            for attempt in (
                lambda: socket.create_connection(canary.getsockname()),
                lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
                lambda: subprocess.run([sys.executable, "-c", ""], check=True),
            ):
                try:
                    attempt()
                    attempts.append("reached")
                except OSError as error:
                    attempts.append(type(error).__name__)
            return " ".join(attempts).encode()

        told = sealed(work, seconds=10, memory=_ROOMY)
        assert told == b"PermissionError PermissionError PermissionError"
        with pytest.raises(TimeoutError):
            canary.accept()


def test_no_child_is_left() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text()
    sealed(lambda: b"", seconds=5, memory=_ROOMY)
    assert children.read_text() == before


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells a fork that it was left.")
def test_a_fork_that_nobody_waits_for_ends() -> None:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        with fork.ended_when_left(theirs):
            os.write(theirs.fileno(), b"begun")
            time.sleep(30)
        os._exit(0)
    theirs.close()
    assert ours.recv(5) == b"begun"
    began = time.monotonic()
    ours.close()
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGIO
    assert time.monotonic() - began < 5
