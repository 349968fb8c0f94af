"""A gate on a local database, with the index in this process. Serves nobody else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from competency_graph import history, trial
from competency_graph.config import Settings
from competency_graph.gate import Gate
from competency_graph.index import LocalTrial
from competency_graph.log import Log
from competency_graph.model import split


@contextmanager
def local_gate(settings: Settings, *, now: Callable[[], datetime]) -> Iterator[tuple[Gate, Log]]:
    """Open a gate on a local database, with the index in this process; fills an empty database.

    The caller has one thread. A service that runs on the same database sees what is appended.

    Raises:
        UnusableDatabase: the database cannot be opened or written.
    """
    graph = history.load(settings, now=now())
    follow = history.Follower(settings)

    def catch_up(*_: object) -> bool:
        for number, removed, added in follow(graph.revision):
            graph.apply(split(added), split(removed))
            graph.revision = number
        return True

    def begin() -> LocalTrial:
        catch_up()
        for _ in trial.prepare(graph):
            pass
        seconds, memory = settings.validation_timeout, 4 * settings.query_memory
        return LocalTrial(graph, trial.ANSWERS, seconds=seconds, memory=memory)

    with Log.open(settings.database, base=settings.base) as log:
        gate = Gate(
            log,
            begin=begin,
            tell=catch_up,
            now=now,
            base=settings.base,
            validate=settings.validation,
        )
        yield gate, log
