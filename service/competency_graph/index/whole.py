"""A whole answer, as whoever asked a reader has it. Asks nothing."""

import json
import os
from dataclasses import dataclass
from typing import Any

from competency_graph.codings import Coding
from competency_graph.index import wire


@dataclass(slots=True, kw_only=True)
class Whole:
    """A whole answer: its bytes, or the descriptor of an unlinked file that the taker closes.

    ``seconds`` is how long it was worked on.
    """

    media_type: str
    revision: int
    size: int
    digest: str
    coding: Coding | None = None
    rows: int | None = None
    seconds: float = 0.0
    body: bytes = b""
    descriptor: int | None = None

    @classmethod
    def of(cls, told: tuple[dict[str, Any], bytes, int | None]) -> "Whole":
        """Return the answer that a reader's message carries; raises the error that it carries."""
        answer, content, descriptor = told
        if answer.get("error"):
            raise wire.error_from_bytes(content)
        return cls(
            media_type=answer["media_type"],
            revision=answer["revision"],
            size=answer["size"],
            digest=answer["digest"],
            coding=answer["coding"],
            rows=answer["rows"],
            seconds=answer["seconds"],
            body=content,
            descriptor=descriptor,
        )

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file of an answer that is not to be read."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def read(self) -> bytes:
        """Return all bytes; for answers that are known to be small."""
        if self.descriptor is None:
            return self.body
        with os.fdopen(self.descriptor, "rb") as file:
            self.descriptor = None
            file.seek(0)
            return file.read()

    def json(self) -> Any:
        """Return the content of a small JSON answer."""
        return json.loads(self.read())
