"""Words in the reader's language: what things are called. Writes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from competency_graph.index import Graph, Term
from competency_graph.vocab import DCTERMS, OWL, RDFS, SKOS


class Words:
    """Chooses words by the languages that the client asked for, then English, then any."""

    def __init__(self, graph: Graph, languages: Sequence[str]) -> None:
        self._graph = graph
        self._languages = [*(language.lower() for language in languages), "en"]
        self._labels: dict[str, str | None] = {}
        self._successors: dict[str, list[str]] = {}

    def choose(self, terms: Iterable[Term]) -> str | None:
        """Return the value in the best language, or nothing where there is none."""
        by_language = {t.language.lower(): t.value for t in terms if t.kind == "literal"}
        for wanted in self._languages:
            for language in (wanted, wanted.split("-")[0]):
                if language in by_language:
                    return by_language[language]
        return next(iter(by_language.values()), None)

    def label(self, iri: str, said: Mapping[str, list[Term]] | None = None) -> str | None:
        """Return what a thing is called; ``said`` is all that is said of it, if known already."""
        if iri not in self._labels:
            said = self._graph.properties(iri) if said is None else said
            self._labels[iri] = self.choose(
                said.get(SKOS + "prefLabel")
                or said.get(RDFS + "label")
                or said.get(DCTERMS + "title")
                or ()
            )
            if is_deprecated(said):
                replaced = said.get(DCTERMS + "isReplacedBy", ())
                self._successors[iri] = [t.value for t in replaced if t.kind == "iri"]
        return self._labels[iri]

    def reference(self, iri: str) -> dict[str, Any]:
        """Return a thing as its identifier and what it is called; a deprecated one says so."""
        told: dict[str, Any] = {"id": iri, "label": self.label(iri)}
        if iri in self._successors:
            told["deprecated"] = True
            told["isReplacedBy"] = [
                {"id": successor, "label": self.label(successor)}
                for successor in self._successors[iri]
            ]
        return told


def is_deprecated(said: Mapping[str, list[Term]]) -> bool:
    """Say whether a thing is deprecated, from what is said of it."""
    return any(t.value == "true" for t in said.get(OWL + "deprecated", ()))


def by_language(terms: Iterable[Term]) -> dict[str, str | list[str]]:
    """Return words by language, one or a list for each."""
    found: dict[str, list[str]] = {}
    for term in terms:
        found.setdefault(term.language or "@none", []).append(term.value)
    return {k: v[0] if len(v) == 1 else v for k, v in sorted(found.items())}
