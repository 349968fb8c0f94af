"""Processes that race, die or fork do the log no harm."""

import os
import signal
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from competency_graph.errors import StaleHead
from competency_graph.log import Log
from sqlalchemy import Engine, event

from log.conftest import BASE, MakeDraft


def start(work: Callable[[], object]) -> int:
    """Do something in a forked process; it exits with what the work returns."""
    if (pid := os.fork()) == 0:
        code: object = 1
        try:
            code = work() or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code if isinstance(code, int) else 1)
    return pid


def end_of(pid: int) -> int:
    """Wait for a process and return its exit code, or its signal as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die_at(statement: int) -> None:
    """Have this process killed before it sends its n-th statement, or commits in its place."""
    sent = count(1)

    def step(*_: object) -> None:
        if next(sent) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)


def survived(work: Callable[[], object], check: Callable[[], object]) -> int:
    """Kill the work at its first statement, its second and so on; return how many it has."""
    for statement in count(1):

        def doomed(statement: int = statement) -> None:
            die_at(statement)
            work()

        if (code := end_of(start(doomed))) != -signal.SIGKILL:
            assert code == 0
            return statement - 1
        check()
    raise AssertionError("unreachable")


def test_a_writer_killed_anywhere_leaves_nothing_half(tmp_path: Path, draft: MakeDraft) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    with Log.open(url, base=BASE) as log:
        log.append(draft(added=["<a> <p> <1> <g> ."]), expected_head=0)

    def work() -> None:
        with Log.open(url, base=BASE) as log:
            log.append(
                draft(
                    removed=["<a> <p> <1> <g> ."],
                    added=["<a> <p> <2> <g> ."],
                    touched={("g", "a")},
                    findings_added=[{"message": "Write a label."}],
                ),
                expected_head=1,
            )

    def check() -> None:
        with Log.open(url, base=BASE) as log:
            assert list(log.content_blocks()) == [("added", b"<a> <p> <1> <g> .\n")]
            assert (log.head(), log.verify(), list(log.history("g"))) == (1, None, [])
        with closing(sqlite3.connect(tmp_path / "log.db")) as raw:
            for table in ("change_part", "touched", "finding"):
                assert raw.execute(f"SELECT max(number) FROM {table}").fetchone()[0] in (None, 1)

    assert survived(work, check) >= 8
    with Log.open(url) as log:
        assert (log.head(), log.verify()) == (2, None)


def test_a_first_start_killed_anywhere_can_be_repeated(tmp_path: Path) -> None:
    attempts = count(1)

    def url() -> str:
        return f"sqlite:///{tmp_path / str(next(attempts))}"

    for statement in count(1):
        here = url()

        def doomed(statement: int = statement, here: str = here) -> None:
            die_at(statement)
            Log.open(here).close()

        code = end_of(start(doomed))
        with Log.open(here) as log:
            assert log.head() == 0
        if code == 0:
            break
    assert statement >= 10


def test_of_two_writers_exactly_one_comes_first(url: str, draft: MakeDraft) -> None:
    rounds, writers = 15, 3
    Log.open(url, base=BASE).close()
    wins, won = os.pipe()
    gates = [os.pipe() for _ in range(rounds)]

    def write(name: str) -> None:
        with Log.open(url, base=BASE) as log:
            for head, (gate, _) in enumerate(gates):
                os.read(gate, 1)
                try:
                    log.append(draft(author=name), expected_head=head)
                    os.write(won, b"w")
                except StaleHead:
                    os.write(won, b"l")

    started = [start(partial(write, f"writer {n}")) for n in range(writers)]
    outcomes = []
    for _, gate in gates:
        os.write(gate, b"." * writers)
        outcomes.append(sorted(os.read(wins, 1) for _ in range(writers)))
    codes = [end_of(pid) for pid in started]
    for end in (wins, won, *(end for gate in gates for end in gate)):
        os.close(end)
    assert codes == [0] * writers
    assert outcomes == [[b"l"] * (writers - 1) + [b"w"]] * rounds
    with Log.open(url) as log:
        assert (log.head(), log.verify()) == (rounds, None)


def test_many_may_make_the_database_at_once(url: str) -> None:
    begin, go = os.pipe()

    def make() -> int:
        os.read(begin, 1)
        with Log.open(url) as log:
            return log.head()

    started = [start(make) for _ in range(6)]
    os.write(go, b"." * len(started))
    codes = [end_of(pid) for pid in started]
    os.close(begin)
    os.close(go)
    assert codes == [0] * len(started)


def test_a_closed_log_holds_no_handle(tmp_path: Path, draft: MakeDraft) -> None:
    with Log.open(f"sqlite:///{tmp_path / 'log.db'}", base=BASE) as log:
        for head in range(20):
            log.append(draft(added=[f"<a> <p> <{head}> <g> ."]), expected_head=head)
        half_read = log.content_blocks(), log.changes()
        assert all(next(iterator) for iterator in half_read)
        assert handles(tmp_path)
    assert handles(tmp_path) == []


def handles(folder: Path) -> list[str]:
    held = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            held.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue  # the descriptor that listed the folder
    return [path for path in held if path.startswith(str(folder))]


def test_a_closed_log_answers_no_more(url: str) -> None:
    log = Log.open(url)
    log.close()
    with pytest.raises(ValueError, match="closed"):
        log.head()
