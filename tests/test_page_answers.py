"""A page of anybody's data is a page: nothing that a framework leaves out or twists breaks one."""

import io
import json
from typing import Any

import pytest
from competency_graph.errors import NotFound
from competency_graph.index import Graph
from competency_graph.pages import ANSWERS
from competency_graph.vocab import CG, PREFIXES, RDF, SKOS

_HERE = "https://frameworks.example/f/"
_DATA = f"""
<{_HERE}f> <{RDF}type> <{CG}CompetencyFramework> <{_HERE}g> .
<{_HERE}a> <{RDF}type> <{CG}Competency> <{_HERE}g> .
<{_HERE}a> <{SKOS}broader> <{_HERE}b> <{_HERE}g> .
<{_HERE}b> <{SKOS}broader> <{_HERE}a> <{_HERE}g> .
<{_HERE}b> <{SKOS}topConceptOf> <{_HERE}f> <{_HERE}g> .
<{_HERE}a> <{SKOS}inScheme> <{_HERE}f> <{_HERE}g> .
<{_HERE}a> <{SKOS}related> _:c1x0 <{_HERE}g> .
<{_HERE}a> <{PREFIXES["foaf"]}page> <javascript:alert(1)> <{_HERE}g> .
<{_HERE}i> <{CG}isIndicatorOf> <{_HERE}a> <{_HERE}g> .
<{_HERE}i> <{CG}fallsInBand> <{_HERE}band> <{_HERE}g> .
<{_HERE}band> <{CG}rank> "second" <{_HERE}g> .
<{_HERE}j> <{CG}isIndicatorOf> <{_HERE}a> <{_HERE}g> .
<{_HERE}e> <{CG}isElementOf> <{_HERE}a> <{_HERE}g> .
<{_HERE}c> <{CG}hasPolarity> "supports" <{_HERE}g> .
<{_HERE}c> <{RDF}type> _:c1x1 <{_HERE}g> .
<{_HERE}c> <{CG}hasContributor> <{_HERE}a> <{_HERE}g> .
<{_HERE}n> <{CG}requiresCompetency> <{_HERE}a> <{_HERE}g> .
<{_HERE}m> <{CG}requiresCompetency> <{_HERE}a> <{_HERE}g> .
<{_HERE}m> <{CG}belongsToRole> <{_HERE}r> <{_HERE}g> .
<{_HERE}r> <{RDF}type> <{CG}Role> <{_HERE}g> .
<{_HERE}r> <{SKOS}broader> <{_HERE}r> <{_HERE}g> .
"""


def _page(name: str) -> dict[str, Any]:
    graph = Graph()
    graph.load([("added", _DATA.encode())])
    output = io.BytesIO()
    ANSWERS["page"](graph, {"iri": _HERE + name, "languages": ["de"]}, output)
    told: dict[str, Any] = json.loads(output.getvalue())
    return told


def test_a_competency_with_hardly_anything_has_its_page() -> None:
    page = _page("a")
    assert page["text"] == "frameworks.example/f/a"
    assert [above["id"] for above in page["place"]] == [_HERE + "f", _HERE + "b"]
    assert len(page["indicators"]) == 2 and page["claims"][0]["polarity"] is None
    assert [row["role"]["id"] for row in page["needed_by"]] == [_HERE + "r"]
    assert page["needed_by"][0]["level"] is None
    labels = {field["id"] for field in page["fields"]}
    assert SKOS + "related" not in labels, "a structure without a name is left to the data"


def test_a_tree_with_a_cycle_ends() -> None:
    (top,) = _page("f")["tree"]
    assert (top["id"], [below["id"] for below in top["children"]]) == (_HERE + "b", [_HERE + "a"])
    assert not top["children"][0]["children"]


def test_a_role_above_itself_has_its_page() -> None:
    assert [row["competency"]["id"] for row in _page("r")["needs"]] == [_HERE + "a"]


@pytest.mark.parametrize("name", ["nothing", "g/x"])
def test_of_nothing_there_is_no_page(name: str) -> None:
    with pytest.raises(NotFound):
        _page(name)
