"""The rules O1 to O15 of the ontology, each a function that yields faults. Mends nothing."""

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from xml.etree import ElementTree

from competency_graph.graphs import canonical_turtle
from competency_graph.vocab import (
    BASE,
    CG,
    DCTERMS,
    GRAPH,
    ID,
    ONTOLOGY,
    OWL,
    PREFIXES,
    RDF,
    RDFS,
    SH,
    SKOS,
    XSD,
)
from rdflib import Graph, Literal, URIRef
from rdflib.term import Node

MODULES = (
    *("framework", "competency", "level", "role", "outcome"),
    *("evidence", "development", "alignment", "assessment"),
)
FLOOR = 84
KINDS = (
    *("scheme", "concept", "domain", "principle", "competency", "element", "indicator", "scale"),
    *("level", "band", "role", "requirement", "group", "outcome", "claim", "source", "step"),
    *("activity", "strategy", "mapping", "practitioner", "assessment", "rating"),
)
HEADER = (
    *(RDF + "type", DCTERMS + "title", DCTERMS + "abstract", DCTERMS + "creator"),
    *(DCTERMS + "license", OWL + "versionIRI", OWL + "versionInfo", DCTERMS + "issued"),
    PREFIXES["vann"] + "preferredNamespacePrefix",
    PREFIXES["vann"] + "preferredNamespaceUri",
    OWL + "imports",
)
TYPE = URIRef(RDF + "type")
LABEL = URIRef(SKOS + "prefLabel")
DEFINITION = URIRef(SKOS + "definition")
EXAMPLE = URIRef(SKOS + "example")
DEFINED_BY = URIRef(RDFS + "isDefinedBy")
IMPORTS = URIRef(OWL + "imports")
DEPRECATED = URIRef(OWL + "deprecated")
CLASS = URIRef(OWL + "Class")
OBJECT_PROPERTY = URIRef(OWL + "ObjectProperty")
DATA_PROPERTY = URIRef(OWL + "DatatypeProperty")
ONTOLOGY_CLASS = URIRef(OWL + "Ontology")
PROSE = {
    *(URIRef(SKOS + n) for n in ("prefLabel", "altLabel", "definition", "example", "scopeNote")),
    *(URIRef(SKOS + n) for n in ("editorialNote", "changeNote")),
    *(URIRef(DCTERMS + n) for n in ("title", "abstract", "description")),
    URIRef(RDFS + "label"),
}
# Languages that describe other languages; a reader of RDF knows them.
BUILT_IN = (RDF, RDFS, OWL, XSD, SH)


@cache
def _parsed(text: str) -> Graph:
    return Graph(bind_namespaces="none").parse(data=text, format="turtle")


@dataclass(frozen=True)
class Files:
    """Turtle by path below the project's folder, and what else the rules look at."""

    text: dict[str, str]
    catalogue: str
    project: str
    migrations: frozenset[str]

    @classmethod
    def of(cls, root: Path) -> "Files":
        folders = ("ontology", "ontology/frameworks/*", "shapes")
        paths = [p for folder in folders for p in root.glob(f"{folder}/*.ttl")]
        return cls(
            {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in sorted(paths)},
            (root / "ontology/catalog-v001.xml").read_text(encoding="utf-8"),
            (root / "pyproject.toml").read_text(encoding="utf-8"),
            frozenset(str(p.relative_to(root)) for p in root.glob("ontology/migration/*/*")),
        )

    @cached_property
    def graphs(self) -> dict[str, Graph]:
        return {name: _parsed(text) for name, text in self.text.items()}

    @cached_property
    def modules(self) -> dict[str, Graph]:
        """The files at the top of the ontology by stem: modules, foreign terms, term mappings."""
        return {
            Path(name).stem: graph
            for name, graph in self.graphs.items()
            if name.startswith("ontology/") and name.count("/") == 1
        }

    @cached_property
    def frameworks(self) -> dict[str, Graph]:
        return {n: g for n, g in self.graphs.items() if n.startswith("ontology/frameworks/")}

    @cached_property
    def home(self) -> dict[URIRef, str]:
        """Each of our terms and individuals, with the module that declares it."""
        return {s: module for module in MODULES for s in ours(self.modules[module])}

    @cached_property
    def terms(self) -> dict[URIRef, Node]:
        """Each of our classes and properties, with its kind."""
        kinds = (CLASS, OBJECT_PROPERTY, DATA_PROPERTY)
        found: dict[URIRef, Node] = {}
        for term, module in self.home.items():
            declared = set(self.modules[module].objects(term, TYPE))
            found.update((term, kind) for kind in kinds if kind in declared)
        return found


def ours(graph: Graph) -> list[URIRef]:
    """Return the subjects in our namespace that the graph gives a type."""
    return sorted({s for s in graph.subjects(TYPE) if isinstance(s, URIRef) and s.startswith(CG)})


def short(term: Node) -> str:
    return str(term).replace(CG, "cg:").replace(BASE, "")


def words(name: str) -> str:
    """Return a local name as words: ``requiresLevel`` is ``requires level``."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def o1_addresses(files: Files) -> Iterator[str]:
    fixed = re.compile(
        rf"{ID}[a-z0-9-]+(/({'|'.join(KINDS)})/[A-Za-z0-9./-]+)?|{GRAPH}[a-z-]+|{CG}\w+"
    )
    for stem, graph in files.modules.items():
        for header in graph.subjects(TYPE, ONTOLOGY_CLASS):
            if str(header) != ONTOLOGY + stem:
                yield f"{stem}.ttl: name the module <{ONTOLOGY}{stem}>, not <{header}>"
    for name, graph in files.frameworks.items():
        for subject in set(graph.subjects()):
            if str(subject).startswith(BASE) and not fixed.fullmatch(str(subject)):
                yield f"{name}: {short(subject)} is none of id/<framework>/<kind>/<slug>"


def o2_prefixes(files: Files) -> Iterator[str]:
    for name, text in files.text.items():
        for prefix, namespace in re.findall(r"(?mi)^@?prefix +(\S*): +<([^>]*)>", text):
            if PREFIXES.get(prefix) != namespace:
                yield f"{name}: take prefix {prefix}: from PREFIXES in vocab.py, or write IRIs out"


def o3_one_home(files: Files) -> Iterator[str]:
    for term, module in files.home.items():
        if list(files.modules[module].objects(term, DEFINED_BY)) != [URIRef(ONTOLOGY + module)]:
            yield f"{short(term)}: say rdfs:isDefinedBy <{ONTOLOGY}{module}>, and no other"
        for other, graph in files.modules.items():
            described = other not in (module, "term-mappings") and (term, None, None) in graph
            if described:
                yield f"{short(term)}: describe it in {module}.ttl only, not in {other}.ttl"
    for name, graph in files.graphs.items():
        for subject, kind in graph.subject_objects(TYPE):
            foreign = not str(subject).startswith(BASE)
            if foreign and str(kind).startswith(OWL) and name != "ontology/external.ttl":
                yield f"{name}: declare {subject} in external.ttl only"
            if str(subject).startswith(CG) and subject not in files.home:
                yield f"{name}: declare {short(subject)} in a module of the ontology"


def o3_known_terms(files: Files) -> Iterator[str]:
    for name, text in files.text.items():
        for local in sorted(set(re.findall(r"\bcg:(\w+)", text))):
            if URIRef(CG + local) not in files.home:
                yield f"{name}: cg:{local} is declared nowhere; mend its name or declare it"
    declared = {str(s) for s in files.modules["external"].subjects(TYPE)} - {ONTOLOGY + "external"}
    used = defaultdict(set)
    for name, graph in files.graphs.items():
        if name != "ontology/term-mappings.ttl":
            for term in _foreign(graph):
                used[term].add(name)
    for term in sorted(used.keys() - declared):
        yield f"{min(used[term])}: declare {term} in external.ttl"
    for term in sorted(declared - used.keys()):
        yield f"external.ttl: nothing uses {term}; take it out"


def _foreign(graph: Graph) -> Iterator[str]:
    """Yield the terms of other vocabularies that statements use, beyond speaking about them."""
    for _, *used in graph:
        for term in (str(t) for t in used if isinstance(t, URIRef)):
            namespace = next((ns for ns in PREFIXES.values() if term.startswith(ns)), term)
            if namespace != term and not namespace.startswith((BASE, *BUILT_IN)):
                yield term


def o4_names(files: Files) -> Iterator[str]:
    for term, kind in files.terms.items():
        local = term.removeprefix(CG)
        if kind == CLASS and not re.fullmatch(r"([A-Z][a-z]+)+", local):
            yield f"{short(term)}: write a class as UpperCamel, acronyms as words"
        if kind != CLASS and not re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", local):
            yield f"{short(term)}: write a property as lowerCamel, acronyms as words"
        if kind == OBJECT_PROPERTY and not re.match(r"(is|[a-z]+s)([A-Z]|$)", local):
            yield f"{short(term)}: begin with a verb in the present: requiresLevel"


def o5_no_inverses(files: Files) -> Iterator[str]:
    for term, module in files.home.items():
        if (term, URIRef(OWL + "inverseOf"), None) in files.modules[module]:
            yield f"{short(term)}: drop the inverse; a query can walk backwards (^{short(term)})"


def o6_words(files: Files) -> Iterator[str]:
    for term, module in files.home.items():
        graph = files.modules[module]
        for what, values in (("label", LABEL), ("definition", DEFINITION)):
            tags = Counter(
                v.language for v in graph.objects(term, values) if isinstance(v, Literal)
            )
            if "en" not in tags or max(tags.values()) > 1:
                yield f"{short(term)}: write one {what} in each language, English at least"
        label = _english(graph, term, LABEL)
        definition = _english(graph, term, DEFINITION)
        if not re.fullmatch(r"[A-Z].*[^.]\.", definition) or ". " in definition:
            yield f"{short(term)}: define it in one sentence that ends in a full stop"
        if re.search(rf"\b{re.escape(label.lower())}\b", definition.lower()):
            yield f"{short(term)}: define it without its own label"
        if term not in files.terms:
            continue
        if (term, EXAMPLE, None) not in graph:
            yield f"{short(term)}: give an example"
        expected = words(term.removeprefix(CG))
        if files.terms[term] == CLASS:
            expected = expected.capitalize()
        if label != expected:
            yield f"{short(term)}: label it “{expected}”, the words of its name"


def _english(graph: Graph, subject: Node, predicate: URIRef) -> str:
    found = (v for v in graph.objects(subject, predicate) if isinstance(v, Literal))
    return next((str(v) for v in found if v.language == "en"), "")


def o7_no_comments(files: Files) -> Iterator[str]:
    for name, graph in files.graphs.items():
        for subject in graph.subjects(URIRef(RDFS + "comment")):
            yield f"{name}: {short(subject)}: use a scope, editorial or change note, not a comment"


def o8_languages(files: Files) -> Iterator[str]:
    tag = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
    for name, graph in files.graphs.items():
        for subject, predicate, value in graph:
            if not isinstance(value, Literal):
                continue
            if predicate in PROSE and not tag.fullmatch(value.language or ""):
                yield f"{name}: {short(subject)}: say in which language “{value}” is"
            if predicate == URIRef(SKOS + "notation") and value.language:
                yield f"{name}: {short(subject)}: a notation has no language"


def o9_no_accidents(files: Files) -> Iterator[str]:
    for term, module in files.home.items():
        for word in ("domain", "range"):
            if (term, URIRef(RDFS + word), None) in files.modules[module]:
                yield f"{short(term)}: a {word} turns a slip into a fact; write a shape instead"


def o10_imports(files: Files) -> Iterator[str]:
    catalogue = {
        uri.attrib["name"]: uri.attrib["uri"] for uri in ElementTree.fromstring(files.catalogue)
    }
    direct = {
        stem: {str(o).removeprefix(ONTOLOGY) for o in graph.objects(None, IMPORTS)}
        for stem, graph in files.modules.items()
    }
    for stem, imported in direct.items():
        if catalogue.get(ONTOLOGY + stem) != f"{stem}.ttl":
            yield f"catalog-v001.xml: add {ONTOLOGY}{stem} as {stem}.ttl"
        for other in sorted(imported - direct.keys()):
            yield f"{stem}.ttl: imports {other}, which no file of the catalogue holds"
        if "term-mappings" in imported:
            yield f"{stem}.ttl: nothing imports the term mappings"
        if stem in _reached(direct, stem):
            yield f"{stem}.ttl: is imported by what it imports; move a term to break the circle"
        if stem == "term-mappings":
            continue
        for term in _mentioned(files.modules[stem]):
            home = files.home.get(term, stem)
            if home != stem and home not in _reached(direct, stem):
                yield f"{stem}.ttl: import {home}, the home of {short(term)}"


def _reached(direct: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = set(direct.get(start, ()))
    while ahead:
        found |= ahead
        ahead = {o for stem in ahead for o in direct.get(stem, ())} - found
    return found


def _mentioned(graph: Graph) -> set[URIRef]:
    return {t for spo in graph for t in spo if isinstance(t, URIRef) and t.startswith(CG)}


def o11_header(files: Files) -> Iterator[str]:
    for stem, graph in files.modules.items():
        told = {str(p) for p in graph.predicates(URIRef(ONTOLOGY + stem))}
        for missing in sorted(set(HEADER) - told - {str(IMPORTS)}):
            yield f"{stem}.ttl: the header lacks {missing}"
        for more in sorted(told - set(HEADER)):
            yield f"{stem}.ttl: the header has {more}, which is none of its lines"
        first = re.search(r"\n\n(.*?)\n\.\n", files.text[f"ontology/{stem}.ttl"], re.DOTALL)
        name, *lines = re.findall(r"^ {,4}(\S+)", first[1] if first else "-", re.M)
        if name != f"<{ONTOLOGY}{stem}>" or lines != [_qname(p) for p in HEADER if p in told]:
            yield f"{stem}.ttl: begin with the header, its lines in the order of HEADER"


def _qname(predicate: str) -> str:
    if predicate == RDF + "type":
        return "a"
    prefix, iri = next((p, iri) for p, iri in PREFIXES.items() if predicate.startswith(iri))
    return f"{prefix}:{predicate.removeprefix(iri)}"


def o12_version(files: Files) -> Iterator[str]:
    project: str = tomllib.loads(files.project)["project"]["version"]
    version = re.sub(r"\.dev\d+$", "-dev", project)
    for stem, graph in files.modules.items():
        header = URIRef(ONTOLOGY + stem)
        if [str(v) for v in graph.objects(header, URIRef(OWL + "versionInfo"))] != [version]:
            yield f"{stem}.ttl: the version is {version}, as in pyproject.toml"
        address = URIRef(f"{ONTOLOGY}{version}/{stem}")
        if list(graph.objects(header, URIRef(OWL + "versionIRI"))) != [address]:
            yield f"{stem}.ttl: the address of the version is <{address}>"


def o13_deprecation(files: Files) -> Iterator[str]:
    for term, module in files.home.items():
        graph = files.modules[module]
        if (term, DEPRECATED, None) not in graph:
            continue
        if (term, URIRef(DCTERMS + "isReplacedBy"), None) not in graph:
            yield f"{short(term)}: name what replaces it with dcterms:isReplacedBy"
        if not re.search(r"\b\d+\.\d+", _english(graph, term, URIRef(SKOS + "changeNote"))):
            yield f"{short(term)}: say in a change note with which version it was deprecated"


def o14_migrations(files: Files) -> Iterator[str]:
    major = int(tomllib.loads(files.project)["project"]["version"].split(".")[0])
    for number in range(1, major + 1):
        for name in ("report.rq", "rewrite.rq", "before.ttl", "after.ttl"):
            if f"ontology/migration/{number}.0.0/{name}" not in files.migrations:
                yield f"ontology/migration/{number}.0.0: add {name}, as every major asks"


def o15_canonical(files: Files) -> Iterator[str]:
    for name, text in files.text.items():
        if canonical_turtle(text.encode(), name=name) != text.encode():
            yield f"{name}: run competency-graph fmt {name}"


Rule = Callable[[Files], Iterator[str]]
RULES: tuple[Rule, ...] = (
    *(o1_addresses, o2_prefixes, o3_one_home, o3_known_terms, o4_names, o5_no_inverses),
    *(o6_words, o7_no_comments, o8_languages, o9_no_accidents, o10_imports, o11_header),
    *(o12_version, o13_deprecation, o14_migrations, o15_canonical),
)
