"""`/validate`: candidate data judged as a change would be, and nothing recorded. Parses no RDF."""

import json
from typing import Any, Final

from flask import Blueprint, Response, request

from competency_graph.errors import BadRequest, UnreadableInput, UnsupportedMediaType
from competency_graph.index import Whole
from competency_graph.model import Operation, pack_operations
from competency_graph.rdf import SYNTAXES, syntax_of_file, syntax_of_media_type
from competency_graph.web.api import languages
from competency_graph.web.exchange import (
    answer,
    client,
    negotiate,
    require_known_parameters,
)
from competency_graph.web.limits import Share, counted, tell
from competency_graph.web.linked_data import HTML, html
from competency_graph.web.writing import document

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
_PARAMETERS: Final = ("graph", "mode", "format", "lang")
# Where candidates are tried that say of no graph that they belong to it.
_OF_ITS_OWN: Final = "https://candidate.invalid/"
_FORM: Final = "multipart/form-data"


@paths.get("/validate")
def form() -> Response:
    """Show the form that takes candidate data."""
    require_known_parameters(("lang",))
    negotiate([HTML])
    return html("validate.html", graphs=_graphs(), syntaxes=SYNTAXES, verdict=None, asked={})


@paths.post("/validate")
def validate() -> Response:
    """Judge candidate data; open to everybody, and nothing of it is kept."""
    require_known_parameters(_PARAMETERS)
    chosen = _format()
    with counted() as share:
        verdict = _judge("json" if chosen == "html" else chosen, share)
    if chosen == "html":
        asked = {name: _asked(name) for name in ("graph", "mode", "text", "syntax")}
        response = html(
            "validate.html",
            graphs=_graphs(),
            syntaxes=SYNTAXES,
            asked=asked,
            verdict=verdict.json(),
        )
    else:
        response = answer(verdict)
    response.headers["Cache-Control"] = "no-store"
    return response


def _format() -> str:
    """Return the format that is asked for: by ``format=``, else by negotiation.

    Raises:
        BadRequest: there is no such format.
        NotAcceptable: the client takes none of them.
    """
    wanted = _asked("format")
    if wanted and wanted not in _FORMATS.values():
        raise BadRequest(f"format is one of: {', '.join(_FORMATS.values())}.")
    return wanted or _FORMATS[negotiate(list(_FORMATS))]


def _judge(format_: str, share: Share) -> Whole:
    """Try the candidate out in a fork and return its verdict."""
    graph, mode = _asked("graph") or _OF_ITS_OWN, _asked("mode") or "replace"
    if mode not in ("replace", "add"):
        raise BadRequest("mode is “replace” (all of the graph) or “add” (to what is there).")
    candidates, shapes = _documents("data"), _documents("shapes")
    if not candidates:
        raise BadRequest("Send something to check: as the body, or as files in fields “data”.")
    operations = [
        Operation(
            kind="replace" if mode == "replace" and place == 0 else "add",
            graph=None if syntax.graphs and syntax.name != "json-ld" else graph,
            content=content,
            syntax=syntax.name,
            name=name,
        )
        for place, (name, content, syntax) in enumerate(candidates)
    ]
    packed, contents = pack_operations(operations)
    asked = {"operations": packed, "judge": True, "lines": False}
    seconds, setting = share.judging()
    with client().check(seconds=seconds, named=setting) as fork:
        head = json.loads(fork.ask("stage", asked, contents).read())
        standing = [] if shapes else _standing(head["judged"])
        named = [
            {"name": name, "syntax": syntax.name, "size": len(content)}
            for name, content, syntax in shapes
        ]
        body = b"".join(content for _, content, _ in shapes)
        body += json.dumps(standing, ensure_ascii=False).encode()
        return fork.ask("check", {"shapes": named, "format": format_}, body)


def _standing(graphs: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client().ask_gate({"ask": "standing", "graphs": graphs})[
        "standing"
    ]
    return rows


def _asked(name: str) -> str:
    """Return a parameter, from the address or from the form."""
    return request.args.get(name) or request.form.get(name, "")


def _documents(field: str) -> list[tuple[str, bytes, Any]]:
    """Return the documents of a field, each with its name, content and syntax.

    Raises:
        UnreadableInput: one is empty.
        UnsupportedMediaType: one is of no RDF syntax.
    """
    if request.mimetype != _FORM:
        return [("The body", *_body())] if field == "data" else []
    found = []
    for file in request.files.getlist(field):
        if not file.filename:
            continue
        syntax = syntax_of_file(file.filename) or syntax_of_media_type(file.mimetype)
        if syntax is None:
            endings = ", ".join(ending for s in SYNTAXES for ending in s.endings)
            raise UnsupportedMediaType(
                f"{file.filename} has no ending that tells an RDF syntax. Known are {endings}."
            )
        found.append((file.filename, file.read(), syntax))
    if field == "data" and request.form.get("text", "").strip():
        wanted = request.form.get("syntax") or "turtle"
        syntax = next((s for s in SYNTAXES if s.name == wanted), None)
        if syntax is None:
            raise BadRequest(f"syntax is one of: {', '.join(s.name for s in SYNTAXES)}.")
        found.append(("The text", request.form["text"].encode(), syntax))
    for name, content, _ in found:
        _require_content(name, content)
    return found


def _body() -> tuple[bytes, Any]:
    told = document()
    _require_content("The body", told["content"])
    return told["content"], next(s for s in SYNTAXES if s.name == told["syntax"])


def _require_content(name: str, content: bytes) -> None:
    if not content.strip():
        raise UnreadableInput(f"{name} is empty: there is nothing to check.", file=name)


def _graphs() -> list[dict[str, Any]]:
    told = client().look_up("graph_names", {"languages": languages()}).json()
    graphs: list[dict[str, Any]] = told["graphs"]
    return graphs
