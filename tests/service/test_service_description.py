"""What the endpoint says of itself is so: limits, graphs, what the engine has beyond 1.1."""

import pyoxigraph as ox
import pytest
from competency_graph.rdf import SYNTAXES
from competency_graph.service_description import EXTENSIONS
from competency_graph.vocab import RDF, RDFS, SD, XSD
from conftest import Service
from rdflib import Graph, Literal, URIRef

# For each extension that is told, an ASK of it that is true.
_SHOWN = (
    "ASK { BIND(TRIPLE(<a:s>, <a:p>, 1) AS ?t) FILTER(isTRIPLE(?t) && OBJECT(?t) = 1 "
    "&& SUBJECT(?t) = <a:s> && PREDICATE(?t) = <a:p> && ?t = <<( <a:s> <a:p> 1 )>>) "
    "FILTER NOT EXISTS { << ?a ?b ?c >> ?d ?e . ?f ?g ?h {| ?i ?j |} } }",
    "ASK { BIND(STRLANGDIR('a', 'ar', 'rtl') AS ?t) FILTER(LANGDIR(?t) = 'rtl' && hasLANG(?t) "
    "&& hasLANGDIR(?t)) }",
    "VERSION '1.2' ASK {}",
    "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> ASK { FILTER("
    "'2026-03-01'^^xsd:date - '2026-02-28'^^xsd:date = 'P1D'^^xsd:dayTimeDuration "
    "&& ADJUST('2026-03-01T12:00:00Z'^^xsd:dateTime, 'PT1H'^^xsd:dayTimeDuration) "
    "= '2026-03-01T13:00:00+01:00'^^xsd:dateTime) }",
    "ASK { VALUES ?n { 1 } LATERAL { SELECT ?n ?m { BIND(?n + 1 AS ?m) } } FILTER(?m = 2) }",
)


@pytest.fixture(scope="module")
def described(service: Service) -> Graph:
    reply = service.get("/sparql", Accept="*/*")
    assert reply.headers["Content-Type"] == "text/turtle; charset=utf-8"
    return Graph().parse(data=reply.body, format="turtle")


def test_it_names_endpoint_formats_and_the_union(service: Service, described: Graph) -> None:
    endpoint = URIRef(service.url + "/sparql")
    node = described.value(None, URIRef(SD + "endpoint"), endpoint)
    assert (node, URIRef(RDF + "type"), URIRef(SD + "Service")) in described
    assert (node, URIRef(SD + "feature"), URIRef(SD + "UnionDefaultGraph")) in described
    formats = {
        str(f).rpartition("/")[2] for f in described.objects(node, URIRef(SD + "resultFormat"))
    }
    assert {"SPARQL_Results_JSON", "SPARQL_Results_CSV", "Turtle", "JSON-LD"} <= formats
    assert len(formats) == 10
    assert len(set(described.objects(node, URIRef(SD + "inputFormat")))) == len(SYNTAXES)


def test_it_lists_the_graphs_there_are(service: Service, described: Graph) -> None:
    named = {str(name) for name in described.objects(None, URIRef(SD + "name"))}
    assert named == set(service.get("/graphs").json()["graphs"])  # type: ignore[call-overload]
    assert len(named) >= 3


def test_it_tells_the_limits_that_are_on(described: Graph) -> None:
    label, value = URIRef(RDFS + "label"), URIRef(RDF + "value")
    told = {
        str(described.value(limit, label)): described.value(limit, value)
        for limit in described.subjects(URIRef(RDF + "type"), URIRef(SD + "Feature"))
    }
    assert told["QUERY_TIMEOUT"] == Literal("10.0", datatype=URIRef(XSD + "decimal"))
    assert told["QUERY_BYTES"] == Literal(256_000_000)
    assert "RATE_LIMIT" not in told, "it is off here"


@pytest.mark.parametrize("number", range(len(EXTENSIONS)))
def test_the_engine_has_what_is_told_of_it(service: Service, number: int) -> None:
    assert len(_SHOWN) == len(EXTENSIONS)
    assert service.query(_SHOWN[number]).json()["boolean"] is True, EXTENSIONS[number]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/turtle", "text/turtle; charset=utf-8"),
        ("application/ld+json", "application/ld+json"),
        ("application/rdf+xml", "application/rdf+xml"),
        ("application/n-triples", "application/n-triples"),
    ],
)
def test_it_comes_in_the_syntaxes_of_rdf(
    service: Service, described: Graph, accept: str, kind: str
) -> None:
    reply = service.get("/sparql", Accept=accept)
    assert reply.headers["Content-Type"] == kind
    format_ = ox.RdfFormat.from_media_type(accept)
    assert format_ is not None
    assert len(list(ox.parse(reply.body, format_))) == len(described)
