"""The gate's process: takes wishes from web processes, one thread each. Forks nothing.

Changes have threads of their own: who only asks, or signs in, waits for none of them.

Started by `machine`, not by hand. It alone keeps the log open for writing in a running service.
"""

import json
import os
import select
import socket
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from competency_graph import access, history, record
from competency_graph.config import Settings
from competency_graph.errors import (
    CompetencyGraphError,
    Forbidden,
    InternalError,
    Unauthorised,
)
from competency_graph.gate import Gate, Wish, told_findings
from competency_graph.index import Client, give_memory_back, wire
from competency_graph.jobs import Jobs
from competency_graph.log import Log
from competency_graph.model import Identity, removals_json, unpack_operations
from competency_graph.past import Past

_THREADS: Final = 16
# Those that change the same graph wait for each other, and hold a thread while they do.
_CHANGING: Final = 64
_CHANGES: Final = ("change", "revert")
_PATIENCE: Final = 30.0
_TICK: Final = 0.01
_LOOK_FOR_SNAPSHOT: Final = 100
_SWEEP: Final = 1.0


class Gating:
    """Answers what web processes ask: changes, what the log says of them, the data as it was."""

    def __init__(self, settings: Settings, client: Client, log: Log, past: Past) -> None:
        self._settings = settings
        self._client = client
        self._log = log
        self._past = past
        self._jobs = Jobs(now=_now, new_id=lambda: uuid4().hex)
        self._gate = Gate(
            log,
            begin=lambda: self._jobs.watched(client.trial(seconds=settings.validation_timeout)),
            tell=self._tell,
            now=_now,
            base=settings.base,
            validate=settings.validation,
        )
        self._snapshot = threading.Lock()
        self._changing = ThreadPoolExecutor(_CHANGING, thread_name_prefix="change")
        self._writes: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._answers: Mapping[str, record.Answer] = {
            "change": self._change,
            "job": lambda head, _: self._jobs.tell(head["job"], self._who(head)),
            "cancel job": lambda head, _: self._jobs.cancel(head["job"], self._who(head)),
            "revert": self._revert,
            "who": self._known,
            "state": self._state,
            "past": self._was,
            **record.answers(log),
        }

    def answer(self, connection: socket.socket) -> None:
        """Answer the one request of a connection; a change in its own time."""
        try:
            connection.settimeout(_PATIENCE)
            told = wire.receive(connection, most=1 << 40)
        except (ConnectionError, TimeoutError):
            told = None
        if told is None:
            connection.close()
        elif told[0]["ask"] in _CHANGES:
            self._changing.submit(self._reply, connection, *told[:2])
        else:
            self._reply(connection, *told[:2])

    def _reply(self, connection: socket.socket, head: record.Asked, body: bytes) -> None:
        with connection, suppress(ConnectionError, TimeoutError):
            connection.settimeout(None)
            try:
                reply = self._answers[head["ask"]](head, body)
            except CompetencyGraphError as error:
                wire.send(connection, {"error": True}, wire.error_to_bytes(error))
                return
            except Exception:
                traceback.print_exc()
                fault = InternalError("The fault is recorded. Try again later.")
                wire.send(connection, {"error": True}, wire.error_to_bytes(fault))
                return
            # As the body, since a head is small: findings and lines may be many.
            wire.send(connection, {}, json.dumps(reply, ensure_ascii=False).encode())

    def _change(self, head: record.Asked, body: bytes) -> dict[str, Any]:
        """Try or record a change, or begin a job that does; `web.writing` makes the head."""
        # What waits as a job is held in memory, so who may send none is refused before.
        with self._noting(self._who(head), head) as who:
            access.require(who, "editor", "Changing anything")
        wish = Wish(operations=unpack_operations(head["operations"], body), **head["wish"])
        if not head["background"]:
            return self._changed(wish, who, head)
        work = partial(self._changed, wish, who, head)
        return {"job": self._jobs.start(who, wish.message, work, size=len(body))}

    def _revert(self, head: record.Asked, _: bytes) -> dict[str, Any]:
        """Try or record the reverse of a change; ``left`` counts what had changed since."""
        # Who it is comes first: nobody else has a large change read and staged.
        with self._noting(self._who(head), head) as who:
            access.require(who, "editor", "Reverting a change")
        operation, message = record.reversal(self._log, head["number"])
        wish = Wish(
            operations=[operation], message=head["message"] or message, dry_run=head["dry_run"]
        )
        told = self._changed(wish, who, head)
        reverted = self._log.change(head["number"])
        left = reverted.added + reverted.removed - told["added"] - told["removed"]
        return told | {"reverts": head["number"], "left": left}

    def _known(self, head: record.Asked, _: bytes) -> dict[str, Any]:
        who = self._who(head)
        return {"name": who.name, "role": who.role, "graphs": sorted(who.graphs)}

    def _was(self, head: record.Asked, _: bytes) -> dict[str, Any]:
        """Say who holds the data as it was at a revision, to whoever may have it; see `past`."""
        revision = head["revision"]
        told = self._past.look(revision)
        public = told["near"] or self._settings.public_history
        if not public and head["secret"] is None:
            raise Unauthorised(
                f"Revision {revision} is older than what everybody may have, and needs a token. "
                "Send it in the header “Authorization: Bearer TOKEN”, or ask for a later revision."
            )
        if not public:
            self._who(head)
        folder = None if told["near"] else self._past.folder(revision)
        return {"time": told["time"], "public": public, "folder": folder}

    def _who(self, head: record.Asked) -> Identity:
        return access.authenticate(
            self._log, head["secret"], now=_now(), address=head["address"], what=head["what"]
        )

    @contextmanager
    def _noting(self, who: Identity, head: record.Asked) -> Iterator[Identity]:
        """Record it where somebody known tries what they may not."""
        try:
            yield who
        except Forbidden:
            access.note_forbidden(
                self._log, who, now=_now(), address=head["address"], what=head["what"]
            )
            raise

    def _changed(self, wish: Wish, who: Identity, head: record.Asked) -> dict[str, Any]:
        try:
            with self._noting(who, head):
                outcome = self._gate.change(wish, who)
        except CompetencyGraphError as error:
            self._count(error.code)
            raise
        self._count("recorded" if outcome.recorded else "tried" if wish.dry_run else "nothing")
        if outcome.recorded and outcome.revision % _LOOK_FOR_SNAPSHOT == 0:
            threading.Thread(target=self._keep_snapshot, daemon=True).start()
        told = {
            "revision": outcome.revision,
            "recorded": outcome.recorded,
            "added": len(outcome.difference.added),
            "removed": len(outcome.difference.removed),
            "findings": told_findings(outcome.findings),
        }
        if wish.dry_run:
            told["removals"] = removals_json(outcome.difference.removed)
        return told

    def _count(self, outcome: str) -> None:
        with self._counting:
            self._writes[outcome] += 1

    def _state(self, _head: record.Asked, _: bytes) -> dict[str, Any]:
        """Return the log's head, what became of changes since the start, and jobs by state."""
        with self._counting:
            writes = dict(self._writes)
        return {"head": self._log.head(), "writes": writes, "jobs": self._jobs.count()}

    def _tell(self, number: int, lines: tuple[bytes, bytes] | None) -> bool:
        """Tell the keeper, and wait until it serves the change: it may be about to be replaced."""
        deadline = time.monotonic() + _PATIENCE
        while self._client.board.revision < number and not self._client.tell(number, lines):
            if time.monotonic() > deadline:
                return False
            time.sleep(_TICK)
        return True

    def _keep_snapshot(self) -> None:
        if self._snapshot.acquire(blocking=False):
            try:
                history.keep_snapshot(self._log)
            finally:
                self._snapshot.release()


def _now() -> datetime:
    return datetime.now(UTC)


def main(arguments: Sequence[str]) -> int:
    """Serve; ``arguments`` are the run folder, the listening descriptor and the lifeline."""
    folder, listening, lifeline = arguments
    settings = Settings.load(os.environ)
    client = Client(
        Path(folder), query_seconds=settings.query_timeout, query_memory=settings.query_memory
    )
    threading.Thread(target=_end_with, args=[int(lifeline)], daemon=True).start()
    # The keeper makes and fills the database; there is nothing to change before.
    while not client.board.generation:
        time.sleep(_TICK)
    with (
        Log.open(settings.database, base=settings.base) as log,
        ThreadPoolExecutor(_THREADS) as threads,
        socket.socket(fileno=int(listening)) as taking,
        closing(Past(log, client.board, Path(folder), settings, clock=time.monotonic)) as past,
    ):
        taking.setblocking(True)
        gating = Gating(settings, client, log, past)
        threading.Thread(target=_sweep, args=[past], daemon=True).start()
        while True:
            connection, _ = taking.accept()
            threads.submit(gating.answer, connection)


def _sweep(past: Past) -> None:
    while True:
        time.sleep(_SWEEP)
        past.sweep()
        # A large change takes hundreds of megabytes for a moment.
        give_memory_back()


def _end_with(lifeline: int) -> None:
    """End this process when its supervisor is gone; what was not acknowledged may be lost."""
    waiting = select.poll()
    waiting.register(lifeline, select.POLLIN)
    waiting.poll()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
