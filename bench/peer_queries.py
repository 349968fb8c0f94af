"""What is asked of every server in `peers`: small, heavy and hostile queries. Measures nothing."""

import random
from collections.abc import Iterator
from itertools import count
from typing import Final
from urllib.parse import quote

from competency_graph.resources import questions

from bench import graphs
from bench.load import get
from bench.rates import REQUIREMENTS

QUESTIONS: Final = 20
ROWS: Final = "application/sparql-results+json"
TRIPLES: Final = "application/n-triples"
PREFIXES: Final = """PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
JOIN: Final = "join"
# Each of one competency, that differs each time.
SMALL: Final = {
    "look-up": "SELECT ?p ?o {{ <{iri}> ?p ?o }}",
    JOIN: REQUIREMENTS,
    "OPTIONAL": "SELECT ?part ?label ?note {{ ?part cg:isElementOf <{iri}> "
    "OPTIONAL {{ ?part skos:prefLabel ?label }} OPTIONAL {{ ?part skos:definition ?note }} }}",
    "path": "SELECT DISTINCT ?above {{ "
    "?requirement cg:requiresCompetency <{iri}> ; cg:belongsToRole/skos:broader* ?above }}",
    "aggregate": "SELECT ?importance (COUNT(*) AS ?n) {{ "
    "?requirement cg:requiresCompetency <{iri}> ; cg:hasImportance ?importance }} "
    "GROUP BY ?importance",
    "text filter": "SELECT ?claim ?text {{ ?claim cg:hasContributor <{iri}> ; "
    'dcterms:description ?text FILTER(CONTAINS(LCASE(?text), "local")) }}',
}
HEAVY_AGGREGATE: Final = "aggregate over all"
# Each of the whole graph.
HEAVY: Final = {
    "join of all claims": "SELECT (COUNT(*) AS ?n) { ?requirement cg:requiresCompetency ?c ; "
    "cg:belongsToRole ?role . ?claim cg:hasContributor ?c ; cg:concernsOutcome ?outcome ; "
    "cg:citesSource ?source }",
    "OPTIONAL over all": "SELECT ?c ?other ?note { ?c a cg:Competency "
    "OPTIONAL { ?c skos:related ?other . ?other skos:notation ?note } }",
    "path over all": "SELECT (COUNT(*) AS ?n) { ?role a cg:Role ; skos:broader+ ?above }",
    HEAVY_AGGREGATE: "SELECT ?p (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?p",
    "aggregate of a join": "SELECT ?domain (COUNT(?indicator) AS ?n) { "
    "?c skos:broader ?domain . ?indicator cg:isIndicatorOf ?c } GROUP BY ?domain",
    "text filter over all": "SELECT ?s ?text { ?s skos:definition ?text "
    'FILTER(CONTAINS(LCASE(STR(?text)), "quiet voices")) }',
    "REGEX over all": "SELECT (COUNT(*) AS ?n) { ?s skos:prefLabel ?label "
    'FILTER(REGEX(STR(?label), "^plan.*safety", "i")) }',
    "DISTINCT, ordered": "SELECT DISTINCT ?text { ?s skos:definition ?text } ORDER BY ?text",
    "large CONSTRUCT": "CONSTRUCT { ?s ?p ?o } WHERE { ?s a cg:BehaviouralIndicator ; ?p ?o }",
}
_GROW = "".join(f"BIND(CONCAT(?s{n}, ?s{n}) AS ?s{n + 1}) " for n in range(30))
HOSTILE: Final = (
    "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY DESC(?f) ?c ?a",
    f"SELECT (STRLEN(?s30) AS ?n) {{ BIND('abcdefgh' AS ?s0) {_GROW} }}",
    "SELECT (COUNT(*) AS ?n) { ?a (!<a:p>|^!<a:p>)+ ?b }",
)


def first_questions() -> dict[str, str]:
    """Return the competency questions that every server is asked, by number."""
    texts = list(questions().values())[:QUESTIONS]
    return {f"question {number}": text for number, text in enumerate(texts, start=1)}


def small(size: str, name: str, path: str) -> Iterator[bytes]:
    """Yield requests of one kind of small query, no text twice."""
    if name not in SMALL:
        texts = list(first_questions().values())
    else:
        competencies = [iri for kind, iri in graphs.objects(size) if kind == "competencies"]
        texts = [PREFIXES + SMALL[name].format(iri=iri) for iri in competencies]
    yield from differing(texts, path)


def differing(texts: list[str], path: str) -> Iterator[bytes]:
    """Yield requests of queries in turn, each with a comment of its own: no answer is held.

    A query is written behind the ``path``.
    """
    random.Random(3).shuffle(texts)
    # Made beforehand: what the generator takes, the servers on the same cores do not get.
    heads = [
        (
            f"GET {path}{quote(text, safe='')}%0A%23".encode(),
            get("", accepted(text)).removeprefix(b"GET "),
        )
        for text in texts
    ]
    for turn in count():
        for head, tail in heads:
            yield head + b"%d" % turn + tail


def one(text: str, path: str) -> bytes:
    """Return the request of a query, the same each time."""
    return get(path + quote(text, safe=""), accepted(text))


def accepted(text: str) -> str:
    """Return in which format a query is to be answered."""
    return TRIPLES if "CONSTRUCT {" in text else ROWS
