"""What apps and pages may ask about frameworks, answered inside a reader. Knows no HTTP.

Each answer is a function of graph and parameters that writes JSON. What it says about an object is
read from the object's own statements by two tables, so the JSON-LD expansion of an answer is a part
of the graph by construction; computed members map to null in the context.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from competency_graph import jsonld
from competency_graph.errors import Ambiguous, BadRequest, NotFound
from competency_graph.index import Answer, Graph, Term, Writer
from competency_graph.vocab import CG, DCTERMS, OWL, RDF, SH, SKOS
from competency_graph.words import Words, by_language, short_name, text

JSON: Final = "application/json"
JSON_LD: Final = "application/ld+json"

# Collections of the API: the class of their members and the kind in our own IRIs.
COLLECTIONS: Final[dict[str, tuple[str, str]]] = {
    "frameworks": ("CompetencyFramework", ""),
    "competencies": ("Competency", "competency"),
    "roles": ("Role", "role"),
    "outcomes": ("Outcome", "outcome"),
    "evidence": ("EvidenceSource", "source"),
    "activities": ("DevelopmentActivity", "activity"),
    "levels": ("ProficiencyLevel", "level"),
}


def context(_graph: Graph, _parameters: Mapping[str, Any], output: Writer) -> str:
    """Write the JSON-LD context of every body about objects."""
    return write(jsonld.context(), output, JSON_LD)


def write(body: Mapping[str, Any], output: Writer, media_type: str = JSON) -> str:
    """Write a body as JSON and return its media type."""
    output.write(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
    return media_type


def _types(said: Mapping[str, list[Term]]) -> list[str]:
    found = (t.value for t in said.get(RDF + "type", ()))
    return [iri.removeprefix(CG) for iri in found if iri.startswith(CG)]


def _brief(words: Words, iri: str, said: Mapping[str, list[Term]]) -> dict[str, Any]:
    """Return an object's own statements, things by reference."""
    types = _types(said)
    body: dict[str, Any] = {"id": iri, "type": types[0] if len(types) == 1 else types}
    body["label"] = words.choose(said.get(SKOS + "prefLabel", ()))
    if SKOS + "definition" in said:
        body["definition"] = words.choose(said[SKOS + "definition"])
    if DCTERMS + "description" in said:
        body["description"] = words.choose(said[DCTERMS + "description"])
    for key, predicate in jsonld.WORDS.items():
        if predicate in said:
            body[key] = by_language(said[predicate])
    for key, predicate in jsonld.PLAIN.items():
        if predicate in said:
            body[key] = _single(key, [_plain(t) for t in said[predicate]])
    for key, predicate in jsonld.THINGS.items():
        found = [words.reference(t.value) for t in said.get(predicate, ()) if t.kind == "iri"]
        if found:
            body[key] = _single(key, found)
    body["status"] = "deprecated" if body.get("deprecated") else "adopted"
    return body


def _single(key: str, values: list[Any]) -> Any:
    return values[0] if key in jsonld.SINGLE and len(values) == 1 else values


def _plain(term: Term) -> str | int | bool:
    match term.datatype.rpartition("#")[2]:
        case "integer":
            return int(term.value)
        case "boolean":
            return term.value == "true"
    return term.value


def _resolve(graph: Graph, collection: str, reference: str, framework: str | None) -> str:
    """Return the IRI that a slug or an IRI names in a collection.

    Raises:
        NotFound: nothing of that class has this name.
        Ambiguous: several frameworks have it, and ``framework`` does not decide.
    """
    class_, kind = COLLECTIONS[collection]
    if "://" in reference:
        candidates = [reference]
    else:
        homes = graph.subjects(RDF + "type", CG + "CompetencyFramework")
        if framework is not None:
            homes = [h for h in homes if framework in (h, h.rpartition("/")[2])]
        if kind:
            candidates = [f"{home}/{kind}/{reference}" for home in homes]
        else:
            candidates = [h for h in homes if h.rpartition("/")[2] == reference]
    found = [iri for iri in candidates if class_ in _types(graph.properties(iri))]
    if not found:
        raise NotFound(f"There is no {class_} “{reference}”. GET /api/v1/{collection} lists them.")
    if len(found) > 1:
        raise Ambiguous("Several frameworks have this. Say which with framework=.", choices=found)
    return found[0]


def item(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write one object: its own statements and those that point at it."""
    words = Words(graph, parameters["languages"])
    iri = _resolve(
        graph, parameters["collection"], parameters["reference"], parameters.get("framework")
    )
    said = graph.properties(iri)
    body = {"@context": jsonld.CONTEXT_URL, **_brief(words, iri, said)}
    for kind in _types(said):
        for key, predicate in jsonld.INCOMING.get(kind, {}).items():
            body[key] = [
                _brief(words, other, graph.properties(other))
                for other in graph.subjects(predicate, iri)
            ]
    return write(body, output, JSON_LD)


def items(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write a page of a collection, sorted by label; evidence comes with its claims."""
    words = Words(graph, parameters["languages"])
    collection = parameters["collection"]
    class_ = COLLECTIONS[collection][0]
    chosen = set(graph.subjects(RDF + "type", CG + class_))
    for narrow in _narrowings(graph, parameters):
        chosen &= narrow
    wanted = parameters.get("status") or "adopted"
    named = sorted((words.label(iri) or iri, iri) for iri in chosen)
    told = [
        (label, iri, said)
        for label, iri, said in ((label, iri, graph.properties(iri)) for label, iri in named)
        if ("deprecated" if OWL + "deprecated" in said else "adopted") == wanted
    ]
    after = _cursor(parameters.get("cursor"))
    limit = parameters["limit"]
    rest = [row for row in told if after is None or (row[0], row[1]) > after]
    page = [_brief(words, iri, said) for _, iri, said in rest[:limit]]
    if collection == "evidence":
        for source in page:
            claims = graph.subjects(CG + "citesSource", source["id"])
            source["claims"] = [_brief(words, c, graph.properties(c)) for c in claims]
    more = None
    if len(rest) > limit:
        label, iri, _ = rest[limit - 1]
        cursor = base64.urlsafe_b64encode(json.dumps([label, iri]).encode()).decode()
        again = {**parameters["again"], "cursor": cursor}
        more = f"/api/v1/{collection}?{urlencode(again)}"
    body = {"@context": jsonld.CONTEXT_URL, "items": page, "total": len(told), "next": more}
    return write(body, output, JSON_LD)


def _cursor(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    try:
        label, iri = json.loads(base64.urlsafe_b64decode(text))
        return str(label), str(iri)
    except (ValueError, TypeError):
        raise BadRequest("The cursor is not one of ours. Start again without it.") from None


def _narrowings(graph: Graph, parameters: Mapping[str, Any]) -> Iterable[set[str]]:
    """Yield, for each filter that was given, the objects that pass it."""
    framework = parameters.get("framework")
    if framework is not None:
        home = _resolve(graph, "frameworks", framework, None)
        yield {
            *graph.subjects(SKOS + "inScheme", home),
            *graph.subjects(DCTERMS + "isPartOf", home),
        }
    requirements: dict[str, tuple[str, str]] | None = None
    if parameters.get("role") is not None:
        role = _resolve(graph, "roles", parameters["role"], framework)
        requirements = effective(graph, role)
        yield set(requirements)
    if parameters.get("level") is not None:
        level = _resolve(graph, "levels", parameters["level"], framework)
        holders = graph.subjects(CG + "requiresLevel", level)
        if requirements is not None:
            own = {requirement for requirement, _ in requirements.values()}
            holders = [h for h in holders if h in own]
        yield {graph.properties(h)[CG + "requiresCompetency"][0].value for h in holders}
    if parameters.get("outcome") is not None:
        outcome = _resolve(graph, "outcomes", parameters["outcome"], framework)
        claims = (graph.properties(c) for c in graph.subjects(CG + "concernsOutcome", outcome))
        yield {
            claim[CG + "hasContributor"][0].value
            for claim in claims
            if claim[CG + "hasPolarity"][0].value == CG + "Supports"
        }
    if parameters.get("type") is not None:
        yield set(graph.subjects(RDF + "type", CG + parameters["type"]))


def effective(graph: Graph, role: str) -> dict[str, tuple[str, str]]:
    """Return competency to (requirement, role that states it): the nearest role decides."""
    found: dict[str, tuple[str, str]] = {}
    waiting, seen = [role], {role}
    while waiting:
        nearer: dict[str, tuple[str, str]] = {}
        wider: list[str] = []
        for holder in waiting:
            for requirement in graph.subjects(CG + "belongsToRole", holder):
                for competency in graph.properties(requirement).get(CG + "requiresCompetency", ()):
                    nearer.setdefault(competency.value, (requirement, holder))
            for parent in graph.properties(holder).get(SKOS + "broader", ()):
                if parent.value not in seen:
                    seen.add(parent.value)
                    wider.append(parent.value)
        found = nearer | found
        waiting = wider
    return found


def profile(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write what a role needs: own and inherited requirements, and where each comes from."""
    words = Words(graph, parameters["languages"])
    role = _resolve(graph, "roles", parameters["reference"], parameters.get("framework"))
    above = graph.properties(role).get(SKOS + "broader", ())
    inherited = {c for parent in above for c in effective(graph, parent.value)}
    needed = []
    for competency, (requirement, holder) in effective(graph, role).items():
        row = _brief(words, requirement, graph.properties(requirement))
        row["inheritedFrom"] = None if holder == role else words.reference(holder)
        row["overrides"] = holder == role and competency in inherited
        level = row.get("level")
        if isinstance(level, dict):
            level["rank"] = next(
                (_plain(t) for t in graph.properties(level["id"]).get(CG + "rank", ())), None
            )
        needed.append(row)
    needed.sort(key=lambda row: (row["competency"]["label"] or "", row["id"]))
    said = graph.properties(role)
    body = {"@context": jsonld.CONTEXT_URL, **_brief(words, role, said), "total": len(needed)}
    return write({**body, "profile": needed}, output, JSON_LD)


def tree(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write a framework as a tree: top concepts, and under each what is narrower."""
    words = Words(graph, parameters["languages"])
    framework = _resolve(graph, "frameworks", parameters["reference"], None)

    def branch(iri: str, above: tuple[str, ...]) -> dict[str, Any]:
        said = graph.properties(iri)
        body = _brief(words, iri, said)
        below = [n for n in graph.subjects(SKOS + "broader", iri) if n not in above]
        body["children"] = [branch(n, (*above, iri)) for n in by_notation(graph, below)]
        return body

    tops = by_notation(graph, graph.subjects(SKOS + "topConceptOf", framework))
    said = graph.properties(framework)
    body = {"@context": jsonld.CONTEXT_URL, **_brief(words, framework, said)}
    return write({**body, "children": [branch(top, ()) for top in tops]}, output, JSON_LD)


def by_notation(graph: Graph, iris: Iterable[str]) -> list[str]:
    """Return things in the order of their notations, those without at the end."""

    def order(iri: str) -> tuple[str, str]:
        notations = graph.properties(iri).get(SKOS + "notation")
        return (notations[0].value if notations else "~", iri)

    return sorted(iris, key=order)


def graphs(graph: Graph, _parameters: Mapping[str, Any], output: Writer) -> str:
    """Write the names of the named graphs."""
    return write({"graphs": graph.graph_names()}, output)


def rules(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write every rule that shapes hold, by what it is about: field, what to do, why, severity."""
    words = Words(graph, parameters["languages"])
    groups: dict[str, list[dict[str, Any]]] = {}
    for iri, severity in sorted({(r[0].value, r[1].value) for r in graph.rows("rules")}):
        holders = graph.subjects(SH + "property", iri) or [iri]
        targets = {
            t.value for h in holders for t in graph.properties(h).get(SH + "targetClass", ())
        }
        parts = {"field": "name", "message": "message", "why": "description"}
        groups.setdefault(targets.pop() if len(targets) == 1 else "", []).append(
            {
                "name": _fragment(iri),
                "severity": _fragment(severity).lower(),
                **_texts(graph, words, iri, {key: SH + part for key, part in parts.items()}),
            }
        )
    told: list[dict[str, Any]] = []
    for class_, rows in groups.items():
        about = text(words.name(class_)) if class_ else None
        if class_ and about is None:
            about = {"text": short_name(class_), "language": ""}
        told.append({"about": about, "rules": rows})
    # What concerns several classes comes last.
    told.sort(key=lambda group: (group["about"] is None, (group["about"] or {}).get("text")))
    return write({"groups": told}, output)


def _fragment(iri: str) -> str:
    return iri.rpartition("#")[2]


def _texts(graph: Graph, words: Words, iri: str, parts: Mapping[str, str]) -> dict[str, Any]:
    said = graph.properties(iri)
    return {key: text(words.best(said.get(predicate, ()))) for key, predicate in parts.items()}


def terms(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write every term of the vocabulary with label, definition and example, by module."""
    words = Words(graph, parameters["languages"])
    parts = {part: SKOS + part for part in ("prefLabel", "definition", "example")}
    modules: dict[str, list[dict[str, Any]]] = {}
    for term, module in ((row[0].value, row[1].value) for row in graph.rows("terms")):
        told = {"name": _fragment(term), **_texts(graph, words, term, parts)}
        modules.setdefault(module, []).append(told)
    shown = [
        {"id": module, "name": short_name(module), "title": text(words.name(module)), "terms": rows}
        for module, rows in modules.items()
    ]
    return write({"modules": shown}, output)


ANSWERS: Final[Mapping[str, Answer]] = {
    "context": context,
    "graphs": graphs,
    "item": item,
    "items": items,
    "profile": profile,
    "rules": rules,
    "terms": terms,
    "tree": tree,
}
