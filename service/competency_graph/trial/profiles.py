"""Shapes graphs ready to judge by, and which of them govern which graph. Judges nothing."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import rdflib

from competency_graph import graphs
from competency_graph.index import Graph
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.degrees import GUESSED, Degrees
from competency_graph.shacl.focus import Judge
from competency_graph.shacl.plan import Planner
from competency_graph.shacl.reference import check_well_formed, compile_shapes
from competency_graph.vocab import DCTERMS, GRAPH

CONFORMS_TO: Final = DCTERMS + "conformsTo"
_SHAPES: Final = GRAPH + "shapes-"
_CORE: Final = _SHAPES + "core"
_HOUSE: Final = _SHAPES + "house"
_ONTOLOGY: Final = GRAPH + "ontology"
# Ways are counted anew when so many times as much was put in as there was, and so much at least.
_GROWN: Final = 2
_WORTH_COUNTING: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A graph of shapes: as statements, for sentences; to judge by; to plan by."""

    shapes: rdflib.Graph
    judge: Judge
    planner: Planner

    @classmethod
    def of(
        cls, graph: Graph, name: str, degrees: Degrees, *, well_formed: bool = True
    ) -> "Profile":
        """Make the shapes of a named graph ready.

        Args:
            graph: what holds them.
            name: the named graph.
            degrees: those of the data that will be judged.
            well_formed: whether it is known that they are.

        Raises:
            InvalidShapes: they cannot be judged by.
        """
        quads = list(graph.quads(name))
        shapes = graphs.to_rdflib(quads)
        if not well_formed:
            check_well_formed(shapes)
        # pySHACL's refusals as well: what it would ignore looks like a rule that holds.
        checked = compile_shapes(shapes)
        ready = compiled(quads, stored=True, degrees=degrees)
        return cls(shapes=checked.graph, judge=Judge(ready), planner=Planner(ready))


@dataclass(slots=True)
class Profiles:
    """The profiles of a graph, which the keeper makes once and its forks share."""

    _made: dict[str, Profile] = field(default_factory=dict)
    _degrees: Degrees | None = None
    _enough: int = 0

    def prepare(self, graph: Graph, *, count: bool = True) -> Iterator[None]:
        """Make ready, step by step, what the graph holds and is not ready yet.

        What was applied to the graph since the last time is made anew. The steps are to be taken to
        the end; each takes up to half a second. ``count`` is whether the data may be counted anew.
        """
        changed = graph.forget_changed()
        names = {name for name in graph.graph_names() if is_shapes(name)}
        for gone in set(self._made) - names:
            del self._made[gone]
        if count and graph.union and (self._degrees is None or graph.added > self._enough):
            self._degrees = Degrees.of(graph.store)
            self._enough = graph.added + max(_GROWN * graph.size(), _WORTH_COUNTING)
            changed |= names
            yield
        for name in sorted(names):
            if name in changed or name not in self._made:
                self._made[name] = Profile.of(graph, name, self._degrees or GUESSED)
                yield

    def after(self, graph: Graph, changed: Collection[str]) -> Mapping[str, Profile]:
        """Return the profiles by name, those of changed graphs as they are in the graph now.

        Raises:
            InvalidShapes: the change makes shapes that cannot be judged by.
        """
        profiles = dict(self._made)
        for name in filter(is_shapes, changed):
            profiles[name] = Profile.of(graph, name, self._degrees or GUESSED, well_formed=False)
        return profiles


def is_shapes(name: str) -> bool:
    """Say whether a named graph is one of shapes. Such are judged when they are made ready."""
    return name.startswith(_SHAPES)


def profiles_of(graph: Graph, name: str) -> list[str]:
    """Return the graphs of shapes that a named graph is judged by: core, and what it conforms to.

    The vocabulary itself always belongs to the house.
    """
    # Read from the graph itself: another graph must not decide what this one is judged by.
    said = graph.values_in(name, name, CONFORMS_TO)
    if name == _ONTOLOGY:
        said.append(_HOUSE)
    return list(dict.fromkeys([_CORE, *said]))


def governed(graph: Graph, changed: Collection[str]) -> set[str]:
    """Return the graphs that are judged by some graphs of shapes."""
    names = (name for name in graph.graph_names() if not is_shapes(name))
    return {name for name in names if not set(changed).isdisjoint(profiles_of(graph, name))}
