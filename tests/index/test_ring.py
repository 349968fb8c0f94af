"""The ring gives back what was put, or nothing: never a piece of something else."""

import os
import signal
import time
from pathlib import Path

import pytest
from competency_graph.index.ring import Ring


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring.create(tmp_path / "ring")


def test_what_is_put_is_there(ring: Ring) -> None:
    ring.put(7, removed=b"a\n", added=b"b\nc\n")
    assert ring.get(7) == (b"a\n", b"b\nc\n")
    assert ring.get(6) is None
    assert ring.get(8) is None


def test_every_process_sees_it(ring: Ring, tmp_path: Path) -> None:
    other = Ring(tmp_path / "ring")
    ring.put(1, removed=b"", added=b"x\n")
    assert other.get(1) == (b"", b"x\n")


def test_a_large_change_is_not_there(ring: Ring) -> None:
    ring.put(1, removed=b"", added=b"x" * 2_000_000)
    assert ring.get(1) is None


def test_what_is_not_as_it_was_put_is_not_given(ring: Ring, tmp_path: Path) -> None:
    ring.put(1, removed=b"", added=b"<a> <b> <c> <g> .\n")
    path = tmp_path / "ring"
    path.write_bytes(path.read_bytes().replace(b"<c>", b"<d>"))
    assert Ring(path).get(1) is None


def test_old_changes_make_room_for_new(ring: Ring) -> None:
    for number in range(1, 3000):
        ring.put(number, removed=b"", added=b"%d" % number * 2000)
    assert ring.get(1) is None
    assert ring.get(2999) == (b"", b"2999" * 2000)
    for number in range(1, 3000):
        found = ring.get(number)
        assert found in (None, (b"", b"%d" % number * 2000))


def test_what_is_written_over_while_it_is_read_is_not_given(ring: Ring, tmp_path: Path) -> None:
    writer = os.fork()
    if writer == 0:
        number = 0
        while True:
            number += 1
            ring.put(number, removed=b"", added=b"%08d" % number * 60_000)
    try:
        seen, newest = 0, 0
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            for number in range(newest + 1, newest + 5_000):
                found = ring.get(number)
                if found is not None:
                    assert found == (b"", b"%08d" % number * 60_000)
                    seen, newest = seen + 1, number
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    assert seen > 10
