"""How many a predicate leads to on average, so that ways are chosen that few things share.

A guess where nothing was counted. What is found does not hang on it, only how long it takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pyoxigraph as ox

from competency_graph.shacl import paths
from competency_graph.shacl.paths import Path, Predicate
from competency_graph.vocab import DCTERMS, RDF, RDFS, SKOS

# What many things share: to be found from there would concern all of them.
_SHARED: Final = frozenset(
    ox.NamedNode(iri)
    for iri in (
        RDF + "type",
        RDFS + "isDefinedBy",
        SKOS + "inScheme",
        SKOS + "topConceptOf",
        DCTERMS + "isPartOf",
    )
)
_MANY, _SOME, _FEW = 1000, 4, 2
_COUNT: Final = """# How many statements, subjects and objects does each predicate have?
SELECT ?predicate (COUNT(*) AS ?statements)
  (COUNT(DISTINCT ?s) AS ?subjects) (COUNT(DISTINCT ?o) AS ?objects)
WHERE { ?s ?predicate ?o }
GROUP BY ?predicate
"""


@dataclass(frozen=True, slots=True)
class Degrees:
    """How many objects a subject has of a predicate, ``out``, and subjects an object, ``into``."""

    out: Mapping[ox.NamedNode, float] = field(default_factory=dict)
    into: Mapping[ox.NamedNode, float] = field(default_factory=dict)

    @classmethod
    def of(cls, store: ox.Store) -> "Degrees":
        """Count the default graph; half a second for a million statements."""
        out, into = {}, {}
        solutions = store.query(_COUNT)
        assert isinstance(solutions, ox.QuerySolutions)
        for row in solutions:
            predicate, statements, subjects, objects = row
            assert isinstance(predicate, ox.NamedNode)
            number = float(statements.value)
            out[predicate] = number / float(subjects.value)
            into[predicate] = number / float(objects.value)
        return cls(out, into)

    def width(self, path: Path) -> float:
        """Say from how many nodes a path leads to the same one: how many a change concerns."""
        match path:
            case Predicate(iri):
                return self.into.get(iri, _MANY if iri in _SHARED else _SOME)
            case paths.Inverse(Predicate(iri)):
                return self.out.get(iri, _FEW)
            case paths.Inverse(inner):
                return self.width(paths.inverted(inner))
            case paths.Sequence(parts):
                width = 1.0
                for part in parts:
                    width *= self.width(part)
                return width
            case paths.Alternative(parts):
                return sum(map(self.width, parts))
            case paths.ZeroOrMore(inner) | paths.OneOrMore(inner):
                return self.width(inner) * _SOME
            case paths.ZeroOrOne(inner):
                return self.width(inner) + 1


GUESSED: Final = Degrees()
ANY_PREDICATE: Final = _MANY
"""How many statements something is thought to have, of whatever predicate."""
