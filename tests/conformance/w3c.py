"""The W3C SPARQL suites: their cases, data and expected answers. Asks nobody.

The suites are not in the repository: TEST_DATA names the folder that holds them.
"""

import csv
import io
import os
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import urljoin

import pyoxigraph as ox
import pytest

_DATA = Path(os.environ.get("TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
ARCHIVE = _DATA / "w3c" / "sparql.tar.gz"
BASE = "https://suite.invalid/"
needed = pytest.mark.skipif(
    not ARCHIVE.exists(), reason="the W3C suites are not here; TEST_DATA names their folder"
)

_ROOT = "sparql/"
# Older forms of suites that are here in their present form.
_SUPERSEDED = ("extended-manifest", "http-rdf-update")
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
UT = "http://www.w3.org/2009/sparql/tests/test-update#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_RS = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
_FROM = re.compile(r"\bFROM\s+(?:NAMED\s+)?<([^>]*)>", re.IGNORECASE)
_NAME = re.compile(r"[^/#]*\Z")

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Node = ox.NamedNode | ox.BlankNode
Row = tuple[Term | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Solutions; ``ordered`` where their order counts, ``lax`` where duplicates may be fewer."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    ordered: bool = False
    lax: bool = False


Answer = Rows | bool | frozenset[ox.Triple]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: the manifests' node, what is asked, and the data before as sorted N-Quads."""

    node: Node
    kind: str
    text: str
    data: bytes


@cache
def files() -> dict[str, bytes]:
    with tarfile.open(ARCHIVE) as archive:
        return {
            member.name.removeprefix(_ROOT): read.read()
            for member in archive
            if (read := archive.extractfile(member)) is not None
        }


@cache
def _manifests() -> ox.Store:
    store = ox.Store()
    for name, content in files().items():
        last = name.rpartition("/")[2]
        if re.fullmatch(r"manifest.*\.ttl", last) and not any(s in name for s in _SUPERSEDED):
            file = ox.NamedNode(BASE + name)
            said = ox.parse(
                content, ox.RdfFormat.TURTLE, base_iri=file.value, rename_blank_nodes=True
            )
            store.extend(ox.Quad(q.subject, q.predicate, q.object, file) for q in said)
    return store


def each(node: Term | None, predicate: str) -> list[Term]:
    """Return the values of a predicate in the manifests."""
    if not isinstance(node, ox.NamedNode | ox.BlankNode):
        return []
    found = _manifests().quads_for_pattern(node, ox.NamedNode(predicate), None)
    return [quad.object for quad in found]


def one(node: Term | None, predicate: str) -> Term | None:
    """Return the one value of a predicate, or nothing."""
    return next(iter(each(node, predicate)), None)


def text_of(term: Term | None) -> str:
    """Return the text of a literal, or an IRI, or nothing where there is neither."""
    return "" if term is None or isinstance(term, ox.Triple) else term.value


def listed(node: Term | None) -> Iterator[Term]:
    """Yield the members of an RDF list."""
    while (first := one(node, _RDF + "first")) is not None:
        yield first
        node = one(node, _RDF + "rest")


def nodes(manifest: str) -> dict[str, Node]:
    """Return the cases of a manifest and of those that it includes, by folder and name."""
    found: dict[str, Node] = {}
    for part in _lists(manifest, "include"):
        found |= nodes(text_of(part).removeprefix(BASE))
    folder = Path(manifest).parent.name
    for node in _lists(manifest, "entries"):
        assert isinstance(node, ox.NamedNode)
        found[f"{folder}/{_NAME.findall(node.value)[0]}"] = node
    return found


def _lists(manifest: str, name: str) -> Iterator[Term]:
    # Some manifests are blank nodes.
    file = ox.NamedNode(BASE + manifest)
    for quad in _manifests().quads_for_pattern(None, ox.NamedNode(MF + name), None, file):
        yield from listed(quad.object)


@cache
def cases(manifest: str, *kinds: str) -> dict[str, Case]:
    """Return the cases of some kinds, those with the same data behind one another."""
    if not ARCHIVE.exists():
        return {}
    found = {}
    for name, node in nodes(manifest).items():
        kind = text_of(one(node, _RDF + "type")).removeprefix(MF)
        if kind in kinds:
            found[name] = _case(node, kind)
    return dict(sorted(found.items(), key=lambda item: (item[1].data, item[0])))


def _case(node: Node, kind: str) -> Case:
    action = one(node, MF + "action")
    if "Syntax" in kind:
        # Some updates are typed as queries.
        update = text_of(action).endswith(".ru") and "Update" not in kind
        kind = kind.replace("Syntax", "UpdateSyntax") if update else kind
        return Case(node=node, kind=kind, text=_text(action), data=b"")
    if kind == "UpdateEvaluationTest":
        return Case(node=node, kind=kind, text=_text(one(action, UT + "request")), data=state(node))
    query = one(action, QT + "query")
    text = _text(query)
    quads = [q for file in each(action, QT + "data") for q in _parsed(text_of(file))]
    graphs = [text_of(file) for file in each(action, QT + "graphData")]
    if not quads and not graphs:
        graphs = [urljoin(text_of(query), source) for source in _FROM.findall(text)]
    quads += [q for file in dict.fromkeys(graphs) for q in _parsed(file, name=file)]
    # The suites count on the file of a query as its base; a request to a service has another.
    return Case(node=node, kind=kind, text=f"BASE <{text_of(query)}> {text}", data=_lines(quads))


def state(node: Node, predicate: str = MF + "action") -> bytes:
    """Return the data before (``mf:action``) or after (``mf:result``) an update."""
    holder = one(node, predicate)
    quads = [q for file in each(holder, UT + "data") for q in _parsed(text_of(file))]
    for named in each(holder, UT + "graphData"):
        file = text_of(one(named, UT + "graph"))
        quads += _parsed(file, name=urljoin(file, text_of(one(named, RDFS + "label"))))
    return _lines(quads)


def loaded_before(node: Node) -> bytes:
    """Return the graphs that a case of the protocol says are there."""
    quads: list[ox.Quad] = []
    for named in each(node, UT + "graphData"):
        file = text_of(one(named, UT + "graph"))
        quads += _parsed(file, name=text_of(one(named, RDFS + "label")))
    return _lines(quads)


def content(file: str) -> bytes:
    """Return the content of a file that a manifest names."""
    return files()[file.removeprefix(BASE)]


def _text(file: Term | None) -> str:
    return content(text_of(file)).decode()


def _parsed(file: str, *, name: str | None = None) -> list[ox.Quad]:
    format_ = ox.RdfFormat.from_extension(file.rpartition(".")[2])
    graph = ox.DefaultGraph() if name is None else ox.NamedNode(name)
    found = ox.parse(content(file), format_, base_iri=file, rename_blank_nodes=True)
    return [ox.Quad(q.subject, q.predicate, q.object, graph) for q in found]


def _lines(quads: Iterable[ox.Quad]) -> bytes:
    text = ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
    return b"".join(sorted(text.splitlines(keepends=True)))


def insertion(lines: bytes) -> str:
    """Return the update that makes these all there is."""
    by_graph: dict[str, list[ox.Triple]] = {}
    for quad in ox.parse(lines, ox.RdfFormat.N_QUADS):
        default = isinstance(quad.graph_name, ox.DefaultGraph)
        by_graph.setdefault("" if default else str(quad.graph_name), []).append(quad.triple)
    blocks = []
    for name, triples in by_graph.items():
        text = (ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b"").decode()
        blocks.append(f"GRAPH {name} {{ {text} }}" if name else text)
    return "DROP ALL ; INSERT DATA { " + "\n".join(blocks) + " }"


def expected(case: Case) -> Answer:
    """Return the answer that a case of the query suites expects."""
    file = text_of(one(case.node, MF + "result"))
    lax = text_of(one(case.node, MF + "resultCardinality")).endswith("LaxCardinality")
    ending = file.rpartition(".")[2]
    if ending in ("srx", "srj", "tsv"):
        told = answered(content(file), ending)
        return Rows(names=told.names, rows=told.rows, lax=lax) if isinstance(told, Rows) else told
    triples = [quad.triple for quad in _parsed(file)]
    held = ox.Store()
    held.extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
    sets = list(
        held.quads_for_pattern(None, ox.NamedNode(_RDF + "type"), ox.NamedNode(_RS + "ResultSet"))
    )
    return _result_set(held, sets[0].subject, lax) if sets else frozenset(triples)


def _result_set(held: ox.Store, node: Term, lax: bool) -> Answer:
    def values(subject: Term, name: str) -> list[Term]:
        assert isinstance(subject, ox.NamedNode | ox.BlankNode)
        found = held.quads_for_pattern(subject, ox.NamedNode(_RS + name), None)
        return [quad.object for quad in found]

    truth = values(node, "boolean")
    if truth:
        return text_of(truth[0]) == "true"
    names = tuple(sorted(text_of(name) for name in values(node, "resultVariable")))
    rows: list[tuple[int, Row]] = []
    for solution in values(node, "solution"):
        bound = {
            text_of(values(binding, "variable")[0]): values(binding, "value")[0]
            for binding in values(solution, "binding")
        }
        index = values(solution, "index")
        rows.append((int(text_of(index[0])) if index else 0, tuple(bound.get(n) for n in names)))
    rows.sort(key=lambda numbered: numbered[0])
    ordered = bool(rows) and rows[-1][0] > 0
    return Rows(names=names, rows=tuple(row for _, row in rows), ordered=ordered, lax=lax)


def answered(body: bytes, ending: str) -> Answer:
    """Return what a document of results says: srx, srj, tsv, or nt for a graph."""
    if ending == "nt":
        return frozenset(quad.triple for quad in ox.parse(body, ox.RdfFormat.N_TRIPLES))
    told = ox.parse_query_results(body, ox.QueryResultsFormat.from_extension(ending))
    if isinstance(told, ox.QueryBoolean):
        return bool(told)
    order = sorted(range(len(told.variables)), key=lambda place: told.variables[place].value)
    names = tuple(told.variables[place].value for place in order)
    return Rows(names=names, rows=tuple(tuple(row[place] for place in order) for row in told))


def same(wanted: Answer, got: Answer) -> bool:
    """Say whether an answer is the expected one, whatever its blank nodes are called.

    Numbers, truths and times are the same by type and value: the suites leave their spelling open.
    """
    if isinstance(wanted, Rows) and isinstance(got, Rows):
        wanted, got = _by_value(wanted), _by_value(got)
        if wanted.names != got.names:
            return False
        if wanted.lax:
            most = Counter(wanted.rows)
            return set(wanted.rows) == set(got.rows) and Counter(got.rows) <= most
        return _canonical_rows(wanted, wanted.ordered) == _canonical_rows(got, wanted.ordered)
    if isinstance(wanted, frozenset) and isinstance(got, frozenset):
        return canonical(_quads(wanted)) == canonical(_quads(got))
    return wanted is got


def _by_value(told: Rows) -> Rows:
    return replace(told, rows=tuple(tuple(map(_value, row)) for row in told.rows))


def _value(cell: Term | None) -> Term | None:
    if not isinstance(cell, ox.Literal):
        return cell
    text = cell.value
    try:
        match cell.datatype.value.removeprefix(_XSD):
            case "integer" | "decimal":
                text = str(Decimal(text).normalize())
            case "double" | "float":
                text = repr(float(text))
            case "boolean":
                text = {"1": "true", "0": "false"}.get(text, text)
            case "date" | "dateTime":
                text = re.sub(r"[+-]00:00\Z", "Z", text)
            case _:
                return cell
    except (ArithmeticError, ValueError):
        return cell
    return ox.Literal(text, datatype=cell.datatype)


def _canonical_rows(told: Rows, ordered: bool) -> object:
    if not any(isinstance(cell, ox.BlankNode) for row in told.rows for cell in row):
        return list(told.rows) if ordered else Counter(told.rows)
    quads = []
    for number, row in enumerate(told.rows):
        node = ox.BlankNode(f"row{number}")
        place = number if ordered else 0
        quads.append(ox.Quad(node, ox.NamedNode("urn:x-place"), ox.Literal(place)))
        for name, cell in zip(told.names, row, strict=True):
            if cell is not None:
                quads.append(ox.Quad(node, ox.NamedNode(f"urn:x-name:{name}"), cell))
    return canonical(quads)


def _quads(triples: Iterable[ox.Triple]) -> list[ox.Quad]:
    return [ox.Quad(t.subject, t.predicate, t.object) for t in triples]


def canonical(quads: Iterable[ox.Quad]) -> list[str]:
    """Return statements in a form that is the same for the same data set."""
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted(str(quad) for quad in dataset)


def same_csv(wanted: bytes, got: bytes) -> bool:
    """Say whether two CSV results are the same but for the order of rows and of columns.

    That of columns is open after ``SELECT *``. Blank nodes have any label, numbers any spelling.
    """
    return _csv(wanted) == _csv(got)


def _csv(text: bytes) -> Counter[tuple[tuple[str, str], ...]]:
    rows = csv.DictReader(io.StringIO(text.decode(), newline=""))
    return Counter(tuple(sorted((n, _cell(cell)) for n, cell in row.items())) for row in rows)


def _cell(cell: str) -> str:
    if cell.startswith("_:"):
        return "_:"
    return repr(float(cell)) if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", cell) else cell
