"""What apps and pages may ask about frameworks, answered inside a reader. Knows no HTTP.

Each answer is a function of graph and parameters that writes JSON. Deprecated things are left out
of lists and of what is told with an object, unless they are asked for.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from competency_graph import jsonld
from competency_graph.errors import Ambiguous, BadRequest, NotFound
from competency_graph.index import Answer, Graph, Term, Writer
from competency_graph.requirements import effective, needing
from competency_graph.telling import Said, Telling, classes
from competency_graph.vocab import CG, DCTERMS, PREFIXES, RDF, SH, SKOS, prefixed
from competency_graph.words import Words, is_deprecated, short_name, text

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


def _resolve(graph: Graph, collection: str, reference: str, framework: str | None) -> str:
    """Return the IRI that a slug or an IRI names in a collection.

    Raises:
        NotFound: nothing of that class has this name.
        Ambiguous: several frameworks have it, and ``framework`` does not decide.
    """
    class_, kind = COLLECTIONS[collection]
    if ":" in reference:
        candidates = [reference]
    else:
        homes = graph.subjects(RDF + "type", CG + "CompetencyFramework")
        if framework is not None:
            homes = [h for h in homes if framework in (h, h.rpartition("/")[2])]
        if kind:
            candidates = [f"{home}/{kind}/{reference}" for home in homes]
        else:
            candidates = [h for h in homes if h.rpartition("/")[2] == reference]
    wanted = Term("iri", CG + class_)
    found = [iri for iri in candidates if wanted in graph.values(iri, RDF + "type")]
    words = Words(graph, ())
    if not found:
        kind_of_thing = (words.label(CG + class_) or class_).lower()
        raise NotFound(
            f"There is no {kind_of_thing} “{reference}”. GET /api/v1/{collection} lists them."
        )
    if len(found) > 1:
        raise Ambiguous(
            "Several frameworks have this. Say which with framework=, or give the whole IRI.",
            choices=[words.reference(iri) for iri in found],
        )
    return found[0]


def item(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write one object: its own statements, those that point at it, and its place in the tree."""
    telling = Telling(graph, parameters["languages"])
    iri = _resolve(
        graph, parameters["collection"], parameters["reference"], parameters.get("framework")
    )
    said = graph.properties(iri)
    body = {"@context": jsonld.CONTEXT_URL, **telling.object(iri, said)}
    for kind in classes(said):
        for key, predicate in jsonld.INCOMING.get(kind, {}).items():
            body[key] = _told_of(graph, telling, graph.subjects(predicate, iri))
    if SKOS + "broader" in said:
        body["ancestors"] = [telling.words.reference(a) for a in _ancestors(graph, iri)]
    if parameters["collection"] == "competencies":
        body["indicators"].sort(key=lambda row: row.get("band", {}).get("rank") or 0)
        body["roles"] = _roles(graph, telling, iri, body["requirements"])
    return write({**body, "attribution": telling.attribution()}, output, JSON_LD)


def _told_of(graph: Graph, telling: Telling, iris: Iterable[str]) -> list[dict[str, Any]]:
    """Return things that stand, each with its own statements."""
    found = ((iri, graph.properties(iri)) for iri in iris)
    return [telling.object(iri, said) for iri, said in found if not is_deprecated(said)]


def _ancestors(graph: Graph, iri: str) -> list[str]:
    """Return what is above a thing in the tree, the top first."""
    found: list[str] = []
    waiting = [iri]
    while waiting:
        above = (t.value for i in waiting for t in graph.values(i, SKOS + "broader"))
        waiting = [parent for parent in dict.fromkeys(above) if parent not in (*found, iri)]
        found = [*waiting, *found]
    return found


def _roles(
    graph: Graph, telling: Telling, competency: str, requirements: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the roles that need a competency, and how much; ``requirements`` are told already."""
    stated = {requirement["id"]: requirement for requirement in requirements}
    return [
        {
            **telling.words.reference(role),
            "importance": stated[requirement].get("importance"),
            "level": stated[requirement].get("level"),
            "inheritedFrom": None if holder == role else telling.words.reference(holder),
        }
        for role, (requirement, holder) in needing(graph, competency).items()
    ]


def items(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write a page of a collection, in its order; evidence comes with its claims."""
    telling = Telling(graph, parameters["languages"])
    collection = parameters["collection"]
    chosen = set(graph.subjects(RDF + "type", CG + COLLECTIONS[collection][0]))
    for narrow in _narrowings(graph, parameters):
        chosen &= narrow
    wanted = parameters.get("status") == "deprecated"
    found = ((iri, graph.properties(iri)) for iri in chosen)
    told = sorted(
        ((_order(telling, iri, said), iri, said))
        for iri, said in found
        if is_deprecated(said) == wanted
    )
    after = _cursor(parameters.get("cursor"))
    limit = parameters["limit"]
    rest = [row for row in told if after is None or row[:2] > after]
    page = [telling.object(iri, said) for _, iri, said in rest[:limit]]
    if collection == "evidence":
        for source in page:
            claims = graph.subjects(CG + "citesSource", source["id"])
            source["claims"] = _told_of(graph, telling, claims)
    more = None
    if len(rest) > limit:
        cursor = base64.urlsafe_b64encode(json.dumps(rest[limit - 1][:2]).encode()).decode()
        again = {**parameters["again"], "cursor": cursor}
        more = f"/api/v1/{collection}?{urlencode(again)}"
    body = {"@context": jsonld.CONTEXT_URL, "items": page, "attribution": telling.attribution()}
    return write({**body, "total": len(told), "next": more}, output, JSON_LD)


def _order(telling: Telling, iri: str, said: Said) -> str:
    """Return what a list is sorted by: levels by scale and rank, all else as it is called."""
    if CG + "rank" in said:
        scale = min((t.value for t in said.get(SKOS + "inScheme", ())), default="")
        return f"{scale} {telling.rank(iri) or 0:09}"
    return (telling.words.label(iri) or iri).casefold()


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
        scales = [t.value for t in graph.properties(home).get(CG + "usesScale", ())]
        yield {
            *graph.subjects(DCTERMS + "isPartOf", home),
            *(
                part
                for scheme in (home, *scales)
                for part in graph.subjects(SKOS + "inScheme", scheme)
            ),
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
        stated = (graph.properties(h) for h in holders)
        yield {_value_of(s, "requiresCompetency") for s in stated if not is_deprecated(s)}
    if parameters.get("outcome") is not None:
        outcome = _resolve(graph, "outcomes", parameters["outcome"], framework)
        claims = [graph.properties(c) for c in graph.subjects(CG + "concernsOutcome", outcome)]
        yield {
            _value_of(claim, "hasContributor")
            for claim in claims
            if _value_of(claim, "hasPolarity") == CG + "Supports" and not is_deprecated(claim)
        }
    if parameters.get("type") is not None:
        class_ = CG + parameters["type"]
        if not graph.properties(class_):
            raise BadRequest(f"There is no class “{parameters['type']}”. /ns lists the classes.")
        yield set(graph.subjects(RDF + "type", class_))


def _value_of(said: Said, name: str) -> str:
    """Return the first value of a property of our vocabulary; empty where there is none."""
    return next((t.value for t in said.get(CG + name, ())), "")


def profile(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write what a role needs: own and inherited requirements, and where each comes from."""
    telling = Telling(graph, parameters["languages"])
    words = telling.words
    role = _resolve(graph, "roles", parameters["reference"], parameters.get("framework"))
    said = graph.properties(role)
    body = {"@context": jsonld.CONTEXT_URL, **telling.object(role, said)}
    above = said.get(SKOS + "broader", ())
    inherited = {c for parent in above for c in effective(graph, parent.value)}
    needed = []
    for competency, (requirement, holder) in effective(graph, role).items():
        row = telling.object(requirement)
        row["inheritedFrom"] = None if holder == role else words.reference(holder)
        row["overrides"] = holder == role and competency in inherited
        needed.append(row)
    needed.sort(key=lambda row: ((row["competency"]["label"] or "").casefold(), row["id"]))
    body |= {"total": len(needed), "profile": needed, "attribution": telling.attribution()}
    return write(body, output, JSON_LD)


def tree(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write a framework as a tree: top concepts, and under each what is narrower."""
    telling = Telling(graph, parameters["languages"])
    framework = _resolve(graph, "frameworks", parameters["reference"], None)

    def branches(iris: Iterable[str], above: tuple[str, ...]) -> list[dict[str, Any]]:
        found = ((iri, graph.properties(iri)) for iri in iris if iri not in above)
        standing = [(_notation(said), iri, said) for iri, said in found if not is_deprecated(said)]
        return [
            {
                **telling.object(iri, said),
                "children": branches(graph.subjects(SKOS + "broader", iri), (*above, iri)),
            }
            for _, iri, said in sorted(standing)
        ]

    body = {"@context": jsonld.CONTEXT_URL, **telling.object(framework)}
    body["children"] = branches(graph.subjects(SKOS + "topConceptOf", framework), ())
    return write({**body, "attribution": telling.attribution()}, output, JSON_LD)


def by_notation(graph: Graph, iris: Iterable[str]) -> list[str]:
    """Return things in the order of their notations, those without at the end."""
    return sorted(iris, key=lambda iri: (_notation(graph.properties(iri)), iri))


def _notation(said: Said) -> str:
    return next((t.value for t in said.get(SKOS + "notation", ())), "~")


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


def vocabulary(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write what queries are written with: prefixes, and each declared term that has one.

    A term has its prefixed ``name``, its ``kind`` (``class``, ``property`` or ``value``), and
    ``label`` and ``definition`` where somebody gave them.
    """
    words = Words(graph, parameters["languages"])
    parts = {"definition": SKOS + "definition"}
    told: dict[str, dict[str, Any]] = {}
    for term, class_ in ((row[0].value, row[1].value) for row in graph.rows("vocabulary")):
        name = prefixed(term)
        if name is None or _fragment(class_) == "NamedIndividual":
            continue
        kind = next((k for k in ("Class", "Property") if class_.endswith(k)), "value").lower()
        told[name] = {
            "name": name,
            "kind": kind,
            "label": text(words.name(term)),
            **_texts(graph, words, term, parts),
        }
    return write({"prefixes": PREFIXES, "terms": list(told.values())}, output)


ANSWERS: Final[Mapping[str, Answer]] = {
    "context": context,
    "graphs": graphs,
    "item": item,
    "items": items,
    "profile": profile,
    "rules": rules,
    "terms": terms,
    "tree": tree,
    "vocabulary": vocabulary,
}
