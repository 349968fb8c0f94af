"""What ships, as a workspace is judged with it: statements, and shapes made ready. Holds none."""

from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox

from competency_graph import graphs, rdf, resources
from competency_graph.shacl.compile import compiled
from competency_graph.shacl.plan import Planner
from competency_graph.workspace.held import Rules


def shipped() -> Iterator[ox.Quad]:
    """Yield the statements of what ships."""
    for graph in resources.shipped_graphs("shipped"):
        for file in graph.files:
            yield from _read(file)


def rules() -> tuple[Rules, Rules]:
    """Return the shapes that ship, ready: those for all, and with those of the house."""
    core, house = (
        [quad for file in resources.shape_files(profile) for quad in _read(file)]
        for profile in ("core", "house")
    )
    return _ready(core), _ready([*core, *house])


def _ready(shapes: list[ox.Quad]) -> Rules:
    ready = compiled(shapes, stored=False)
    return Rules(compiled=ready, planner=Planner(ready), graph=graphs.to_rdflib(shapes))


def _read(file: Path) -> list[ox.Quad]:
    return rdf.parse(file.read_bytes(), rdf.SYNTAXES[0], name=file.name, base=rdf.NO_BASE)
