"""A framework as small as the house lets one be, for tests of changes."""

FRAMEWORK = "https://example.org/helping"
GRAPH = "https://example.org/graph/helping"
PREFIXES = """
PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX foaf: <http://xmlns.com/foaf/0.1/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX ex: <https://example.org/helping/>
"""
DEFINITION = 'skos:definition "Hear what people say and mean."@en ;'


def framework(*, definition: str = DEFINITION, label: str = "Listening") -> str:
    """Return a small framework that promises what the house does."""
    return f"""{PREFIXES}
    <{GRAPH}> foaf:primaryTopic <{FRAMEWORK}> ; dcterms:title "Helping"@en ;
        dcterms:license <https://creativecommons.org/licenses/by/4.0/> ;
        dcterms:rights "Made for tests."@en ;
        dcterms:conformsTo <https://w3id.org/competency-graph/graph/shapes-house> .
    <{FRAMEWORK}> a cg:CompetencyFramework ; skos:prefLabel "Helping"@en ;
        skos:definition "What people who help can do."@en ; dcterms:creator "Ada" ;
        dcterms:license <https://creativecommons.org/licenses/by/4.0/> ;
        cg:hasVerificationStatus cg:FromGeneralKnowledge ; dcterms:source ex:book .
    ex:book a cg:EvidenceSource ; skos:prefLabel "Stewart 2020"@en ;
        dcterms:bibliographicCitation "Stewart M. Hearing people out. 2020"@en ;
        dcterms:rights "CC-BY-4.0" ; dcterms:isPartOf <{FRAMEWORK}> ;
        cg:hasSourceKind cg:JournalArticle ; cg:hasStudyDesign cg:QualitativeDesign ;
        cg:hasVerificationStatus cg:FromGeneralKnowledge .
    ex:talking a cg:CompetencyDomain ; skos:prefLabel "Talking"@en ; skos:notation "T" ;
        skos:definition "All that is said."@en ; skos:inScheme <{FRAMEWORK}> ;
        cg:hasVerificationStatus cg:FromGeneralKnowledge ; dcterms:source ex:book .
    ex:listening a cg:Competency ; skos:prefLabel "{label}"@en ; {definition}
        skos:notation "T.1" ; skos:broader ex:talking ; skos:inScheme <{FRAMEWORK}> ;
        cg:hasVerificationStatus cg:FromGeneralKnowledge ; dcterms:source ex:book .
    """
