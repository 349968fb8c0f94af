"""Objects as JSON: what is said of one, things by reference, whose words they are. Asks no query.

What it says about an object is read from the object's own statements by two tables, so the JSON-LD
expansion of an answer is a part of the graph by construction; computed members map to null there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from competency_graph import jsonld
from competency_graph.index import Graph, Term
from competency_graph.vocab import CG, DCTERMS, RDF, SKOS
from competency_graph.words import Words, by_language, is_deprecated

Said = Mapping[str, list[Term]]
"""What is said of a thing: predicate to values."""


class Telling:
    """One answer in the making: in whose languages it speaks, and which graphs it draws from."""

    def __init__(self, graph: Graph, languages: Sequence[str]) -> None:
        self.words = Words(graph, languages)
        self._graph = graph
        self._told: set[str] = set()
        self._ranks: dict[str, int | None] = {}

    def object(self, iri: str, said: Said | None = None) -> dict[str, Any]:
        """Return an object's own statements, things by reference; ``said`` if known already."""
        words = self.words
        said = self._graph.properties(iri) if said is None else said
        self._told.add(iri)
        types = classes(said)
        body: dict[str, Any] = {"id": iri, "type": types[0] if len(types) == 1 else types}
        body["label"] = words.label(iri)
        if SKOS + "definition" in said:
            body["definition"] = words.choose(said[SKOS + "definition"])
        if DCTERMS + "description" in said:
            body["description"] = words.choose(said[DCTERMS + "description"])
        for key, predicate in jsonld.WORDS.items():
            if predicate in said:
                body[key] = by_language(said[predicate])
        for key, predicate in jsonld.PLAIN.items():
            if predicate in said:
                body[key] = _single(key, [plain(t) for t in said[predicate]])
        for key, predicate in jsonld.THINGS.items():
            if predicate not in said:
                continue
            found = [words.reference(t.value) for t in said[predicate] if t.kind == "iri"]
            if found:
                body[key] = _single(key, found)
                if key in jsonld.RANKED:
                    for thing in found:
                        thing["rank"] = self.rank(thing["id"])
        body["status"] = "deprecated" if is_deprecated(said) else "adopted"
        return body

    def rank(self, iri: str) -> int | None:
        """Return the place of a level, band or strength in its order."""
        if iri not in self._ranks:
            found = self._graph.values(iri, CG + "rank")
            self._ranks[iri] = next((int(t.value) for t in found), None)
        return self._ranks[iri]

    def attribution(self) -> list[dict[str, Any]]:
        """Return, for each graph that holds an object told so far, its licence and attribution."""
        homes = {home for iri in self._told for home in self._graph.graphs_of(iri)}
        found = []
        for home in sorted(homes):
            licenses = self._graph.values(home, DCTERMS + "license")
            found.append(
                {
                    **self.words.reference(home),
                    "license": next((t.value for t in licenses), None),
                    "rights": self.words.choose(self._graph.values(home, DCTERMS + "rights")),
                }
            )
        return found


def classes(said: Said) -> list[str]:
    """Return the names of the classes of our vocabulary that a thing is of."""
    found = (t.value for t in said.get(RDF + "type", ()))
    return [iri.removeprefix(CG) for iri in found if iri.startswith(CG)]


def plain(term: Term) -> str | int | bool:
    """Return a literal as JSON has it."""
    match term.datatype.rpartition("#")[2]:
        case "integer":
            return int(term.value)
        case "boolean":
            return term.value == "true"
    return term.value


def _single(key: str, values: list[Any]) -> Any:
    return values[0] if key in jsonld.SINGLE and len(values) == 1 else values
