"""Where statements stand in RDF/XML. Fetches nothing and refuses nothing."""

import re
from io import BytesIO
from typing import Any, Final
from xml.sax import SAXException, handler
from xml.sax.expatreader import ExpatParser
from xml.sax.xmlreader import InputSource

from rdflib import RDF, BNode, URIRef
from rdflib.exceptions import Error
from rdflib.plugins.parsers.rdfxml import RDFXMLHandler

from competency_graph import rdf
from competency_graph.places.spots import Span, Spots, Stated

_NAME: Final = re.compile(r"</?([^\s/>]+)")
_TAG: Final = re.compile(r"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE: Final = re.compile(r"""([\w:.-]+)\s*=\s*("[^"]*"|'[^']*')""")


def read(spots: Spots) -> None:
    """Note where each statement of an RDF/XML document stands."""
    content = spots.text.encode()
    source = InputSource(rdf.NO_BASE)
    source.setPublicId(rdf.NO_BASE)
    source.setByteStream(BytesIO(content))
    # It is UTF-8, whatever its declaration says.
    source.setEncoding("utf-8")
    reader = _Reader(content)
    reader.setFeature(handler.feature_namespaces, 1)
    reader.setFeature(handler.feature_external_ges, 0)
    reader.setFeature(handler.feature_external_pes, 0)
    reader.setContentHandler(_Handler(reader, spots))
    try:
        reader.parse(source)
    except (SAXException, Error, RecursionError, AttributeError, TypeError, ValueError):
        # Not ours to refuse: the engine read it.
        return


class _Reader(ExpatParser):
    """The reader of the standard library, which tells its handler where each tag stands."""

    def __init__(self, content: bytes) -> None:
        super().__init__(namespaceHandling=1)
        # It would guess the prefix "xml" wrongly.
        self.start_namespace_decl("xml", "http://www.w3.org/XML/1998/namespace")
        self._content = content
        # How many characters there are up to a byte, counted on from tag to tag.
        self._counted = (0, 0)

    def at(self) -> int:
        """Return the character at which the reader stands."""
        byte, character = self._counted
        place = self._parser.CurrentByteIndex  # type: ignore[attr-defined]
        character += len(self._content[byte:place].decode("utf-8", "replace"))
        self._counted = (place, character)
        return character


class _Element:
    """An element that is open: where its first tag stands, and where that ends."""

    def __init__(self, text: str, start: int) -> None:
        found = _TAG.match(text, start)
        self.tag = Span(start, found.end() if found else start)
        self.empty = text[self.tag.end - 2 : self.tag.end] == "/>"
        self.iri: str | None = None


class _Handler(RDFXMLHandler):
    """rdflib's reader of RDF/XML, which also notes where the parts of its statements stand."""

    def __init__(self, reader: _Reader, spots: Spots) -> None:
        super().__init__(self)  # type: ignore[arg-type]
        self._reader, self._spots = reader, spots
        self._open: list[_Element] = []
        self._closing: int | None = None

    # What stands in for the graph that is filled.
    def bind(self, prefix: str | None, namespace: object, **_: object) -> None:
        self._spots.prefixes.setdefault(prefix or "", str(namespace))

    def add(self, triple: Any) -> None:
        subject, predicate, value = triple
        if not self._open:
            return
        stated = self._at_start(predicate, value) if self._closing is None else self._at_end()
        self._spots.note(subject, predicate, value, stated)

    def startElementNS(  # noqa: N802  the name is that of SAX
        self, name: Any, qname: Any, attrs: Any
    ) -> None:
        self._open.append(_Element(self._spots.text, self._reader.at()))
        super().startElementNS(name, qname, attrs)
        subject = self.current.subject if self.current else None
        if subject is None or isinstance(subject, BNode):
            return
        element = self._open[-1]
        element.iri = str(subject)
        found = self._attribute(element, "about") or self._attribute(element, "ID")
        self._spots.subjects.setdefault(element.iri, found or element.tag)

    def endElementNS(self, name: Any, qname: Any) -> None:  # noqa: N802  the name is that of SAX
        element = self._open[-1]
        self._closing = self._reader.at()
        super().endElementNS(name, qname)
        if element.iri is not None and not element.empty:
            self._spots.ends[element.iri] = self._closing
        self._closing = None
        self._open.pop()

    def _at_start(self, predicate: URIRef, value: Any) -> Stated:
        """Return where a statement stands that the first tag of an element makes alone."""
        element = self._open[-1]
        local = re.split("[/#]", str(predicate))[-1]
        found = self._attribute(element, local)
        if found is not None:
            return Stated(found)
        name = _NAME.match(self._spots.text, element.tag.start)
        return Stated(Span(*name.span(1)) if name and predicate == RDF.type else element.tag)

    def _at_end(self) -> Stated:
        """Return where a statement stands whose predicate is the element that ends."""
        element, closing, text = self._open[-1], self._closing, self._spots.text
        assert closing is not None
        tags = (element.tag.start,) if element.empty else (element.tag.start, closing)
        names = [found for tag in tags if (found := _NAME.match(text, tag))]
        ends = element.tag.end if element.empty else text.find(">", closing) + 1
        resource = self._attribute(element, "resource")
        content = Span(element.tag.end, max(element.tag.end, closing))
        inside = text[content.start : content.end]
        if resource is None and inside.lstrip()[:1] == "<":
            # A thing described inside: where its own tag stands.
            start = content.start + len(inside) - len(inside.lstrip())
            content = Span(start, _Element(text, start).tag.end)
        return Stated(
            resource or (element.tag if element.empty else content),
            tuple(Span(*name.span(1)) for name in names),
            Span(element.tag.start, ends),
        )

    def _attribute(self, element: _Element, local: str) -> Span | None:
        """Return where the value of an attribute stands, its quotation marks included."""
        for found in _ATTRIBUTE.finditer(self._spots.text, *element.tag):
            prefix, _, name = found[1].rpartition(":")
            if name == local and prefix not in ("xml", "xmlns"):
                return Span(*found.span(2))
        return None
