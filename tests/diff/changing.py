"""A small framework with shapes, and what becomes of it when words in it are replaced."""

from competency_graph import rdf
from competency_graph.diff import Comparison, Side, compared
from competency_graph.documents import Document

PREFIXES = """
PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
PREFIX ex: <https://example.org/helping/>
"""
BEFORE = (
    PREFIXES
    + """
ex:framework a cg:CompetencyFramework ; skos:prefLabel "Helping"@en ; owl:versionInfo "1.4.0" ;
    dcterms:license <https://creativecommons.org/licenses/by/4.0/> ; cg:usesScale ex:scale .
ex:scale a cg:ProficiencyScale ; skos:prefLabel "Three steps"@en ; dcterms:isPartOf ex:framework .
ex:one a cg:ProficiencyLevel ; skos:prefLabel "1 Some"@en ; cg:rank 1 ; skos:inScheme ex:scale .
ex:two a cg:ProficiencyLevel ; skos:prefLabel "2 More"@en ; cg:rank 2 ; skos:inScheme ex:scale .
ex:talk a cg:CompetencyDomain ; skos:prefLabel "Talk"@en ; skos:inScheme ex:framework .
ex:other a cg:CompetencyDomain ; skos:prefLabel "Other things"@en ; skos:inScheme ex:framework .
ex:listening a cg:Competency ; skos:prefLabel "Listening"@en , "Zuhören"@de ;
    skos:definition "Hear what people say."@en ; skos:notation "T.1" ;
    skos:broader ex:talk ; skos:inScheme ex:framework ; dcterms:source ex:book .
ex:asking a cg:Competency ; skos:prefLabel "Asking"@en ; skos:definition "Put questions."@en ;
    skos:broader ex:talk ; skos:inScheme ex:framework ; skos:related ex:listening .
ex:silence a cg:KnowledgeElement ; skos:prefLabel "What silence means"@en ;
    cg:isElementOf ex:listening ; skos:inScheme ex:framework .
ex:helper a cg:Role ; skos:prefLabel "Helper"@en ; skos:inScheme ex:framework .
ex:coach a cg:Role ; skos:prefLabel "Coach"@en ;
    skos:broader ex:helper ; skos:inScheme ex:framework .
ex:need a cg:RoleRequirement ; skos:prefLabel "Helper needs listening"@en ;
    cg:belongsToRole ex:helper ; cg:requiresCompetency ex:listening ; cg:requiresLevel ex:one ;
    cg:hasImportance cg:Essential ; dcterms:isPartOf ex:framework .
ex:trust a cg:Outcome ; skos:prefLabel "Trust"@en ; skos:inScheme ex:framework .
ex:peace a cg:Outcome ; skos:prefLabel "Peace"@en ; skos:inScheme ex:framework .
ex:book a cg:EvidenceSource ; skos:prefLabel "Stewart 2020"@en ; dcterms:isPartOf ex:framework .
ex:claim a cg:EvidenceClaim ; skos:prefLabel "Listening brings trust"@en ;
    cg:hasContributor ex:listening ; cg:concernsOutcome ex:trust ; cg:citesSource ex:book ;
    cg:hasPolarity cg:Supports ; cg:hasStrength cg:Asserted ; dcterms:isPartOf ex:framework .
ex:chain a cg:EvidenceClaim ; skos:prefLabel "Peace brings trust"@en ;
    cg:hasContributor ex:peace ; cg:concernsOutcome ex:peace ; cg:citesSource ex:book ;
    cg:hasPolarity cg:Supports ; cg:hasStrength cg:Asserted ; dcterms:isPartOf ex:framework .
ex:hearing a cg:ReferenceConcept ; skos:prefLabel "Hearing"@en .
ex:mapping a cg:Mapping ; skos:prefLabel "Listening: close match Hearing"@en ;
    cg:mapsFrom ex:listening ; cg:mapsTo ex:hearing ; cg:hasMappingRelation skos:closeMatch ;
    dcterms:isPartOf ex:framework .
ex:listening skos:closeMatch ex:hearing .
ex:Gesture a owl:Class ; skos:prefLabel "Gesture"@en ; rdfs:subClassOf skos:Concept .
ex:Competency-shape a sh:NodeShape ; sh:targetClass cg:Competency ;
    sh:property ex:Competency-code , [ sh:path skos:definition ; sh:maxCount 3 ] .
ex:Competency-code a sh:PropertyShape ; sh:path skos:notation ; sh:maxCount 5 ;
    sh:severity sh:Violation ; sh:message "Give one code."@en .
"""
)


def side(text: str, name: str = "after") -> Side:
    """Return a document as a side of a comparison."""
    document = Document(name=f"{name}.ttl", content=text.encode(), syntax=rdf.SYNTAXES[0])
    return Side(name=name, documents=(document,))


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """Return a text with words replaced; each must be there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def without(text: str, *things: str) -> str:
    """Return a text without what it says of things, each a statement of its own."""
    kept = []
    for block in text.split(" .\n"):
        if not any(block.lstrip().startswith(f"{thing} ") for thing in things):
            kept.append(block)
    return " .\n".join(kept)


def comparison(before: str, after: str) -> Comparison:
    """Compare two documents in this process."""
    return compared(side(before, "before"), side(after))
