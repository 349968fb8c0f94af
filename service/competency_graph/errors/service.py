"""What the service, the machine or another endpoint does not give, and why."""

from typing import Literal, Self, cast

from competency_graph.errors.base import CompetencyGraphError

Limit = Literal["time", "memory", "bytes", "rows", "nesting"]


class BadSetting(CompetencyGraphError):
    """A setting is misspelt or impossible."""

    code, title = "bad-setting", "A setting is wrong"


class ServiceFailed(CompetencyGraphError):
    """Another endpoint, which ``SERVICE`` asks, gave no answer that can be used."""

    code, title, status, exit_code = "service-failed", "Another endpoint failed", 502, 3

    def __init__(self, endpoint: str, what: str, *, advice: str = "Try again later") -> None:
        super().__init__(
            f"The endpoint {endpoint} {what}. {advice}, or write SERVICE SILENT to go on without "
            "its rows.",
            endpoint=endpoint,
        )


class ServiceTooLarge(ServiceFailed):
    """What another endpoint answered is more than is taken; ``SILENT`` does not hide it."""

    code, title, exit_code = "service-too-large", "Another endpoint answered too much", 1

    def __init__(self, endpoint: str, most: str) -> None:
        CompetencyGraphError.__init__(
            self,
            f"The endpoint {endpoint} answered with more than {most}, which the endpoints of one "
            "query may together. Ask it for less: put more of what you know inside SERVICE { }.",
            endpoint=endpoint,
        )


class TooManyRequests(CompetencyGraphError):
    """This client used up its share for now."""

    code, title, status, exit_code = "too-many-requests", "Too many requests", 429, 3

    def __init__(self, detail: str, *, retry_after: int, **facts: object) -> None:
        super().__init__(detail, **facts)
        self.retry_after = retry_after


class ClientLeft(CompetencyGraphError):
    """The client closed its connection before it was answered; counted as nginx does (499)."""

    code, title, status, exit_code = "client-left", "The client went away", 499, 1

    def __init__(self) -> None:
        super().__init__("The connection was closed before there was an answer.")


_LIMIT_SENTENCES: dict[Limit, str] = {
    "time": "It ran longer than {value} s ({named}){far}. "
    "Bind more of it, or ask for less with LIMIT.",
    "memory": "It needed more than {value} MB of memory (QUERY_MEMORY){far}. "
    "Sort, group or join less at a time.",
    "bytes": "Its answer is larger than {value} MB (QUERY_BYTES){far}. "
    "Ask for fewer rows or columns at a time.",
    "rows": "Its answer has more than {value} rows (QUERY_ROWS){far}. "
    "Page with LIMIT and OFFSET, or count with COUNT.",
    "nesting": "It nests too deeply to be evaluated. "
    "Flatten it: fewer brackets or steps inside one another.",
}


class LimitReached(CompetencyGraphError):
    """Work was stopped at a limit; nothing of it remains. ``limit`` says which.

    ``value`` is in seconds, megabytes or rows; ``named`` says what sets it.
    """

    code, title, status, exit_code = "limit-reached", "A limit was reached", 503, 1
    retry_after = 60

    def __init__(
        self,
        limit: Limit,
        value: float | None = None,
        *,
        named: str = "QUERY_TIMEOUT",
        detail: str | None = None,
    ) -> None:
        self._said = {"value": "" if value is None else f"{value:g}", "named": named}
        super().__init__(
            detail or _LIMIT_SENTENCES[limit].format(far="", **self._said), limit=limit, value=value
        )

    @property
    def limit(self) -> Limit:
        """Which limit it was, also where the error comes from another process."""
        return cast(Limit, self.facts["limit"])

    def after(self, *, seconds: float, size: int, rows: int | None) -> Self:
        """Say how far the work got, in the sentence and as ``got``; ``size`` is in bytes."""
        got = {"seconds": round(seconds, 3), "bytes": size, "rows": rows}
        self.facts = {**self.facts, "got": got}
        written = f"{size:,} bytes" if rows is None else f"{rows:,} rows ({size:,} bytes)"
        far = f"; {written if size else 'nothing'} of its answer had been written"
        self.detail = _LIMIT_SENTENCES[self.limit].format(far=far, **self._said)
        return self


class Unavailable(CompetencyGraphError):
    """The service cannot answer just now; it will soon."""

    code, title, status, exit_code = "unavailable", "Not available just now", 503, 3

    def __init__(self, detail: str, *, retry_after: int = 1, **facts: object) -> None:
        super().__init__(detail, **facts)
        self.retry_after = retry_after


class UnusableDatabase(CompetencyGraphError):
    """The database cannot be opened, is of a newer version, or is not ours."""

    code, title = "unusable-database", "The database cannot be used"


class StorageFull(UnusableDatabase):
    """There is no room for the database to grow; what was acknowledged is there."""

    code, title, status = "storage-full", "There is no room left", 507
    retry_after = 60


class InternalError(CompetencyGraphError):
    """A fault of the service itself; the log has the details, the answer has none."""

    code, title = "internal-error", "The service made a mistake"
