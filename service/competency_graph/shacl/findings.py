"""Results of validation as findings for people. Evaluates nothing and filters nothing out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyoxigraph as ox
from rdflib import DCTERMS, RDFS, SH, SKOS, BNode, Graph, Literal, URIRef
from rdflib.extras.shacl import SHACLPathError, parse_shacl_path
from rdflib.term import Node

from competency_graph.model import SEVERITIES, Finding, Severity
from competency_graph.shacl.checks import Result, Shape
from competency_graph.shacl.data import Data, Term
from competency_graph.shacl.paths import Predicate, written

SEVERITY_OF: Final[dict[Node, Severity]] = {
    SH.Violation: "violation",
    SH.Warning: "warning",
    SH.Info: "info",
}
_NAMES: Final = (SKOS.prefLabel, DCTERMS.title, RDFS.label)


def findings(results: Iterable[Sequence[Any]], *, data: Graph, shapes: Graph) -> list[Finding]:
    """Return the results that pySHACL's ``Shape.validate`` gave, in words and in a settled order.

    Args:
        results: what stands second in its answer: description, node and statements of each result.
        data: the graph that was judged, for labels.
        shapes: the graph of the shapes, for the names of fields.

    Equal results become one finding: two labels too many in one language are one fault.
    """
    # Beside the statements of a result stand those of the results that explain it.
    found = {
        _finding([s for s in statements if s[0] == node], data, shapes)
        for _, node, statements in results
    }
    return sorted(found, key=order)


def findings_of(
    results: Iterable[Result], shapes: Mapping[Term, Shape], data: Data, *, every: bool = False
) -> list[Finding]:
    """Return results in words and in a settled order.

    Args:
        results: what judging found.
        shapes: the shapes of the results, by their nodes, as ``Compiled`` has them.
        data: the graph that was judged, for labels.

    Equal results become one finding, unless ``every`` is wanted: two labels too many in one
    language are one fault.
    """
    found = [_told(result, shapes[result.shape], data) for result in results]
    return sorted(found if every else set(found), key=order)


def _told(result: Result, shape: Shape, data: Data) -> Finding:
    path = result.path.iri if isinstance(result.path, Predicate) else None
    names = shape.head.names
    field_label = min(names, key=_first).value if names else None
    if field_label is None and path is not None:
        field_label = label(path, data)
    message, language = _sentence(result, shape)
    of_thing = isinstance(result.value, ox.NamedNode)
    return Finding(
        severity=SEVERITY_OF.get(URIRef(result.severity.value), "violation"),
        own_severity=None
        if URIRef(result.severity.value) in SEVERITY_OF
        else result.severity.value,
        message=message,
        language=language,
        rule=_spelt(result.shape),
        component=result.component.value,
        page=shape.head.page,
        focus=_spelt(result.focus),
        focus_label=label(result.focus, data),
        field=None if path is None else path.value,
        field_label=field_label,
        path=None if result.path is None or path is not None else written(result.path),
        value=None if result.value is None else str(result.value),
        value_label=label(result.value, data) if result.value and of_thing else None,
    )


def _spelt(term: Term) -> str:
    return term.value if isinstance(term, ox.NamedNode) else str(term)


def label(term: Term, data: Data) -> str | None:
    """Return what the data calls a thing, in English where it can."""
    for name in _NAMES:
        texts = [
            value
            for value in data.objects(term, ox.NamedNode(str(name)))
            if isinstance(value, ox.Literal) and value.value.strip()
        ]
        if texts:
            return min(texts, key=_first).value
    return None


def _sentence(result: Result, shape: Shape) -> tuple[str, str]:
    """Return the sentence of the shape or constraint, or one for the kind of rule that it is.

    With it comes its language, an empty text where the shape does not say.
    """
    if result.messages:
        chosen = min(result.messages, key=_first)
        return chosen.value, chosen.language or ""
    kind = result.component.value.removeprefix(str(SH)).removesuffix("ConstraintComponent")
    return _PLAIN.get(kind, _NO_SENTENCE).format(**shape.asked), "en"


def _first(text: ox.Literal) -> tuple[bool, bool, str, str]:
    return _rank(text.language, text.value)


def spelt(node: Node) -> str:
    """Return an IRI as it is, a blank node as ``_:label``, a literal as N-Triples writes it."""
    if isinstance(node, BNode):
        return f"_:{node}"
    if isinstance(node, Literal):
        datatype = None if node.datatype is None else ox.NamedNode(str(node.datatype))
        return str(ox.Literal(str(node), language=node.language, datatype=datatype))
    return str(node)


def label_of(node: Node, graph: Graph) -> str | None:
    """Return what the graph calls a node, in English where it can."""
    for name in _NAMES:
        texts = [o for o in graph.objects(node, name) if isinstance(o, Literal) and o.strip()]
        if texts:
            return str(min(texts, key=_english_first))
    return None


def _finding(statements: Iterable[Sequence[Any]], data: Graph, shapes: Graph) -> Finding:
    said: dict[Node, list[Node]] = {}
    for _, predicate, value in statements:
        # pySHACL hands terms that stand in a graph over together with that graph.
        said.setdefault(predicate, []).append(value[1] if isinstance(value, tuple) else value)
    focus, shape = said[SH.focusNode][0], said[SH.sourceShape][0]
    path = said.get(SH.resultPath, [None])[0]
    value = said.get(SH.value, [None])[0]
    messages = [m for m in said.get(SH.resultMessage, []) if isinstance(m, Literal)]
    component = said.get(SH.sourceConstraintComponent, [None])[0]
    message = _message(messages, component, shape, shapes)
    names = [n for n in shapes.objects(shape, SH.name) if isinstance(n, Literal)]
    field_label = str(min(names, key=_english_first)) if names else None
    if field_label is None and isinstance(path, URIRef):
        field_label = label_of(path, data)
    return Finding(
        severity=SEVERITY_OF[said[SH.resultSeverity][0]],
        message=str(message),
        language=message.language or "",
        rule=spelt(shape),
        component=None if component is None else str(component),
        page=page_of(shape, shapes),
        focus=spelt(focus),
        focus_label=label_of(focus, data),
        field=str(path) if isinstance(path, URIRef) else None,
        field_label=field_label,
        path=_path(path, shapes),
        value=_value(value),
        value_label=label_of(value, data) if isinstance(value, URIRef) else None,
    )


def page_of(shape: Node, shapes: Graph) -> str | None:
    """Return the address of the page that explains a rule, where the rule names one."""
    pages = sorted(str(page) for page in shapes.objects(shape, RDFS.seeAlso))
    return next((page for page in pages if page.startswith(("https://", "http://"))), None)


def _path(path: Node | None, shapes: Graph) -> str | None:
    """Return a path of several steps as SPARQL writes it."""
    if not isinstance(path, BNode):
        return None
    try:
        return str(parse_shacl_path(shapes, path).n3())
    except SHACLPathError:
        return None


# What a shape asks for that has no sentence of its own; pySHACL's own sentences are full of RDF.
_PLAIN: Final[dict[str, str]] = {
    "MinCount": "Add what is missing: at least {minCount} needed.",
    "MaxCount": "Remove what is too much: at most {maxCount} allowed.",
    "Datatype": "Write the value in the form that is asked for.",
    "Class": "Choose a thing of the right kind.",
    "NodeKind": "Give a thing where one is asked for, a text where one is.",
    "In": "Choose a value from the list.",
    "HasValue": "Add the value that must be there.",
    "Pattern": "Write the value as the pattern {pattern} asks.",
    "MinLength": "Write at least {minLength} characters.",
    "MaxLength": "Write at most {maxLength} characters.",
    "MinInclusive": "Give a value from {minInclusive} up.",
    "MaxInclusive": "Give a value up to {maxInclusive}.",
    "MinExclusive": "Give a value above {minExclusive}.",
    "MaxExclusive": "Give a value below {maxExclusive}.",
    "UniqueLang": "Keep one text for each language.",
    "LanguageIn": "Use one of the languages that are allowed.",
    "Closed": "Remove this: the rule does not allow it here.",
}
_NO_SENTENCE: Final = "Look at this: it breaks a rule that has no sentence."


def _message(
    messages: Sequence[Literal], component: Node | None, shape: Node, shapes: Graph
) -> Literal:
    """Return the shape's own sentence, or one for the kind of rule that it is."""
    own = {m for m in messages if (None, SH.message, m) in shapes}
    written = own or {m for m in messages if (shape, SH.message, None) in shapes}
    if written or (messages and component == SH.SPARQLConstraintComponent):
        chosen = min(written or messages, key=_english_first)
        # pySHACL loses the language of what a query's shape says.
        languages = {getattr(m, "language", None) for m in shapes.objects(shape, SH.message)}
        if chosen.language is None and len(languages) == 1:
            return Literal(str(chosen), lang=languages.pop())
        return chosen
    kind = str(component or "").removeprefix(str(SH)).removesuffix("ConstraintComponent")
    asked = {str(p).removeprefix(str(SH)): v for p, v in shapes.predicate_objects(shape)}
    plain = _PLAIN.get(kind, _NO_SENTENCE)
    return Literal(plain.format(**asked), lang="en")


def _value(node: Node | None) -> str | None:
    if node is None:
        return None
    return f"<{node}>" if isinstance(node, URIRef) else spelt(node)


def _english_first(text: Literal) -> tuple[bool, bool, str, str]:
    return _rank(text.language, str(text))


def _rank(language: str | None, text: str) -> tuple[bool, bool, str, str]:
    language = (language or "").lower()
    return (language.split("-")[0] != "en", language != "", language, text)


def order(finding: Finding) -> tuple[int, str, str, str, str, str, str]:
    """Return what findings are sorted by: worst first, then by thing."""
    return (
        SEVERITIES.index(finding.severity),
        finding.focus_label or "",
        finding.focus,
        finding.rule,
        finding.field or finding.path or "",
        finding.value or "",
        finding.message,
    )
