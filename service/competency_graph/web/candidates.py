"""What is sent to be checked, and how it is judged: as the gate would, by nobody who keeps it.

Parses no RDF: forks do.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from flask import request

from competency_graph.documents import Document
from competency_graph.errors import BadRequest, UnreadableInput, UnsupportedMediaType
from competency_graph.index import Whole
from competency_graph.model import Operation, pack_operations
from competency_graph.rdf import SYNTAXES, Syntax, syntax_of_file, syntax_of_media_type
from competency_graph.web.exchange import client
from competency_graph.web.limits import Share
from competency_graph.web.writing import document

FORM: Final = "multipart/form-data"
OF_ITS_OWN: Final = "https://candidate.invalid/"
"""Where candidates are tried that say of no graph that they belong to it."""


def asked(name: str) -> str:
    """Return a parameter, from the address or from the form, where two fields may say it."""
    said = (value.strip() for value in request.form.getlist(name))
    return request.args.get(name) or next(filter(None, said), "")


def operations(candidates: Sequence[Document]) -> list[Operation]:
    """Return what the request asks to do with documents: ``graph=``, ``mode=``.

    Raises:
        BadRequest: there is none, or no such mode.
    """
    graph, mode = asked("graph") or OF_ITS_OWN, asked("mode") or "replace"
    if mode not in ("replace", "add"):
        raise BadRequest("mode is “replace” (all of the graph) or “add” (to what is there).")
    if not candidates:
        raise BadRequest("Send something to check: as the body, or as files in fields “data”.")
    return [
        Operation(
            kind="replace" if mode == "replace" and place == 0 else "add",
            graph=None if one.syntax.graphs and one.syntax.name != "json-ld" else graph,
            content=one.content,
            syntax=one.syntax.name,
            name=one.name,
        )
        for place, one in enumerate(candidates)
    ]


def judged(
    candidates: Sequence[Document], shapes: Sequence[Document], *, format_: str, share: Share
) -> Whole:
    """Try documents out in a fork and return the verdict, in a format of reports.

    Args:
        candidates: the documents, for the graph and in the mode that the request says.
        shapes: judge by these alone, where there are any.
        format_: its name.
        share: the time that the client has.

    Raises:
        CompetencyGraphError: they cannot be read or judged, or a limit was reached.
    """
    packed, contents = pack_operations(operations(candidates))
    seconds, setting = share.judging()
    with client().check(seconds=seconds, named=setting) as fork:
        if shapes:
            named = [
                {"name": one.name, "syntax": one.syntax.name, "size": len(one.content)}
                for one in shapes
            ]
            told = {"operations": packed, "shapes": named, "format": format_}
            return fork.ask("own", told, b"".join((contents, *(one.content for one in shapes))))
        staged = fork.ask("stage", {"operations": packed, "judge": True, "lines": False}, contents)
        head = json.loads(staged.read())
        standing = _standing(head["whole"], head["judged"])
        body = json.dumps(standing, ensure_ascii=False).encode()
        return fork.ask("check", {"format": format_}, body)


def _standing(graphs: list[str], nodes: list[str]) -> list[dict[str, Any]]:
    wanted = json.dumps({"graphs": graphs, "nodes": nodes}).encode()
    rows: list[dict[str, Any]] = client().ask_gate({"ask": "standing"}, wanted)["standing"]
    return rows


def sent(field: str) -> list[Document]:
    """Return the documents of a field, ``data`` or ``shapes``, as they were sent.

    Raises:
        UnreadableInput: one is empty.
        UnsupportedMediaType: one is of no RDF syntax.
    """
    if request.mimetype != FORM:
        return [_body()] if field == "data" else []
    found = files(field)
    if field == "data" and request.form.get("text", "").strip():
        content = request.form["text"].encode()
        found.append(Document(name="The text", content=content, syntax=syntax_named("syntax")))
    return found


def files(field: str) -> list[Document]:
    """Return the files of a field of the form.

    Raises:
        UnreadableInput: one is empty.
        UnsupportedMediaType: one is of no RDF syntax.
    """
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
        found.append(Document(name=file.filename, content=file.read(), syntax=syntax))
        _require_content(found[-1])
    return found


def syntax_named(field: str, place: int = 0) -> Syntax:
    """Return the syntax that a field of the form names, Turtle where it names none.

    Raises:
        BadRequest: there is none of that name.
    """
    wanted = [*request.form.getlist(field)[place : place + 1], ""][0] or SYNTAXES[0].name
    syntax = next((s for s in SYNTAXES if s.name == wanted), None)
    if syntax is None:
        raise BadRequest(f"syntax is one of: {', '.join(s.name for s in SYNTAXES)}.")
    return syntax


def _body() -> Document:
    told = document()
    syntax = next(s for s in SYNTAXES if s.name == told["syntax"])
    body = Document(name="The body", content=told["content"], syntax=syntax)
    _require_content(body)
    return body


def _require_content(one: Document) -> None:
    if not one.content.strip():
        raise UnreadableInput(f"{one.name} is empty: there is nothing to check.", file=one.name)
