"""How a change of statements is written in the text of a document, syntax by syntax.

Writes nothing itself. What cannot be written by exchanging parts of the text has no edits.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from rdflib import XSD, Literal, URIRef
from rdflib.term import Node

from competency_graph import rdf, statements
from competency_graph.model import Edit, Place
from competency_graph.places import Span, Spots, Stated

_NAME: Final = re.compile(r"[\w-]+", re.ASCII)
_Said = tuple[URIRef, Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A document with where its statements stand, and how it would be changed."""

    name: str
    syntax: rdf.Syntax
    spots: Spots

    def place(self, span: Span) -> Place:
        """Return a part of the text as a place in the document."""
        start, end = self.spots.at(span.start), self.spots.at(span.end)
        return Place(
            file=self.name,
            line=start.line,
            column=start.column,
            end_line=end.line,
            end_column=end.column,
        )

    def removing(self, stated: Stated) -> tuple[Edit, ...]:
        """Return the edits that take a statement away."""
        return () if stated.whole is None else self._edits([(stated.whole, "")])

    def replacing(self, subject: Node, stated: Stated, old: _Said, new: _Said) -> tuple[Edit, ...]:
        """Return the edits that make one statement of another; both are predicate and value."""
        if old[0] != new[0] and not stated.alone:
            edits = (self.removing(stated), self.adding(subject, *new))
            return edits[0] + edits[1] if all(edits) else ()
        for before, after in zip(old, new, strict=True):
            if (declared := self._declared(before, after)) is not None:
                return self._edits([declared])
        found: list[tuple[Span, str | None]] = []
        if old[0] != new[0]:
            found += [(s, self._name(self._written(s), old[0], new[0])) for s in stated.predicates]
            found = found or [(stated.value, None)]
        if old[1] != new[1]:
            found.append(self._value(stated, old[1], new[1]) or (stated.value, None))
        return self._edits([(span, text) for span, text in found if text is not None], len(found))

    def adding(self, subject: Node, predicate: URIRef, value: Node) -> tuple[Edit, ...]:
        """Return the edits that say one thing more of what the document describes."""
        end = self.spots.ends.get(str(subject))
        text = None if end is None else self._more(end, subject, predicate, value)
        return () if end is None or text is None else self._edits([(Span(end, end), text)])

    def _edits(self, found: Iterable[tuple[Span, str]], whole: int = 1) -> tuple[Edit, ...]:
        edits = tuple(Edit(place=self.place(span), text=text) for span, text in found)
        return edits if len(edits) == whole else ()

    def _written(self, span: Span) -> str:
        return self.spots.text[span.start : span.end]

    def _declared(self, old: Node, new: Node) -> tuple[Span, str] | None:
        """Return where the beginning is declared in which alone two addresses differ."""
        if not isinstance(old, URIRef) or not isinstance(new, URIRef):
            return None
        cut = max(old.rfind("/"), old.rfind("#")) + 1
        before, after = old[:cut], new.removesuffix(old[cut:])
        pattern = re.compile(f'[<"]({re.escape(before)})[>"]')
        declared = [found.start(1) for found in pattern.finditer(self.spots.text)]
        if before == after or not new.endswith(old[cut:]) or len(declared) != 1:
            return None
        return Span(declared[0], declared[0] + len(before)), after

    def _name(self, written: str, old: URIRef, new: URIRef) -> str | None:
        """Return one predicate in the place of another."""
        if (name := _other_end(written, old, new)) is not None:
            return name
        if self.syntax.name == "json-ld":
            return json.dumps(str(new), ensure_ascii=False)
        name = statements.written(new, self.spots.prefixes)
        if self.syntax.name == "rdf-xml":
            # Only a name that is declared can be an element.
            return None if name.startswith("<") else name.removeprefix(":")
        return name

    def _value(self, stated: Stated, old: Node, new: Node) -> tuple[Span, str] | None:
        """Return what stands in the place of a value, and which part of the text it replaces."""
        span, written = stated.value, self._written(stated.value)
        if isinstance(old, URIRef) and isinstance(new, URIRef):
            # In XML a type may be the name of an element, which is there twice.
            if self.syntax.name == "rdf-xml" and not written.startswith(("'", '"')):
                return None
            if (name := _other_end(written, old, new)) is not None:
                return span, name
        if self.syntax.name == "json-ld":
            return _in_json(self.spots.text, span, old, new)
        if self.syntax.name == "rdf-xml":
            return _in_xml(self.spots.text, stated, old, new)
        return span, self._in_turtle(new, written if str(old) == str(new) else "")

    def _in_turtle(self, value: Node, written: str = "") -> str:
        """Return a value in a syntax of the Turtle family, in the quotation marks it has there."""
        lines = self.syntax.name in ("n-triples", "n-quads")
        has = re.match(r'("""|\'\'\'|"|\').*\1', written, re.DOTALL)
        plain = isinstance(value, Literal) and value.datatype in (XSD.boolean, XSD.integer)
        if not isinstance(value, Literal) or (plain and not lines):
            return statements.written(value, self.spots.prefixes)
        text = has[0] if has else statements.quoted(str(value))
        return text + statements.suffix(value, self.spots.prefixes)

    def _more(self, end: int, subject: Node, predicate: URIRef, value: Node) -> str | None:
        name = statements.written(predicate, self.spots.prefixes)
        match self.syntax.name:
            case "turtle" | "trig":
                return f" ;\n    {name} {self._in_turtle(value)}"
            case "json-ld":
                return f",\n  {json.dumps(str(predicate))}: {_as_json(value)}"
            case "rdf-xml":
                return None if name.startswith("<") else _as_xml(name.removeprefix(":"), value)
        before = self.spots.text[:end]
        graph = rdf.graph_name(before.rstrip().rpartition("\n")[2].encode())
        parts = [f"<{subject}>", name, self._in_turtle(value), *([f"<{graph}>"] if graph else [])]
        return ("" if before.endswith("\n") else "\n") + " ".join(parts) + " .\n"


def _other_end(written: str, old: URIRef, new: URIRef) -> str | None:
    """Return an address as it is written, its end exchanged, where the rest is the same."""
    cut = max(old.rfind("/"), old.rfind("#")) + 1
    before, after = old[cut:], new[cut:]
    at = written.rfind(before) if before else -1
    if at < 0 or old[:cut] != new[:cut] or not _NAME.fullmatch(after):
        return None
    rest = written[at + len(before) :]
    return written[:at] + after + rest if rest in ("", ">", '"', "'") else None


def _in_json(text: str, span: Span, old: Node, new: Node) -> tuple[Span, str] | None:
    beside = re.search(r'"@value"\s*:\s*$', text[: span.start]) is not None
    said = json.dumps(str(new), ensure_ascii=False)
    if isinstance(old, URIRef) and isinstance(new, URIRef):
        return span, said
    if not isinstance(old, Literal):
        return None
    if isinstance(new, URIRef):
        return None if beside or old.language or old.datatype else (span, f'{{"@id": {said}}}')
    assert isinstance(new, Literal)
    if (old.language, old.datatype) == (new.language, new.datatype):
        return span, said
    if old.language or old.datatype:
        # It is said beside the text, or by the context.
        return None
    if beside:
        return span, _as_json(new).removeprefix('{"@value": ').removesuffix("}")
    return span, _as_json(new)


def _in_xml(text: str, stated: Stated, old: Node, new: Node) -> tuple[Span, str] | None:
    span = stated.value
    attribute = text[span.start - 1 : span.start] == "="
    if isinstance(new, URIRef):
        return (span, quoteattr(str(new))) if attribute and isinstance(old, URIRef) else None
    if not isinstance(new, Literal) or not isinstance(old, Literal):
        return None
    if (old.language, old.datatype) == (new.language, new.datatype):
        return span, quoteattr(str(new)) if attribute else escape(str(new))
    if old.language or old.datatype or str(old) != str(new) or not stated.predicates:
        return None
    end = stated.predicates[0].end
    return Span(end, end), _attribute_of(new)


def _attribute_of(literal: Literal) -> str:
    if literal.language:
        return f' xml:lang="{literal.language}"'
    if literal.datatype in (None, XSD.string):
        return ""
    return f" rdf:datatype={quoteattr(str(literal.datatype))}"


def _as_xml(name: str, value: Node) -> str:
    if isinstance(value, URIRef):
        return f"  <{name} rdf:resource={quoteattr(str(value))}/>\n"
    assert isinstance(value, Literal)
    return f"  <{name}{_attribute_of(value)}>{escape(str(value))}</{name}>\n"


def _as_json(value: Node) -> str:
    if isinstance(value, URIRef):
        return json.dumps({"@id": str(value)}, ensure_ascii=False)
    assert isinstance(value, Literal)
    told = {"@value": str(value)}
    if value.language:
        told["@language"] = value.language
    elif value.datatype not in (None, XSD.string):
        told["@type"] = str(value.datatype)
    return json.dumps(told, ensure_ascii=False)
