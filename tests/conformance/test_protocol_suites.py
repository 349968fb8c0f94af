"""The W3C suites of the protocol, the graph store and the service description, over HTTP."""

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote

import pyoxigraph as ox
import pytest
from conftest import Reply

from conformance import w3c
from conformance.conftest import Endpoint, Judge

pytestmark = w3c.needed

_HT = "http://www.w3.org/2011/http#"
_CNT = "http://www.w3.org/2011/content#"
_SD = "http://www.w3.org/ns/sparql-service-description#"
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_NAMES = {"OK": "200", "Created": "201", "NoContent": "204", "NotFound": "404"}
# What the manifests call the form of a result, and the media types that have it.
_FORMATS = {
    "boolean": ("application/sparql-results+json", "application/sparql-results+xml"),
    "RDF": ("text/turtle", "application/rdf+xml", "application/n-triples", "application/ld+json"),
}
_TABULAR = (*_FORMATS["boolean"], "text/csv", "text/tab-separated-values")
TOTALS = {"protocol": 34, "graph store": 13}


@cache
def suites() -> dict[str, dict[str, w3c.Node]]:
    if not w3c.ARCHIVE.exists():
        return {suite: {} for suite in TOTALS}
    return {
        "protocol": w3c.nodes("sparql11/protocol/manifest.ttl"),
        "graph store": w3c.nodes("sparql11/graph-store-protocol/manifest.ttl"),
    }


CASES = [(suite, name) for suite, nodes in suites().items() for name in nodes]


@pytest.mark.parametrize("suite", TOTALS)
def test_each_suite_is_whole(suite: str) -> None:
    assert len(suites()[suite]) == TOTALS[suite]


@pytest.mark.parametrize(("suite", "name"), CASES or [("", "")])
def test_a_conversation_goes_as_the_suite_says(
    endpoint: Endpoint, judge: Judge, suite: str, name: str
) -> None:
    node = suites()[suite][name]
    endpoint.load(w3c.loaded_before(node))
    faults = list(_faults(endpoint, node))
    endpoint.forget()
    judge(suite, name, not faults, {}, faults)


def _faults(endpoint: Endpoint, node: w3c.Node) -> Iterator[str]:
    """Yield what is not as expected in the answers to the requests of a case, in their order."""
    located: dict[str, str] = {}
    requests = w3c.one(w3c.one(node, w3c.MF + "action"), _HT + "requests")
    for place, request in enumerate(w3c.listed(requests)):
        reply = _sent(endpoint, request, located)
        expected = w3c.one(request, _HT + "resp")
        for fault in _compared(reply, expected):
            yield f"Request {place + 1}: {fault}"
        marker = w3c.one(expected, w3c.MF + "expectedLocation")
        if marker is not None:
            located[w3c.text_of(marker)] = reply.headers.get("Location", "")


def _sent(endpoint: Endpoint, request: w3c.Term, located: dict[str, str]) -> Reply:
    path = w3c.text_of(w3c.one(request, _HT + "absolutePath"))
    path = re.sub("^/sparql/", "/sparql", re.sub("^/gsp", "/graphs", path))
    for marker, location in located.items():
        path = path.replace(marker, quote(location, safe=""))
    body = w3c.one(request, _HT + "body")
    text = w3c.text_of(w3c.one(body, _CNT + "chars"))
    encoding = w3c.text_of(w3c.one(body, _CNT + "characterEncoding")) or "utf-8"
    return endpoint.send(
        w3c.text_of(w3c.one(request, _HT + "methodName")),
        path,
        text.encode(encoding) if body is not None else None,
        dict(_headers(request)),
    )


def _headers(message: w3c.Term | None) -> Iterator[tuple[str, str]]:
    for header in w3c.listed(w3c.one(message, _HT + "headers")):
        name = w3c.text_of(w3c.one(header, _HT + "fieldName"))
        yield name.title(), w3c.text_of(w3c.one(header, _HT + "fieldValue"))


def _compared(reply: Reply, expected: w3c.Term | None) -> Iterator[str]:
    statuses = [
        w3c.text_of(status).rpartition("#")[2].removeprefix("StatusCode")
        for status in w3c.each(expected, w3c.MF + "expectedStatus")
    ]
    allowed = [_NAMES.get(status, status).replace("x", ".") for status in statuses]
    if not any(re.fullmatch(status, str(reply.status)) for status in allowed):
        yield f"status {reply.status} instead of {allowed}: {reply.body!r}"
    kind = reply.headers.get("Content-Type", "").partition(";")[0]
    form = w3c.text_of(w3c.one(expected, w3c.MF + "expectedFormat"))
    if form and kind not in _FORMATS.get(form, _TABULAR):
        yield f"{kind} is not {form}"
    truth = w3c.text_of(w3c.one(expected, w3c.MF + "expectedBoolean"))
    if truth and reply.json().get("boolean") is not (truth == "true"):
        yield f"not {truth}: {reply.body!r}"
    for name, value in _headers(expected):
        if reply.headers.get(name) != value:
            yield f"{name} is {reply.headers.get(name)} instead of {value}"
    body = w3c.one(expected, _HT + "body")
    if body is not None:
        wanted = w3c.text_of(w3c.one(body, _CNT + "chars")).encode()
        told, due = (
            w3c.canonical(ox.parse(text, ox.RdfFormat.TURTLE)) for text in (reply.body, wanted)
        )
        if told != due:
            yield f"the graph is {told}"


# Property: the classes that it belongs to and leads to (Service Description, section 3).
_SCHEMA = {
    "endpoint": ("Service", None),
    "feature": ("Service", "Feature"),
    "defaultEntailmentRegime": ("Service", None),
    "supportedLanguage": ("Service", "Language"),
    "languageExtension": ("Service", None),
    "resultFormat": ("Service", None),
    "inputFormat": ("Service", None),
    "defaultDataset": ("Service", "Dataset"),
    "defaultGraph": ("Dataset", "Graph"),
    "namedGraph": ("Dataset", "NamedGraph"),
    "name": ("NamedGraph", None),
}
# What the vocabulary itself declares to be of these classes.
_DECLARED = {
    "Feature": {"UnionDefaultGraph", "BasicFederatedQuery", "DereferencesURIs"},
    "Language": {"SPARQL10Query", "SPARQL11Query", "SPARQL11Update"},
}


def test_the_service_description_is_one(endpoint: Endpoint, judge: Judge) -> None:
    endpoint.load(b"<urn:s> <urn:p> <urn:o> <urn:graph> .\n")
    reply = endpoint.send("GET", "/sparql", None, {})
    store = ox.Store()
    kind = reply.headers["Content-Type"].partition(";")[0]
    store.load(reply.body, format=ox.RdfFormat.from_media_type(kind))
    judge("service description", "returns-rdf", reply.status == 200 and len(store) > 0, {}, reply)


def test_the_service_description_names_its_endpoint(endpoint: Endpoint, judge: Judge) -> None:
    store = _described(endpoint)
    asked = ox.NamedNode(endpoint.url + "/sparql")
    found = list(store.quads_for_pattern(None, ox.NamedNode(_SD + "endpoint"), asked))
    judge("service description", "has-endpoint-triple", len(found) == 1, {}, str(store))


def test_the_service_description_conforms_to_the_schema(endpoint: Endpoint, judge: Judge) -> None:
    endpoint.load(b"<urn:s> <urn:p> <urn:o> <urn:graph> .\n")
    faults = list(_schema_faults(_described(endpoint)))
    judge("service description", "conforms-to-schema", not faults, {}, faults)


def _described(endpoint: Endpoint) -> ox.Store:
    store = ox.Store()
    reply = endpoint.send("GET", "/sparql", None, {"Accept": "application/n-triples"})
    store.load(reply.body, format=ox.RdfFormat.N_TRIPLES)
    return store


def _schema_faults(store: ox.Store) -> Iterator[str]:
    """Yield each statement whose property is not in the vocabulary, or whose ends are not of it."""

    def of_class(node: object, class_: str) -> bool:
        said = str(node).strip("<>").removeprefix(_SD)
        if said in _DECLARED.get(class_, ()):
            return True
        assert isinstance(node, ox.NamedNode | ox.BlankNode)
        return ox.Quad(node, ox.NamedNode(_RDF_TYPE), ox.NamedNode(_SD + class_)) in store

    used = set()
    for quad in store:
        name = quad.predicate.value.removeprefix(_SD)
        if name == quad.predicate.value:
            continue
        used.add(name)
        domain, range_ = _SCHEMA.get(name, (None, None))
        if domain is None:
            yield f"sd:{name} is not in the vocabulary"
        elif not of_class(quad.subject, domain):
            yield f"{quad} is said of no sd:{domain}"
        elif range_ is not None and not of_class(quad.object, range_):
            yield f"{quad} leads to no sd:{range_}"
    yield from (f"sd:{name} is missing" for name in sorted(set(_SCHEMA) - used))
