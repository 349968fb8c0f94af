"""What a request may read, and of which revision: `PUBLIC_READ`, `?revision=`. Answers nothing."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from flask import Response, g, request

from competency_graph.errors import BadRequest, NotFound, Unavailable
from competency_graph.index import Client, PastClient
from competency_graph.web.exchange import client, has_left, settings
from competency_graph.web.writing import asking

COOKIE: Final = "competency_graph_token"
REVISION: Final = "revision"
"""The query parameter of paths that answer from the data."""

# What anybody may ask for where reading needs a token: whether the service lives, and signing in.
_OPEN: Final = ("/healthz", "/readyz", "/sign-in", "/sign-out", "/static/")
_A_DAY: Final = 86_400


def require_reader() -> None:
    """Return where this request may be answered at all; to be asked before any path is.

    Raises:
        Unauthorised: reading needs a token here (``PUBLIC_READ``), and none came that counts.
    """
    # What a browser asks before it sends a token carries none (Fetch, 4.8).
    if settings().public_read or request.method == "OPTIONS" or request.path.startswith(_OPEN):
        return
    told = _ask({"ask": "who"})
    _keep_private()
    if g.get("personal"):
        g.person = told


def readers(revision: Sequence[str] | None = None) -> Client:
    """Return whom to ask for data: the readers of the present, or of the revision asked for.

    ``revision`` is what a form says of it; without one it is what the address says.

    Raises:
        BadRequest, NotFound: there can be no such revision, or is none.
        Redacted: it cannot be had any more.
        Unauthorised: it is an older one, and needs a token (``PUBLIC_HISTORY``).
        Unavailable: it is an older one, and being built.
    """
    said = request.args.getlist(REVISION) if revision is None else revision
    if not said:
        return client()
    if "readers" not in g:
        g.readers = _of_the_past(_revision(said))
    found: Client = g.readers
    return found


def past() -> dict[str, Any] | None:
    """Return ``revision`` and ``time`` of the past that this request reads, or nothing."""
    read: dict[str, Any] | None = g.get("past")
    return read


def may_sign_in() -> bool:
    """Say whether a browser that this request comes from would be answered once it is signed in."""
    return bool(g.get("asked_who")) and request.method in ("GET", "HEAD")


def finish(response: Response) -> None:
    """Say which revision was read, and who may keep the answer for how long."""
    read, cached = past(), response.headers.get("Cache-Control")
    if read is not None:
        response.headers["Revision"] = str(read["revision"])
        if cached == "no-cache" and response.mimetype != "text/html":
            cached = f"max-age={_A_DAY}" if g.get("private") else f"public, max-age={_A_DAY}"
    if cached is not None and g.get("private") and not cached.startswith("no-store"):
        cached = f"private, {cached}"
    if cached is not None:
        response.headers["Cache-Control"] = cached


def _of_the_past(revision: int) -> Client:
    told = _ask({"ask": "past", "revision": revision})
    g.past = {"revision": revision, "time": datetime.fromisoformat(told["time"])}
    if not told["public"]:
        _keep_private()
    run, seconds, memory = client().run, settings().query_timeout, settings().query_memory
    if told["folder"] is None:
        return PastClient(
            run, revision=revision, query_seconds=seconds, query_memory=memory, left=has_left
        )
    try:
        return Client(
            run / told["folder"], query_seconds=seconds, query_memory=memory, left=has_left
        )
    except FileNotFoundError:
        raise Unavailable(f"Who held revision {revision} has just ended. Ask again.") from None


def _revision(values: Sequence[str]) -> int:
    if len(values) != 1 or not re.fullmatch("[1-9][0-9]{0,17}", values[0]):
        raise BadRequest("Give “revision” once, as the number of a change from 1, such as 12.")
    number = int(values[0])
    if number >= 1 << 31:
        raise NotFound(f"There is no revision {number}; the newest is {client().board.revision}.")
    return number


def _ask(what: dict[str, Any]) -> dict[str, Any]:
    """Ask the gate what a token may be needed for; a browser is known by its cookie."""
    g.asked_who = True
    asked = what | asking()
    return client().ask_gate(asked | {"secret": asked["secret"] or request.cookies.get(COOKIE)})


def _keep_private() -> None:
    """Note that this answer is for nobody else, and whether it depends on a cookie."""
    g.private = True
    if asking()["secret"] is None and COOKIE in request.cookies:
        g.personal = True
