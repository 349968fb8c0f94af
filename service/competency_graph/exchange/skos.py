"""SKOS vocabularies as frameworks: what they say stays, and what we call it is put beside it.

One query says what becomes what (`queries/frameworks-from-skos.rq`); nothing is dropped or renamed.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from competency_graph import queries
from competency_graph.errors import BadRequest
from competency_graph.exchange.values import Brought, Format, Material, in_graph
from competency_graph.index import Term
from competency_graph.vocab import CG, RDF, SKOS

_TYPE: Final = f"<{RDF}type>".encode()
_FRAMEWORK: Final = f"<{CG}CompetencyFramework>".encode()
_IN_SCHEME: Final = f"<{SKOS}inScheme>".encode()
_SHOWN: Final = 3

# What the query cannot carry, by the kinds of `skos-losses.rq`: for one, for several.
_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "collection": (
        "1 collection is kept, but a framework has no place for it: {names}.",
        "{count} collections are kept, but a framework has no place for them: {names}.",
    ),
    "joined": (
        "1 concept names no scheme and was taken into the only one there is: {names}.",
        "{count} concepts name no scheme and were taken into the only one there is: {names}.",
    ),
    "homeless": (
        "1 concept names none of the schemes, so it is kept but is no competency: {names}.",
        "{count} concepts name none of the schemes, so they are kept but are no competencies: "
        "{names}.",
    ),
    "elsewhere": (
        "1 concept is of a scheme that no file describes, so it is kept but is no competency: "
        "{names}.",
        "{count} concepts are of a scheme that no file describes, so they are kept but are no "
        "competencies: {names}.",
    ),
    "label": (
        "1 label with statements of its own (SKOS-XL) is kept, but not shown as a label.",
        "{count} labels with statements of their own (SKOS-XL) are kept, but not shown as labels.",
    ),
    "transitive": (
        "1 concept has a transitive relation without a direct one; it is kept, but not in the "
        "tree: {names}.",
        "{count} concepts have transitive relations without direct ones; they are kept, but not "
        "in the tree: {names}.",
    ),
    "match": (
        "1 concept is matched with others; the match is kept, without who says so and why.",
        "{count} concepts are matched with others; the matches are kept, without who says so "
        "and why.",
    ),
    "property": (
        "1 property of another vocabulary is kept, but pages do not show it: {names}.",
        "{count} properties of other vocabularies are kept, but pages do not show them: {names}.",
    ),
}


def _recognises(material: Material) -> bool:
    ((schemes, ours),) = material.graph.rows("brought-kind")
    return not material.names_graphs and (schemes.value, ours.value) == ("true", "false")


def _bring(material: Material) -> Brought:
    """Return the statements and what they are called here, each framework in its own graph.

    Raises:
        BadRequest: no scheme is described, or the files name graphs.
    """
    if material.names_graphs:
        raise BadRequest(
            f"{material.files} names graphs itself, and a SKOS vocabulary goes into the graph of "
            "its scheme. Bring it in a syntax without graphs, such as Turtle."
        )
    output = io.BytesIO()
    text = queries.text("frameworks-from-skos")
    material.graph.write_answer(text, output, graph="n-triples")
    made = [line for line in output.getvalue().split(b"\n") if line]
    frameworks = sorted(
        _name(line.split(b" ", 2)[0]) for line in made if line.endswith(_FRAMEWORK + b" .")
    )
    if not frameworks:
        raise BadRequest(
            f"{material.files} describes no skos:ConceptScheme, so there is no framework in it. "
            "Describe the scheme, or bring it as RDF with --format rdf."
        )
    lines = {line: None for line in (*material.lines, *made)}
    if material.target is not None:
        shared = material.target
        placed, graphs = [in_graph(line, shared) for line in lines], [shared]
    else:
        placed, graphs = _apart(lines, frameworks), frameworks
    return Brought(
        lines=tuple(placed),
        graphs=tuple(graphs),
        from_files=frozenset() if material.target else frozenset(graphs),
        losses=tuple(_losses(material)),
    )


def _apart(lines: Iterable[bytes], frameworks: list[str]) -> list[bytes]:
    """Return each line in the graph of the framework that its subject belongs to.

    A blank node is where what refers to it is; what belongs nowhere is with the first framework.
    """
    triples = [(line, *line.split(b" ", 2)) for line in lines]
    homes: dict[bytes, set[str]] = defaultdict(set)
    known = set(frameworks)
    for framework in frameworks:
        homes[f"<{framework}>".encode()].add(framework)
    for _, subject, predicate, value in triples:
        if predicate == _IN_SCHEME and (home := _name(value[:-2])) in known:
            homes[subject].add(home)
    referring = [
        (subject, value[:-2]) for _, subject, _, value in triples if value.startswith(b"_:")
    ]
    moved = len(known) > 1
    while moved:
        moved = False
        for subject, blank in referring:
            if not homes[subject] <= homes[blank]:
                homes[blank] |= homes[subject]
                moved = True
    first = {frameworks[0]}
    return [
        in_graph(line, home)
        for line, subject, _, _ in triples
        for home in sorted(homes.get(subject) or first)
    ]


def _name(node: bytes) -> str:
    return node[1:-1].decode()


def _losses(material: Material) -> Iterable[str]:
    """Yield a sentence for each kind of thing that has no place in a framework."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for told, thing, label in material.graph.rows("skos-losses"):
        found[told.value].setdefault(thing.value, _called(thing, label))
    for kind, things in found.items():
        names = list(things.values())
        shown = ", ".join(names[:_SHOWN]) + (" …" if names[_SHOWN:] else "")
        one, several = _SENTENCES[kind]
        yield (several if names[1:] else one).format(count=len(names), names=shown)


def _called(thing: Term, label: Term) -> str:
    if label.value:
        return f"“{label.value}”"
    return thing.value.rstrip("/#").replace("#", "/").rpartition("/")[2] or thing.value


SKOS_FORMAT: Final = Format(name="skos", recognises=_recognises, bring=_bring)
