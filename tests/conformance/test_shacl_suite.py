"""The W3C SHACL suite, core, through the evaluator: the results that it expects, no more, no fewer.

Terms are judged as they are written, not as a store keeps them.
"""

import os
import random
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urljoin

import pyoxigraph as ox
import pytest
from competency_graph.errors import InvalidShapes
from competency_graph.shacl.checks import Result
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.data import Parsed, Run, Term, members
from competency_graph.shacl.evaluate import judge
from competency_graph.shacl.paths import parsed, written
from competency_graph.vocab import SH
from shacl_oracle import Followed, Oracle

# The suite is not in the repository: TEST_DATA names the folder that holds it.
_DATA = Path(os.environ.get("TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
_ARCHIVE = _DATA / "w3c" / "shacl.tar.gz"
_ROOT = "data-shapes-test-suite/tests/"
_BASE = "https://suite.invalid/"
_CORE = 98
_SPARQL = 22
# pySHACL takes a second for each state of the one case that has hundreds of statements.
_LARGE = 200
# pySHACL takes "1"^^xsd:boolean for true here, which the suite says it is not.
_JUDGED_OTHERWISE = "core/property/uniqueLang-002"

_MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
_SHT = "http://www.w3.org/ns/shacl-test#"

pytestmark = pytest.mark.skipif(
    not _ARCHIVE.exists(), reason="the W3C suites are not here; TEST_DATA names their folder"
)

Row = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    data: list[ox.Quad]
    shapes: list[ox.Quad]
    # None: the shapes must be refused.
    expected: "Counter[Row] | None"


@cache
def _files() -> dict[str, bytes]:
    with tarfile.open(_ARCHIVE) as archive:
        return {
            member.name.removeprefix(_ROOT): read.read()
            for member in archive
            if member.name.startswith(_ROOT) and (read := archive.extractfile(member))
        }


def _word(namespace: str, name: str) -> ox.NamedNode:
    return ox.NamedNode(namespace + name)


@cache
def _quads(name: str) -> list[ox.Quad]:
    return list(ox.parse(_files()[name], ox.RdfFormat.TURTLE, base_iri=_BASE + name))


def _one(graph: Parsed, node: Term, word: ox.NamedNode) -> Term:
    (found,) = graph.objects(node, word)
    return found


def _named(folder: str, seen: set[str]) -> Iterator[str]:
    """Yield the names of the files that manifests list."""
    if folder in seen:
        return
    seen.add(folder)
    graph = Parsed(_quads(folder))
    for _, included in graph.pairs(_word(_MF, "include")):
        assert isinstance(included, ox.NamedNode)
        yield from _named(included.value.removeprefix(_BASE), seen)
    if list(graph.pairs(_word(_MF, "entries"))):
        yield folder


@cache
def cases(part: str) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for file in _named(f"{part}/manifest.ttl", set()):
        graph = Parsed(_quads(file))
        ((_, entries),) = graph.pairs(_word(_MF, "entries"))
        for entry in members(graph, entries) or ():
            action = _one(graph, entry, _word(_MF, "action"))
            result = _one(graph, entry, _word(_MF, "result"))
            data, shapes = (
                _quads(_file(file, _one(graph, action, _word(_SHT, word))))
                for word in ("dataGraph", "shapesGraph")
            )
            failure = result == _word(_SHT, "Failure")
            expected = None if failure else _expected(graph, Parsed(shapes), result)
            found[file.removesuffix(".ttl")] = Case(data=data, shapes=shapes, expected=expected)
    return found


def _file(file: str, term: Term) -> str:
    assert isinstance(term, ox.NamedNode)
    return urljoin(_BASE + file, term.value).removeprefix(_BASE)


def _expected(graph: Parsed, shapes: Parsed, report: Term) -> Counter[Row]:
    found: Counter[Row] = Counter()
    for result in graph.objects(report, _word(SH, "result")):

        def said(word: str, result: Term = result) -> str:
            values = graph.objects(result, _word(SH, word))
            return _spelt(values[0]) if values else ""

        paths = graph.objects(result, _word(SH, "resultPath"))
        row = (
            said("focusNode"),
            written(parsed(graph, paths[0])) if paths else "",
            said("value"),
            said("sourceShape"),
            said("sourceConstraintComponent"),
            said("resultSeverity"),
        )
        found[row] += 1
    return found


def _spelt(term: Term | None) -> str:
    if term is None:
        return ""
    return "_" if isinstance(term, ox.BlankNode) else str(term)


def row_of(result: Result) -> Row:
    return (
        _spelt(result.focus),
        "" if result.path is None else written(result.path),
        _spelt(result.value),
        _spelt(result.shape),
        str(result.component),
        str(result.severity),
    )


@pytest.mark.parametrize(
    ("part", "name"),
    [(part, name) for part in ("core", "sparql") for name in cases(part)]
    if _ARCHIVE.exists()
    else [("core", "none")],
)
def test_the_results_are_those_expected(part: str, name: str) -> None:
    case = cases(part)[name]
    if case.expected is None:
        with pytest.raises(InvalidShapes):
            compiled(case.shapes, stored=False)
        return
    rows = judge(compiled(case.shapes, stored=False), Run(Parsed(case.data)))
    assert Counter(row_of(row.result) for row in rows) == case.expected


@pytest.mark.parametrize("name", cases("core") if _ARCHIVE.exists() else ["none"])
def test_core_as_a_sequence_of_changes(name: str) -> None:
    """From nothing, all of the data comes, goes and comes again, in a random order."""
    case = cases("core")[name]
    if case.expected is None:
        return
    chance = random.Random(name)
    graph = Followed(compiled(case.shapes, stored=False), parsed_terms=True)
    oracle = Oracle(case.shapes)
    whole = list({quad.triple: None for quad in case.data})
    often = 1 if len(whole) < _LARGE else 60
    state: list[ox.Triple] = []
    for number, (added, removed) in enumerate(_comings_and_goings(chance, whole)):
        graph.change(added, removed)
        state = [t for t in state if t not in removed] + added
        assert graph.standing_rows() == graph.rows_anew()
        if number % often == 0 and name != _JUDGED_OTHERWISE:
            quads = [ox.Quad(t.subject, t.predicate, t.object) for t in state]
            assert graph.standing_rows() == oracle.rows(quads)
    found = Counter(row_of(result) for result in graph.standing)
    assert found == case.expected


def _comings_and_goings(
    chance: random.Random, whole: list[ox.Triple]
) -> Iterator[tuple[list[ox.Triple], list[ox.Triple]]]:
    size = 1 if len(whole) < _LARGE else len(whole) // 60
    for coming in (True, False, True):
        mixed = chance.sample(whole, len(whole))
        for start in range(0, len(mixed), size):
            some = mixed[start : start + size]
            yield (some, []) if coming else ([], some)


def test_no_case_is_missing() -> None:
    assert (len(cases("core")), len(cases("sparql"))) == (_CORE, _SPARQL)
