"""A cache of whole answers in front of the application, keyed by revision. Evaluates nothing.

It knows nobody: what browsers that are signed in, and queries with a token, are told passes by it.
It holds what a worker answered to a GET before and gives the same bytes again, for as long as the
board tells the same revision. Answers past a size, what must not be stored, and all but 200, pass
through. A query that it answers counts as one of its client's all the same.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from competency_graph.web.delivery import LARGE, coding_for
from competency_graph.web.reading import COOKIE

_MOST_BYTES: Final = 32_000_000
# Those of strangers have a room of their own, so that they push nothing else out.
_MOST_BYTES_OF_QUERIES: Final = 16_000_000
_OVERHEAD: Final = 2_000
_QUERIES: Final = "/sparql"
# Whole graphs and states of the machine are asked anew each time, and what may change although the
# revision does not: jobs, forms, and the log, which can be redacted.
_NEVER: Final = (
    *("/graphs", "/graph/", "/healthz", "/readyz", "/metrics"),
    *("/jobs/", "/changes", "/sign-in"),
)
# Told anew with each answer.
_COUNTED: Final = ("RateLimit", "RateLimit-Policy")

Application = Callable[..., Iterable[bytes]]
Headers = list[tuple[str, str]]
_Key = tuple[str, ...]
_Entry = tuple[Headers, bytes]


class Cache:
    """WSGI middleware (PEP 3333).

    Args:
        application: what answers where the cache does not.
        revision: the revision that is served now.
        admit: what counts a query, and returns the headers that tell what is left to its client;
            nothing where the application is to refuse it.
    """

    def __init__(
        self,
        application: Application,
        revision: Callable[[], int],
        admit: Callable[[Mapping[str, Any]], Headers | None],
    ) -> None:
        self._application = application
        self._revision = revision
        self._admit = admit
        self._answers, self._queries = _Room(_MOST_BYTES), _Room(_MOST_BYTES_OF_QUERIES)
        self._of = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer from what is held, else from the application."""
        if not _may_hold(environ):
            return self._application(environ, start_response)
        revision = self._revision()
        if revision != self._of:
            self._answers.clear()
            self._queries.clear()
            self._of = revision
        key = (
            environ["PATH_INFO"],
            environ.get("QUERY_STRING", ""),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_LANGUAGE", ""),
            environ.get("HTTP_HOST", ""),
            coding_for(environ.get("HTTP_ACCEPT_ENCODING", "")) or "",
        )
        asked = environ.get("HTTP_IF_NONE_MATCH") or environ.get("HTTP_IF_MATCH")
        is_query = key[0] == _QUERIES
        room = self._queries if is_query else self._answers
        held = None if asked else room.get(key)
        if held is not None:
            told = self._admit(environ) if is_query else []
            if told is not None:
                start_response("200 OK", held[0] + told)
                return [held[1]]
        return self._ask(environ, start_response, None if asked else key, room)

    def _ask(
        self, environ: dict[str, Any], start_response: Any, key: _Key | None, room: "_Room"
    ) -> Iterable[bytes]:
        told: list[tuple[str, Headers]] = []

        def started(status: str, headers: Headers, *error: Any) -> Any:
            told.append((status, headers))
            return start_response(status, headers, *error)

        body = self._application(environ, started)
        status, headers = told[0] if told else ("", [])
        of = dict(headers)
        size = int(of.get("Content-Length", LARGE + 1))
        stored = "no-store" not in of.get("Cache-Control", "") and not (
            # The page for people, which is no answer to the query in its address.
            room is self._queries and of.get("Content-Type", "").startswith("text/html")
        )
        if key is None or not status.startswith("200") or size > LARGE or not stored:
            return body
        try:
            content = b"".join(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        # Another revision may have come while this was made: then it is not kept.
        if of.get("Revision") == str(self._of) == str(self._revision()):
            room.keep(key, ([h for h in headers if h[0] not in _COUNTED], content))
        return [content]


def _may_hold(environ: Mapping[str, Any]) -> bool:
    """Say whether a request may be answered from what another was told."""
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] != "GET" or path.startswith(_NEVER):
        return False
    if "HTTP_MIN_REVISION" in environ or "HTTP_RANGE" in environ:
        return False
    if path == _QUERIES and (
        # Who has a token may ask for more; without a query the service is described.
        "HTTP_AUTHORIZATION" in environ or "query=" not in environ.get("QUERY_STRING", "")
    ):
        return False
    return COOKIE not in environ.get("HTTP_COOKIE", "")


class _Room:
    """Answers of one revision; the ones that were asked for least lately go where they are many."""

    def __init__(self, most: int) -> None:
        self._held: OrderedDict[_Key, _Entry] = OrderedDict()
        self._most = most
        self._size = 0

    def get(self, key: _Key) -> _Entry | None:
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
        return held

    def keep(self, key: _Key, entry: _Entry) -> None:
        if key not in self._held:
            self._held[key] = entry
            self._size += _weight(key, entry)
        while self._size > self._most:
            self._size -= _weight(*self._held.popitem(last=False))

    def clear(self) -> None:
        self._held.clear()
        self._size = 0


def _weight(key: _Key, entry: _Entry) -> int:
    """Return about how many bytes an entry takes: what the client wrote may be most of it."""
    headers, content = entry
    written = sum(map(len, key)) + sum(len(name) + len(value) for name, value in headers)
    return len(content) + written + _OVERHEAD
