"""What is refused at the border: literals that are not of their type, and what RDF 1.1 has not.

Looks at each literal in its own spelling, before the engine keeps it by value. Changes nothing.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

import pyoxigraph as ox

from competency_graph.errors import BadLiteral, UnreadableInput
from competency_graph.literals import fault
from competency_graph.rdf import Syntax
from competency_graph.sparql_text import column_of, line_of, strings
from competency_graph.vocab import XSD

MOST_LISTED: Final = 20
"""How many bad literals an error lists; it says how many there are."""

_PLAIN: Final = XSD + "string"
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_CONTROLS: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}


class Written(NamedTuple):
    """A literal as it is written, and where in its text, if that is known."""

    value: str
    datatype: str
    language: str
    offset: int | None


def unquoted(token: str) -> str:
    """Return what a string in SPARQL or Turtle says, quotes and escapes undone."""
    quotes = 3 if token[:3] in ('"""', "'''") and len(token) > 5 else 1
    inner = token[quotes:-quotes]
    if "\\" not in inner:
        return inner
    return _ESCAPE.sub(
        lambda found: (
            _CONTROLS.get(found[3], found[3]) if found[3] else chr(int(found[1] or found[2], 16))
        ),
        inner,
    )


def refuse_in_update(text: str, literals: Iterable[Written]) -> None:
    """Raise ``BadLiteral``, with all places, where literals of an update are ill-typed."""
    _refuse("The update", _faults(literals), text)


def refuse_in_document(
    quads: Iterable[ox.Quad], content: bytes, *, syntax: Syntax, name: str, literals: bool = True
) -> None:
    """Raise where a document holds what is not kept; ill-typed ``literals`` are, where not asked.

    Raises:
        BadLiteral: literals are ill-typed; facts list them with line and column where known.
        UnreadableInput: a blank node names a graph, or a statement is about a statement.
    """
    found: list[Written] = []
    for quad in quads:
        if isinstance(quad.object, ox.Literal):
            language = _language(quad.object)
            found.append(Written(quad.object.value, quad.object.datatype.value, language, None))
        elif isinstance(quad.object, ox.Triple):
            raise UnreadableInput(
                f"{name} makes a statement about a statement (RDF 1.2), which is not kept here. "
                "Describe it by a node of its own.",
                file=name,
            )
        if isinstance(quad.graph_name, ox.BlankNode):
            raise UnreadableInput(
                f"{name} names a graph by a blank node. Name it by an IRI.", file=name
            )
    bad = _faults(found) if literals else []
    if bad:
        text = content.decode()
        _refuse(name, _placed(bad, text, syntax), text)


def refuse_computed(quads: Iterable[ox.Quad]) -> None:
    """Raise ``BadLiteral`` where an update made ill-typed literals out of others."""
    literals = [
        Written(quad.object.value, quad.object.datatype.value, _language(quad.object), None)
        for quad in quads
        if isinstance(quad.object, ox.Literal) and quad.object.datatype.value != _PLAIN
    ]
    _refuse("What the update makes", _faults(literals), "")


def _language(literal: ox.Literal) -> str:
    direction = getattr(literal, "direction", None)
    return (literal.language or "") + (f"--{direction.value}" if direction is not None else "")


def _faults(literals: Iterable[Written]) -> list[tuple[Written, str]]:
    found = ((written, fault(*written[:3])) for written in literals)
    return [(written, said) for written, said in found if said is not None]


def _refuse(name: str, bad: Sequence[tuple[Written, str]], text: str) -> None:
    if not bad:
        return
    places = []
    for written, _ in bad[:MOST_LISTED]:
        place: dict[str, object] = {"value": written.value[:200]}
        place["datatype"] = written.datatype or _PLAIN
        if written.offset is not None:
            place["line"] = line_of(text, written.offset)
            place["column"] = column_of(text, written.offset)
        places.append(place)
    first, said = bad[0]
    where = f", line {places[0]['line']}" if "line" in places[0] else ""
    more = f" There are {len(bad)} such values." if len(bad) > 1 else ""
    shown = first.value if len(first.value) <= 60 else first.value[:60] + "…"
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in shown)
    raise BadLiteral(
        f"{name}{where}: “{shown}” {said}. Mend the value or its type.{more}",
        places,
        found=len(bad),
        file=name,
    )


def _placed(
    bad: Sequence[tuple[Written, str]], text: str, syntax: Syntax
) -> list[tuple[Written, str]]:
    """Return the bad literals with the places at which the document holds them."""
    if syntax.name in ("json-ld", "rdf-xml"):
        return [
            (written._replace(offset=_only(written.value, text)), said) for written, said in bad
        ]
    wanted = {written.value for written, _ in bad}
    places: dict[tuple[str, bool], list[int]] = {}
    for token in strings(text):
        value = unquoted(token.text)
        if value in wanted:
            typed = text.startswith("^^", token.end)
            places.setdefault((value, typed), []).append(token.start)
    placed = []
    for written, said in bad:
        typed = not written.language and written.datatype != _PLAIN
        offsets = places.get((written.value, typed), [])
        placed.append((written._replace(offset=offsets.pop(0) if offsets else None), said))
    return placed


def _only(value: str, text: str) -> int | None:
    """Return where the one member or element stands that says this in JSON or XML, if one does."""
    spelt = [json.dumps(value), json.dumps(value, ensure_ascii=False)]
    wanted = "|".join([*map(re.escape, spelt), f"(?<=>){re.escape(escape(value))}(?=<)"])
    found = [match.start() for match in re.finditer(wanted, text)]
    return found[0] if len(found) == 1 else None
