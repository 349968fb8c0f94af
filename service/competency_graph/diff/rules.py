"""Which change has which impact, and why: one row for each rule. Looks at no graph."""

from dataclasses import dataclass
from typing import Final

from competency_graph.diff import fields
from competency_graph.diff.states import RULES, TERMS
from competency_graph.diff.values import Alteration, Direction, Impact, Kind
from competency_graph.vocab import CG, DCTERMS, SKOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: what it is about, how much it asks of those who depend on it, and a sentence why.

    A rule without ``kinds`` is about what follows from several changes together, and is named by
    what finds that out. Of the others, the first that fits an alteration decides. An empty set
    fits everything. ``mild`` gives way to what follows, where that is told of the same thing.
    """

    name: str
    impact: Impact
    reason: str
    kinds: frozenset[Kind] = frozenset()
    of: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    directions: frozenset[Direction] = frozenset()
    mild: bool = False

    def fits(self, alteration: Alteration) -> bool:
        """Say whether it is about an alteration."""
        field = alteration.field.id if alteration.field else ""
        return (
            alteration.kind in self.kinds
            and not (self.of and self.of.isdisjoint(alteration.classes))
            and not (self.fields and field not in self.fields)
            and not (self.directions and alteration.direction not in self.directions)
        )


_GONE: Final[frozenset[Direction]] = frozenset({"removed"})
_CLAIM: Final = frozenset({CG + "EvidenceClaim"})
_MAPPING: Final = frozenset({CG + "Mapping"})
_REQUIREMENT: Final = frozenset({CG + "RoleRequirement"})

RULE_TABLE: Final[tuple[Rule, ...]] = (
    # Identifiers: given once, and never used again.
    Rule(
        name="rule-removed",
        impact="minor",
        kinds=frozenset({"removed"}),
        of=RULES,
        reason="What was accepted still is; nobody is told of this fault any more.",
    ),
    Rule(
        name="identifier-removed",
        impact="major",
        kinds=frozenset({"removed", "merged", "split"}),
        directions=_GONE,
        reason="Its identifier leads nowhere any more: what others stored or linked breaks. "
        "Deprecate it first, with a successor.",
    ),
    Rule(
        name="identifier-changed",
        impact="major",
        kinds=frozenset({"readdressed"}),
        reason="The old identifier leads nowhere any more: what others stored or linked breaks.",
    ),
    Rule(
        name="deprecated-without-successor",
        impact="major",
        kinds=frozenset({"deprecated"}),
        directions=frozenset({""}),
        reason="Lists leave it out, and nothing says where those who use it should go.",
    ),
    Rule(
        name="deprecated-with-successor",
        impact="minor",
        kinds=frozenset({"deprecated", "merged", "split"}),
        reason="It stays under its identifier, and its successor is named.",
    ),
    Rule(
        name="deprecation-taken-back",
        impact="minor",
        kinds=frozenset({"restored"}),
        reason="Lists show it again.",
    ),
    Rule(
        name="rule-added",
        impact="minor",
        kinds=frozenset({"added"}),
        of=RULES,
        mild=True,
        reason="Nothing that is here breaks it.",
    ),
    Rule(
        name="thing-added",
        impact="minor",
        kinds=frozenset({"added"}),
        mild=True,
        reason="It is new, and nothing that was there depends on it.",
    ),
    # What a thing is and where it stands.
    Rule(
        name="class-added",
        impact="minor",
        kinds=frozenset({"retyped"}),
        directions=frozenset({"added"}),
        reason="It is of what it was, and of one more class.",
    ),
    Rule(
        name="class-changed",
        impact="major",
        kinds=frozenset({"retyped"}),
        reason="Whoever asks for things of the old class no longer finds it.",
    ),
    Rule(
        name="place-changed",
        impact="minor",
        kinds=frozenset({"moved"}),
        mild=True,
        reason="It is the same thing in another place.",
    ),
    # Words.
    Rule(
        name="language-dropped",
        impact="minor",
        kinds=frozenset({"renamed"}),
        directions=_GONE,
        reason="Readers of this language see another one.",
    ),
    Rule(
        name="label-changed",
        impact="patch",
        kinds=frozenset({"renamed"}),
        reason="The wording only: identifier and meaning stay.",
    ),
    Rule(
        name="words-changed",
        impact="patch",
        kinds=frozenset({"reworded"}),
        reason="The wording only. If it means something else now, give it a new identifier.",
    ),
    # Statements that are things of their own.
    Rule(
        name="claim-reversed",
        impact="major",
        kinds=frozenset({"changed"}),
        of=_CLAIM,
        fields=frozenset({CG + "hasPolarity"}),
        reason="Under the same identifier the evidence now says otherwise.",
    ),
    Rule(
        name="claim-says-another",
        impact="major",
        kinds=frozenset({"changed"}),
        of=_CLAIM,
        fields=frozenset(CG + n for n in ("hasContributor", "concernsOutcome", "citesSource")),
        reason="Under the same identifier stands another claim. Write a new one.",
    ),
    Rule(
        name="claim-weighed",
        impact="minor",
        kinds=frozenset({"changed"}),
        of=_CLAIM,
        fields=frozenset(CG + n for n in ("hasStrength", "hasSpecificity", "addressesClaim")),
        reason="The claim is the same; how much it bears is judged anew.",
    ),
    Rule(
        name="mapping-says-another",
        impact="major",
        kinds=frozenset({"changed"}),
        of=_MAPPING,
        fields=frozenset(CG + n for n in ("mapsFrom", "mapsTo", "hasMappingRelation")),
        reason="Whoever translates by this mapping arrives elsewhere. Write a new one.",
    ),
    Rule(
        name="match-removed",
        impact="major",
        kinds=frozenset({"changed"}),
        fields=fields.MATCHES,
        directions=frozenset({"removed", "replaced"}),
        reason="Whoever translates by this match arrives nowhere, or elsewhere.",
    ),
    Rule(
        name="requirement-changed",
        impact="minor",
        kinds=frozenset({"changed"}),
        of=_REQUIREMENT,
        mild=True,
        reason="No role needs more or less by it than before.",
    ),
    # Single facts that much hangs on.
    Rule(
        name="order-changed",
        impact="major",
        kinds=frozenset({"changed"}),
        fields=frozenset({CG + "rank"}),
        reason="Levels are compared by it: what was enough may not be.",
    ),
    Rule(
        name="scale-changed",
        impact="major",
        kinds=frozenset({"changed"}),
        fields=frozenset({CG + "usesScale"}),
        directions=frozenset({"removed", "replaced"}),
        reason="Ratings on the old scale can no longer be compared.",
    ),
    Rule(
        name="code-changed",
        impact="major",
        kinds=frozenset({"changed"}),
        fields=frozenset({SKOS + "notation"}),
        directions=frozenset({"removed", "replaced"}),
        reason="Whoever cites or joins by the old code no longer finds it.",
    ),
    Rule(
        name="licence-changed",
        impact="major",
        kinds=frozenset({"changed"}),
        fields=frozenset({DCTERMS + "license"}),
        directions=frozenset({"removed", "replaced"}),
        reason="What users were allowed may not be allowed any more.",
    ),
    Rule(
        name="axiom-changed",
        impact="major",
        kinds=frozenset({"changed"}),
        of=TERMS,
        fields=fields.AXIOMS,
        reason="What follows from data that use the term is no longer the same.",
    ),
    Rule(
        name="provenance-changed",
        impact="patch",
        kinds=frozenset({"changed"}),
        fields=fields.PROVENANCE,
        reason="Who says it changed, not what is said.",
    ),
    # Shapes.
    Rule(
        name="rule-tightened",
        impact="minor",
        kinds=frozenset({"changed"}),
        directions=frozenset({"tightened"}),
        mild=True,
        reason="It accepts less, and nothing that is here breaks it.",
    ),
    Rule(
        name="rule-loosened",
        impact="minor",
        kinds=frozenset({"changed"}),
        directions=frozenset({"loosened"}),
        reason="It accepts more: everything that was valid still is.",
    ),
    Rule(
        name="rule-changed",
        impact="minor",
        kinds=frozenset({"changed"}),
        directions=frozenset({"either"}),
        mild=True,
        reason="It accepts other things than before, and nothing that is here breaks it.",
    ),
    Rule(
        name="fact-changed",
        impact="minor",
        kinds=frozenset({"changed"}),
        mild=True,
        reason="What is said of it changed; no one else is known to depend on it.",
    ),
    # What follows from changes together.
    Rule(
        name="reference-broken",
        impact="major",
        reason="{things} still refer to it.",
    ),
    Rule(
        name="requirement-added",
        impact="major",
        reason="“{competency}” is essential now for {roles}: who met every requirement may not any "
        "more.",
    ),
    Rule(
        name="requirement-recommended",
        impact="minor",
        reason="“{competency}” is relevant now for {roles}: it strengthens, and a colleague may "
        "have it.",
    ),
    Rule(
        name="requirement-raised",
        impact="major",
        reason="“{competency}” for {roles}: {before} was enough, {after} is needed. Who met it may "
        "not any more.",
    ),
    Rule(
        name="requirement-made-essential",
        impact="major",
        reason="“{competency}” is essential now for {roles}, relevant before: a colleague no "
        "longer makes up for it.",
    ),
    Rule(
        name="requirement-incomparable",
        impact="major",
        reason="“{competency}” for {roles}: {before} and {after} are not on one scale, so nobody "
        "can say who still meets it.",
    ),
    Rule(
        name="requirement-lowered",
        impact="minor",
        reason="“{competency}” for {roles}: {after} is enough, {before} was needed. Who met it "
        "still does.",
    ),
    Rule(
        name="requirement-made-relevant",
        impact="minor",
        reason="“{competency}” is relevant now for {roles}, essential before. Who met it still "
        "does.",
    ),
    Rule(
        name="requirement-dropped",
        impact="minor",
        reason="“{competency}” is no longer needed by {roles}. Who met all that is asked still "
        "does.",
    ),
    Rule(
        name="outcome-unsupported",
        impact="major",
        reason="The outcome “{outcome}” loses its last support: no claim speaks for it any more.",
    ),
    Rule(
        name="outcome-without-competency",
        impact="major",
        reason="No competency is claimed to contribute to the outcome “{outcome}” any more.",
    ),
    Rule(
        name="contributor-unsupported",
        impact="minor",
        reason="“{contributor}” has no claim any more that says what it contributes to.",
    ),
    Rule(
        name="mapping-target-removed",
        impact="major",
        reason="{mappings} led to it: whoever translates by that arrives nowhere.",
    ),
    Rule(
        name="valid-data-refused",
        impact="major",
        reason="What was valid is refused now: {things}.",
    ),
    Rule(
        name="rule-unjudged",
        impact="major",
        reason="It may refuse what was valid, and there are no data here to show that it does not.",
    ),
)
