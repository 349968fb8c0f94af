"""What the SPARQL endpoint is, in the words of SPARQL 1.1 Service Description. Knows no HTTP.

Written inside a reader, since it names the graphs that there are.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from competency_graph.index import Answer, Graph, Writer
from competency_graph.rdf import SYNTAXES, Syntax, in_syntax
from competency_graph.vocab import DOCS, RDF, RDFS, SD, XSD

_FORMATS: Final = "http://www.w3.org/ns/formats/"
_RESULT_FORMATS: Final = (
    *("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV"),
    *("Turtle", "JSON-LD", "N-Triples", "RDF_XML", "TriG", "N-Quads"),
)
_INPUT_FORMATS: Final = _RESULT_FORMATS[4:]
_LANGUAGES: Final = ("SPARQL10Query", "SPARQL11Query", "SPARQL11Update")
_DRAFT: Final = "https://www.w3.org/TR/sparql12-query/"
_PROPOSALS: Final = "https://github.com/w3c/sparql-dev/blob/main/SEP/"

EXTENSIONS: Final = (
    (
        "SPARQL 1.2: triple terms <<( … )>>, reified triples << … >> and annotations {| … |} in "
        "patterns; TRIPLE, SUBJECT, PREDICATE, OBJECT, isTRIPLE. The data themselves are RDF 1.1.",
        _DRAFT,
    ),
    ("SPARQL 1.2: LANGDIR, STRLANGDIR, hasLANG, hasLANGDIR.", _DRAFT),
    ("SPARQL 1.2: VERSION.", _DRAFT),
    (
        "Sums and differences of dates, times and durations; ADJUST.",
        _PROPOSALS + "SEP-0002/sep-0002.md",
    ),
    ("LATERAL.", _PROPOSALS + "SEP-0006/sep-0006.md"),
)
"""What the engine knows beyond SPARQL 1.1: what it is, and where that is described."""


def service_description(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write the description and return its media type.

    Parameters: ``endpoint``, the address that was asked; ``syntax``, a name in ``rdf.SYNTAXES``;
    ``limits``, each with ``name``, ``sentence``, ``value`` and ``unit``; ``services``, the
    addresses of endpoints that ``SERVICE`` may ask.
    """
    syntax: Syntax = next(s for s in SYNTAXES if s.name == parameters["syntax"])
    lines = "".join(f"{line} .\n" for line in _said(graph, parameters))
    output.write(in_syntax(lines.encode(), syntax))
    return syntax.media_type


def _said(graph: Graph, parameters: Mapping[str, Any]) -> Iterator[str]:
    service, dataset, default = "_:service", "_:dataset", "_:default"
    yield from _about(service, "Service")
    # The host in it is the client's to write.
    endpoint = quote(parameters["endpoint"], safe=":/[]@!$&'()*+,;=%")
    yield f"{service} {_sd('endpoint')} {_iri(endpoint)}"
    yield f"{service} {_iri(RDFS + 'seeAlso')} {_iri(DOCS + 'query')}"
    for language in _LANGUAGES:
        yield f"{service} {_sd('supportedLanguage')} {_sd(language)}"
    for name in _RESULT_FORMATS:
        yield f"{service} {_sd('resultFormat')} {_iri(_FORMATS + name)}"
    for name in _INPUT_FORMATS:
        yield f"{service} {_sd('inputFormat')} {_iri(_FORMATS + name)}"
    if graph.union:
        yield f"{service} {_sd('feature')} {_sd('UnionDefaultGraph')}"
    regime = _iri("http://www.w3.org/ns/entailment/Simple")
    yield f"{service} {_sd('defaultEntailmentRegime')} {regime}"
    yield from _extensions(service)
    yield from _limits(service, parameters["limits"])
    yield from _services(service, parameters["services"])
    yield f"{service} {_sd('defaultDataset')} {dataset}"
    yield from _about(dataset, "Dataset")
    yield f"{dataset} {_sd('defaultGraph')} {default}"
    yield from _about(default, "Graph")
    for number, name in enumerate(graph.graph_names()):
        node = f"_:graph{number}"
        yield f"{dataset} {_sd('namedGraph')} {node}"
        yield from _about(node, "NamedGraph")
        yield f"{node} {_sd('name')} {_iri(name)}"


def _extensions(service: str) -> Iterator[str]:
    for number, (what, where) in enumerate(EXTENSIONS):
        node = f"_:extension{number}"
        yield f"{service} {_sd('languageExtension')} {node}"
        yield f"{node} {_iri(RDFS + 'label')} {_text(what)}"
        yield f"{node} {_iri(RDFS + 'seeAlso')} {_iri(where)}"


def _limits(service: str, limits: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    # The standard has no words for limits; a feature may be anything that a service has.
    for number, limit in enumerate(limits):
        node, said = f"_:limit{number}", f"{limit['sentence']} Unit: {limit['unit']}."
        yield f"{service} {_sd('feature')} {node}"
        yield from _about(node, "Feature")
        yield f"{node} {_iri(RDFS + 'label')} {_text(limit['name'])}"
        yield f"{node} {_iri(RDFS + 'comment')} {_text(said)}"
        yield f"{node} {_iri(RDF + 'value')} {_number(limit['value'])}"
        yield f"{node} {_iri(RDFS + 'seeAlso')} {_iri(DOCS + 'query#limits')}"


def _services(service: str, endpoints: Sequence[str]) -> Iterator[str]:
    if not endpoints:
        return
    yield f"{service} {_sd('feature')} {_sd('BasicFederatedQuery')}"
    # Nor has it words for which others may be asked.
    node = "_:services"
    yield f"{service} {_sd('feature')} {node}"
    yield from _about(node, "Feature")
    yield f"{node} {_iri(RDFS + 'label')} {_text('SERVICE_ALLOW')}"
    yield f"{node} {_iri(RDFS + 'comment')} {_text('A query may ask these endpoints by SERVICE.')}"
    for endpoint in endpoints:
        yield f"{node} {_iri(RDF + 'value')} {_iri(endpoint)}"
    yield f"{node} {_iri(RDFS + 'seeAlso')} {_iri(DOCS + 'query#other-endpoints')}"


def _about(node: str, class_: str) -> Iterator[str]:
    yield f"{node} {_iri(RDF + 'type')} {_sd(class_)}"


def _sd(name: str) -> str:
    return _iri(SD + name)


def _iri(iri: str) -> str:
    return f"<{iri}>"


def _text(text: str) -> str:
    # The escapes of JSON are among those of N-Triples.
    return json.dumps(text, ensure_ascii=False) + "@en"


def _number(value: float) -> str:
    kind = "integer" if isinstance(value, int) else "decimal"
    return f'"{value}"^^{_iri(XSD + kind)}'


ANSWERS: Final[Mapping[str, Answer]] = {"service-description": service_description}
