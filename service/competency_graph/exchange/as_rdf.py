"""RDF in any syntax, taken as it is. Decides only in which graph what names none is."""

from typing import Final

from competency_graph.errors import BadRequest
from competency_graph.exchange.values import Brought, Format, Material, in_graph
from competency_graph.rdf import graph_name


def _bring(material: Material) -> Brought:
    """Return the statements in the graphs that they name, the rest in the one of their framework.

    Raises:
        BadRequest: a graph is named twice, or nowhere.
    """
    if material.names_graphs:
        if material.target is not None:
            raise BadRequest(
                f"{material.files} names graphs itself. Leave out --graph, or bring the "
                "statements in a syntax without graphs, such as Turtle."
            )
        if not all(graph_name(line) for line in material.lines):
            raise BadRequest(
                f"{material.files} has statements in graphs and statements in none. "
                "Put each into a graph."
            )
        graphs = {graph_name(line) for line in material.lines}
        return Brought(
            lines=material.lines,
            graphs=tuple(sorted(graphs)),
            from_files=frozenset(graphs),
            unchanged=True,
        )
    target = material.target or _home(material)
    return Brought(
        lines=tuple(in_graph(line, target) for line in material.lines),
        graphs=(target,),
        from_files=frozenset() if material.target else frozenset({target}),
        unchanged=True,
    )


def _home(material: Material) -> str:
    """Return the graph that the one framework of the material says to be its own, else its IRI."""
    homes = {row[2].value or row[0].value for row in material.graph.rows("brought-frameworks")}
    if len(homes) != 1:
        which = "no framework" if not homes else f"{len(homes)} frameworks"
        raise BadRequest(
            f"Say which graph the statements of {material.files} belong to: --graph NAME. "
            f"They describe {which}, so that cannot be told from them."
        )
    return homes.pop()


RDF: Final = Format(name="rdf", recognises=lambda material: True, bring=_bring)
