"""Messages between the processes of a workspace: a line of JSON each. Interprets none."""

import json
import os
from collections.abc import Iterator
from typing import Any, Final

_AT_ONCE: Final = 1 << 18


class Lines:
    """What comes in at a descriptor, message by message; ``rest`` is the beginning of one."""

    def __init__(self, descriptor: int, rest: bytes = b"") -> None:
        self.descriptor = descriptor
        self.rest = rest
        self.ended = False

    def fileno(self) -> int:
        """Return the descriptor, to wait at."""
        return self.descriptor

    def receive(self) -> Iterator[dict[str, Any]]:
        """Read once; return each message that is whole now. At the end ``ended`` is set."""
        came = os.read(self.descriptor, _AT_ONCE)
        if not came:
            self.ended = True
        *whole, self.rest = (self.rest + came).split(b"\n")
        for line in whole:
            try:
                yield json.loads(line)
            except ValueError:
                # The end of a message whose beginning went with a process that was lost.
                continue


def send(descriptor: int, message: dict[str, Any]) -> None:
    """Send a message whole; wait until it is taken."""
    data = memoryview(packed(message))
    while data:
        data = data[os.write(descriptor, data) :]


def packed(message: dict[str, Any]) -> bytes:
    """Return a message as it is sent."""
    # Half of a pair of UTF-16 may come from an editor; escaped, it is carried like the rest.
    return json.dumps(message).encode() + b"\n"
