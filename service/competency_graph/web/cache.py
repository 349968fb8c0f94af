"""A cache of whole answers in front of the application, keyed by revision. Caches no query.

It knows nobody: what browsers that are signed in are told passes by it.
It holds what a worker answered to a GET before and gives the same bytes again, for as long as the
board tells the same revision. Answers past a size, and all but 200, pass through.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final

from competency_graph.web.delivery import LARGE, coding_for
from competency_graph.web.reading import COOKIE

_MOST_BYTES: Final = 32_000_000
_OVERHEAD: Final = 2_000
# Strangers' queries, whole graphs and states of the machine are asked anew each time, and what may
# change although the revision does not: jobs, forms, and the log, which can be redacted.
_NEVER: Final = (
    *("/sparql", "/graphs", "/graph/", "/healthz", "/readyz", "/metrics"),
    *("/jobs/", "/changes", "/sign-in"),
)

Application = Callable[..., Iterable[bytes]]
_Entry = tuple[list[tuple[str, str]], bytes]


class Cache:
    """WSGI middleware (PEP 3333).

    Args:
        application: what answers where the cache does not.
        revision: the revision that is served now.
    """

    def __init__(self, application: Application, revision: Callable[[], int]) -> None:
        self._application = application
        self._revision = revision
        self._held: OrderedDict[tuple[str, ...], _Entry] = OrderedDict()
        self._size = 0
        self._of = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer from what is held, else from the application."""
        path = environ["PATH_INFO"]
        passes = "HTTP_MIN_REVISION" in environ or "HTTP_RANGE" in environ
        passes = passes or COOKIE in environ.get("HTTP_COOKIE", "")
        if environ["REQUEST_METHOD"] != "GET" or path.startswith(_NEVER) or passes:
            return self._application(environ, start_response)
        revision = self._revision()
        if revision != self._of:
            self._held.clear()
            self._size, self._of = 0, revision
        key = (
            path,
            environ.get("QUERY_STRING", ""),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_LANGUAGE", ""),
            environ.get("HTTP_HOST", ""),
            coding_for(environ.get("HTTP_ACCEPT_ENCODING", "")) or "",
        )
        asked = environ.get("HTTP_IF_NONE_MATCH") or environ.get("HTTP_IF_MATCH")
        asked = asked or environ.get("HTTP_MIN_REVISION")
        held = self._held.get(key)
        if held is not None and asked is None:
            self._held.move_to_end(key)
            start_response("200 OK", held[0])
            return [held[1]]
        return self._ask(environ, start_response, None if asked else key)

    def _ask(
        self, environ: dict[str, Any], start_response: Any, key: tuple[str, ...] | None
    ) -> Iterable[bytes]:
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def started(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            told.append((status, headers))
            return start_response(status, headers, *error)

        body = self._application(environ, started)
        status, headers = told[0] if told else ("", [])
        size = int(dict(headers).get("Content-Length", LARGE + 1))
        if key is None or not status.startswith("200") or size > LARGE:
            return body
        try:
            content = b"".join(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        # Another revision may have come while this was made: then it is not kept.
        if dict(headers).get("Revision") == str(self._of) == str(self._revision()):
            self._keep(key, (headers, content))
        return [content]

    def _keep(self, key: tuple[str, ...], entry: _Entry) -> None:
        if key not in self._held:
            self._held[key] = entry
            self._size += _weight(key, entry)
        while self._size > _MOST_BYTES:
            self._size -= _weight(*self._held.popitem(last=False))


def _weight(key: tuple[str, ...], entry: _Entry) -> int:
    """Return about how many bytes an entry takes: what the client wrote may be most of it."""
    headers, content = entry
    written = sum(map(len, key)) + sum(len(name) + len(value) for name, value in headers)
    return len(content) + written + _OVERHEAD
