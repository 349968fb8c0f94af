"""Versions: which one a change asks for, and whether the declared one is enough (SemVer 2.0.0)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from competency_graph.diff.states import Both, State
from competency_graph.diff.values import IMPACTS, Alteration, Impact, VersionStep, gravest
from competency_graph.vocab import CG, DCTERMS, OWL, PREFIXES, RDFS, SKOS

_VERSION: Final = re.compile(
    r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_HEADS: Final = frozenset({CG + "CompetencyFramework", OWL + "Ontology", SKOS + "ConceptScheme"})
# From a thing to what it belongs to.
_UPWARDS: Final = (
    *(SKOS + "inScheme", DCTERMS + "isPartOf", RDFS + "isDefinedBy", SKOS + "topConceptOf"),
    *(CG + link for link in ("isElementOf", "isIndicatorOf", "belongsToRole", "mapsFrom")),
    *(CG + "hasContributor", CG + "belongsToAssessment", PREFIXES["foaf"] + "primaryTopic"),
    SKOS + "broader",
)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Three numbers, and whether it is a version on the way to them (``2.0.0-dev``)."""

    major: int
    minor: int
    patch: int
    final: bool = True

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + ("" if self.final else "-dev")

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The numbers alone: on the way to a version is good enough for a change."""
        return self.major, self.minor, self.patch


def read_version(text: str) -> Version | None:
    """Return a version, nothing for a text that is none; missing numbers are 0."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        return None
    major, minor, patch = (int(number or 0) for number in found.groups()[:3])
    return Version(major, minor, patch, found[4] is None)


def next_version(version: Version, impact: Impact) -> Version:
    """Return the smallest version that is large enough for a change to something of a version.

    Before 1.0.0 the second number stands for the first, and the third for the others. A version
    that is on its way (``2.0.0-dev``) is large enough for all that its numbers announce.
    """
    major, minor, patch = version.numbers
    if not version.final and IMPACTS.index(impact) >= IMPACTS.index(_announced(version)):
        return version
    if impact == "major":
        return Version(major + 1, 0, 0) if major else Version(0, minor + 1, 0)
    if impact == "minor" and major:
        return Version(major, minor + 1, 0)
    return Version(major, minor, patch + 1)


def _announced(version: Version) -> Impact:
    if version.patch:
        return "patch" if version.major else "minor"
    return "major" if not version.major or not version.minor else "minor"


def version_steps(both: Both, alterations: Sequence[Alteration]) -> Iterator[VersionStep]:
    """Yield what each framework and ontology says of its version, and what its changes ask for.

    What belongs to none of them, such as a shape, counts for all.
    """
    heads = sorted({*_heads(both.before), *_heads(both.after)})
    impacts: dict[str, list[Impact]] = {head: [] for head in heads}
    for alteration in alterations:
        of = {
            *_belongs(both.before, alteration.thing.id),
            *_belongs(both.after, alteration.thing.id),
        }
        for head in of.intersection(heads) or heads:
            impacts[head].append(alteration.impact)
    for head in heads:
        if both.after.said(head):
            yield _step(both, head, gravest(impacts[head]))


def _heads(state: State) -> Iterator[str]:
    for thing in sorted(state.about):
        classes = state.classes(thing)
        if _HEADS.intersection(classes) and CG + "ReferenceScheme" not in classes:
            if not state.links(thing, DCTERMS + "isPartOf"):
                yield thing


def _belongs(state: State, thing: str) -> Iterable[str]:
    found, waiting = {thing}, [thing]
    while waiting:
        near = waiting.pop()
        for link in _UPWARDS:
            for above in state.links(near, link):
                if above not in found:
                    found.add(above)
                    waiting.append(above)
    return found


def _step(both: Both, head: str, impact: Impact | None) -> VersionStep:
    before, after = _declared(both.before, head), _declared(both.after, head)
    needed, fault = _needed(both.label(head), before, after, impact)
    return VersionStep(
        thing=both.named(head),
        before=before,
        after=after,
        impact=impact,
        needed=needed,
        fault=fault,
    )


def _declared(state: State, head: str) -> str | None:
    return next((t.value for t in state.said(head).get(OWL + "versionInfo", ())), None)


def _needed(
    label: str, before: str | None, after: str | None, impact: Impact | None
) -> tuple[str | None, str]:
    """Return the smallest version that is enough, and what is wrong with the declared one."""
    old = read_version(before) if before else None
    new = read_version(after) if after else None
    needed = old if old is None or impact is None else next_version(old, impact)
    wanted = None if needed is None else before if needed == old else str(needed)
    cure = f'Write owl:versionInfo "{wanted or "1.0.0"}".'
    if before and not after:
        return wanted, f"“{label}” no longer says which version it is. {cure}"
    if after and new is None:
        return wanted, f"The version “{after}” of “{label}” is not three numbers. {cure}"
    if new is None or old is None or needed is None:
        return wanted, ""
    if impact is not None and new.numbers < needed.numbers:
        said = f"“{label}” says version {after}"
        return wanted, f"{said}, and a {impact} change needs {wanted} or more. {cure}"
    if new < old:
        return wanted, f"“{label}” goes back from version {before} to {after}. {cure}"
    return wanted, ""
