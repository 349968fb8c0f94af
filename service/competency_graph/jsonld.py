"""What JSON members mean in RDF: tables and context. Reads no graph."""

from typing import Any, Final

from competency_graph.vocab import BASE, CG, DCTERMS, OWL, PREFIXES, SKOS

CONTEXT_URL: Final = BASE + "api/v1/context.jsonld"

# JSON member for a predicate; the sort says how values look: words by language, things, or plain.
WORDS: Final = {
    "labels": SKOS + "prefLabel",
    "alternativeLabels": SKOS + "altLabel",
    "definitions": SKOS + "definition",
    "scopeNotes": SKOS + "scopeNote",
    "notes": SKOS + "editorialNote",
    "descriptions": DCTERMS + "description",
    "citation": DCTERMS + "bibliographicCitation",
    "rights": DCTERMS + "rights",
}
PLAIN: Final = {
    "notation": SKOS + "notation",
    "rank": CG + "rank",
    "issued": DCTERMS + "issued",
    "doi": PREFIXES["bibo"] + "doi",
    "sampleSize": CG + "sampleSize",
    "creator": DCTERMS + "creator",
    "deprecated": OWL + "deprecated",
}
THINGS: Final = {
    "inScheme": SKOS + "inScheme",
    "isPartOf": DCTERMS + "isPartOf",
    "topConceptOf": SKOS + "topConceptOf",
    "broader": SKOS + "broader",
    "related": SKOS + "related",
    "exactMatch": SKOS + "exactMatch",
    "closeMatch": SKOS + "closeMatch",
    "broadMatch": SKOS + "broadMatch",
    "narrowMatch": SKOS + "narrowMatch",
    "relatedMatch": SKOS + "relatedMatch",
    "sources": DCTERMS + "source",
    "license": DCTERMS + "license",
    "isReplacedBy": DCTERMS + "isReplacedBy",
    "derivedFrom": PREFIXES["prov"] + "wasDerivedFrom",
    "page": PREFIXES["foaf"] + "page",
    "verification": CG + "hasVerificationStatus",
    "scale": CG + "usesScale",
    "roleKind": CG + "hasRoleKind",
    "worksWith": CG + "worksWith",
    "excludesTask": CG + "excludesTask",
    "role": CG + "belongsToRole",
    "competency": CG + "requiresCompetency",
    "level": CG + "requiresLevel",
    "importance": CG + "hasImportance",
    "outcomeLevel": CG + "hasOutcomeLevel",
    "studyDesign": CG + "hasStudyDesign",
    "sourceKind": CG + "hasSourceKind",
    "contributor": CG + "hasContributor",
    "outcome": CG + "concernsOutcome",
    "source": CG + "citesSource",
    "strength": CG + "hasStrength",
    "polarity": CG + "hasPolarity",
    "specificity": CG + "hasSpecificity",
    "addressesClaim": CG + "addressesClaim",
    "band": CG + "fallsInBand",
    "step": CG + "belongsToStep",
    "mode": CG + "hasMode",
    "developsCompetency": CG + "developsCompetency",
    "startsAtLevel": CG + "startsAtLevel",
    "endsAtLevel": CG + "endsAtLevel",
    "mapsTo": CG + "mapsTo",
    "mappingRelation": CG + "hasMappingRelation",
}
# What points at an object and is told with it, by class: member, predicate.
INCOMING: Final[dict[str, dict[str, str]]] = {
    "CompetencyFramework": {"topConcepts": SKOS + "topConceptOf"},
    "Competency": {
        "narrower": SKOS + "broader",
        "elements": CG + "isElementOf",
        "indicators": CG + "isIndicatorOf",
        "requirements": CG + "requiresCompetency",
        "claims": CG + "hasContributor",
        "activities": CG + "developsCompetency",
        "strategies": CG + "drawsOnCompetency",
        "mappings": CG + "mapsFrom",
    },
    "Role": {
        "requirements": CG + "belongsToRole",
        "narrower": SKOS + "broader",
        "claims": CG + "hasContributor",
        "mappings": CG + "mapsFrom",
    },
    "Outcome": {
        "claims": CG + "concernsOutcome",
        "narrower": SKOS + "broader",
        "strategies": CG + "targetsOutcome",
        "mappings": CG + "mapsFrom",
    },
    "EvidenceSource": {"claims": CG + "citesSource"},
    "DevelopmentActivity": {"claims": CG + "hasContributor"},
    "CompetencyDomain": {"narrower": SKOS + "broader"},
}
SINGLE: Final = {
    *PLAIN,
    *("role", "competency", "level", "importance", "outcomeLevel", "studyDesign", "sourceKind"),
    *("contributor", "outcome", "source", "strength", "polarity", "specificity", "band", "step"),
    *("mode", "startsAtLevel", "endsAtLevel", "mapsTo", "mappingRelation", "verification"),
    *("roleKind", "scale", "isPartOf", "license"),
}
# Things whose reference has their rank beside it.
RANKED: Final = {"level", "band", "startsAtLevel", "endsAtLevel", "strength"}
COMPUTED: Final = (
    *("label", "definition", "description", "total", "next", "status", "framework"),
    *("inheritedFrom", "overrides", "ancestors", "roles", "attribution"),
)


def context() -> dict[str, Any]:
    """Return the JSON-LD context of every body about objects."""
    terms: dict[str, Any] = {
        "@version": 1.1,
        "id": "@id",
        "type": "@type",
        # Members that list other objects: these are told beside, not said of the one that lists.
        **dict.fromkeys(("items", "profile", "children"), "@included"),
        "@vocab": CG,
        **dict.fromkeys(COMPUTED),
        **{key: {"@id": iri, "@container": "@language"} for key, iri in WORDS.items()},
        **{key: {"@id": iri} for key, iri in PLAIN.items()},
        **{key: {"@id": iri, "@type": "@id"} for key, iri in THINGS.items()},
    }
    integer = PREFIXES["xsd"] + "integer"
    terms["rank"]["@type"] = terms["sampleSize"]["@type"] = integer
    terms["issued"]["@type"] = PREFIXES["xsd"] + "gYear"
    # A member that points at the object means another predicate in another class.
    for kind, members in INCOMING.items():
        scoped = {key: {"@reverse": iri, "@type": "@id"} for key, iri in members.items()}
        terms[kind] = {"@id": CG + kind, "@context": {"@propagate": False, **scoped}}
    return {"@context": terms}
