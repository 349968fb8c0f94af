"""Browsers that are signed in: a cookie with the token, and forms that no other site can send.

Programs send their token with each request instead; a cookie alone never changes anything.
"""

import secrets
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, redirect, render_template, request

from competency_graph.errors import Forbidden, Unauthorised, Unavailable
from competency_graph.web.exchange import (
    client,
    client_address,
    is_secure,
    require_known_parameters,
)
from competency_graph.web.interface import here, interface_language, kept
from competency_graph.web.reading import COOKIE

paths = Blueprint("session", __name__)

_FORM: Final = "competency_graph_form"
_LONGEST: Final = 200
_MOST_FORM: Final = 20_000


def person() -> dict[str, Any] | None:
    """Return name, role and graphs of whom this browser is signed in as, or nothing.

    What is answered depends on the cookie from then on, so nobody else may be given it.
    """
    if COOKIE not in request.cookies:
        return None
    g.personal = True
    if "person" not in g:
        g.person = None
        try:
            g.person = _who(request.cookies[COOKIE])
        except Unauthorised:
            g.forgotten = True
        except Unavailable:
            # Reading goes on while the gate is being started.
            pass
    known: dict[str, Any] | None = g.person
    return known


def _who(secret: str) -> dict[str, Any]:
    what = f"sign in at {request.path}"
    return client().ask_gate(
        {"ask": "who", "secret": secret, "address": client_address(), "what": what}
    )


def form_key() -> str:
    """Return what a form of this browser must send back, so that it is known to be ours."""
    g.personal = True
    secret = request.cookies.get(COOKIE)
    return _digest(secret) if secret else _form_cookie()


def _form_cookie() -> str:
    """Return the random text that a browser has before it is signed in; it is given one."""
    if "form" not in g:
        g.form = request.cookies.get(_FORM) or secrets.token_urlsafe(24)
    text: str = g.form
    return text


def _digest(secret: str) -> str:
    return blake2b(secret.encode(), digest_size=24, person=b"form").hexdigest()


def secret_of_form() -> str:
    """Return the token of a browser that sent a form of ours.

    Raises:
        Unauthorised: it is not signed in.
        Forbidden: the form does not come from a page of this service.
    """
    secret = request.cookies.get(COOKIE)
    if not secret:
        raise Unauthorised("Sign in first, with a token that may change this.")
    _require(_digest(secret))
    return secret


def _require(key: str) -> None:
    sent = request.form.get("key", "")
    elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    if not key or elsewhere or not compare_digest(sent.encode(), key.encode()):
        raise Forbidden(
            "This form was not sent from a page of this service, or the page is of an earlier "
            "sign-in. Load the page again and send it from there."
        )


@paths.get("/sign-in")
def sign_in() -> Response:
    """Show the form that takes a token."""
    require_known_parameters(("lang", "back"))
    return _page(request.args.get("back", "/"))


@paths.post("/sign-in")
def signed_in() -> Response:
    """Keep the token in a cookie of this browser, if it counts."""
    require_known_parameters(("lang",))
    request.max_content_length = _MOST_FORM
    _require(request.cookies.get(_FORM, ""))
    back, secret = request.form.get("back", "/"), request.form.get("token", "").strip()
    try:
        if not secret or len(secret) > _LONGEST:
            raise Unauthorised("Give a token, as it was shown once when it was made.")
        _who(secret)
    except Unauthorised as refused:
        return _page(back, fault=refused.detail)
    response = _leave(back)
    response.set_cookie(COOKIE, secret, httponly=True, samesite="Lax", secure=is_secure())
    return response


@paths.post("/sign-out")
def sign_out() -> Response:
    """Let this browser forget its token."""
    require_known_parameters(("lang",))
    secret_of_form()
    response = _leave("/")
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=is_secure())
    return response


def _page(back: str, fault: str | None = None) -> Response:
    g.personal = True
    key = _form_cookie()
    markup = render_template("sign-in.html", back=back, key=key, fault=fault)
    response = Response(markup, 401 if fault else 200, mimetype="text/html")
    response.content_language = interface_language()
    return response


def to_sign_in() -> Response:
    """Lead a browser to the page that takes a token, and back here after it."""
    return _see("/sign-in?" + urlencode({"back": here()}))


def _leave(back: str) -> Response:
    """Go on to a path of this service, and to nowhere else."""
    return _see(back if _is_ours(back) else "/")


def _see(path: str) -> Response:
    response = redirect(kept(path), 303)
    assert isinstance(response, Response)
    return response


def _is_ours(back: str) -> bool:
    # Of what browsers leave out or read as something else, nothing can be told.
    if not back.startswith("/") or not back.isprintable():
        return False
    try:
        parts = urlsplit(back.replace("\\", "/"))
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc


def finish(response: Response) -> None:
    """Keep what depends on a cookie out of every cache, and give or take away cookies."""
    if g.get("personal"):
        response.headers["Cache-Control"] = "private, no-store"
    if "form" in g and _FORM not in request.cookies:
        response.set_cookie(_FORM, g.form, httponly=True, samesite="Strict", secure=is_secure())
    if g.get("forgotten"):
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=is_secure())
