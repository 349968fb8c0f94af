"""What a comparison comes to, as frozen values. Compares nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from competency_graph.documents import Document

Impact = Literal["major", "minor", "patch"]
IMPACTS: tuple[Impact, ...] = ("major", "minor", "patch")
"""How much a change asks of those who depend on it, most first (SemVer 2.0.0)."""

Kind = Literal[
    "added",
    "removed",
    "readdressed",
    "merged",
    "split",
    "deprecated",
    "restored",
    "retyped",
    "moved",
    "renamed",
    "reworded",
    "changed",
    "follows",
]
"""What happened to a thing. ``readdressed`` is the same thing under another identifier;
``follows`` is something that only other changes bring about."""

Direction = Literal[
    "", "added", "removed", "replaced", "raised", "lowered", "tightened", "loosened", "either"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two states to compare.

    Args:
        name: what to call it, as its reader gave it.
        documents: files that hold it together.
        lines: or lines of N-Quads that do, from a database or a service.
    """

    name: str
    documents: tuple[Document, ...] = ()
    lines: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing by its identifier (``_:label`` for a blank node) and what it is called."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an alteration has the impact that it has: the rule, and a sentence for people."""

    rule: str
    impact: Impact
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One thing that is other than it was.

    ``field`` is the property, ``language`` that of texts, ``before`` and ``after`` its values in
    words, ``part`` the nameless part of the thing that they are of, ``others`` the successors,
    ``within`` the thing that it came or went with.
    """

    kind: Kind
    thing: Named
    type: Named
    classes: tuple[str, ...] = ()
    field: Named | None = None
    language: str = ""
    part: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    direction: Direction = ""
    others: tuple[Named, ...] = ()
    within: str | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def impact(self) -> Impact:
        """The gravest impact of its reasons."""
        return gravest(reason.impact for reason in self.reasons) or "patch"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStep:
    """What a framework or an ontology says of its version, and what its changes ask for.

    ``needed`` is the smallest version that is large enough; ``fault`` says, in a sentence, why the
    declared one is not, and is empty where it is.
    """

    thing: Named
    before: str | None
    after: str | None
    impact: Impact | None
    needed: str | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two states, gravest first, and what it means for versions."""

    before: str
    after: str
    alterations: tuple[Alteration, ...]
    versions: tuple[VersionStep, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def impact(self) -> Impact | None:
        """The gravest impact, none where nothing differs."""
        return gravest(alteration.impact for alteration in self.alterations)

    def count(self, impact: Impact) -> int:
        """Return how many alterations have this impact."""
        return sum(alteration.impact == impact for alteration in self.alterations)


def gravest(impacts: Iterable[Impact]) -> Impact | None:
    """Return the gravest of some impacts, nothing for none."""
    found = set(impacts)
    return next((impact for impact in IMPACTS if impact in found), None)
