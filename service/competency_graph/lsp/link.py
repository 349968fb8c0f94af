"""The way to the desk and back. Interprets nothing of what goes over it."""

import asyncio
import itertools
import json
import socket
from collections.abc import Callable
from typing import Any, Final

from competency_graph.errors import InternalError
from competency_graph.workspace.lines import packed

_MOST: Final = 1 << 30


class Link:
    """A connection to the desk: texts go out, findings come in, and questions are answered.

    Args:
        connection: the socket at whose other end the desk is.
        heard: is called with each message that answers no question.
    """

    def __init__(self, connection: socket.socket, heard: Callable[[dict[str, Any]], None]) -> None:
        self._connection = connection
        self._heard = heard
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._there = asyncio.Event()
        self._begun = False

    async def listen(self) -> None:
        """Hear what comes, until the desk has gone."""
        reader, self._writer = await asyncio.open_connection(sock=self._connection, limit=_MOST)
        self._there.set()
        while line := await reader.readline():
            message = json.loads(line)
            if message["told"] == "answer":
                self._answered(message)
                continue
            if message["told"] == "begun":
                self._give_up(self._begun)
                self._begun = True
            self._heard(message)
        self._writer = None
        self._give_up(True)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; nothing is waited for. Before the desk has begun it is let go."""
        if self._begun and self._writer is not None:
            self._writer.write(packed(message))

    def _give_up(self, lost: bool) -> None:
        """Tell those who still wait that what was asked was lost, if it was."""
        for future in self._asked.values() if lost else ():
            if not future.done():
                future.set_exception(InternalError("The answer was lost. Ask again."))

    async def ask(self, do: str, **asked: Any) -> Any:
        """Return the answer to a question.

        Raises:
            InternalError: the sentence says why there is none.
        """
        await self._there.wait()
        if self._writer is None:
            raise InternalError("What judges and looks up has ended. Start the server again.")
        number = next(self._numbers)
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(packed({"do": do, "id": number, **asked}))
            return await future
        finally:
            self._asked.pop(number, None)

    def _answered(self, message: dict[str, Any]) -> None:
        future = self._asked.get(message["id"])
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(InternalError(message["error"]))
        else:
            future.set_result(message["answer"])
