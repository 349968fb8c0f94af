"""Formats in: one a file, one registry, one loss report. Fetches nothing, writes to no graph.

Runs on text that somebody sent: call :func:`bring` in a sealed fork.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from competency_graph import rdf
from competency_graph.errors import BadRequest, UnreadableInput
from competency_graph.exchange.as_rdf import RDF
from competency_graph.exchange.skos import SKOS_FORMAT
from competency_graph.exchange.values import (
    Brought,
    Format,
    Material,
    Source,
    in_graph,
)
from competency_graph.index import Graph, refuse_in_document
from competency_graph.vocab import CG, DCTERMS, PREFIXES
from competency_graph.vocab import RDF as RDF_NAMES

__all__ = ["FORMATS", "Brought", "Source", "bring"]

FORMATS: Final[tuple[Format, ...]] = (SKOS_FORMAT, RDF)
"""The first that recognises what is brought takes it."""

_NOWHERE: Final = "urn:x-brought:nowhere"
_OURS: Final = re.compile(rf"\S+ <{re.escape(RDF_NAMES)}type> <{re.escape(CG)}(\w+)> ".encode())


def bring(
    sources: Sequence[Source], *, format_: str | None, target: str | None, licence: str | None
) -> Brought:
    """Return what files come to: statements in graphs, every framework with its licence.

    Args:
        sources: the files, which are one import.
        format_: a name in ``FORMATS``; none to tell it from the content.
        target: the graph that all goes to; none to tell it from the content.
        licence: the IRI of the licence of what states none.

    Raises:
        UnreadableInput, BadLiteral: a file is not of its syntax, or a value not of its type;
            facts hold the place.
        BadRequest: a graph or a licence is missing; the sentence says which option gives it.
    """
    lines: list[bytes] = []
    for number, source in enumerate(sources, start=1):
        quads = rdf.parse(source.content, source.syntax, name=source.name)
        refuse_in_document(quads, source.content, syntax=source.syntax, name=source.name)
        lines += rdf.quad_lines(quads, labels=f"f{number}x")
    files = sources[0].name if len(sources) == 1 else f"{len(sources)} files"
    if not lines:
        raise UnreadableInput(f"{files} says nothing: there is no statement to bring in.")
    material = Material(
        files=files,
        lines=tuple(dict.fromkeys(lines)),
        names_graphs=any(map(rdf.graph_name, lines)),
        graph=_held(lines),
        target=target,
    )
    chosen = next(
        f for f in FORMATS if format_ == f.name or (not format_ and f.recognises(material))
    )
    return _counted(_licensed(chosen.bring(material), licence))


def _held(lines: Sequence[bytes]) -> Graph:
    graph = Graph()
    placed = (line if rdf.graph_name(line) else in_graph(line, _NOWHERE) for line in lines)
    graph.load([("added", b"\n".join(placed))])
    return graph


def _licensed(brought: Brought, licence: str | None) -> Brought:
    """Return the same where every framework states its licence, or with the one that is given.

    Raises:
        BadRequest: one states none and none is given.
    """
    graph = Graph()
    graph.load([("added", b"\n".join(brought.lines))])
    names: dict[str, str] = {}
    homes: dict[str, set[str]] = defaultdict(set)
    said: dict[str, set[str]] = defaultdict(set)
    credited: set[str] = set()
    for framework, home, _described, label, stated, credit in graph.rows("brought-frameworks"):
        iri = framework.value
        names.setdefault(iri, label.value or iri)
        homes[iri].add(home.value)
        said[iri] |= {stated.value} - {""}
        if credit.value:
            credited.add(iri)
    bare = [iri for iri in names if not said[iri]]
    if bare and licence is None:
        raise BadRequest(
            f"“{names[bare[0]]}” does not state its licence. Ask whoever publishes it, and say it "
            "with --license, such as --license https://creativecommons.org/licenses/by/4.0/."
        )
    added = [
        f"<{subject}> <{DCTERMS}license> <{licence}> <{home}> .".encode()
        for iri in bare
        for home in sorted(homes[iri])
        for subject in sorted({iri, home})
    ]
    # A graph that is not the framework itself says which one it holds.
    added += [
        f"<{home}> <{predicate}> <{value}> <{home}> .".encode()
        for iri in (names if not brought.unchanged else bare)
        for home in sorted(homes[iri] - {iri})
        for predicate, value in (
            (RDF_NAMES + "type", PREFIXES["dcat"] + "Dataset"),
            (PREFIXES["foaf"] + "primaryTopic", iri),
        )
    ]
    notes = [
        f"“{names[iri]}” names nobody to credit: no creator, publisher or rights."
        for iri in names
        if iri not in credited
    ]
    if licence is not None and names and not bare:
        notes.append("The files state their licence themselves, so --license was not used.")
    return replace(
        brought,
        lines=tuple(dict.fromkeys((*brought.lines, *added))),
        losses=(*brought.losses, *notes),
        unchanged=brought.unchanged and not added,
    )


def _counted(brought: Brought) -> Brought:
    counts = Counter(m[1].decode() for line in brought.lines if (m := _OURS.match(line)))
    words = (
        (re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower(), number)
        for name, number in counts.most_common(6)
    )
    return replace(brought, counts=tuple(words))
