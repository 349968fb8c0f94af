"""A SKOS vocabulary becomes a framework: what it says stays, what we call it is added."""

import re
from pathlib import Path

import pytest
from competency_graph import queries
from competency_graph.errors import BadLiteral, BadRequest
from competency_graph.exchange import Brought, Source, bring
from competency_graph.exchange.skos import _SENTENCES
from competency_graph.rdf import SYNTAXES, syntax_of_file

SHARED = Path("/work/shared/data")
SCHEME = "https://example.org/craft"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
_PREFIXES = {
    "a": "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "cg:": "https://w3id.org/competency-graph/ns#",
    "skos:": "http://www.w3.org/2004/02/skos/core#",
    "dcterms:": "http://purl.org/dc/terms/",
    ":": f"{SCHEME}/",
}
_HEAD = f"""
@prefix : <{SCHEME}/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix dc: <http://purl.org/dc/elements/1.1/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix skosxl: <http://www.w3.org/2008/05/skos-xl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
_CRAFT = f"""
<{SCHEME}> a skos:ConceptScheme ; dcterms:title "Craft"@en ; dcterms:license <{LICENCE}> ;
  dcterms:creator "A guild" ; skos:hasTopConcept :wood .
:wood a skos:Concept ; skos:prefLabel "Wood"@en ; skos:narrower :joint .
:joint a skos:Concept ; skos:prefLabel "Joints"@en ; skos:inScheme <{SCHEME}> .
"""


def read(*texts: str, target: str | None = None, licence: str | None = None) -> Brought:
    sources = [
        Source(name=f"{number}.ttl", content=(_HEAD + text).encode(), syntax=SYNTAXES[0])
        for number, text in enumerate(texts, start=1)
    ]
    return bring(sources, format_=None, target=target, licence=licence)


def short(line: bytes) -> str:
    text = line.decode()
    text = re.sub(
        r"<([^>]*)>",
        lambda m: next(
            (p + m[1].removeprefix(i) for p, i in _PREFIXES.items() if i and m[1].startswith(i)),
            m[1],
        ),
        text,
    )
    return text.replace("ahttp", "http").removesuffix(" .")


def test_what_a_vocabulary_says_stays_and_what_it_is_here_is_added() -> None:
    brought = read(_CRAFT)
    said = {short(line).removesuffix(f" {SCHEME}") for line in brought.lines}
    assert said >= {
        f"{SCHEME} a skos:ConceptScheme",
        f'{SCHEME} dcterms:title "Craft"@en',
        ":wood skos:narrower :joint",
    }
    added = said - {
        short(line).removesuffix(f" {SCHEME}") for line in _as_it_is(_HEAD + _CRAFT).lines
    }
    assert added == {
        f"{SCHEME} a cg:CompetencyFramework",
        f'{SCHEME} skos:prefLabel "Craft"@en',
        ":wood a cg:Competency",
        f":wood skos:inScheme {SCHEME}",
        f":wood skos:topConceptOf {SCHEME}",
        ":joint a cg:Competency",
        ":joint skos:broader :wood",
    }
    assert brought.graphs == (SCHEME,)
    assert brought.from_files == {SCHEME}
    assert brought.losses == ()
    assert dict(brought.counts) == {"competency": 2, "competency framework": 1}


def _as_it_is(text: str) -> Brought:
    source = Source(name="a.ttl", content=text.encode(), syntax=SYNTAXES[0])
    return bring([source], format_="rdf", target=SCHEME, licence=None)


def test_the_best_title_of_each_language_is_the_label() -> None:
    brought = read(
        f'<{SCHEME}> a skos:ConceptScheme ; dcterms:license <{LICENCE}> ; rdfs:label "worst"@en ,'
        ' "nur hier"@de ; dc:title "better"@en ; dcterms:title "best"@en , "also"@en .'
    )
    labels = {short(line) for line in brought.lines if b"prefLabel" in line}
    assert labels == {
        f'{SCHEME} skos:prefLabel "also"@en {SCHEME}',
        f'{SCHEME} skos:prefLabel "nur hier"@de {SCHEME}',
    }


def test_a_framework_without_licence_is_asked_for_one() -> None:
    text = _CRAFT.replace(f"dcterms:license <{LICENCE}> ;", "")
    with pytest.raises(BadRequest, match=r"“Craft” does not state its licence.*--license"):
        read(text)
    with pytest.raises(BadRequest, match="--license"):
        _as_it_is(_HEAD + text + f"<{SCHEME}> a <{_PREFIXES['cg:']}CompetencyFramework> .")
    graph = "https://example.org/graph/craft"
    lines = {short(line) for line in read(text, target=graph, licence=LICENCE).lines}
    assert f"{SCHEME} dcterms:license {LICENCE} {graph}" in lines
    assert f"{graph} dcterms:license {LICENCE} {graph}" in lines
    assert f"{graph} http://xmlns.com/foaf/0.1/primaryTopic {SCHEME} {graph}" in lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (':c a skos:Collection ; skos:prefLabel "Tools"@en .', "1 collection .*: “Tools”"),
        (":x a skos:Concept . :y a skos:Concept .", "2 concepts name no scheme and were taken"),
        (":o a skos:ConceptScheme . :x a skos:Concept .", "1 concept names none of the schemes"),
        (":x a skos:Concept ; skos:inScheme :other .", "1 concept is of a scheme that no file"),
        (':l skosxl:literalForm "Timber"@en .', "1 label with statements of its own"),
        (":joint skos:broaderTransitive :craft .", "transitive relation .*: “Joints”"),
        (":joint skos:exactMatch :elsewhere .", "1 concept is matched with others"),
        (":joint :hardness 3 .", "1 property of another vocabulary .*: hardness"),
    ],
)
def test_what_has_no_place_is_named_and_kept(text: str, said: str) -> None:
    brought = read(_CRAFT + text, licence=LICENCE)
    assert [loss for loss in brought.losses if re.search(said, loss)], brought.losses
    kept = {line.rsplit(b" ", 2)[0] for line in brought.lines}
    assert kept >= {line.rsplit(b" ", 2)[0] for line in _as_it_is(_HEAD + _CRAFT + text).lines}


def test_every_loss_that_is_looked_for_has_a_sentence() -> None:
    kinds = re.findall(r'"(\w+)"(?: AS \?kind|\s*, "joined")', queries.text("skos-losses"))
    assert {*kinds, "joined"} == set(_SENTENCES)


def test_schemes_of_one_file_go_to_graphs_of_their_own() -> None:
    other = '<https://example.org/o> a skos:ConceptScheme ; skos:prefLabel "Other"@en . '
    other += ":far a skos:Concept ; skos:inScheme <https://example.org/o> ; skos:note [ :by 1 ] ."
    brought = read(_CRAFT + other, licence=LICENCE)
    assert brought.graphs == (SCHEME, "https://example.org/o")
    homes = {line.split(b" ")[0]: line.rsplit(b" ", 2)[1].decode() for line in brought.lines}
    assert homes[f"<{SCHEME}/wood>".encode()] == f"<{SCHEME}>"
    assert homes[f"<{SCHEME}/far>".encode()] == "<https://example.org/o>"
    (blank,) = (home for subject, home in homes.items() if subject.startswith(b"_:"))
    assert blank == "<https://example.org/o>"


def test_files_are_read_together_and_their_blank_nodes_stay_apart() -> None:
    first, _, second = _CRAFT.partition(":wood a")
    one = first + "_:same skos:note 1 ."
    brought = read(one, ":wood a" + second + "_:same skos:note 2 .")
    assert dict(brought.counts)["competency"] == 2
    assert len({line.split(b" ")[0] for line in brought.lines if line.startswith(b"_:")}) == 2


def test_literals_keep_their_spelling_and_bad_ones_have_their_place() -> None:
    brought = read(_CRAFT + ":wood skos:notation '007'^^xsd:integer .")
    assert any(b'"007"^^' in line for line in brought.lines)
    with pytest.raises(BadLiteral, match=r"1\.ttl, line 1\d: “abc” is no xsd:date"):
        read(_CRAFT + ":wood skos:notation 'abc'^^xsd:date .")


# They hold dates such as "20181022"^^xsd:dateTime, which are refused.
_ILL_TYPED = ("http304.ttl", "test-hierarchy-without-top-concepts.ttl")


def _vocabularies() -> list[Path]:
    found = [*SHARED.glob("skos/*/*.ttl"), *SHARED.glob("digcomp/*.ttl")]
    return sorted(path for path in found if b"ConceptScheme" in path.read_bytes())


@pytest.mark.skipif(not SHARED.is_dir(), reason="The shared example data is not here.")
def test_real_vocabularies_lose_no_statement() -> None:
    files = [path for path in _vocabularies() if path.name not in _ILL_TYPED]
    assert len(files) >= 10
    for path in files:
        syntax = syntax_of_file(path.name)
        assert syntax is not None
        source = Source(name=path.name, content=path.read_bytes(), syntax=syntax)
        plain = bring([source], format_="rdf", target=SCHEME, licence=None)
        brought = bring([source], format_="skos", target=SCHEME, licence=LICENCE)
        assert set(brought.lines) >= set(plain.lines), path.name
        assert dict(brought.counts)["competency framework"] >= 1, path.name
