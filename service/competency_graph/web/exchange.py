"""Reading a request and answering with a whole answer. Knows no path and no content."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, cast
from urllib.parse import quote, urlsplit

from flask import Response, current_app, request
from werkzeug.wsgi import wrap_file

from competency_graph.config import Settings
from competency_graph.errors import (
    CompetencyGraphError,
    LimitReached,
    NotAcceptable,
    PreconditionFailed,
    TooDeep,
    TooManyRequests,
    UnknownParameter,
)
from competency_graph.index import MINUTE, Client, Whole
from competency_graph.vocab import DOCS

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may do (Content Security Policy); one that may do more says so itself."""
_CONDITIONS: Final = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE")


def client() -> Client:
    """Return the client of this application's readers."""
    return cast(Client, current_app.extensions["client"])


def settings() -> Settings:
    """Return the settings of this application."""
    return cast(Settings, current_app.extensions["settings"])


def require_known_parameters(known: Sequence[str]) -> None:
    """Refuse query parameters that the path does not know.

    Raises:
        UnknownParameter: with their names.
    """
    unknown = sorted(set(request.args) - set(known))
    if unknown:
        raise UnknownParameter(unknown, list(known))


def acceptable(offered: Iterable[str]) -> str | None:
    """Return the offered media type that the client likes best, none where it takes none.

    Of each type the most specific range that names it decides, so that ``text/csv;q=0, */*`` is all
    but CSV (RFC 9110, 12.5.1); parameters such as a charset narrow nothing. Between equals, and
    where the client does not say, the first that is offered is taken.
    """
    types = list(offered)
    ranges: dict[str, float] = {}
    for said, quality in request.accept_mimetypes:
        name = said.partition(";")[0].strip().lower()
        ranges[name] = max(quality, ranges.get(name, 0.0))
    if not ranges:
        return types[0]
    best = max(types, key=lambda media_type: _liking(media_type, ranges))
    return best if _liking(best, ranges) > 0 else None


def _liking(media_type: str, ranges: Mapping[str, float]) -> float:
    kind = media_type.partition("/")[0]
    return next((ranges[r] for r in (media_type, f"{kind}/*", "*/*") if r in ranges), 0.0)


def negotiate(offered: Sequence[str]) -> str:
    """Return the media type to answer with.

    Raises:
        NotAcceptable: the client takes none of them.
    """
    chosen = acceptable(offered)
    if chosen is None:
        raise NotAcceptable(list(offered))
    return chosen


def answer(whole: Whole) -> Response:
    """Return a whole answer with its validators; a large one straight from its file."""
    media_type = whole.media_type
    if media_type.startswith("text/") and "charset" not in media_type:
        media_type += "; charset=utf-8"
    if whole.descriptor is None:
        response = Response(whole.body, content_type=media_type)
    else:
        file = os.fdopen(whole.descriptor, "rb")
        file.seek(0)
        response = Response(
            wrap_file(request.environ, file, 1 << 16),
            content_type=media_type,
            direct_passthrough=True,
        )
        response.content_length = whole.size
        response.call_on_close(file.close)
    response.headers["Revision"] = str(whole.revision)
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(whole.digest)
    return _conditional(response)


def validated(response: Response) -> Response:
    """Return an answer that this process made itself, with its validators."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return _conditional(response)


def _conditional(response: Response) -> Response:
    """Return an answer, or what its conditions make of it: 304 for what the client has.

    Raises:
        PreconditionFailed: the client asked for another state than the present one.
    """
    # Asked first because it reads every header of conditions, and most requests have none.
    if any(name in request.environ for name in _CONDITIONS):
        response.make_conditional(request)
    if response.status_code == 412:
        response.close()
        raise PreconditionFailed("Its ETag is not the one of If-Match. Get it anew, and retry.")
    return response


@contextmanager
def counted() -> Iterator[None]:
    """Count this request of its client (``RATE_LIMIT``), and the reader that it ends, if it does.

    Raises:
        TooManyRequests: the client asked for, or ended, as many as it may in a minute.
    """
    board, limits, address = client().board, settings(), client_address()
    if limits.kill_limit is not None and board.kills.count(address) >= limits.kill_limit:
        raise TooManyRequests(
            f"{limits.kill_limit} of your queries ran into a limit in this minute (KILL_LIMIT). "
            "Wait a minute, and make them smaller.",
            retry_after=MINUTE,
            limit="kills",
        )
    if limits.rate_limit is not None and board.requests.add(address) > limits.rate_limit:
        raise TooManyRequests(
            f"You may send {limits.rate_limit} queries and validations in a minute (RATE_LIMIT). "
            "Wait for the next, or ask for more at once.",
            retry_after=MINUTE - int(time.monotonic()) % MINUTE,
            limit="requests",
        )
    try:
        yield
    except (LimitReached, TooDeep) as error:
        if error.ended_reader:
            board.kills.add(address)
        raise


def client_address() -> str:
    """Return whose request this is: the peer, or whom a trusted proxy names last."""
    address = request.remote_addr or "unknown"
    networks = [ip_network(network) for network in settings().trusted_proxies]
    named = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    while named and _within(address, networks):
        address = named.pop() or address
    return address


def own_url() -> str:
    """Return the address of this request as the client spelt it, without its parameters."""
    target: str = request.environ.get("RAW_URI") or quote(request.path)
    # A proxy may send the whole address (RFC 9112, 3.2.2); its host is not the one it asks.
    path = urlsplit(target).path if "://" in target.partition("?")[0] else target.partition("?")[0]
    return f"{'https' if is_secure() else 'http'}://{request.host}{path}"


def is_secure() -> bool:
    """Say whether the client speaks https, with this process or with a trusted proxy."""
    networks = [ip_network(network) for network in settings().trusted_proxies]
    if request.is_secure or not _within(request.remote_addr or "unknown", networks):
        return request.is_secure
    return request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip() == "https"


def _within(address: str, networks: list[IPv4Network | IPv6Network]) -> bool:
    try:
        return any(ip_address(address) in network for network in networks)
    except ValueError:
        return False


def problem_body(error: CompetencyGraphError) -> dict[str, object]:
    """Return an error of our tree as every path tells it (RFC 9457)."""
    return {
        "type": f"{DOCS}errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **error.facts,
    }
