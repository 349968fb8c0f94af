"""Changes that outlive their request: how far they are, what became of them, how to stop them.

Lives in the gate's process and ends with it: what is recorded is in the log, jobs are nowhere else.
"""

import threading
import traceback
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from competency_graph.errors import (
    CompetencyGraphError,
    InternalError,
    NotFound,
    TooManyRequests,
)
from competency_graph.index import Whole, wire
from competency_graph.model import Identity

KEPT: Final = timedelta(days=1)
MOST: Final = 1_000
# The bodies of jobs that wait are held in memory.
MOST_BYTES: Final = 256_000_000
# One at a time: a fork of the lane of trials stays free for the changes that somebody waits for.
_AT_ONCE: Final = 1
_PATIENCE: Final = 5.0

State = Literal["waiting", "running", "done", "failed", "cancelled"]
# What a running job is at, and the share of its stages that is behind it then. How long a stage
# takes is not known beforehand; of judging it is known how much of it there is.
_STAGES: Final[Mapping[str, tuple[str, int]]] = {
    "begin": ("waiting for a fork", 0),
    "stage": ("reading and comparing", 10),
    "judge": ("judging", 40),
    "record": ("recording", 90),
}


class Stoppable(Protocol):
    """A conversation with a fork that can be ended from another thread."""

    def __enter__(self) -> "Stoppable": ...

    def __exit__(self, *_: object) -> None: ...

    def ask(self, name: str, parameters: Mapping[str, Any], body: bytes = b"") -> Whole:
        """Ask one thing."""

    def end(self) -> None:
        """End the fork."""


class _Cancelled(CompetencyGraphError):
    """The job was cancelled before it recorded anything."""


@dataclass(slots=True, kw_only=True)
class _Job:
    identifier: str
    owner: int | None
    message: str
    size: int
    created: datetime
    state: State = "waiting"
    stage: str = "begin"
    judged: float = 0.0
    ended: datetime | None = None
    cancelling: bool = False
    fork: Stoppable | None = None
    result: Mapping[str, Any] | None = None
    error: str | None = None
    future: "Future[None] | None" = None
    over: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """All jobs of a machine. May be asked by several threads.

    Args:
        now: the clock.
        new_id: gives identifiers that nobody can guess.
    """

    def __init__(self, *, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._now = now
        self._new_id = new_id
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="job")
        self._here = threading.local()

    def start(
        self, who: Identity, message: str, work: Callable[[], Mapping[str, Any]], *, size: int
    ) -> dict[str, Any]:
        """Have work done when its turn comes, and return the job as :meth:`tell` does.

        Args:
            who: whose job it is.
            message: what the change is for.
            work: does it and returns what the waiting client would have been answered.
            size: how many bytes it holds until it is done.

        Raises:
            TooManyRequests: too many jobs wait.
        """
        job = _Job(
            identifier=self._new_id(),
            owner=who.token,
            message=message,
            size=size,
            created=self._now(),
        )
        with self._lock:
            self._forget()
            waiting = [other for other in self._jobs.values() if not other.over.is_set()]
            held = sum(other.size for other in waiting)
            if len(waiting) >= MOST or (waiting and held + size > MOST_BYTES):
                raise TooManyRequests(
                    f"{len(waiting)} jobs wait already. Send this when some of them are done.",
                    retry_after=60,
                    limit="jobs",
                )
            while len(self._jobs) >= MOST:
                del self._jobs[next(i for i, other in self._jobs.items() if other.over.is_set())]
            self._jobs[job.identifier] = job
            job.future = self._threads.submit(self._run, job, work)
            return _told(job)

    def tell(self, identifier: str, who: Identity) -> dict[str, Any]:
        """Return how far a job is and, when it is over, what became of it.

        Raises:
            NotFound: there is none, it was forgotten, or it is somebody else's.
        """
        with self._lock:
            return _told(self._find(identifier, who))

    def count(self) -> dict[State, int]:
        """Return how many jobs are known in each state."""
        with self._lock:
            self._forget()
            return dict(Counter(job.state for job in self._jobs.values()))

    def cancel(self, identifier: str, who: Identity) -> dict[str, Any]:
        """Stop a job, wait a moment for its end, and return it as it is then.

        What was recorded before stays. A job that is over is left as it is.

        Raises:
            NotFound: as for :meth:`tell`.
        """
        with self._lock:
            job = self._find(identifier, who)
            if not job.over.is_set():
                job.cancelling = True
                if job.future is not None and job.future.cancel():
                    self._end(job, "cancelled")
                elif job.fork is not None:
                    job.fork.end()
        job.over.wait(_PATIENCE)
        return self.tell(identifier, who)

    @contextmanager
    def watched(self, fork: Stoppable) -> Iterator["Stoppable | _Watched"]:
        """Give a fork to the job that this thread is at, so that it is seen and can be ended."""
        job: _Job | None = getattr(self._here, "job", None)
        with fork:
            if job is None:
                yield fork
                return
            with self._lock:
                job.fork = fork
            try:
                yield _Watched(fork, job)
            finally:
                with self._lock:
                    job.fork = None

    def _run(self, job: _Job, work: Callable[[], Mapping[str, Any]]) -> None:
        self._here.job = job
        with self._lock:
            job.state = "running"
        try:
            result, error = work(), None
        except CompetencyGraphError as raised:
            result, error = None, raised
        except Exception:
            traceback.print_exc()
            result, error = None, InternalError("The fault is recorded. Try again later.")
        finally:
            self._here.job = None
        with self._lock:
            job.result = result
            if error is None:
                self._end(job, "done")
            elif job.cancelling:
                self._end(job, "cancelled")
            else:
                job.error = wire.error_to_bytes(error).decode()
                self._end(job, "failed")

    def _end(self, job: _Job, state: State) -> None:
        job.state, job.ended = state, self._now()
        job.over.set()

    def _find(self, identifier: str, who: Identity) -> _Job:
        self._forget()
        job = self._jobs.get(identifier)
        if job is None or (job.owner != who.token and who.role != "admin"):
            raise NotFound(
                "There is no such job of yours. Jobs are kept for a day, and not over a restart; "
                "/changes tells what was recorded."
            )
        return job

    def _forget(self) -> None:
        for identifier, job in list(self._jobs.items()):
            if job.ended is not None and self._now() - job.ended > KEPT:
                del self._jobs[identifier]


class _Watched:
    """A fork that tells its job what it is asked, and asks nothing more once that is cancelled."""

    def __init__(self, fork: Stoppable, job: _Job) -> None:
        self._fork = fork
        self._job = job

    def ask(self, name: str, parameters: Mapping[str, Any], body: bytes = b"") -> Whole:
        """Ask one thing of the fork."""
        if self._job.cancelling:
            raise _Cancelled("The job was cancelled.")
        # What is taken in at the end, since others were faster, is part of recording.
        if name in _STAGES and self._job.stage != "record":
            self._job.stage, self._job.judged = name, parameters.get("done", 0.0)
        answer = self._fork.ask(name, parameters, body)
        if name == "judge" and "done" not in parameters:
            self._job.stage = "record"
        return answer


def _told(job: _Job) -> dict[str, Any]:
    """Return a job as JSON has it; why it was refused as `wire` has it."""
    stage, percentage = _STAGES[job.stage]
    if job.stage == "judge":
        percentage += int(job.judged * (_STAGES["record"][1] - percentage))
    running = job.state == "running"
    detail = None
    if job.state == "done" and job.cancelling:
        detail = "It was over before it could be cancelled; what it recorded stays."
        if job.result is not None and job.result["recorded"]:
            detail += f" To take it back, revert change {job.result['revision']}."
    return {
        "id": job.identifier,
        "state": job.state,
        "percentage": percentage if running else 100 if job.state == "done" else 0,
        "stage": stage if running else None,
        "message": job.message,
        "created": job.created.isoformat(),
        "ended": None if job.ended is None else job.ended.isoformat(),
        "detail": detail,
        "result": job.result,
        "refused": job.error,
    }
