"""What is found at nodes, as rows of the log: by the profiles of the graphs that it belongs to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from competency_graph.index import Graph
from competency_graph.misspellings import misspelt_terms
from competency_graph.model import SEVERITIES, Finding, Repair
from competency_graph.shacl.data import Run, Term
from competency_graph.shacl.findings import order
from competency_graph.shacl.focus import together
from competency_graph.shacl.refusals import spelt
from competency_graph.trial.planning import said
from competency_graph.trial.profiles import Profile, profiles_of

Row = Mapping[str, Any]
"""A finding's fields, the graph that it belongs to, and, where it is about another, the node that
was judged."""


def evaluate(
    graph: Graph, profiles: Mapping[str, Profile], run: Run, nodes: Sequence[Term]
) -> dict[str, list[Row]]:
    """Return what is found at nodes, by node.

    What a graph is exempted from, by the exemptions as they stand in it, is a warning at most.

    Raises:
        InvalidShapes: a shape cannot be evaluated on this data.
    """
    by_home: defaultdict[str, list[Term]] = defaultdict(list)
    found: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for node in nodes:
        names, statements = said(graph, node)
        for name in names:
            by_home[name].append(node)
        for name, some in statements.items():
            found[name, spelt(node)] += misspelt_terms(some, run)
    for home, members in by_home.items():
        judges = [profiles[p].judge for p in profiles_of(graph, home) if p in profiles]
        for node, findings in together(judges, run, members).items():
            # First, since of two that say the same and are as strict the first one stays.
            found[home, spelt(node)][:0] = findings
    exemptions = _exemptions(graph)
    rows: dict[str, list[Row]] = {spelt(node): [] for node in nodes}
    for (name, judged), findings in found.items():
        # First: an exemption from one rule must not hide another that says the same.
        findings = [
            _exempted(finding, exemptions.get((name, finding.rule))) for finding in findings
        ]
        for finding in sorted(_without_echoes(findings), key=order):
            apart = {} if finding.focus == judged else {"node": judged}
            rows[judged].append({**asdict(finding), "graph": name, **apart})
    return rows


def _exemptions(graph: Graph) -> dict[tuple[str, str], str]:
    """Return which graph is exempted from which rule, with the day and the reason in words."""
    found: dict[tuple[str, str], str] = {}
    for name, rule, day, reason in graph.rows("exemptions"):
        found.setdefault((name.value, rule.value), f"Exempted on {day.value}: {reason.value}")
    return found


def _exempted(finding: Finding, why: str | None) -> Finding:
    """Return a finding as an exemption leaves it: a warning at most, with what the exemption says.

    There is nothing to mend, so that stands where a repair would.
    """
    if why is None:
        return finding
    severity = "warning" if finding.severity == "violation" else finding.severity
    return replace(finding, severity=severity, repair=Repair(text=why))


def _without_echoes(found: Iterable[Finding]) -> Iterable[Finding]:
    """Return findings without those that a stricter rule tells in the same words.

    Of two that are as strict, the one that says more stays.
    """
    strictest: dict[tuple[object, ...], Finding] = {}
    for finding in found:
        key = (finding.focus, finding.field, finding.value, finding.message)
        other = strictest.get(key)
        if other is None or _weight(finding) < _weight(other):
            strictest[key] = finding
    return strictest.values()


def _weight(finding: Finding) -> tuple[int, bool]:
    return SEVERITIES.index(finding.severity), finding.repair is None
