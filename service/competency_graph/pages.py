"""What pages for people show, in words, answered inside a reader. Knows no HTTP and no markup.

A page is worked out from the statements themselves, so that a thing of any class has one; the
classes that people read most have sections of their own (`_SECTIONS`). Fixed words are the
templates' part: here is only what the data says, each text with its language.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from competency_graph.catalogue import COLLECTIONS, by_notation, write
from competency_graph.errors import NotFound
from competency_graph.index import Answer, Graph, Term, Writer
from competency_graph.requirements import effective
from competency_graph.vocab import BASE, CG, DCTERMS, OWL, PREFIXES, RDF, RDFS, SKOS
from competency_graph.words import Words, short_name, text

_BIBO: Final = PREFIXES["bibo"]
_ARTICLE: Final = DCTERMS + "bibliographicCitation"
# Shown elsewhere on the page than in the list of statements.
_ELSEWHERE: Final = {
    *(RDF + "type", SKOS + "prefLabel", SKOS + "notation"),
    *(SKOS + "inScheme", SKOS + "topConceptOf", DCTERMS + "isPartOf"),
}
# What people look for first; all else follows by its label.
_FIRST: Final = (
    *(SKOS + "altLabel", DCTERMS + "title", DCTERMS + "abstract", DCTERMS + "description"),
    *(SKOS + "scopeNote", SKOS + "example"),
    *(CG + "hasContributor", CG + "hasPolarity", CG + "concernsOutcome", CG + "hasStrength"),
    *(CG + "hasSpecificity", CG + "citesSource", _ARTICLE, DCTERMS + "issued", _BIBO + "doi"),
    *(CG + "belongsToRole", CG + "requiresCompetency", CG + "requiresLevel"),
    *(CG + "hasImportance", SKOS + "broader", SKOS + "related"),
)
_LAST: Final = (
    *(DCTERMS + "source", SKOS + "editorialNote", CG + "hasVerificationStatus"),
    *(DCTERMS + "creator", DCTERMS + "license", DCTERMS + "rights"),
)
_KINDS: Final = tuple(CG + f"{k}Element" for k in ("Knowledge", "Skill", "Attitude", "Behaviour"))
_MOST_AT_HOME: Final = 100
# From a thing to what it hangs on, for the way back up.
_UPWARDS: Final = (
    *(SKOS + "broader", CG + "isElementOf", CG + "isIndicatorOf", CG + "belongsToRole"),
    *(SKOS + "topConceptOf", SKOS + "inScheme", DCTERMS + "isPartOf", RDFS + "isDefinedBy"),
)


class _Page:
    """One page while it is made: the graph, the words, and which statements sections have told."""

    def __init__(self, graph: Graph, words: Words, iri: str) -> None:
        self.graph, self.words, self.iri = graph, words, iri
        self.said = graph.properties(iri)
        # Our own classes say more than those of others, so they come first.
        kinds = (t.value for t in self.said.get(RDF + "type", ()) if t.kind == "iri")
        self.types = sorted(kinds, key=lambda iri: (not iri.startswith(CG), iri))
        leading = (p for p in (SKOS + "definition", DCTERMS + "description") if p in self.said)
        self.lead = next(leading, None)
        self.told: set[str] = set()

    def named(self, iri: str) -> dict[str, Any]:
        """Return a thing by name, with its notation, and whether this graph has a page of it."""
        name = self.words.name(iri)
        named: dict[str, Any] = {"id": iri, "known": name is not None}
        named["text"] = name.value if name else short_name(iri)
        named["language"] = name.language if name else ""
        notation = self.first(iri, SKOS + "notation")
        # Some notations only spell the name again: “controlled-empirical”.
        if notation and notation.replace("-", " ").casefold() != named["text"].casefold():
            named["notation"] = notation
        return named

    def exists(self, iri: str) -> bool:
        """Say whether there is a page of a thing, or of a graph of that name."""
        return bool(self.graph.properties(iri)) or iri in self.graph.graph_names()

    def first(self, iri: str, predicate: str, kind: str = "literal") -> str | None:
        """Return the first value of a statement that is of a kind."""
        values = self.graph.properties(iri).get(predicate, ())
        return next((t.value for t in values if t.kind == kind), None)

    def thing(self, iri: str, predicate: str) -> str | None:
        """Return the first thing that a statement names."""
        return self.first(iri, predicate, "iri")

    def link(self, iri: str, predicate: str) -> dict[str, Any] | None:
        """Return the first thing that a statement names, by name."""
        found = self.thing(iri, predicate)
        return None if found is None else self.named(found)

    def naming(self, predicate: str) -> list[str]:
        """Return what names this page's thing by a predicate, and note that it is told."""
        self.told.add(predicate)
        return self.graph.subjects(predicate, self.iri)

    def value(self, term: Term) -> dict[str, Any] | None:
        """Return a value of a statement; nothing for structures, which have no name."""
        if term.kind == "literal":
            datatype = term.datatype.rpartition("#")[2]
            return {"text": term.value, "language": term.language, "datatype": datatype}
        if term.kind != "iri":
            return None
        if term.value.startswith(BASE) and not self.exists(term.value):
            return {"text": short_name(term.value), "language": ""}
        named = self.named(term.value)
        citation = self.words.best(self.graph.properties(term.value).get(_ARTICLE, ()))
        if citation is not None:
            named["citation"] = text(citation)
        return named

    def sorted(self, iris: Iterable[str]) -> list[dict[str, Any]]:
        """Return things by name, in the order of notation, then name."""
        named = (self.named(iri) for iri in iris)
        return sorted(named, key=lambda n: (n.get("notation", "~"), n["text"].casefold(), n["id"]))


def page(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write all that a page about one thing shows: what is said of it and what names it.

    Raises:
        NotFound: nothing is said of it.
    """
    made = _Page(graph, Words(graph, parameters["languages"]), parameters["iri"])
    if not made.exists(made.iri):
        raise NotFound(f"Nothing is known about {made.iri}.")
    sections = {
        name: section(made)
        for class_, parts in _SECTIONS.items()
        if CG + class_ in made.types
        for name, section in parts.items()
    }
    own = made.named(made.iri)
    labels = sorted(t for t in made.said.get(SKOS + "prefLabel", ()) if t.value != own["text"])
    body = {
        **own,
        "types": [made.named(t) for t in made.types],
        "place": _place(made),
        "labels": [text(t) for t in labels],
        "lead": text(made.words.best(made.said.get(made.lead or "", ()))),
        "deprecated": OWL + "deprecated" in made.said,
        "fields": _fields(made),
        **sections,
        "incoming": _incoming(made),
        "collection": next(
            (name for name, (class_, _) in COLLECTIONS.items() if CG + class_ in made.types), None
        ),
    }
    return write(body, output)


def home(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write what there is: frameworks, roles, competencies, outcomes; the first of each."""
    words = Words(graph, parameters["languages"])
    body = {}
    for collection in ("frameworks", "roles", "competencies", "outcomes"):
        made = _Page(graph, words, CG + COLLECTIONS[collection][0])
        things = made.sorted(
            iri
            for iri in made.naming(RDF + "type")
            if OWL + "deprecated" not in graph.properties(iri)
        )
        shown = things[:_MOST_AT_HOME]
        for thing in shown:
            defined = graph.properties(thing["id"]).get(SKOS + "definition", ())
            thing["definition"] = text(words.best(defined))
        body[collection] = {"things": shown, "total": len(things)}
    return write(body, output)


def _fields(made: _Page) -> list[dict[str, Any]]:
    """Return what is said of the thing, what people look for first at the top."""

    def order(predicate: str) -> tuple[int, int, str]:
        if predicate in _FIRST:
            return (0, _FIRST.index(predicate), "")
        if predicate in _LAST:
            return (2, _LAST.index(predicate), "")
        return (1, 0, made.named(predicate)["text"])

    own = made.named(made.iri)["text"] if DCTERMS + "title" in made.said else None
    fields = []
    for predicate in sorted(set(made.said) - _ELSEWHERE - {made.lead}, key=order):
        values = [made.value(term) for term in made.said[predicate]]
        shown = [v for v in values if v is not None and v["text"] != own]
        if predicate == _BIBO + "doi":
            shown = [{"id": f"https://doi.org/{v['text']}", **v} for v in shown]
        if shown:
            fields.append({**made.named(predicate), "values": shown})
    return fields


def _place(made: _Page) -> list[dict[str, Any]]:
    """Return the way from the top down to the thing, without the thing."""
    way: list[str] = []
    at = made.iri
    while True:
        said = made.graph.properties(at)
        above = (t.value for p in _UPWARDS for t in said.get(p, ()) if t.kind == "iri")
        found = next((iri for iri in above if iri not in (made.iri, *way)), None)
        if found is None or not made.graph.properties(found):
            return [made.named(iri) for iri in reversed(way)]
        way.append(found)
        at = found


def _incoming(made: _Page) -> list[dict[str, Any]]:
    """Return what else names the thing, by its class and by the statement that names it."""
    groups: dict[tuple[str, str], set[str]] = {}
    for predicate, subject, _ in made.graph.rows("incoming", {"thing": made.iri}):
        if subject.kind != "iri" or predicate.value in made.told:
            continue
        # A statement both ways (related) is told among the thing's own.
        if any(t.value == subject.value for t in made.said.get(predicate.value, ())):
            continue
        kinds = made.graph.properties(subject.value).get(RDF + "type", ())
        kind = next((t.value for t in kinds if t.value.startswith(CG)), None)
        kind = kind or made.thing(subject.value, RDF + "type") or ""
        groups.setdefault((kind, predicate.value), set()).add(subject.value)
    told = [
        {
            "kind": made.named(kind) if kind else None,
            "predicate": made.named(predicate),
            "things": made.sorted(subjects),
        }
        for (kind, predicate), subjects in groups.items()
    ]
    return sorted(told, key=lambda g: (str(g["kind"] and g["kind"]["text"]), str(g["predicate"])))


def _tree(made: _Page) -> list[dict[str, Any]]:
    """Return a framework's competencies, under each what is narrower."""

    def branch(iri: str, above: tuple[str, ...]) -> dict[str, Any]:
        below = [n for n in made.graph.subjects(SKOS + "broader", iri) if n not in above]
        children = [branch(n, (*above, iri)) for n in by_notation(made.graph, below)]
        return {**made.named(iri), "children": children}

    tops = by_notation(made.graph, made.naming(SKOS + "topConceptOf"))
    return [branch(top, (top,)) for top in tops]


def _members(made: _Page) -> list[dict[str, Any]]:
    """Return what else belongs to a framework, by class."""
    groups: dict[str, list[str]] = {}
    for iri in {*made.naming(SKOS + "inScheme"), *made.naming(DCTERMS + "isPartOf")}:
        for kind in made.graph.properties(iri).get(RDF + "type", ()):
            if kind.value.startswith(CG):
                groups.setdefault(kind.value, []).append(iri)
    told = [{**made.named(kind), "things": made.sorted(iris)} for kind, iris in groups.items()]
    return sorted(told, key=lambda group: str(group["text"]))


def _needs(made: _Page) -> list[dict[str, Any]]:
    """Return what a role needs: own and inherited requirements, and where each comes from."""
    made.told.add(CG + "belongsToRole")
    above = made.said.get(SKOS + "broader", ())
    inherited = {c for parent in above for c in effective(made.graph, parent.value)}
    rows = []
    for competency, (requirement, holder) in effective(made.graph, made.iri).items():
        row = _requirement(made, requirement, holder, made.iri)
        replaces = holder == made.iri and competency in inherited
        rows.append({"competency": made.named(competency), "replaces": replaces, **row})
    return sorted(rows, key=lambda r: (r["competency"].get("notation", "~"), str(r["competency"])))


def _requirement(made: _Page, requirement: str, holder: str, role: str) -> dict[str, Any]:
    level = made.thing(requirement, CG + "requiresLevel")
    return {
        "importance": made.link(requirement, CG + "hasImportance"),
        "level": made.named(level) if level else None,
        "rank": made.first(level, CG + "rank") if level else None,
        "from": None if holder == role else made.named(holder),
    }


def _needed_by(made: _Page) -> list[dict[str, Any]]:
    """Return the roles that need a competency, those that inherit the need included."""
    stated = made.naming(CG + "requiresCompetency")
    waiting = [made.thing(requirement, CG + "belongsToRole") for requirement in stated]
    roles: set[str] = set()
    while waiting:
        role = waiting.pop()
        if role is not None and role not in roles:
            roles.add(role)
            waiting += made.graph.subjects(SKOS + "broader", role)
    rows = []
    for named in made.sorted(roles):
        requirement, holder = effective(made.graph, named["id"])[made.iri]
        rows.append({"role": named, **_requirement(made, requirement, holder, named["id"])})
    return rows


def _elements(made: _Page) -> list[dict[str, Any]]:
    """Return the elements of a competency by kind: knowledge, skill, attitude, behaviour."""

    def order(kind: str) -> tuple[int, str]:
        return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS), kind)

    groups: dict[str, list[str]] = {}
    for element in made.naming(CG + "isElementOf"):
        kind = made.thing(element, RDF + "type") or CG + "CompetencyElement"
        groups.setdefault(kind, []).append(element)
    return [
        {**made.named(kind), "things": made.sorted(groups[kind])}
        for kind in sorted(groups, key=order)
    ]


def _indicators(made: _Page) -> list[dict[str, Any]]:
    """Return how a competency shows, by band from the lowest."""
    rows = []
    for indicator in made.naming(CG + "isIndicatorOf"):
        band = made.thing(indicator, CG + "fallsInBand")
        rank = made.first(band, CG + "rank") if band else None
        told = made.graph.properties(indicator).get(DCTERMS + "description", ())
        rows.append(
            {
                "band": made.named(band) if band else None,
                "rank": int(rank) if rank and rank.isdigit() else 0,
                "indicator": {**made.named(indicator), **(text(made.words.best(told)) or {})},
            }
        )
    return sorted(rows, key=lambda row: (row["rank"], str(row["indicator"])))


def _claims(predicate: str) -> Callable[[_Page], list[dict[str, Any]]]:
    """Return how to list the claims that name a thing by a predicate."""

    def claims(made: _Page) -> list[dict[str, Any]]:
        rows = []
        for claim in made.naming(CG + predicate):
            row = {
                "contributor": made.link(claim, CG + "hasContributor"),
                "polarity": made.link(claim, CG + "hasPolarity"),
                "outcome": made.link(claim, CG + "concernsOutcome"),
                "strength": made.link(claim, CG + "hasStrength"),
                "source": made.link(claim, CG + "citesSource"),
            }
            del row[_ENDS[predicate]]
            rows.append({"claim": made.named(claim), **row})
        return sorted(rows, key=lambda row: str(row["claim"]["text"]))

    return claims


_ENDS: Final = {
    "hasContributor": "contributor",
    "concernsOutcome": "outcome",
    "citesSource": "source",
}
_Sections = dict[str, Callable[[_Page], Any]]
_SECTIONS: Final[Mapping[str, _Sections]] = {
    "CompetencyFramework": {"tree": _tree, "members": _members},
    "Competency": {
        "elements": _elements,
        "indicators": _indicators,
        "needed_by": _needed_by,
        "claims": _claims("hasContributor"),
    },
    "Role": {"needs": _needs, "claims": _claims("hasContributor")},
    "DevelopmentActivity": {"claims": _claims("hasContributor")},
    "Strategy": {"claims": _claims("hasContributor")},
    "Outcome": {"claims": _claims("concernsOutcome")},
    "EvidenceSource": {"claims": _claims("citesSource")},
}


def named(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write what one thing is called, whether or not it is there any more."""
    iri = parameters["iri"]
    made = _Page(graph, Words(graph, parameters["languages"]), iri)
    return write({**made.named(iri), "known": made.exists(iri)}, output)


def graph_names(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write the named graphs by what they are called."""
    words = Words(graph, parameters["languages"])
    made = [_Page(graph, words, iri).named(iri) for iri in graph.graph_names()]
    return write({"graphs": sorted(made, key=lambda n: n["text"].casefold())}, output)


ANSWERS: Final[Mapping[str, Answer]] = {
    "graph_names": graph_names,
    "home": home,
    "named": named,
    "page": page,
}
