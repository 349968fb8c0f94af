"""The gate's process: takes wishes from web processes, one thread each. Forks nothing.

Started by `machine`, not by hand. It alone keeps the log open for writing in a running service.
"""

import os
import select
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from competency_graph import access, history
from competency_graph.config import Settings
from competency_graph.errors import (
    CompetencyGraphError,
    Forbidden,
    InternalError,
)
from competency_graph.gate import Gate, Wish, told_findings
from competency_graph.index import Client, wire
from competency_graph.log import Log
from competency_graph.model import unpack_operations

_THREADS: Final = 16
_PATIENCE: Final = 30.0
_TICK: Final = 0.01
_LOOK_FOR_SNAPSHOT: Final = 100


class Gating:
    """Answers what web processes ask: changes, and what the log says of them."""

    def __init__(self, settings: Settings, client: Client, log: Log) -> None:
        self._settings = settings
        self._client = client
        self._log = log
        self._gate = Gate(
            log,
            begin=lambda: client.trial(seconds=settings.validation_timeout),
            tell=self._tell,
            now=_now,
            base=settings.base,
            validate=settings.validation,
        )
        self._snapshot = threading.Lock()
        self._answers: Mapping[str, Callable[[dict[str, Any], bytes], dict[str, Any]]] = {
            "change": self._change,
        }

    def answer(self, connection: socket.socket) -> None:
        """Answer the one request of a connection."""
        with connection:
            try:
                connection.settimeout(_PATIENCE)
                told = wire.receive(connection, most=1 << 40)
                if told is None:
                    return
                head, body, _ = told
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
                wire.send(connection, reply)
            except (ConnectionError, TimeoutError):
                return

    def _change(self, head: dict[str, Any], body: bytes) -> dict[str, Any]:
        """Try or record a change; the head is what `web.writing` sends."""
        who = access.authenticate(self._log, head["secret"], now=_now(), address=head["address"])
        wish = Wish(
            operations=unpack_operations(head["operations"], body),
            message=head["message"],
            dry_run=head["dry_run"],
            based_on=head["based_on"],
        )
        try:
            outcome = self._gate.change(wish, who)
        except Forbidden:
            access.note_forbidden(
                self._log, who, now=_now(), address=head["address"], what=head["what"]
            )
            raise
        if outcome.recorded and outcome.revision % _LOOK_FOR_SNAPSHOT == 0:
            threading.Thread(target=self._keep_snapshot, daemon=True).start()
        return {
            "revision": outcome.revision,
            "recorded": outcome.recorded,
            "added": len(outcome.difference.added),
            "removed": len(outcome.difference.removed),
            "findings": told_findings(outcome.findings),
        }

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
    ):
        taking.setblocking(True)
        gating = Gating(settings, client, log)
        while True:
            connection, _ = taking.accept()
            threads.submit(gating.answer, connection)


def _end_with(lifeline: int) -> None:
    """End this process when its supervisor is gone; what was not acknowledged may be lost."""
    waiting = select.poll()
    waiting.register(lifeline, select.POLLIN)
    waiting.poll()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
