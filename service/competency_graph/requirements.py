"""What roles need: own and inherited requirements, the nearest role decides. Writes no JSON.

Deprecated requirements and roles count for nothing.
"""

from competency_graph.index import Graph
from competency_graph.vocab import CG, SKOS

Stated = tuple[str, str]
"""A requirement, and the role that states it."""


def effective(graph: Graph, role: str) -> dict[str, Stated]:
    """Return, for each competency that a role needs, the requirement that decides."""
    found: dict[str, Stated] = {}
    waiting, seen = [role], {role}
    while waiting:
        nearer: dict[str, Stated] = {}
        wider: list[str] = []
        for holder in waiting:
            for requirement in graph.subjects(CG + "belongsToRole", holder):
                if graph.called(requirement).deprecated:
                    continue
                for competency in graph.values(requirement, CG + "requiresCompetency"):
                    nearer.setdefault(competency.value, (requirement, holder))
            for parent in graph.values(holder, SKOS + "broader"):
                if parent.value not in seen:
                    seen.add(parent.value)
                    wider.append(parent.value)
        found = nearer | found
        waiting = wider
    return found


def needing(graph: Graph, competency: str) -> dict[str, Stated]:
    """Return, for each role that needs a competency, the requirement that decides.

    The same rule as :func:`effective`, from the competency down the tree of roles.
    """
    found: dict[str, Stated] = {}
    reached: dict[str, Stated] = {}
    for requirement in graph.subjects(CG + "requiresCompetency", competency):
        if not graph.called(requirement).deprecated:
            for role in graph.values(requirement, CG + "belongsToRole"):
                reached.setdefault(role.value, (requirement, role.value))
    while reached:
        found = reached | found
        narrower = {
            role: found[holder]
            for holder in sorted(reached, reverse=True)
            for role in graph.subjects(SKOS + "broader", holder)
        }
        reached = {role: stated for role, stated in narrower.items() if role not in found}
    return {
        role: stated for role, stated in sorted(found.items()) if not graph.called(role).deprecated
    }
