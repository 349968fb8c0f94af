"""The W3C SPARQL 1.1 update suite through the difference, through a log, and over HTTP.

An update is never run on the data as it stands, so what is tested is that the difference taken of
it, applied to the old state, gives the state that the suite expects, also after a log kept it.
"""

import urllib.parse
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox
import pytest
from competency_graph import history
from competency_graph.config import Settings
from competency_graph.index import Graph
from competency_graph.index.staging import stage
from competency_graph.log import Draft, Log
from competency_graph.model import Operation

from conformance import w3c
from conformance.conftest import Endpoint, Judge

pytestmark = w3c.needed

CASES = w3c.cases("sparql11/manifest-sparql11-update.ttl", "UpdateEvaluationTest")
NAMES = sorted(CASES) or [""]


def _after(case: w3c.Case) -> bytes:
    return w3c.state(case.node, w3c.MF + "result")


def _loaded(lines: bytes) -> Graph:
    graph = Graph(union=False)
    graph.load([("added", lines)])
    return graph


def _expected(case: w3c.Case) -> list[str]:
    return w3c.canonical(_loaded(_after(case)).store)


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 94


@pytest.mark.parametrize("name", NAMES)
def test_the_old_state_with_the_difference_is_the_expected_one(name: str) -> None:
    case = CASES[name]
    operations = [Operation(kind="update", content=case.text.encode())]
    difference = stage(_loaded(case.data), operations, labels="c1x")
    old = _loaded(case.data)
    old.apply(difference.added, difference.removed)
    assert w3c.canonical(old.store) == _expected(case)


@pytest.mark.parametrize("name", NAMES)
def test_a_store_rebuilt_from_the_log_is_the_expected_one(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    graph = Graph(union=False)
    requests = [
        Operation(kind="lines", content=b"\n" + case.data),
        Operation(kind="update", content=case.text.encode()),
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
    assert w3c.canonical(rebuilt.store) == _expected(case)
    assert set(rebuilt.store) == set(graph.store)


@pytest.mark.parametrize("name", NAMES)
def test_over_http_both_what_is_served_and_what_the_log_rebuilds_are_the_expected(
    endpoint: Endpoint, judge: Judge, name: str
) -> None:
    case = CASES[name]
    endpoint.load(case.data)
    reply = endpoint.update(case.text)
    expected = _expected(case)
    rebuilt = history.read(Settings(database=endpoint.database, union_default=False))
    served, kept = _served(endpoint), w3c.canonical(rebuilt.store)
    passed = reply.status == 200 and served == kept == expected
    judge("update 1.1", name, passed, {}, (reply, served, kept))


def _served(endpoint: Endpoint) -> list[str]:
    """Return all graphs as the graph store gives them, in a form that is the same for the same."""
    accept = {"Accept": "application/n-triples"}
    names = endpoint.send("GET", "/graphs", None, {}).json()["graphs"]
    assert isinstance(names, list)
    found: list[ox.Quad] = []
    for name in (None, *names):
        asked = "default" if name is None else urllib.parse.urlencode({"graph": name})
        reply = endpoint.send("GET", f"/graphs?{asked}", None, accept)
        graph = ox.DefaultGraph() if name is None else ox.NamedNode(name)
        said = ox.parse(reply.body, ox.RdfFormat.N_TRIPLES)
        found += [ox.Quad(q.subject, q.predicate, q.object, graph) for q in said]
    return w3c.canonical(found)
