"""A small framework for tests that change something, and how it is sent."""

import urllib.parse

from conftest import Reply, Service

FRAMEWORK = "https://example.org/helping"
LISTENING, TALKING = FRAMEWORK + "/listening", FRAMEWORK + "/talking"
_PREFIXES = """
PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX ex: <https://example.org/helping/>
"""
DEFINITION = 'skos:definition "Hear what people say and mean."@en ;'


def framework(*, definition: str = DEFINITION, label: str = "Listening", more: str = "") -> str:
    """Return its Turtle, eleven statements and what is ``more``; core alone judges it."""
    return f"""{_PREFIXES}
    <{FRAMEWORK}> a cg:CompetencyFramework ; skos:prefLabel "Helping"@en ;
        dcterms:license <https://creativecommons.org/licenses/by/4.0/> .
    ex:talking a cg:CompetencyDomain ; skos:prefLabel "Talking"@en ; skos:inScheme <{FRAMEWORK}> .
    ex:listening a cg:Competency ; skos:prefLabel "{label}"@en ; {definition}
        skos:broader ex:talking ; skos:inScheme <{FRAMEWORK}> .
    {more}"""


def competency(name: str) -> str:
    """Return the Turtle of one competency more."""
    return f"""
    ex:{name} a cg:Competency ; skos:prefLabel "{name.capitalize()}"@en ;
        skos:definition "What {name} is."@en ; skos:broader ex:talking ;
        skos:inScheme <{FRAMEWORK}> ."""


def prefixed(turtle: str) -> str:
    """Return Turtle with the prefixes that it needs."""
    return _PREFIXES + turtle


def put(service: Service, token: str, text: str) -> Reply:
    """Replace the framework's graph."""
    path = "/graphs?" + urllib.parse.urlencode({"graph": FRAMEWORK})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/turtle"}
    return service.send("PUT", path, text.encode(), 60, headers)


def revision(service: Service) -> int:
    """Return the revision that is served."""
    return int(service.get("/healthz").headers["Revision"])
