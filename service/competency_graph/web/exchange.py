"""Reading a request and answering with a whole answer. Knows no path and no content."""

import os
import select
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, cast

from flask import Response, current_app, has_request_context, request
from gevent.monkey import get_original
from werkzeug.wsgi import wrap_file

from competency_graph.config import Settings
from competency_graph.errors import (
    CompetencyGraphError,
    NotAcceptable,
    PreconditionFailed,
    UnknownParameter,
)
from competency_graph.index import Client, Whole
from competency_graph.vocab import DOCS
from competency_graph.web.metrics import Metrics

# The system's own: the cooperative one knows reading and writing only.
_poll: Final = get_original("select", "poll")
_GONE: Final = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
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
    """Return the offered media type that the client likes best; the first where it does not say."""
    types = list(offered)
    if not request.accept_mimetypes:
        return types[0]
    return request.accept_mimetypes.best_match(types)


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
    address = request.remote_addr or "unknown"
    proxies = settings().trusted_proxies
    if not proxies:
        return address
    networks = [ip_network(network) for network in proxies]
    named = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    while named and _within(address, networks):
        address = named.pop() or address
    return address


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
