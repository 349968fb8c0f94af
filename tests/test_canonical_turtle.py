"""The canonical form of Turtle: nothing is lost in it but comments and layout."""

import pyoxigraph as ox
from competency_graph.graphs import canonical_turtle
from competency_graph.rdf import SYNTAXES, parse


def test_the_canonical_form_spells_every_literal_as_it_was() -> None:
    kinds = ("boolean", "integer", "decimal", "double", "date")
    spelt = ("none", "true", "1", "01", "+1", "1.0", "-.5", "x", "")
    lines = [
        f'<urn:s{kind}{number}> <urn:p> "{text}"^^<http://www.w3.org/2001/XMLSchema#{kind}> .'
        for kind in kinds
        for number, text in enumerate(spelt)
    ]
    written = canonical_turtle("\n".join(lines).encode(), name="literals.ttl")
    assert _values(written) == _values("\n".join(lines).encode())


def _values(turtle: bytes) -> set[str]:
    """Return statements with literals by their value, as a store keeps them."""
    store = ox.Store()
    store.extend(parse(turtle, SYNTAXES[0], name="literals.ttl"))
    return set(map(str, store))
