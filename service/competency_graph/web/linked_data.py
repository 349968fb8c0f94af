"""`/id`, `/ns`, `/ontology`, `/shapes`, `/graph`, `/docs`, home: pages for people, RDF else.

The same IRIs that the data uses, on this host. Decides no content: pages show what readers tell.
"""

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory
from markdown_it import MarkdownIt

from competency_graph import errors, resources
from competency_graph.errors import BadRequest, NotFound
from competency_graph.rdf import SYNTAXES
from competency_graph.vocab import GRAPH, ONTOLOGY
from competency_graph.web import interface
from competency_graph.web.api import languages
from competency_graph.web.exchange import (
    answer,
    coding,
    negotiate,
    require_known_parameters,
    settings,
    validated,
)
from competency_graph.web.reading import REVISION, readers

paths = Blueprint("linked_data", __name__, template_folder="../reports")
paths.record_once(lambda state: interface.install(state.app))
HTML = "text/html"
_OF_REPORTS = ("findings.css", "findings.js")
_NAMES = {s.media_type: s.name for s in SYNTAXES}


@paths.app_template_global()
def local(iri: str, known: bool = False) -> str:
    """Return the address on this host of an IRI, or the IRI itself where it is a safe link.

    Args:
        iri: what a link names.
        known: whether there is a page of it here although it lies under another base.
    """
    base = settings().base
    if iri.startswith(base):
        return interface.kept("/" + iri.removeprefix(base))
    if known or iri.startswith("urn:"):
        return interface.kept("/id?iri=" + quote(iri, safe=""))
    return iri if urlsplit(iri).scheme in ("http", "https", "mailto") else ""


def _asked(name: str, **parameters: Any) -> dict[str, Any]:
    whole = readers().look_up(name, {"languages": languages(), **parameters})
    told: dict[str, Any] = json.loads(whole.read())
    return told


def html(template: str, **shown: Any) -> Response:
    """Return a page in the language of the interface, with its validators."""
    response = make_response(render_template(template, **shown))
    response.content_language = interface.interface_language()
    return validated(response)


def _labels() -> bool:
    """Say whether names of all IRIs are to be added to RDF; a page has them anyway."""
    wanted = request.args.get("labels", "false")
    if wanted not in ("true", "false"):
        raise BadRequest("“labels” is true or false.")
    return wanted == "true"


def _chosen(offered: Sequence[str], *known: str) -> str:
    """Return the media type to answer with, once the parameters have been found possible."""
    require_known_parameters(("lang", "labels", REVISION, *known))
    _labels()
    return negotiate(offered)


def _thing(iri: str, *known: str) -> Response:
    chosen = _chosen([HTML, *_NAMES], *known)
    if chosen == HTML:
        return html("thing.html", thing=_asked("page", iri=iri))
    return answer(readers().describe(iri, _NAMES[chosen], labels=_labels()))


def _whole(graph: str, media_type: str) -> Response:
    return answer(readers().graph(graph, _NAMES[media_type], labels=_labels(), coding=coding()))


@paths.get("/")
def home() -> Response:
    """Show what there is, and how to ask for it."""
    require_known_parameters(("lang", REVISION))
    return html("home.html", there=_asked("home"), docs=_documentation())


@paths.get("/id/<path:rest>")
def thing(rest: str) -> Response:
    """Show or describe an object under our base."""
    return _thing(settings().base + "id/" + rest)


@paths.get("/id")
def thing_by_iri() -> Response:
    """Show or describe any object by its whole IRI."""
    iri = request.args.get("iri", "")
    if ":" not in iri:
        raise BadRequest("Give the whole IRI of the object as iri=, percent-encoded.")
    return _thing(iri, "iri")


@paths.get("/ns")
def vocabulary() -> Response:
    """Show every term, or give the whole ontology."""
    chosen = _chosen([HTML, *_NAMES])
    if chosen == HTML:
        return html("terms.html", **_asked("terms"))
    return _whole(GRAPH + "ontology", chosen)


@paths.get("/ontology/<module>")
def module(module: str) -> Response:
    """Show or describe one module of the ontology."""
    return _thing(ONTOLOGY + module)


@paths.get("/shapes")
def shapes() -> Response:
    """Show every rule, or give the shapes of the core profile."""
    chosen = _chosen([HTML, *_NAMES])
    if chosen == HTML:
        return html("rules.html", **_asked("rules"))
    return _whole(GRAPH + "shapes-core", chosen)


@paths.get("/graph/<name>")
def graph(name: str) -> Response:
    """Show what a named graph says of itself, or give it whole."""
    iri = settings().base + "graph/" + name
    chosen = _chosen([*_NAMES, HTML])
    if chosen == HTML:
        try:
            return html("thing.html", thing=_asked("page", iri=iri))
        except NotFound:
            # A graph need not say anything of itself: then it is shown as it is.
            chosen = SYNTAXES[0].media_type
    return _whole(iri, chosen)


@paths.get("/docs/rules")
def rules() -> Response:
    """Show every rule with its reason; rules link here."""
    require_known_parameters(("lang",))
    return html("rules.html", **_asked("rules"))


@paths.get("/docs/errors")
def error_types() -> Response:
    """Show every type of error; problem bodies link here."""
    require_known_parameters(("lang",))
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.CompetencyGraphError)
        and kind is not errors.CompetencyGraphError
    ]
    return html("errors.html", kinds=sorted(kinds, key=lambda k: (k.status, k.code)))


@paths.get("/docs/<name>")
def documentation(name: str) -> Response:
    """Show a page of the documentation."""
    require_known_parameters(("lang",))
    file = resources.folder("docs") / f"{name}.md"
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise NotFound("There is no such page of the documentation. The home page lists them.")
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(file.read_text(encoding="utf-8"))
    parts = []
    for token, inside in itertools.pairwise(tokens):
        if token.type == "heading_open":
            anchor = re.sub(r"\W+", "-", inside.content.lower()).strip("-")
            token.attrSet("id", anchor)
            if token.tag == "h2":
                parts.append((anchor, inside.content.replace("`", ""), "en"))
        for link in token.children or ():
            page, dot, rest = str(link.attrGet("href") or "").partition(".md")
            if dot and (file.parent / f"{page}.md").is_file():
                link.attrSet("href", interface.kept(f"/docs/{page}{rest}"))
    markup = reader.renderer.render(tokens, reader.options, {})
    return html("doc.html", title=_title(file), markup=markup, parts=parts)


def _documentation() -> dict[str, str]:
    """Return the pages of the documentation: name and title."""
    return {file.stem: _title(file) for file in sorted(resources.folder("docs").glob("*.md"))}


def _title(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        return next(lines).lstrip("# ").strip()


@paths.get("/static/<path:name>")
def static_file(name: str) -> Response:
    """Give a file of the pages' own, or one that they share with reports."""
    folder = "../reports" if name in _OF_REPORTS else "static"
    response = send_from_directory(folder, name, conditional=False, etag=False)
    response.direct_passthrough = False
    response = validated(response)
    response.headers["Cache-Control"] = "max-age=3600"
    return response
