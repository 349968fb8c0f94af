"""The W3C SPARQL 1.1 update suite through the difference, and through a log.

An update is never run on the data as it stands, so what is tested is that the difference taken of
it, applied to the old state, gives the state that the suite expects, also after a log kept it.
"""

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urljoin

import pyoxigraph as ox
import pytest
from competency_graph.errors import BadQuery, OutboundRefused
from competency_graph.index import Graph
from competency_graph.index.staging import stage
from competency_graph.index.updates import read_update
from competency_graph.log import Draft, Log
from competency_graph.model import Operation
from rdflib import Graph as Manifest
from rdflib import Namespace, URIRef
from rdflib.collection import Collection
from rdflib.namespace import RDF, RDFS
from rdflib.term import Node

# The suite is not in the repository: TEST_DATA names the folder that holds it.
_DATA = Path(os.environ.get("TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
_ARCHIVE = _DATA / "w3c" / "sparql.tar.gz"
_ROOT = "sparql/sparql11/"
_BASE = "https://suite.invalid/"
_CASES = 94

MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
UT = Namespace("http://www.w3.org/2009/sparql/tests/test-update#")

pytestmark = pytest.mark.skipif(
    not _ARCHIVE.exists(), reason="the W3C suite is not here; TEST_DATA names its folder"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    request: bytes
    before: bytes
    after: bytes


@cache
def _files() -> dict[str, bytes]:
    with tarfile.open(_ARCHIVE) as archive:
        return {
            member.name.removeprefix(_ROOT): read.read()
            for member in archive
            if member.name.startswith(_ROOT) and (read := archive.extractfile(member))
        }


def _manifest(name: str) -> Manifest:
    return Manifest().parse(data=_files()[name], format="turtle", publicID=_BASE + name)


def _content(node: Node | None) -> tuple[bytes, str]:
    return _files()[str(node).removeprefix(_BASE)], str(node)


def _state(manifest: Manifest, node: Node) -> bytes:
    quads: list[ox.Quad] = []
    for data in manifest.objects(node, UT.data):
        content, base = _content(data)
        quads += ox.parse(content, ox.RdfFormat.TURTLE, base_iri=base)
    for named in manifest.objects(node, UT.graphData):
        content, base = _content(manifest.value(named, UT.graph))
        name = ox.NamedNode(urljoin(base, str(manifest.value(named, RDFS.label))))
        triples = ox.parse(content, ox.RdfFormat.TURTLE, base_iri=base)
        quads += [ox.Quad(t.subject, t.predicate, t.object, name) for t in triples]
    return ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""


def _collected() -> Iterator[tuple[str, Case]]:
    included = _manifest("manifest-sparql11-update.ttl")
    for part in Collection(included, next(included.objects(None, MF.include))):
        name = str(part).removeprefix(_BASE)
        manifest = _manifest(name)
        for test in manifest.subjects(RDF.type, MF.UpdateEvaluationTest):
            action, result = manifest.value(test, MF.action), manifest.value(test, MF.result)
            assert action is not None and result is not None and isinstance(test, URIRef)
            yield (
                f"{Path(name).parent.name}/{test.fragment}",
                Case(
                    request=_content(manifest.value(action, UT.request))[0],
                    before=_state(manifest, action),
                    after=_state(manifest, result),
                ),
            )


@cache
def _cases() -> dict[str, Case]:
    return dict(sorted(_collected())) if _ARCHIVE.exists() else {}


def _loaded(lines: bytes) -> Graph:
    graph = Graph(union=False)
    graph.load([("added", lines)])
    return graph


def _canonical(graph: Graph) -> list[str]:
    dataset = ox.Dataset(graph.store)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted(str(quad) for quad in dataset)


def test_the_suite_is_whole() -> None:
    assert len(_cases()) == _CASES


@pytest.mark.parametrize("name", _cases())
def test_the_old_state_with_the_difference_is_the_expected_one(name: str) -> None:
    case = _cases()[name]
    operations = [Operation(kind="update", content=case.request)]
    difference = stage(_loaded(case.before), operations, labels="c1x")
    old = _loaded(case.before)
    old.apply(difference.added, difference.removed)
    assert _canonical(old) == _canonical(_loaded(case.after))


@pytest.mark.parametrize("name", _cases())
def test_a_store_rebuilt_from_the_log_is_the_expected_one(name: str, tmp_path: Path) -> None:
    case = _cases()[name]
    graph = Graph(union=False)
    requests = [
        Operation(kind="lines", content=b"\n" + case.before),
        Operation(kind="update", content=case.request),
    ]
    with Log.open(f"sqlite:///{tmp_path}/log.db", base="https://example.org/") as log:
        for number, request in enumerate(requests):
            difference = stage(graph, [request], labels=f"c{number + 1}x")
            draft = Draft(
                author="suite",
                time=datetime(2026, 1, 1, tzinfo=UTC),
                message=name,
                added=difference.added,
                removed=difference.removed,
                touched=difference.touched,
            )
            log.append(draft, expected_head=number)
        rebuilt = Graph(union=False)
        rebuilt.load(log.content_blocks())
    assert _canonical(rebuilt) == _canonical(_loaded(case.after))
    assert set(rebuilt.store) == set(graph.store)


_SYNTAX = ("syntax-update-1/manifest.ttl", "syntax-update-2/manifest.ttl")


def _texts(kind: URIRef) -> list[str]:
    found: list[str] = []
    for name in _SYNTAX:
        manifest = _manifest(name)
        actions = (manifest.value(test, MF.action) for test in manifest.subjects(RDF.type, kind))
        # The suite counts on a base; a request to us has none.
        found += [f"BASE <{_BASE}> " + _content(action)[0].decode() for action in actions]
    return found


def test_what_the_standard_can_read_is_read_unless_it_fetches() -> None:
    texts = _texts(MF.PositiveUpdateSyntaxTest11)
    refused = []
    for text in texts:
        try:
            read_update(text)
        except OutboundRefused:
            refused.append(text)
    assert (len(texts), len(refused)) == (42, 5)


def test_what_the_standard_cannot_read_is_refused() -> None:
    texts = _texts(MF.NegativeUpdateSyntaxTest11)
    assert len(texts) == 13
    for text in texts:
        with pytest.raises((BadQuery, OutboundRefused)):
            read_update(text)
