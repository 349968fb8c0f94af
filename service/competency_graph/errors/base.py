"""What every error has. Knows none of them."""

from collections.abc import Mapping
from typing import ClassVar


class CompetencyGraphError(Exception):
    """Base of all: a sentence that says what to do, a stable code, and the facts as members.

    ``status`` is the HTTP status (RFC 9110), ``exit_code`` that of the command line, ``title``
    a summary of the problem type (RFC 9457), ``facts`` what goes beside them in the problem body.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 2
    retry_after: int | None = None
    # How to say who one is (RFC 9110, WWW-Authenticate).
    challenge: str | None = None
    # Whether a reader had to be ended for it (KILL_LIMIT counts these).
    ended_reader: bool = False

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts: Mapping[str, object] = facts
