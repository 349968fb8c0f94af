"""What a maintainer exempts a graph from is a warning there, and nowhere else. Over HTTP."""

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Reply, Service, start_service
from small_framework import FRAMEWORK, GRAPH, PREFIXES, framework

EXEMPTIONS = "https://w3id.org/competency-graph/graph/exemptions"
RULE = "https://w3id.org/competency-graph/shapes#HouseDefined-definition-required"
REASON = "It was published without definitions."
OTHER = "https://example.org/graph/other"
MORE = f"""{PREFIXES}
ex:hearing a cg:Competency ; skos:prefLabel "Hearing"@en ; skos:notation "T.2" ;
    skos:broader ex:talking ; skos:inScheme <{FRAMEWORK}> ; dcterms:source ex:book ;
    cg:hasVerificationStatus cg:FromGeneralKnowledge .
"""


def exemption(graph: str = GRAPH, rule: str = RULE, reason: str = f'"{REASON}"@en') -> str:
    """Return an exemption from the rule that a competency has a definition."""
    return f"""{PREFIXES} PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
    ex:exemption a cg:Exemption ; cg:exemptsGraph <{graph}> ; cg:exemptsFromRule <{rule}> ;
        dcterms:description {reason} ; dcterms:issued "2026-11-25"^^xsd:date .
    """


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("exemptions"), kill_limit="off")
    yield service
    assert service.stop() == 0


class Writer:
    """Somebody with a token."""

    def __init__(self, service: Service, role: str) -> None:
        self._service, self._token = service, service.token(role)

    def send(self, method: str, graph: str, text: str = "") -> Reply:
        """Change a graph by Turtle."""
        return self._service.send(
            method,
            "/graphs?" + urllib.parse.urlencode({"graph": graph}),
            text.encode() or None,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "text/turtle"},
        )

    def accepted(self, method: str, graph: str, text: str = "") -> list[dict[str, Any]]:
        """Change a graph, which must succeed, and return the new findings."""
        reply = self.send(method, graph, text)
        assert reply.status in (200, 201), reply.body
        told = json.loads(reply.body)
        assert told["recorded"]
        new: list[dict[str, Any]] = told["findings"]["new"]
        return new

    def refused(self, method: str, graph: str, text: str = "") -> list[str]:
        """Change a graph, which must be refused, and return which rules do."""
        reply = self.send(method, graph, text)
        assert reply.status == 422, reply.body
        new = json.loads(reply.body)["findings"]["new"]
        return [
            found["rule"].partition("#")[2] for found in new if found["severity"] == "violation"
        ]


def test_the_life_of_an_exemption(running: Service) -> None:
    editor, maintainer = Writer(running, "editor"), Writer(running, "maintainer")
    undefined = framework(definition="")
    assert editor.refused("PUT", GRAPH, undefined) == ["HouseDefined-definition-required"]

    # It is judged itself, and what it exempts is not judged for it.
    assert maintainer.accepted("PUT", EXEMPTIONS, exemption()) == []
    (finding,) = editor.accepted("PUT", GRAPH, undefined)
    assert finding["severity"] == "warning"
    assert finding["rule"] == RULE
    assert finding["message"] == "Write the definition in at least one language."
    assert finding["repair"]["text"] == f"Exempted on 2026-11-25: {REASON}"
    again = json.loads(editor.send("PUT", GRAPH, framework(definition="", label="Hearing")).body)
    assert (again["findings"]["new"], again["findings"]["standing"]) == ([], 1)

    # Taken away, what stands keeps nobody from editing; what is new is a violation again.
    assert maintainer.accepted("DELETE", EXEMPTIONS) == []
    assert editor.accepted("PUT", GRAPH, framework(definition="", label="Attention")) == []
    assert editor.refused("POST", GRAPH, MORE) == ["HouseDefined-definition-required"]


def test_only_the_graph_and_the_rule_that_it_names(running: Service) -> None:
    editor, maintainer = Writer(running, "editor"), Writer(running, "maintainer")
    undefined = framework(definition="")
    # Of no maintainer, in the graph itself: it says nothing.
    assert editor.refused("PUT", GRAPH, undefined + exemption()) == [
        "HouseDefined-definition-required"
    ]
    for wrong in (exemption(graph=OTHER), exemption(rule=RULE.replace("Defined", "Sourced"))):
        wrong = wrong.replace("HouseSourced-definition", "HouseSourced-source")
        assert maintainer.accepted("PUT", EXEMPTIONS, wrong) == []
        assert editor.refused("PUT", GRAPH, undefined) == ["HouseDefined-definition-required"]


def test_another_rule_that_says_the_same_refuses_still(running: Service) -> None:
    editor, maintainer = Writer(running, "editor"), Writer(running, "maintainer")
    again = EXEMPTIONS.replace("exemptions", "shapes-again")
    shapes = f"""{PREFIXES} PREFIX sh: <http://www.w3.org/ns/shacl#>
    ex:Again a sh:NodeShape ; sh:targetClass cg:Competency ; sh:property <{again}#asked> .
    <{again}#asked> a sh:PropertyShape ; sh:path skos:definition ; sh:minCount 1 ;
        sh:severity sh:Violation ; sh:message "Write the definition in at least one language."@en .
    """
    assert maintainer.accepted("PUT", again, shapes) == []
    assert maintainer.accepted("PUT", EXEMPTIONS, exemption()) == []
    both = framework(definition="") + f"<{GRAPH}> dcterms:conformsTo <{again}> ."
    assert editor.refused("PUT", GRAPH, both) == ["asked"]


def test_an_exemption_is_judged(running: Service) -> None:
    maintainer = Writer(running, "maintainer")
    assert maintainer.refused("PUT", EXEMPTIONS, exemption(rule=RULE + "d")) == [
        "Exemption-rule-exists"
    ]
    assert maintainer.refused("PUT", EXEMPTIONS, exemption(reason='"Because."')) == [
        "Exemption-reason-language"
    ]


def test_an_editor_cannot_exempt(running: Service) -> None:
    editor = Writer(running, "editor")
    reply = editor.send("PUT", EXEMPTIONS, exemption())
    assert (reply.status, json.loads(reply.body)["code"]) == (403, "forbidden")
    assert editor.refused("PUT", GRAPH, framework(definition="")) == [
        "HouseDefined-definition-required"
    ]
