"""What is wrong with a request or an input, whatever the data are."""

from competency_graph.errors.base import CompetencyGraphError


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

    def __init__(
        self, detail: str, places: list[dict[str, object]], *, found: int, file: str
    ) -> None:
        super().__init__(detail, places=places, found=found, file=file)


class InvalidShapes(BadRequest):
    """The shapes cannot be judged by; facts hold the shape."""

    code, title = "invalid-shapes", "The shapes cannot be used"


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


class TooSlow(CompetencyGraphError):
    """The body or the head of a request did not come in time."""

    code, title, status = "too-slow", "The request came too slowly", 408

    def __init__(
        self,
        detail: str = "Of the body 8 kB must come in a second, over half a minute. "
        "Send it again, in parts if need be.",
    ) -> None:
        super().__init__(detail)


class TooLarge(CompetencyGraphError):
    """The body is larger than ``MAX_BODY``."""

    code, title, status = "too-large", "The body is too large", 413


class AddressTooLong(CompetencyGraphError):
    """The first line of the request, which has the address, is longer than is read."""

    code, title, status = "address-too-long", "The address is too long", 414

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The address and its parameters may have {most:,} bytes. Send a long query with POST.",
            value=most,
        )


class HeadTooLarge(CompetencyGraphError):
    """The header fields of the request are more, or longer, than are read."""

    code, title, status = "head-too-large", "The header fields are too large", 431

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A header field may have {most:,} bytes, and a request 100 of them. Send fewer, or "
            "shorter ones: delete cookies if a browser sent this.",
            value=most,
        )


class UnsupportedMediaType(CompetencyGraphError):
    """The body is of a type that this path does not take."""

    code, title, status = "unsupported-media-type", "Unsupported media type", 415


class RangeNotSatisfiable(CompetencyGraphError):
    """The bytes asked for (``Range``) lie beyond the end of the answer."""

    code, title, status = "range-not-satisfiable", "There are no such bytes", 416

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The answer has {size:,} bytes, and those asked for lie beyond its end. "
            "Ask for it anew, without Range.",
            size=size,
        )
        self.size = size
