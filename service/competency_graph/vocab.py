"""IRIs that code needs, named once. Describes no term: that is the ontology's part."""

import re
from typing import Final, NewType

Iri = NewType("Iri", str)

BASE: Final = "https://w3id.org/competency-graph/"
CG: Final = BASE + "ns#"
SHAPES: Final = BASE + "shapes#"
ONTOLOGY: Final = BASE + "ontology/"
ID: Final = BASE + "id/"
GRAPH: Final = BASE + "graph/"
EXEMPTIONS: Final = GRAPH + "exemptions"
DOCS: Final = BASE + "docs/"

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
OWL: Final = "http://www.w3.org/2002/07/owl#"
SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
DCTERMS: Final = "http://purl.org/dc/terms/"
PROV: Final = "http://www.w3.org/ns/prov#"
SD: Final = "http://www.w3.org/ns/sparql-service-description#"
SH: Final = "http://www.w3.org/ns/shacl#"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"


def is_common(graph: str) -> bool:
    """Say whether a graph belongs to all judging: vocabulary, shapes, exemptions."""
    common = (GRAPH + "ontology", GRAPH + "term-mappings", EXEMPTIONS)
    return graph in common or graph.startswith(GRAPH + "shapes-")


PREFIXES: Final[dict[str, str]] = {
    "bibo": "http://purl.org/ontology/bibo/",
    "cg": CG,
    "cgs": SHAPES,
    "ceasn": "https://purl.org/ctdlasn/terms/",
    "ceterms": "https://purl.org/ctdl/terms/",
    "cito": "http://purl.org/spar/cito/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": DCTERMS,
    "esco": "http://data.europa.eu/esco/model#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "np": "http://www.nanopub.org/nschema#",
    "owl": OWL,
    "prov": PROV,
    "rdf": RDF,
    "rdfs": RDFS,
    "schema": "https://schema.org/",
    "sd": SD,
    "sh": SH,
    "skos": SKOS,
    "sssom": "https://w3id.org/sssom/",
    "vann": "http://purl.org/vocab/vann/",
    "void": "http://rdfs.org/ns/void#",
    "xsd": XSD,
}


def prefixed(iri: str) -> str | None:
    """Return an IRI as a prefixed name, or nothing where no prefix of ours makes it one."""
    for prefix, namespace in PREFIXES.items():
        local = iri.removeprefix(namespace)
        if local != iri and re.fullmatch(r"[A-Za-z_][\w-]*", local):
            return f"{prefix}:{local}"
    return None
