"""`/validate`: candidate data judged as a change would be; nothing is kept unless it is sent."""

from typing import Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from competency_graph.errors import BadRequest
from competency_graph.web import correcting
from competency_graph.web.candidates import asked, judged, sent
from competency_graph.web.exchange import answer, negotiate, require_known_parameters, settings
from competency_graph.web.limits import counted, tell
from competency_graph.web.linked_data import HTML

paths = Blueprint("validating", __name__)
paths.after_request(tell)

# The formats of reports, by media type, the one first that a program gets which does not say; these
# processes do not load what writes them.
_FORMATS: Final = {
    "application/json": "json",
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/sarif+json": "sarif",
    "text/plain": "text",
    HTML: "html",
}
_MOST_ENCODED: Final = 1_000_000
_PARAMETERS: Final = ("graph", "mode", "format", "lang")


@paths.get("/validate")
def form() -> Response:
    """Show the form that takes candidate data."""
    require_known_parameters(("lang",))
    negotiate([HTML])
    return correcting.empty()


@paths.post("/validate")
def validate() -> Response:
    """Judge candidate data; open to everybody, and nothing of it is kept."""
    require_known_parameters(_PARAMETERS)
    _require_small_form()
    chosen = _format()
    if chosen == "html":
        return correcting.answered()
    with counted() as share:
        verdict = judged(sent("data"), sent("shapes"), format_=chosen, share=share)
    response = answer(verdict)
    response.headers["Cache-Control"] = "no-store"
    return response


def _require_small_form() -> None:
    """Refuse an encoded form that is large or of many fields, before it is taken apart.

    Ours comes in parts. This one takes some 80 times its size of memory to be read.

    Raises:
        RequestEntityTooLarge: it is larger, or has more fields than one in parts may have.
    """
    if request.mimetype == "application/x-www-form-urlencoded":
        request.max_content_length = min(_MOST_ENCODED, settings().max_body)
        most = request.max_form_parts
        if most is not None and request.get_data().count(b"&") >= most:
            raise RequestEntityTooLarge


def _format() -> str:
    """Return the format that is asked for: by ``format=``, else by negotiation.

    Raises:
        BadRequest: there is no such format.
        NotAcceptable: the client takes none of them.
    """
    wanted = asked("format")
    if wanted and wanted not in _FORMATS.values():
        raise BadRequest(f"format is one of: {', '.join(_FORMATS.values())}.")
    return wanted or _FORMATS[negotiate(list(_FORMATS))]
