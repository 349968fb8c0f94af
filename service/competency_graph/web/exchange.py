"""Reading a request and answering with a whole answer. Knows no path and no content."""

import select
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from flask import Response, current_app, g, has_request_context, request
from gevent.monkey import get_original
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from competency_graph.codings import LEAST, Coding, coded
from competency_graph.config import Settings
from competency_graph.errors import (
    CompetencyGraphError,
    NotAcceptable,
    PreconditionFailed,
    UnknownParameter,
)
from competency_graph.index import Client, Whole
from competency_graph.model import client_of
from competency_graph.vocab import DOCS
from competency_graph.web.delivery import LARGE, Deliveries, Delivery, coding_for, part_of
from competency_graph.web.metrics import Metrics

# The system's own: the cooperative one knows reading and writing only.
_poll: Final = get_original("select", "poll")
_GONE: Final = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
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


def metrics() -> Metrics:
    """Return the figures that this application counts."""
    return cast(Metrics, current_app.extensions["metrics"])


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
    return _best_of(tuple(offered), request.environ.get("HTTP_ACCEPT", ""))


@lru_cache(maxsize=512)
def _best_of(types: tuple[str, ...], header: str) -> str | None:
    ranges: dict[str, float] = {}
    for said, quality in parse_accept_header(header, MIMEAccept):
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


def coding() -> Coding | None:
    """Return the content coding that the client wants of a large answer."""
    return coding_for(request.headers.get("Accept-Encoding", ""))


def answer(whole: Whole) -> Response:
    """Return a whole answer, or the part of it that was asked for, with its validators.

    Raises:
        PreconditionFailed, RangeNotSatisfiable: the client asked for another state, or for more.
        TooManyRequests: it is taking too many large answers.
    """
    media_type = whole.media_type
    if media_type.startswith("text/") and "charset" not in media_type:
        media_type += "; charset=utf-8"
    _code(whole)
    response = Response(content_type=media_type)
    response.call_on_close(whole.close)
    response.headers["Revision"] = str(whole.revision)
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(whole.digest)
    if whole.coding is not None:
        response.content_encoding = whole.coding
    try:
        if _conditional(response).status_code == 200:
            _put(response, whole)
    except CompetencyGraphError:
        whole.close()
        raise
    return response


def _code(whole: Whole) -> None:
    """Code an answer that this process holds, if it is wanted so; files come coded."""
    wanted = coding()
    if wanted is not None and whole.coding is None and LEAST <= whole.size <= LARGE:
        whole.body, whole.coding = coded(wanted, whole.read()), wanted
        whole.size = len(whole.body)
        whole.digest = blake2b(whole.body, digest_size=16).hexdigest()


def _put(response: Response, whole: Whole) -> None:
    """Put an answer into a response; a large one will go straight from its file."""
    part = range(whole.size)
    if request.method in ("GET", "HEAD"):
        response.headers["Accept-Ranges"] = "bytes"
    # Only what is the same to the byte is continued (RFC 9110, section 13.1.5).
    same = request.headers.get("If-Range") in (None, response.headers["ETag"])
    if request.method == "GET" and "Range" in request.headers and same:
        asked = part_of(whole.size, request.headers["Range"])
        if asked is not None:
            part, response.status_code = asked, 206
            response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{whole.size}"
    if whole.size <= LARGE:
        response.set_data(whole.read()[part.start : part.stop])
    elif request.method != "HEAD":
        deliveries: Deliveries = current_app.extensions["deliveries"]
        connection = request.environ["gunicorn.socket"]
        taker = client_of(client_address())
        response.response = Delivery(whole, part, connection, deliveries, taker)
        response.direct_passthrough = True
    response.content_length = len(part)


def validated(response: Response) -> Response:
    """Return an answer that this process made itself, coded if wanted, with its validators."""
    response.headers["Cache-Control"] = "no-cache"
    wanted = coding()
    # What holds a secret and what somebody sent would tell the secret by its length (BREACH).
    if wanted is not None and not g.get("personal") and len(response.get_data()) >= LEAST:
        response.set_data(coded(wanted, response.get_data()))
        response.content_encoding = wanted
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


def has_left() -> bool:
    """Say whether the client of the present request closed its connection. Reads nothing of it."""
    connection = request.environ.get("gunicorn.socket") if has_request_context() else None
    if connection is None:
        return False
    # What it sent meanwhile is another request, and no sign that it left.
    gone = _poll()
    gone.register(connection, _GONE)
    return bool(gone.poll(0))


def client_address() -> str:
    """Return whose request this is: the peer, or whom a trusted proxy names last."""
    return address_of(request.environ, settings().trusted_proxies)


def address_of(environ: Mapping[str, Any], proxies: Sequence[str]) -> str:
    """Return whose request has this environment (PEP 3333), where these proxies are trusted."""
    address: str = environ.get("REMOTE_ADDR") or "unknown"
    if not proxies:
        return address
    networks = [ip_network(network) for network in proxies]
    named = [part.strip() for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
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
