"""Where statements stand in JSON-LD. Fetches no context and refuses nothing."""

import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from rdflib import XSD, BNode, Literal
from rdflib.plugins.parsers.jsonld import Parser
from rdflib.plugins.shared.jsonld.context import Context

from competency_graph import rdf
from competency_graph.places.spots import Span, Spots, Stated

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_PLAIN: Final = re.compile(r"-?\d+(?P<real>\.\d+)?(?P<power>[eE][-+]?\d+)?|true|false|null")
_WORDS: Final = {"true": True, "false": False, "null": None}


class _Text(str):
    span: Span


class _Integer(int):
    span: Span


class _Real(float):
    span: Span


class _Object(dict[str, Any]):
    span: Span
    end: int


def read(spots: Spots) -> None:
    """Note where each statement of a JSON-LD document stands."""
    try:
        document, _ = _value(spots.text, _skipped(spots.text, 0))
        if _asks_elsewhere(document):
            return
        _Reader(spots).parse(document, Context(base=rdf.NO_BASE, version=1.1), _SINK)
    except Exception:
        # Not ours to refuse: the engine read it. rdflib raises errors of many classes.
        return


def _skipped(text: str, offset: int) -> int:
    found = _SPACE.match(text, offset)
    assert found is not None
    return found.end()


def _value(text: str, start: int) -> tuple[Any, int]:
    """Return the value that begins at a character, its parts with their spans, and its end."""
    match text[start]:
        case "{":
            return _members(text, start)
        case "[":
            return _elements(text, start)
        case '"':
            return _string(text, start)
    found = _PLAIN.match(text, start)
    assert found is not None
    if found[0] in _WORDS:
        return _WORDS[found[0]], found.end()
    real = found["real"] or found["power"]
    number = _Real(found[0]) if real else _Integer(found[0])
    number.span = Span(*found.span())
    return number, found.end()


def _string(text: str, start: int) -> tuple[_Text, int]:
    content, end = scanstring(text, start + 1, False)
    found = _Text(content)
    found.span = Span(start, end)
    return found, end


def _elements(text: str, start: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _skipped(text, start + 1)
    while text[at] != "]":
        value, at = _value(text, at)
        found.append(value)
        at = _skipped(text, at)
        if text[at] == ",":
            at = _skipped(text, at + 1)
    return found, at + 1


def _members(text: str, start: int) -> tuple[_Object, int]:
    found = _Object()
    found.end = at = start + 1
    at = _skipped(text, at)
    while text[at] != "}":
        name, at = _string(text, at)
        value, at = _value(text, _skipped(text, _skipped(text, at) + 1))
        found[name] = value
        found.end = at
        at = _skipped(text, at)
        if text[at] == ",":
            at = _skipped(text, at + 1)
    found.span = Span(start, at + 1)
    return found, at + 1


def _asks_elsewhere(value: Any) -> bool:
    """Say whether a context anywhere in it is an address: rdflib would fetch it."""
    if isinstance(value, list):
        return any(map(_asks_elsewhere, value))
    if not isinstance(value, dict):
        return False
    contexts = value.get("@context", [])
    contexts = contexts if isinstance(contexts, list) else [contexts]
    return (
        "@import" in value
        or any(isinstance(context, str) for context in contexts)
        or any(map(_asks_elsewhere, value.values()))
    )


class _Sink:
    """What the parser takes for a graph: it keeps nothing."""

    context_aware = False

    def bind(self, prefix: object, namespace: object) -> None:
        pass

    def add(self, triple: object) -> None:
        pass


_SINK: Final[Any] = _Sink()


class _Reader(Parser):
    """rdflib's reader of JSON-LD, which also notes where the parts of its statements stand."""

    def __init__(self, spots: Spots) -> None:
        super().__init__()
        self._spots = spots
        self._members: list[Any] = []

    def _add_to_graph(
        self, dataset: Any, graph: Any, context: Any, node: Any, topcontext: bool = False
    ) -> Any:
        subject = super()._add_to_graph(dataset, graph, context, node, topcontext)
        # With one member only it is a mere reference.
        if isinstance(node, _Object) and subject is not None and len(node) > 1:
            iri = str(subject)
            if "@context" in node and not topcontext:
                context = context.subcontext(node["@context"])
            name = context.get_id(node)
            span = name.span if isinstance(name, _Text) else node.span
            before = self._spots.subjects.get(iri)
            if before is None or span.start < before.start:
                self._spots.subjects[iri] = span
                if not isinstance(subject, BNode):
                    self._spots.ends[iri] = node.end
        return subject

    def _key_to_graph(
        self,
        dataset: Any,
        graph: Any,
        context: Any,
        subj: Any,
        key: str,
        obj: Any,
        reverse: bool = False,
        no_id: bool = False,
    ) -> None:
        noted: Any = _Noting(self._spots, key, _single(obj))
        self._members.append(noted)
        super()._key_to_graph(dataset, noted, context, subj, key, obj, reverse, no_id)
        self._members.pop()

    def _to_object(
        self,
        dataset: Any,
        graph: Any,
        context: Any,
        term: Any,
        node: Any,
        inlist: bool = False,
    ) -> Any:
        found = super()._to_object(dataset, graph, context, term, node, inlist)
        self._members[-1].value = _span(node, context)
        return found


class _Noting(_Sink):
    """The graph of one member, which notes where its statements stand."""

    def __init__(self, spots: Spots, name: str, alone: bool) -> None:
        self._spots, self._alone = spots, alone
        self._name = name.span if isinstance(name, _Text) else None
        self.value: Span | None = None

    def add(self, triple: Any) -> None:
        subject, predicate, value = triple
        span = self.value or self._name
        if span is None:
            return
        if isinstance(value, Literal) and isinstance(value.value, float):
            value = Literal(_canonical(value.value), datatype=XSD.double)
        names = (self._name,) if self._name is not None else ()
        self._spots.note(subject, predicate, value, Stated(span, names, alone=self._alone))


def _single(member: Any) -> bool:
    """Say whether a member has one value for certain."""
    if isinstance(member, dict):
        return len(member) == 1 or any(name.startswith("@") for name in member)
    return not isinstance(member, list) or len(member) == 1


def _span(node: Any, context: Any) -> Span | None:
    if isinstance(node, tuple):
        node = node[0]
    if isinstance(node, dict):
        inner = context.get_value(node)
        inner = context.get_id(node) if inner is None else inner
        if isinstance(inner, _Text | _Integer | _Real):
            return inner.span
    span = getattr(node, "span", None)
    return span if isinstance(span, Span) else None


def _canonical(value: float) -> str:
    """Return a number as the engine writes an xsd:double of JSON (JSON-LD 1.1 API, 8.6)."""
    digits, _, power = f"{value:.15E}".partition("E")
    digits = digits.rstrip("0")
    return f"{digits}{'0' if digits.endswith('.') else ''}E{int(power)}"
