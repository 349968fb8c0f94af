"""Two states side by side, and what things are called in them. Finds no difference itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from competency_graph import rdf, resources
from competency_graph.diff.values import Named, Side
from competency_graph.documents import Document
from competency_graph.index import Graph, Term, pointing_at, said_of
from competency_graph.vocab import CG, DCTERMS, OWL, RDF, RDFS, SH, SKOS, XSD
from competency_graph.words import Words, short_name

Said = Mapping[str, Sequence[Term]]

RULES: Final = frozenset(SH + name for name in ("NodeShape", "PropertyShape", "SPARQLConstraint"))
TERMS: Final = frozenset(
    {RDFS + "Class", RDFS + "Datatype", RDF + "Property", OWL + "Class"}
    | {OWL + f"{kind}Property" for kind in ("Object", "Datatype", "Annotation")}
)
_LANGUAGES: Final = ("en",)
_KINDS: Final = {
    **dict.fromkeys(RULES, "rule"),
    RDFS + "Class": "class",
    OWL + "Class": "class",
    RDF + "Property": "property",
    OWL + "ObjectProperty": "property",
    OWL + "DatatypeProperty": "property",
    OWL + "AnnotationProperty": "property",
    OWL + "Ontology": "ontology",
    SKOS + "Concept": "concept",
    SKOS + "ConceptScheme": "concept scheme",
}
# Said by the child here, whichever end says it in the data: one tree, told one way.
_INVERSES: Final = {
    SKOS + "narrower": SKOS + "broader",
    SKOS + "hasTopConcept": SKOS + "topConceptOf",
    DCTERMS + "hasPart": DCTERMS + "isPartOf",
    DCTERMS + "replaces": DCTERMS + "isReplacedBy",
}
_SHORT: Final = 100


class State:
    """One state: what is said in it. ``about`` are the things that its own documents describe."""

    def __init__(self, lines: Iterable[bytes], about: frozenset[str]) -> None:
        self.graph = Graph(union=False)
        self.graph.load([("added", b"".join(line + b"\n" for line in lines))])
        self.about = about
        self._said: dict[str, Said] = {}

    def said(self, thing: str) -> Said:
        """Return what is said of a thing, ``_:label`` for a blank node; empty for nothing."""
        if thing not in self._said:
            self._said[thing] = said_of(self.graph, thing)
        return self._said[thing]

    def links(self, thing: str, predicate: str) -> list[str]:
        """Return the things that a predicate of a thing leads to."""
        return [name(t) for t in self.said(thing).get(predicate, ()) if t.kind != "literal"]

    def things(self, class_: str) -> list[str]:
        """Return the things of a class that have an identifier, sorted."""
        return self.graph.subjects(RDF + "type", CG + class_)

    def pointing_at(self, thing: str) -> list[tuple[str, str]]:
        """Return subject and predicate of what names a thing."""
        return pointing_at(self.graph, thing)

    def classes(self, thing: str) -> list[str]:
        """Return the classes of a thing."""
        return self.links(thing, RDF + "type")

    def is_live(self, thing: str) -> bool:
        """Say whether a thing is described, and not deprecated."""
        said = self.said(thing)
        return bool(said) and not is_flagged(said, OWL + "deprecated")

    def owner(self, thing: str) -> str:
        """Return the thing with an identifier that a blank node hangs on, else the last node."""
        seen: set[str] = set()
        while thing.startswith("_:") and thing not in seen:
            seen.add(thing)
            thing = next((subject for subject, _ in self.pointing_at(thing)), thing)
        return thing

    def members(self, head: str) -> list[Term] | None:
        """Return the members of an RDF list, nothing where it is none."""
        found: list[Term] = []
        seen: set[str] = set()
        while head != RDF + "nil":
            said = self.said(head)
            if head in seen or len(said.get(RDF + "first", ())) != 1:
                return None
            seen.add(head)
            found.append(said[RDF + "first"][0])
            head = next(iter(self.links(head, RDF + "rest")), RDF + "nil")
        return found


class Both:
    """A state before and a state after, and one way to name what is in either."""

    def __init__(self, before: State, after: State) -> None:
        self.before, self.after = before, after
        self._words = [Words(state.graph, _LANGUAGES) for state in (after, before)]

    def label(self, iri: str) -> str:
        """Return what a thing is called: after, else before, else by the end of its address."""
        if iri.startswith("_:"):
            return "a thing without a name"
        state = self.after if self.after.said(iri) else self.before
        classes = state.classes(iri)
        if not RULES.intersection(classes):
            for words in self._words:
                if (found := words.label(iri)) and found.strip():
                    return _short(found)
        if CG + "RoleRequirement" in classes:
            role, competency = (
                next(iter(state.links(iri, CG + link)), None)
                for link in ("belongsToRole", "requiresCompetency")
            )
            if role and competency:
                return f"{self.label(role)} needs {self.label(competency)}"
        return iri.rstrip("/#").replace("#", "/").rpartition("/")[2] or iri

    def named(self, iri: str) -> Named:
        """Return a thing with what it is called."""
        return Named(id=iri, label=self.label(iri))

    def type_of(self, thing: str, state: State) -> Named:
        """Return the class of a thing that says most about it, in the words of a sentence."""
        classes = sorted(state.classes(thing), key=lambda c: (not c.startswith(CG), c))
        kind = next((c for c in classes if c.startswith(CG) or c in _KINDS), None)
        if kind is None:
            kind = classes[0] if classes else ""
        if not kind:
            return Named(id="", label="thing")
        return Named(id=kind, label=_KINDS.get(kind) or _lowered(self.label(kind)))

    def field(self, predicate: str) -> Named:
        """Return a property with what it is called in front of a value."""
        label = next((found for w in self._words if (found := w.label(predicate))), None)
        return Named(id=predicate, label=_lowered(label or short_name(predicate)))

    def words(self, term: Term, state: State) -> str:
        """Return a value as a person would quote it."""
        if term.kind == "literal":
            quoted = f"“{_short(term.value)}”"
            if term.language:
                return f"{quoted} ({term.language})"
            plain = term.datatype.startswith(XSD) and term.datatype != XSD + "string"
            return term.value if plain else quoted
        if term.kind == "blank":
            return _short(self._described("_:" + term.value, state))
        return f"“{self.label(term.value)}”"

    def _described(self, node: str, state: State, depth: int = 4) -> str:
        """Return what a nameless thing says, in short."""
        listed = state.members(node)
        if listed is not None:
            return "(" + ", ".join(self._inner(t, state, depth) for t in listed) + ")"
        parts = [
            f"{self.field(p).label} {self._inner(t, state, depth)}"
            for p, values in state.said(node).items()
            if p != RDF + "type"
            for t in values
        ]
        return "[" + "; ".join(parts) + "]"

    def _inner(self, term: Term, state: State, depth: int) -> str:
        if term.kind != "blank":
            return self.words(term, state)
        return "…" if depth == 0 else self._described("_:" + term.value, state, depth - 1)


def name(term: Term) -> str:
    """Return an IRI as it is, a blank node as ``_:label``."""
    return "_:" + term.value if term.kind == "blank" else term.value


def is_flagged(said: Said, predicate: str) -> bool:
    """Say whether a thing says that something is true of it."""
    return any(t.value == "true" for t in said.get(predicate, ()))


def both_of(before: Side, after: Side) -> Both:
    """Read two sides, and put what ships with the service around both.

    What ships counts where neither side describes the thing itself, as `validate` has it.

    Raises:
        UnreadableInput: a document does not parse; facts hold file, line and column.
    """
    read = [list(_lines(side)) for side in (before, after)]
    about = [frozenset(rdf_subjects(lines)) for lines in read]
    around = [line for line in _shipped() if _subject(line) not in about[0] | about[1]]
    return Both(*(State([*lines, *around], own) for lines, own in zip(read, about, strict=True)))


def rdf_subjects(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield the identifiers of what lines of N-Triples are about."""
    return (_subject(line) for line in lines if line.startswith(b"<"))


def _subject(line: bytes) -> str:
    return line[: line.index(b" ")].decode().strip("<>")


def _lines(side: Side) -> Iterator[bytes]:
    for line in side.lines:
        yield _one_way(_without_graph(line))
    for number, document in enumerate(side.documents):
        for line in _read(document, f"d{number}x"):
            yield _one_way(line)


def _read(document: Document, labels: str) -> list[bytes]:
    quads = rdf.parse(document.content, document.syntax, name=document.name, base=rdf.NO_BASE)
    return [_without_graph(line) for line in rdf.quad_lines(quads, labels=labels)]


def _without_graph(line: bytes) -> bytes:
    graph = rdf.graph_name(line)
    if not graph:
        return line
    ending = f" {graph if graph.startswith('_:') else f'<{graph}>'} ."
    return line[: -len(ending.encode())] + b" ."


def _one_way(line: bytes) -> bytes:
    parts = line.split(b" ")
    if len(parts) == 4 and (straight := _INVERSES.get(parts[1].decode().strip("<>"))):
        return b" ".join((parts[2], f"<{straight}>".encode(), parts[0], b"."))
    return line


@lru_cache(maxsize=1)
def _shipped() -> tuple[bytes, ...]:
    """Return the vocabulary and the frameworks that ship, as lines of N-Triples."""
    turtle = rdf.SYNTAXES[0]
    files = [
        file
        for graph in resources.shipped_graphs("shipped")
        if "/shapes-" not in graph.iri
        for file in graph.files
    ]
    return tuple(
        line
        for number, file in enumerate(files)
        for line in _read(
            Document(name=file.name, content=file.read_bytes(), syntax=turtle), f"shipped{number}x"
        )
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"


def _lowered(label: str) -> str:
    """Return a label as it stands inside a sentence; acronyms stay."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
