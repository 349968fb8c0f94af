"""Every error that a person or a program may meet, as one tree. Holds no logic beyond wording.

CompetencyGraphError                    code                 status  exit
├── BadRequest                          bad-request             400     2
│   ├── UnknownParameter                unknown-parameter       400     2
│   ├── BadQuery                        bad-query               400     2
│   ├── TooDeep                         too-deep                400     2
│   ├── QueryTooLong                    query-too-long          400     2
│   ├── OutboundRefused                 outbound-refused        400     2
│   ├── UnreadableInput                 unreadable-input        400     2
│   ├── BadLiteral                      bad-literal             400     2
│   └── InvalidShapes                   invalid-shapes          400     2
├── BadSetting                          bad-setting             500     2
├── Unauthorised                        unauthorised            401     4
├── Forbidden                           forbidden               403     4
├── NotFound                            not-found               404     2
├── Ambiguous                           ambiguous               300     2
├── MethodNotAllowed                    method-not-allowed      405     2
├── NotAcceptable                       not-acceptable          406     2
├── PreconditionFailed                  precondition-failed     412     1
├── TooLarge                            too-large               413     2
├── UnsupportedMediaType                unsupported-media-type  415     2
├── StaleHead                           stale-head              409     1
├── StillInGraph                        still-in-graph          409     1
├── Redacted                            redacted                410     2
├── InvalidChange                       invalid-change          422     1
├── WouldRemove                         would-remove            409     1
├── ServiceFailed                       service-failed          502     3
│   └── ServiceTooLarge                 service-too-large       502     1
├── TooManyRequests                     too-many-requests       429     3
├── LimitReached                        limit-reached           503     1
├── Unavailable                         unavailable             503     3
├── UnusableDatabase                    unusable-database       500     2
│   └── StorageFull                     storage-full            507     2
└── InternalError                       internal-error          500     2
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

Limit = Literal["time", "memory", "bytes", "rows", "nesting"]


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


class BadRequest(CompetencyGraphError):
    """The request cannot be understood as it stands."""

    code, title, status = "bad-request", "The request cannot be understood", 400


class UnknownParameter(BadRequest):
    """The request names a query parameter that this path does not know."""

    code, title = "unknown-parameter", "Unknown parameter"

    def __init__(self, names: list[str], known: list[str]) -> None:
        listed = ", ".join(f"“{name}”" for name in names)
        offered = f"It knows: {', '.join(known)}." if known else "It takes none."
        super().__init__(
            f"This path does not know {listed}. {offered}", parameters=names, known=known
        )


class BadQuery(BadRequest):
    """The SPARQL text does not parse, or asks for what a query may not do."""

    code, title = "bad-query", "The query cannot be read"


class TooDeep(BadRequest):
    """The text nests more deeply than any honest query or document."""

    code, title = "too-deep", "The text is nested too deeply"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The text nests more than {limit} levels deep. Use fewer brackets inside brackets.",
            limit="nesting",
            value=limit,
        )


class QueryTooLong(BadRequest):
    """The text of the query is longer than ``QUERY_LENGTH``."""

    code, title = "query-too-long", "The query is too long"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The query is longer than {limit} bytes (QUERY_LENGTH). Shorten or split it.",
            limit="length",
            value=limit,
        )


class OutboundRefused(BadRequest):
    """The text asks the service to fetch something from elsewhere."""

    code, title = "outbound-refused", "Nothing is fetched from elsewhere"


class UnreadableInput(BadRequest):
    """A file or body is not what it claims to be; facts hold file, line and column where known."""

    code, title = "unreadable-input", "The input cannot be read"


class BadLiteral(BadRequest):
    """Values are not what their types say; facts hold each with its place, where that is known."""

    code, title = "bad-literal", "A value is not of its type"

    def __init__(self, detail: str, places: list[dict[str, object]], *, found: int) -> None:
        super().__init__(detail, places=places, found=found)


class InvalidShapes(BadRequest):
    """The shapes cannot be judged by; facts hold the shape."""

    code, title = "invalid-shapes", "The shapes cannot be used"


class BadSetting(CompetencyGraphError):
    """A setting is misspelt or impossible."""

    code, title = "bad-setting", "A setting is wrong"


class Unauthorised(CompetencyGraphError):
    """Nobody is known by what the client sent, or it sent nothing."""

    code, title, status, exit_code = "unauthorised", "A token is needed", 401, 4
    challenge = "Bearer"


class Forbidden(CompetencyGraphError):
    """The token is good, and not for this; facts hold the role needed and the graphs."""

    code, title, status, exit_code = "forbidden", "Not allowed", 403, 4


class NotFound(CompetencyGraphError):
    """Nothing is known under this name."""

    code, title, status = "not-found", "Not found", 404


class Ambiguous(CompetencyGraphError):
    """Several frameworks have this name; facts hold the choices."""

    code, title, status = "ambiguous", "Several things have this name", 300


class MethodNotAllowed(CompetencyGraphError):
    """The path does not offer this method."""

    code, title, status = "method-not-allowed", "Method not allowed", 405


class NotAcceptable(CompetencyGraphError):
    """No representation that the client accepts is offered; facts hold the list."""

    code, title, status = "not-acceptable", "No acceptable format", 406

    def __init__(self, offered: list[str]) -> None:
        super().__init__(f"Ask for one of: {', '.join(offered)}.", offered=offered)


class PreconditionFailed(CompetencyGraphError):
    """The request was for another state of the resource than the present one (``If-Match`` …)."""

    code, title, status = "precondition-failed", "The resource is another than was asked for", 412
    exit_code = 1


class TooLarge(CompetencyGraphError):
    """The body is larger than ``MAX_BODY``."""

    code, title, status = "too-large", "The body is too large", 413


class UnsupportedMediaType(CompetencyGraphError):
    """The body is of a type that this path does not take."""

    code, title, status = "unsupported-media-type", "Unsupported media type", 415


class StaleHead(CompetencyGraphError):
    """The log moved on since this change was drafted."""

    code, title, status, exit_code = "stale-head", "The data moved on", 409, 1

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"The log is at change {actual}; this change was made against {expected}. "
            "Reload and retry.",
            expected=expected,
            actual=actual,
        )


class InvalidChange(CompetencyGraphError):
    """The change would bring violations; facts hold the findings in their three groups."""

    code, title, status = "invalid-change", "The change was not recorded", 422
    exit_code = 1

    def __init__(self, findings: Mapping[str, Any], *, revision: int) -> None:
        count = sum(row["severity"] == "violation" for row in findings["new"])
        many = f"{count} new violation" if count == 1 else f"{count} new violations"
        super().__init__(
            f"It would bring {many}. Mend it and send the change again; nothing was changed.",
            findings=findings,
            revision=revision,
        )

    @property
    def findings(self) -> Any:
        """New and fixed findings, each as JSON has it, and how many stand."""
        return self.facts["findings"]


class StillInGraph(CompetencyGraphError):
    """A change cannot be emptied while the graph holds what it added."""

    code, title, status, exit_code = "still-in-graph", "Still in the graph", 409, 1

    def __init__(self, number: int, left: int) -> None:
        counted = "1 statement is" if left == 1 else f"{left:,} statements are"
        super().__init__(
            f"Of what change {number} added, {counted} still in the graph. "
            "Remove them by a change first, then redact both.",
            revision=number,
            statements=left,
        )


class Redacted(CompetencyGraphError):
    """What is asked for needs the content of a change that was emptied."""

    code, title, status = "redacted", "Redacted", 410

    def __init__(self, number: int) -> None:
        super().__init__(
            f"The content of change {number} was redacted. What needs it, such as the data as it "
            "was then, cannot be had any more. Ask for an earlier or a later revision.",
            revision=number,
        )


class WouldRemove(CompetencyGraphError):
    """The change was to add only, and would remove; facts hold what, and at which revision."""

    code, title, status, exit_code = "would-remove", "Something would be removed", 409, 1

    def __init__(self, removals: Mapping[str, Any], *, revision: int) -> None:
        count = removals["statements"]
        many = "1 statement" if count == 1 else f"{count:,} statements"
        super().__init__(
            f"It would remove {many}, and was sent with only-adds; nothing was changed. "
            "Look at what would go, and send it without only-adds.",
            removals=removals,
            revision=revision,
        )


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


_LIMIT_SENTENCES: dict[Limit, str] = {
    "time": "It ran longer than {value} s (QUERY_TIMEOUT). "
    "Bind more of it, or ask for less with LIMIT.",
    "memory": "It needed more than {value} MB of memory (QUERY_MEMORY). "
    "Sort, group or join less at a time.",
    "bytes": "Its answer is larger than {value} MB (QUERY_BYTES). "
    "Ask for fewer rows or columns at a time.",
    "rows": "Its answer has more than {value} rows (QUERY_ROWS). Page with LIMIT and OFFSET.",
    "nesting": "It nests too deeply to be evaluated. "
    "Flatten it: fewer brackets or steps inside one another.",
}


class LimitReached(CompetencyGraphError):
    """Work was stopped at a limit; nothing of it remains. ``limit`` says which."""

    code, title, status, exit_code = "limit-reached", "A limit was reached", 503, 1
    retry_after = 60

    def __init__(
        self, limit: Limit, value: float | None = None, *, detail: str | None = None
    ) -> None:
        shown = "" if value is None else f"{value:g}"
        super().__init__(
            detail or _LIMIT_SENTENCES[limit].format(value=shown), limit=limit, value=value
        )
        self.limit = limit


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
