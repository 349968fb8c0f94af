"""Words in the reader's language: what things are called. Writes nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from competency_graph.index import Graph, Term
from competency_graph.vocab import GRAPH, ONTOLOGY, OWL


class Words:
    """Chooses words by the languages that the client asked for, then English, then any."""

    def __init__(self, graph: Graph, languages: Sequence[str]) -> None:
        self._graph = graph
        self._languages = [*(language.lower() for language in languages), "en"]
        self._names: dict[str, Term | None] = {}
        self._successors: dict[str, Sequence[str]] = {}

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
            called = self._graph.called(iri)
            self._names[iri] = self.best(called.names)
            if called.deprecated:
                self._successors[iri] = called.successors
        return self._names[iri]

    def label(self, iri: str) -> str | None:
        """Return what a thing is called."""
        name = self.name(iri)
        return None if name is None else name.value

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


def text(term: Term | None) -> dict[str, str] | None:
    """Return words with their language."""
    return None if term is None else {"text": term.value, "language": term.language}


def short_name(iri: str) -> str:
    """Return something to read for an IRI without a label, which never starts with a scheme.

    Of a term that is its last part, in words (``isDefinedBy``: is defined by); of a module or a
    graph of ours the last part; of all else the address.
    """
    iri = iri.removesuffix("#")
    if "#" in iri:
        name = re.sub("(?<=[a-z])(?=[A-Z]{2})", " ", iri.rpartition("#")[2])
        return re.sub("(?<=[a-z])[A-Z](?=[a-z])", lambda m: f" {m[0].lower()}", name)
    for ours in (ONTOLOGY, GRAPH):
        if iri.startswith(ours) and "/" not in iri.removeprefix(ours):
            return iri.removeprefix(ours)
    return re.sub("^(https?://)?(www[.])?", "", iri).rstrip("/")
