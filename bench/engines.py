"""SHACL engines, each in a process of its own that answers line by line. Measures no time itself.

A line that is asked has a verb and files, between tabs. An engine answers ``load`` (shapes, data)
by keeping both unjudged; ``judge`` (shapes, data) by reading and judging them; ``edit`` (what is
added, what is removed, the same as SPARQL Update) by changing what it keeps, judging that, and
undoing it. Files are N-Triples, and nothing stands for an empty one. It answers with lines ``read``
and ``took`` (seconds), ``memory`` (bytes, where it is not that of the process), ``result`` (source
shape, focus node; a blank node is only ``_:``) or ``failed`` (why), and then ``end``.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from bench import rivals
from bench.servers import say

PATIENCE: Final = 600.0
"""Seconds after which an engine is stopped."""
PYSHACL_TAKES: Final = ("10k",)
"""Sizes that pySHACL is asked of: of 100k it takes many minutes."""
MOST_MEMORY: Final = 10_000_000_000
"""Bytes at which an engine is stopped."""
# Java takes what it may have; with what it needs beside its heap it stays below.
_HEAP: Final = "8g"
_HERE: Final = Path(__file__).parent


@dataclass(slots=True)
class Judged:
    """What an engine answered: seconds, bytes at the most, and how often each result is there.

    A result is source shape and focus node. ``failed`` says why there is no answer.
    """

    read: float = 0.0
    took: float = 0.0
    memory: int = 0
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine: what it is called, and what gives the command that starts it."""

    name: str
    command: Callable[[], Sequence[str]]


class Running:
    """An engine that was started."""

    def __init__(self, name: str, process: subprocess.Popen[str], said: IO[str]) -> None:
        self.name = name
        self._process = process
        self._said = said
        self._ended = ""

    def ask(self, verb: str, *files: Path | None, patience: float = PATIENCE) -> Judged:
        """Ask, and wait for the answer; an engine that takes too long or too much is ended."""
        judged = Judged()
        if self._ended:
            judged.failed = self._ended
            return judged
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        answered = threading.Event()
        watching = threading.Thread(target=self._watch, args=(answered, patience), daemon=True)
        watching.start()
        words = "\t".join([verb, *("" if file is None else str(file) for file in files)])
        try:
            self._process.stdin.write(words + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        whole = False
        for line in self._process.stdout:
            what, *told = line.rstrip("\n").split("\t")
            if what == "end":
                whole = True
                break
            _take(judged, what, told)
        memory = self._memory("VmHWM")
        answered.set()
        watching.join()
        if not whole:
            self._said.seek(0)
            last = " ".join(self._said.read().split())[-300:]
            self._ended = self._ended or f"it ended: {last}"
            judged.failed = self._ended
        judged.memory = judged.memory or memory
        return judged

    def _watch(self, answered: threading.Event, patience: float) -> None:
        until = time.monotonic() + patience
        while not answered.wait(0.2):
            if time.monotonic() > until:
                self._ended = f"stopped after {patience:.0f} s"
            elif self._memory("VmRSS") > MOST_MEMORY:
                self._ended = f"stopped at {MOST_MEMORY / 1e9:.0f} GB"
            if self._ended:
                self._process.kill()
                return

    def _memory(self, figure: str) -> int:
        try:
            lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        except OSError:
            return 0
        found = (line.split()[1] for line in lines if line.startswith(figure + ":"))
        return int(next(found, "0")) * 1024


def _take(judged: Judged, what: str, told: Sequence[str]) -> None:
    if what == "result":
        judged.results[told[0], told[1]] += 1
    elif what in ("read", "took"):
        setattr(judged, what, float(told[0]))
    elif what == "memory":
        judged.memory = int(float(told[0]))
    elif what == "failed":
        judged.failed = told[0]


@contextmanager
def started(engine: Engine) -> Iterator[Running]:
    """Run an engine.

    Raises:
        Missing: it cannot be had here.
    """
    command = engine.command()
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        )
        try:
            yield Running(engine.name, process, said)
        finally:
            process.kill()
            process.communicate()


def once(engine: Engine, shapes: Path, data: Path) -> Judged:
    """Let an engine, started for that, judge a file, and say so."""
    with started(engine) as running:
        judged = running.ask("judge", shapes, data)
    told = judged.failed or f"{judged.read:.2f} s, {judged.took:.2f} s"
    say(f"{engine.name}: {told}, {judged.results.total()} results")
    return judged


def _own(name: str) -> Callable[[], Sequence[str]]:
    return lambda: (sys.executable, "-m", "bench.one_engine", name)


def _rust(name: str) -> Callable[[], Sequence[str]]:
    # Without the folder of the file on the path: there `shacl` is another thing.
    return lambda: (str(rivals.shacl_python()), "-P", str(_HERE / "one_engine.py"), name)


def _java(path: Callable[[], object], source: str) -> Callable[[], Sequence[str]]:
    return lambda: ("java", f"-Xmx{_HEAP}", "-cp", str(path()), str(_HERE / source))


GATE: Final = Engine(name="the gate", command=_own("gate"))
OURS: Final = Engine(name="this evaluator, 1 process", command=_own("ours"))
OURS_TWICE: Final = Engine(name="this evaluator, 2 processes", command=_own("ours-2"))
PYSHACL: Final = Engine(name="pySHACL", command=_own("pyshacl"))
JENA: Final = Engine(name="Jena", command=_java(rivals.fuseki, "JenaShacl.java"))
SHACL_SAIL: Final = Engine(name="ShaclSail", command=_java(rivals.rdf4j, "Rdf4jShacl.java"))
SHACL: Final = Engine(name="shacl", command=_rust("shacl"))
TURBO: Final = Engine(name="pyshacl-turbo", command=_rust("turbo"))
