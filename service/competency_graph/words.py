"""Words in the reader's language: what things are called. Writes nothing."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from competency_graph.index import Graph, Term
from competency_graph.vocab import DCTERMS, GRAPH, ONTOLOGY, RDFS, SKOS


class Words:
    """Chooses words by the languages that the client asked for, then English, then any."""

    def __init__(self, graph: Graph, languages: Sequence[str]) -> None:
        self._graph = graph
        self._languages = [*(language.lower() for language in languages), "en"]
        self._names: dict[str, Term | None] = {}

    def best(self, terms: Iterable[Term]) -> Term | None:
        """Return the words in the best language, or nothing where there are none."""
        by_language = {t.language.lower(): t for t in terms if t.kind == "literal"}
        for wanted in self._languages:
            for language in (wanted, wanted.split("-")[0]):
                if language in by_language:
                    return by_language[language]
        return next(iter(by_language.values()), None)

    def choose(self, terms: Iterable[Term]) -> str | None:
        """Return the value in the best language, or nothing where there is none."""
        best = self.best(terms)
        return None if best is None else best.value

    def name(self, iri: str) -> Term | None:
        """Return what a thing is called, in which language."""
        if iri not in self._names:
            said = self._graph.properties(iri)
            self._names[iri] = self.best(
                said.get(SKOS + "prefLabel")
                or said.get(RDFS + "label")
                or said.get(DCTERMS + "title")
                or ()
            )
        return self._names[iri]

    def label(self, iri: str) -> str | None:
        """Return what a thing is called."""
        name = self.name(iri)
        return None if name is None else name.value

    def reference(self, iri: str) -> dict[str, Any]:
        """Return a thing as its identifier and what it is called."""
        return {"id": iri, "label": self.label(iri)}


def by_language(terms: Iterable[Term]) -> dict[str, str | list[str]]:
    """Return words by language, one or a list for each."""
    found: dict[str, list[str]] = {}
    for term in terms:
        found.setdefault(term.language or "@none", []).append(term.value)
    return {k: v[0] if len(v) == 1 else v for k, v in sorted(found.items())}


def text(term: Term | None) -> dict[str, str] | None:
    """Return words with their language."""
    return None if term is None else {"text": term.value, "language": term.language}


def short_name(iri: str) -> str:
    """Return something to read for an IRI without a label, which never starts with a scheme.

    Of a term that is its last part, in words (``isDefinedBy``: is defined by); of a module or a
    graph of ours the last part; of all else the address.
    """
    if "#" in iri:
        name = re.sub("(?<=[a-z])(?=[A-Z]{2})", " ", iri.rpartition("#")[2])
        return re.sub("(?<=[a-z])[A-Z](?=[a-z])", lambda m: f" {m[0].lower()}", name)
    for ours in (ONTOLOGY, GRAPH):
        if iri.startswith(ours) and "/" not in iri.removeprefix(ours):
            return iri.removeprefix(ours)
    return re.sub("^(https?://)?(www[.])?", "", iri).rstrip("/")
