"""Framework graphs to measure on: made from a seed, the same for everybody. Judges nothing.

A graph holds several frameworks with scale, domains, competencies, elements, indicators, roles,
requirements, outcomes, sources and claims, in the proportions of real ones and in four languages.
With it comes what the service always has: ontology and shapes. All is kept in ``.bench``.
"""

import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from competency_graph.log import Draft, Log
from competency_graph.rdf import seed_lines, subjects_of_lines
from competency_graph.resources import ShippedGraph, shipped_graphs
from competency_graph.vocab import BASE, CG, DCTERMS, GRAPH, ID, PREFIXES, RDF, SKOS, XSD

SIZES: Final = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000}
CACHE: Final = Path(".bench")

_FRAMEWORKS: Final = {"10k": 4, "100k": 12, "1M": 40}
_COLLECTIONS: Final = {"competency": "competencies", "outcome": "outcomes", "source": "evidence"}
_LANGUAGES: Final = ("en", "de", "es", "fr")
_DOING: Final = (
    ("Planning", "Planung", "Planificación", "Planification"),
    ("Reviewing", "Prüfung", "Revisión", "Révision"),
    ("Teaching", "Vermittlung", "Enseñanza", "Enseignement"),
    ("Leading", "Führung", "Dirección", "Direction"),
    ("Measuring", "Messung", "Medición", "Mesure"),
    ("Improving", "Verbesserung", "Mejora", "Amélioration"),
)
_TOPIC: Final = (
    ("shared decisions", "gemeinsame Entscheidungen", "decisiones compartidas", "choix partagés"),
    ("local adaptation", "örtliche Anpassung", "adaptación local", "adaptation locale"),
    ("data quality", "Datenqualität", "calidad de los datos", "qualité des données"),
    ("team learning", "Lernen im Team", "aprendizaje en equipo", "apprentissage en équipe"),
    ("patient safety", "Patientensicherheit", "seguridad del paciente", "sécurité des patients"),
)
_WORDS: Final = (
    "agrees with partners what to change first and why it matters to people who use the service "
    "before any plan is written down weighs local evidence against published findings explains "
    "limits openly invites doubt early keeps records that others can read later compares progress "
    "between sites names risks of delay looks for quiet voices shares credit asks for help"
).split()
_ELEMENTS: Final = ("KnowledgeElement", "SkillElement", "AttitudeElement", "BehaviourElement")
_BANDS: Final = ("emerging", "proficient", "advanced")
_OUTCOME_LEVELS: Final = ("ImplementationLevel", "ServiceLevel", "ClientLevel", "SystemLevel")
# Each design with the strongest strength that it supports (ontology/evidence.ttl).
_DESIGNS: Final = (
    ("RandomizedTrialDesign", "ControlledEmpirical"),
    ("MixedMethodsPilotDesign", "LimitedEmpirical"),
    ("ScopingReviewDesign", "Descriptive"),
    ("ExpertConsensusDesign", "Consensus"),
)


class _Framework:
    """N-Quads lines of one framework, in the spelling that the index gives back."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.lines: list[str] = []
        self._name = f"bench-{number:02}"
        self._short = f"f{number:02}"
        self._home = ID + self._name
        self._chance = chance
        self._end = f" <{GRAPH}{self._name}> .\n"
        self._domains: list[str] = []
        self._roles: list[str] = []
        self._outcomes: list[str] = []
        self._sources: list[tuple[str, str]] = []
        self._competencies: list[str] = []

    def _iri(self, kind: str, slug: str) -> str:
        return f"{self._home}/{kind}/{self._short}-{slug}"

    def _say(self, subject: str, predicate: str, *values: str) -> None:
        start = f"<{subject}> <{predicate}> "
        self.lines += [start + value + self._end for value in values]

    def _concept(self, subject: str, class_: str, code: str, number: int) -> str:
        """Say what every concept has, and return its English label."""
        doing = _DOING[number % len(_DOING)]
        topic = _TOPIC[number // len(_DOING) % len(_TOPIC)]
        labels = [f"{doing[n]}: {topic[n]} {number}" for n in range(len(_LANGUAGES))]
        self._say(subject, RDF + "type", _thing(CG + class_))
        self._say(subject, SKOS + "inScheme", _thing(self._home))
        self._say(subject, SKOS + "notation", f'"{code}"')
        self._say(
            subject,
            SKOS + "prefLabel",
            *(_text(label, tag) for label, tag in zip(labels, _LANGUAGES, strict=True)),
        )
        self._say(subject, SKOS + "definition", _text(self._sentence(), "en"))
        self._verified(subject)
        return labels[0]

    def _sentence(self) -> str:
        """Return words at random: text that repeats would pack far better than real text does."""
        return " ".join(self._chance.choices(_WORDS, k=self._chance.randint(8, 22))) + "."

    def _part(self, subject: str, class_: str, label: str) -> None:
        self._say(subject, RDF + "type", _thing(CG + class_))
        self._say(subject, DCTERMS + "isPartOf", _thing(self._home))
        self._say(subject, SKOS + "prefLabel", _text(label, "en"))

    def _verified(self, subject: str) -> None:
        self._say(subject, CG + "hasVerificationStatus", _thing(CG + "FromGeneralKnowledge"))

    def begin(self) -> None:
        """Say what the framework is, with its scale, levels and bands."""
        about = GRAPH + self._name
        self._say(about, RDF + "type", _thing(PREFIXES["dcat"] + "Dataset"))
        self._say(about, PREFIXES["foaf"] + "primaryTopic", _thing(self._home))
        self._say(about, DCTERMS + "conformsTo", _thing(GRAPH + "shapes-core"))
        self._say(self._home, RDF + "type", _thing(CG + "CompetencyFramework"))
        self._say(self._home, SKOS + "prefLabel", _text(f"Framework {self._name}", "en"))
        self._say(self._home, SKOS + "definition", _text("Made to be measured on.", "en"))
        licence = "https://creativecommons.org/publicdomain/zero/1.0/"
        for subject in (about, self._home):
            self._say(subject, DCTERMS + "license", _thing(licence))
        scale = self._iri("scale", "five")
        self._say(self._home, CG + "usesScale", _thing(scale))
        self._say(scale, RDF + "type", _thing(CG + "ProficiencyScale"))
        self._say(scale, SKOS + "prefLabel", _text("Five levels", "en"))
        for rank, name in enumerate(_BANDS, start=1):
            self._ranked(self._iri("band", name), "IndicatorBand", name.title(), rank, scale)
        for rank in range(1, 6):
            level = self._iri("level", str(rank))
            self._ranked(level, "ProficiencyLevel", f"Level {rank}", rank, scale)
            band = self._iri("band", _BANDS[rank // 2])
            self._say(level, CG + "fallsInBand", _thing(band))

    def _ranked(self, subject: str, class_: str, label: str, rank: int, scale: str) -> None:
        self._say(subject, RDF + "type", _thing(CG + class_))
        self._say(subject, SKOS + "inScheme", _thing(scale))
        self._say(subject, SKOS + "prefLabel", _text(label, "en"))
        self._say(subject, SKOS + "definition", _text(f"{label} of the scale.", "en"))
        self._say(subject, CG + "rank", f'"{rank}"^^<{XSD}integer>')

    def grow(self, number: int) -> None:
        """Add one competency with all that hangs on it, and now and then what it hangs on."""
        if number % 12 == 0:
            domain = self._iri("domain", f"d{number}")
            self._concept(domain, "CompetencyDomain", f"D{number}", number)
            self._say(domain, SKOS + "topConceptOf", _thing(self._home))
            self._domains.append(domain)
        if number % 8 == 0:
            role = self._iri("role", f"r{number}")
            self._concept(role, "Role", f"R{number}", number)
            if self._roles:
                self._say(role, SKOS + "broader", _thing(self._roles[number // 16]))
            self._roles.append(role)
        if number % 3 == 0:
            self._source(number)
        if number % 2 == 0:
            outcome = self._iri("outcome", f"o{number}")
            self._concept(outcome, "Outcome", f"O{number}", number)
            level = self._chance.choice(_OUTCOME_LEVELS)
            self._say(outcome, CG + "hasOutcomeLevel", _thing(CG + level))
            self._outcomes.append(outcome)
        competency = self._iri("competency", f"c{number}")
        label = self._concept(competency, "Competency", f"C{number}", number)
        self._say(competency, SKOS + "broader", _thing(self._domains[-1]))
        self._say(competency, DCTERMS + "source", _thing(self._chance.choice(self._sources)[0]))
        if self._competencies:
            other = self._chance.choice(self._competencies)
            self._say(competency, SKOS + "related", _thing(other))
        self._competencies.append(competency)
        self._details(competency, label, number)
        for role in self._chance.sample(self._roles, min(2, len(self._roles))):
            self._requirement(role, competency, label, number)
        for index in range(1 + number % 2):
            self._claim(competency, label, f"{number}-{index}")

    def _source(self, number: int) -> None:
        source = self._iri("source", f"s{number}")
        design, strength = self._chance.choice(_DESIGNS)
        year = 1990 + number % 35
        self._part(source, "EvidenceSource", f"Author {number} et al. {year}")
        citation = f"Author {number}, Author B. On measured competence. Journal {year};{number}:1-9"
        self._say(source, DCTERMS + "bibliographicCitation", _text(citation, "en"))
        self._say(source, DCTERMS + "issued", f'"{year}"^^<{XSD}gYear>')
        self._say(source, PREFIXES["bibo"] + "doi", f'"10.5555/{self._short}.{number}"')
        self._say(source, CG + "hasSourceKind", _thing(CG + "JournalArticle"))
        self._say(source, CG + "hasStudyDesign", _thing(CG + design))
        self._verified(source)
        self._sources.append((source, strength))

    def _details(self, competency: str, label: str, number: int) -> None:
        for index, class_ in enumerate(_ELEMENTS):
            element = self._iri("element", f"c{number}-{index}")
            self._say(element, RDF + "type", _thing(CG + class_))
            self._say(element, SKOS + "inScheme", _thing(self._home))
            self._say(element, SKOS + "notation", f'"C{number}.{index}"')
            self._say(element, SKOS + "prefLabel", _text(f"{label}, part {index}", "en"))
            self._verified(element)
            self._say(element, CG + "isElementOf", _thing(competency))
        for band in _BANDS:
            indicator = self._iri("indicator", f"c{number}-{band}")
            self._part(indicator, "BehaviouralIndicator", f"{label}: {band}")
            self._say(indicator, DCTERMS + "description", _text(self._sentence(), "en"))
            self._say(indicator, CG + "fallsInBand", _thing(self._iri("band", band)))
            self._say(indicator, CG + "isIndicatorOf", _thing(competency))

    def _requirement(self, role: str, competency: str, label: str, number: int) -> None:
        holder = role.rpartition("-")[2]
        requirement = self._iri("requirement", f"{holder}-c{number}")
        level = self._iri("level", str(self._chance.randint(1, 5)))
        importance = self._chance.choice(("Essential", "Relevant"))
        self._part(requirement, "RoleRequirement", f"{holder} needs {label}")
        self._say(requirement, CG + "belongsToRole", _thing(role))
        self._say(requirement, CG + "hasImportance", _thing(CG + importance))
        self._say(requirement, CG + "requiresCompetency", _thing(competency))
        self._say(requirement, CG + "requiresLevel", _thing(level))
        self._verified(requirement)

    def _claim(self, competency: str, label: str, slug: str) -> None:
        claim = self._iri("claim", slug)
        source, strength = self._chance.choice(self._sources)
        self._part(claim, "EvidenceClaim", f"Claim {slug} on {label}")
        self._say(claim, DCTERMS + "description", _text(self._sentence(), "en"))
        self._say(claim, CG + "citesSource", _thing(source))
        self._say(claim, CG + "concernsOutcome", _thing(self._chance.choice(self._outcomes)))
        self._say(claim, CG + "hasContributor", _thing(competency))
        self._say(claim, CG + "hasPolarity", _thing(CG + "Supports"))
        self._say(claim, CG + "hasSpecificity", _thing(CG + "Direct"))
        self._say(claim, CG + "hasStrength", _thing(CG + strength))
        self._verified(claim)


def _thing(iri: str) -> str:
    return f"<{iri}>"


def _text(value: str, language: str) -> str:
    return f'"{value}"@{language}'


def generated_lines(size: str, *, seed: int = 1) -> list[bytes]:
    """Return the frameworks of a size (a key of ``SIZES``) as sorted N-Quads lines."""
    chance = random.Random(seed)
    share = SIZES[size] // _FRAMEWORKS[size]
    found: list[str] = []
    for number in range(_FRAMEWORKS[size]):
        framework = _Framework(number, chance)
        framework.begin()
        competency = 0
        while len(framework.lines) < share:
            framework.grow(competency)
            competency += 1
        found += framework.lines
    return sorted({line.encode() for line in found})


@cache
def _shipped_lines(framework: bool) -> list[bytes]:
    """Return ontology and shapes, and all else that ships or not."""
    ships = (g for g in shipped_graphs("shipped") if framework or not _is_framework(g))
    return seed_lines(
        ((g.iri, [(file.name, file.read_bytes()) for file in g.files]) for g in ships), labels="c1x"
    )


def _is_framework(graph: ShippedGraph) -> bool:
    return "frameworks" in graph.files[0].parts


def _place(name: str) -> Path:
    """Return a file of the cache that is another as soon as what makes it is."""
    made_of = Path(__file__).read_bytes() + b"".join(_shipped_lines(framework=True))
    folder = CACHE / f"data-{sha256(made_of).hexdigest()[:12]}"
    if not folder.is_dir():
        for old in CACHE.glob("data-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
    return (folder / name).resolve()


def generated_file(size: str) -> Path:
    """Return the frameworks of a size alone as an N-Quads file; make it where it is missing."""
    return _written(_place(f"frameworks-{size}.nq"), lambda: generated_lines(size))


def data_file(size: str, *, framework: bool = False) -> Path:
    """Return all that the database of a size holds as an N-Quads file.

    With the ``framework`` that ships, and its examples, beside the generated ones.
    """
    more = "-framework" if framework else ""
    return _written(
        _place(f"all-{size}{more}.nq"),
        lambda: sorted(generated_lines(size) + _shipped_lines(framework=framework)),
    )


def triples_file(size: str) -> Path:
    """Return the union of the graphs of a database with the framework as an N-Triples file."""

    def lines() -> list[bytes]:
        with open(data_file(size, framework=True), "rb") as file:
            return sorted({line.rstrip(b" .\n").rpartition(b" ")[0] + b" .\n" for line in file})

    return _written(_place(f"all-{size}-framework.nt"), lines)


def _written(file: Path, lines: Callable[[], list[bytes]]) -> Path:
    if not file.exists():
        half = file.with_suffix(".half")
        half.write_bytes(b"".join(lines()))
        half.rename(file)
    return file


def database(size: str, *, framework: bool = False) -> Path:
    """Return a database whose one change is the data of a size; make it where it is missing.

    With the ``framework`` that ships, as :func:`data_file`.
    """
    file = _place(f"log-{size}{'-framework' if framework else ''}.db")
    if not file.exists():
        half = file.with_suffix(".half")
        half.unlink(missing_ok=True)
        lines = data_file(size, framework=framework).read_bytes().splitlines(keepends=True)
        with Log.open(f"sqlite:///{half}", base=BASE) as log:
            log.append(
                Draft(
                    author="Competency Graph",
                    time=datetime(2026, 1, 1, tzinfo=UTC),
                    message=f"Fill the database with generated frameworks ({size}).",
                    added=lines,
                    touched=subjects_of_lines(lines),
                ),
                expected_head=0,
            )
        half.rename(file)
    return file


def objects(size: str) -> list[tuple[str, str]]:
    """Return (collection of the API, IRI) of competencies, outcomes and sources, shuffled."""
    found = []
    mark = f"> <{RDF}type> <{CG}".encode()
    for line in generated_file(size).read_bytes().splitlines():
        if mark in line:
            iri = line[1 : line.index(b">")].decode()
            collection = _COLLECTIONS.get(iri.split("/")[-2])
            if collection:
                found.append((collection, iri))
    random.Random(2).shuffle(found)
    return found
