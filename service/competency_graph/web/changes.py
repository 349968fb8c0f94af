"""`/changes`: who changed what, when and why, and a way back. Reads no log itself."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request

from competency_graph.errors import BadRequest, NotFound
from competency_graph.web.api import languages
from competency_graph.web.exchange import (
    client,
    client_address,
    negotiate,
    require_known_parameters,
    validated,
)
from competency_graph.web.interface import kept
from competency_graph.web.linked_data import HTML, html
from competency_graph.web.session import secret_of_form
from competency_graph.web.writing import bearer

paths = Blueprint("changes", __name__)

_JSON: Final = "application/json"
_MOST: Final = 1_000
_SHOWN: Final = 50
_MOST_LINES: Final = 10_000
_LINES: Final = 1_000
_SHOWN_LINES: Final = 300
# The body is a form with a message, which every list of changes repeats.
_MOST_MESSAGE: Final = 10_000


@paths.get("/changes")
def changes() -> Response:
    """List changes, newest first; of one thing with what each changed about it."""
    require_known_parameters(("graph", "thing", "limit", "cursor", "lang"))
    page = negotiate([_JSON, HTML]) == HTML
    thing = request.args.get("thing")
    told = client().ask_gate(
        {
            "ask": "changes",
            "limit": _number("limit", _SHOWN if page else 100, most=_MOST),
            "before": _number("cursor", None, most=None),
            "graph": request.args.get("graph"),
            "thing": thing,
        }
    )
    if thing is not None:
        sides = [item.pop("lines") for item in told["items"]]
        for item, things in zip(told["items"], _in_words(sides), strict=True):
            item["things"] = things
    told["next"] = _more("/changes", told["next"])
    if not page:
        return _told(told)
    names = {
        name: _named(request.args[name]) for name in ("thing", "graph") if name in request.args
    }
    return html("changes.html", **told, **names)


@paths.get("/changes/<int:number>")
def change(number: int) -> Response:
    """Show one change: who, when, why, and its difference thing by thing."""
    require_known_parameters(("limit", "cursor", "lang"))
    page = negotiate([_JSON, HTML]) == HTML
    told = client().ask_gate(
        {
            "ask": "single",
            "number": _known(number),
            "limit": _number("limit", _SHOWN_LINES if page else _LINES, most=_MOST_LINES),
            "after": _number("cursor", 0, most=None),
        }
    )
    (told["things"],) = _in_words([{side: told[side] for side in ("added", "removed")}])
    told["next"] = _more(f"/changes/{number}", told["next"])
    return html("change.html", change=told) if page else _told(told)


@paths.post("/changes/<int:number>/revert")
def revert(number: int) -> Response:
    """Undo a change by a new one, through the gate."""
    require_known_parameters(("message", "dry-run", "lang"))
    request.max_content_length = _MOST_MESSAGE
    secret, form = bearer(), request.mimetype == "application/x-www-form-urlencoded"
    if secret is None and form:
        secret = secret_of_form()
    told = client().ask_gate(
        {
            "ask": "revert",
            "number": _known(number),
            "secret": secret,
            "address": client_address(),
            "what": f"POST {request.path}",
            "message": request.args.get("message") or request.form.get("message") or None,
            "dry_run": _is_dry_run(),
            "based_on": None,
        }
    )
    if form and negotiate([_JSON, HTML]) == HTML:
        if not told["recorded"]:
            raise BadRequest(
                f"Nothing of change {number} is left to revert: all of it was changed since."
            )
        response = redirect(kept(f"/changes/{told['revision']}"), 303)
        assert isinstance(response, Response)
    else:
        response = jsonify(told)
        if told["recorded"]:
            response.status_code = 201
            response.headers["Location"] = f"/changes/{told['revision']}"
    response.headers["Revision"] = str(told["revision"])
    response.headers["Cache-Control"] = "no-store"
    return response


def _known(number: int) -> int:
    """Return the number of a change as databases can hold it.

    Raises:
        NotFound: no change has such a one.
    """
    if number >= 1 << 31:
        raise NotFound(f"There is no change {number}.")
    return number


def _is_dry_run() -> bool:
    told = request.args.get("dry-run", "false")
    if told not in ("true", "false"):
        raise BadRequest("dry-run is true or false.")
    return told == "true"


def _number(name: str, default: int | None, *, most: int | None) -> int | None:
    """Return a query parameter that is a number from 1.

    Raises:
        BadRequest: it is something else.
    """
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 15 or not 1 <= int(text) <= (most or int(text)):
        to = "" if most is None else f" to {most}"
        raise BadRequest(
            "The cursor is not one of ours. Start again without it."
            if name == "cursor"
            else f"{name} is a number from 1{to}."
        )
    return int(text)


def _more(path: str, cursor: int | None) -> str | None:
    if cursor is None:
        return None
    return f"{path}?{urlencode({**request.args.to_dict(), 'cursor': cursor})}"


def _in_words(sides: list[dict[str, list[str]]]) -> list[list[dict[str, Any]]]:
    """Return differences, given as lines, thing by thing with labels."""
    body = json.dumps(sides, ensure_ascii=False).encode()
    whole = client().look_up("differences", {"languages": languages()}, body)
    told: list[list[dict[str, Any]]] = whole.json()
    return told


def _named(iri: str) -> dict[str, Any]:
    told: dict[str, Any] = client().look_up("named", {"languages": languages(), "iri": iri}).json()
    return told


def _told(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    if body["next"] is not None:
        response.headers["Link"] = f'<{body["next"]}>; rel="next"'
    return validated(response)
