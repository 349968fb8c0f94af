"""The W3C SHACL suite at `/validate`: its data, judged by its shapes, in a report."""

import uuid
from collections import Counter
from collections.abc import Iterator

import pyoxigraph as ox
import pytest
from competency_graph.shacl.data import Parsed, Term
from competency_graph.shacl.paths import parsed, written
from competency_graph.vocab import SH
from conftest import Service, start_service

from conformance.test_shacl_suite import Row, cases, pytestmark  # noqa: F401  it skips these too


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("suite"), seed="framework", kill_limit="off")
    yield service
    assert service.stop() == 0


def _form(files: dict[str, list[ox.Quad]]) -> tuple[bytes, str]:
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.nt"\r\n'
        "\r\n".encode()
        + (ox.serialize([q.triple for q in quads], format=ox.RdfFormat.N_TRIPLES) or b"")
        + b"\r\n"
        for name, quads in files.items()
    ]
    return b"".join((*parts, f"--{mark}--\r\n".encode())), f"multipart/form-data; boundary={mark}"


def _rows(report: bytes) -> Counter[Row]:
    graph = Parsed(ox.parse(report, ox.RdfFormat.TURTLE))
    found: Counter[Row] = Counter()
    for _, result in graph.pairs(ox.NamedNode(SH + "result")):

        def said(word: str, result: Term = result) -> str:
            values = graph.objects(result, ox.NamedNode(SH + word))
            return (
                "" if not values else "_" if isinstance(values[0], ox.BlankNode) else str(values[0])
            )

        paths = graph.objects(result, ox.NamedNode(SH + "resultPath"))
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


@pytest.mark.parametrize("part", ["core", "sparql"])
def test_the_results_are_those_expected(running: Service, part: str) -> None:
    wrong = {}
    for name, case in cases(part).items():
        body, kind = _form({"data": case.data, "shapes": case.shapes})
        headers = {"Content-Type": kind, "Accept": "text/turtle"}
        reply = running.send("POST", "/validate", body, 120, headers)
        if case.expected is None:
            if (reply.status, b"invalid-shapes" in reply.body) != (400, True):
                wrong[name] = reply.body.decode()
        elif reply.status != 200:
            wrong[name] = reply.body.decode()
        elif (found := _rows(reply.body)) != case.expected:
            wrong[name] = f"+{found - case.expected} -{case.expected - found}"
    assert wrong == {}
