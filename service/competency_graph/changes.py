"""Changes as people read them: a list, one by the things it changed, a thing's history, blame.

Everything is ready for JSON, in the words of `docs/history.md`. Changes nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from competency_graph.errors import NotFound
from competency_graph.index import Answer, Graph, Statement, Term, Writer, statements
from competency_graph.log import Change, Log
from competency_graph.vocab import DCTERMS, RDFS, SKOS, XSD
from competency_graph.words import Words

_NAMES: Final = (SKOS + "prefLabel", RDFS + "label", DCTERMS + "title")
_STEP: Final = 100


def summary(change: Change) -> dict[str, Any]:
    """Return who changed how much, when and why; ``redacted`` only where it is."""
    said: dict[str, Any] = {
        "revision": change.number,
        "author": change.author,
        "time": change.time.isoformat(),
        "message": change.message,
        "added": change.added,
        "removed": change.removed,
        "findings": {"added": change.findings_added, "removed": change.findings_removed},
    }
    return said if change.redacted is None else said | {"redacted": change.redacted}


def listed(log: Log, *, before: int | None = None, limit: int = 50) -> dict[str, Any]:
    """Return the changes before a number, or the newest, newest first.

    ``next`` is the ``before`` of the page that follows, none at the end.
    """
    found = log.recent(before=before, limit=limit)
    more = bool(found) and found[-1].number > 1
    return {
        "items": [summary(change) for change in found],
        "total": log.head(),
        "next": found[-1].number if more else None,
    }


def single(log: Log, number: int, *, most: int | None = None) -> dict[str, Any]:
    """Return one change with its lines of N-Quads and its findings, in place of their counts.

    Of added and removed lines at most so many each; ``left_off`` says how many more there are. Of
    a change that was emptied the counts stay, and nothing else.

    Raises:
        NotFound: there is no such change.
    """
    change = log.change(number)
    said = summary(change)
    if change.redacted == "content":
        return said
    added, removed = (_texts(islice(lines, most)) for lines in log.read(number))
    brought, fixed = log.findings(number)
    left_off = {"added": change.added - len(added), "removed": change.removed - len(removed)}
    return said | {
        "added": added,
        "removed": removed,
        "left_off": left_off,
        "findings": {"added": brought, "removed": fixed},
    }


def by_thing(
    graph: Graph, added: Iterable[str], removed: Iterable[str], languages: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a difference in words: each thing that it changes, with what was added and removed.

    Things come by their label; ``known`` says of each whether something is said of it now. What
    hangs on a thing through blank nodes is told under it. Labels are those of the graph, or, of
    what is not in it any more, those in the difference itself.
    """
    sides = {
        "added": list(statements(line.encode() for line in added)),
        "removed": list(statements(line.encode() for line in removed)),
    }
    every = [statement for side in sides.values() for statement in side]
    naming = _Naming(graph, every, languages)
    owners = {s.value.value: s.subject for s in every if s.value.kind == "blank"}
    things: dict[Term, dict[str, Any]] = {}
    for side, found in sides.items():
        for statement in found:
            thing = _owner(statement.subject, owners)
            if thing not in things:
                things[thing] = naming.thing(thing) | {"added": [], "removed": []}
            things[thing][side].append(naming.statement(statement))
    return sorted(things.values(), key=lambda thing: ((thing["label"] or "~").lower(), thing["id"]))


def differences(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Write several differences in words, as a list of what :func:`by_thing` returns.

    Parameters: ``languages``; the body is JSON, a list of objects with ``added`` and ``removed``.
    """
    told = [
        by_thing(graph, one["added"], one["removed"], parameters["languages"])
        for one in json.loads(parameters["body"])
    ]
    output.write(json.dumps(told, ensure_ascii=False).encode())
    return "application/json"


def _owner(term: Term, owners: Mapping[str, Term]) -> Term:
    """Return the thing that a blank node hangs on, as far as the difference tells."""
    seen = set()
    while term.kind == "blank" and term.value in owners and term not in seen:
        seen.add(term)
        term = owners[term.value]
    return term


class _Naming:
    """What things are called, also those that are gone."""

    def __init__(
        self, graph: Graph, difference: Iterable[Statement], languages: Sequence[str]
    ) -> None:
        self._graph = graph
        self._words = Words(graph, languages)
        self._once: dict[str, list[Term]] = {}
        for statement in difference:
            if statement.predicate in _NAMES:
                self._once.setdefault(statement.subject.value, []).append(statement.value)

    def named(self, iri: str) -> dict[str, Any]:
        name = self._words.name(iri) or self._words.best(self._once.get(iri, ()))
        known = bool(self._graph.properties(iri))
        if name is None:
            return {"id": iri, "label": None, "known": known}
        return {"id": iri, "label": name.value, "language": name.language, "known": known}

    def thing(self, term: Term) -> dict[str, Any]:
        if term.kind == "blank":
            return {"id": "_:" + term.value, "label": None}
        return self.named(term.value)

    def statement(self, statement: Statement) -> dict[str, Any]:
        field = self.named(statement.predicate)
        return {
            "field": field if field["label"] else field | {"label": _local_name(field["id"])},
            "value": self._value(statement.value),
            "graph": statement.graph,
        }

    def _value(self, term: Term) -> dict[str, Any]:
        if term.kind != "literal":
            return self.thing(term)
        said = {"text": term.value}
        if term.language:
            return said | {"language": term.language}
        if term.datatype != XSD + "string":
            said["datatype"] = term.datatype
        return said


def _local_name(iri: str) -> str:
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2]


def of_thing(log: Log, iri: str, *, before: int | None = None, limit: int = 20) -> dict[str, Any]:
    """Return the history of a thing, newest first: changes, and in each only what is about it.

    As :func:`listed`, but ``added`` and ``removed`` are the lines of N-Quads about the thing, and
    there is no total. A change that was emptied is there with its counts.
    """
    found = list(islice(_history(log, iri, before), limit + 1))
    items = found[:limit]
    return {"items": items, "next": items[-1]["revision"] if len(found) > limit else None}


def _history(log: Log, iri: str, before: int | None) -> Iterator[dict[str, Any]]:
    for change in _touching(log, iri, before):
        told = summary(change)
        if change.redacted != "content":
            added, removed = (
                _texts(_about(lines, f"<{iri}>".encode())) for lines in log.read(change.number)
            )
            if not (added or removed):
                # A change of very many subjects is found under every subject of its graphs.
                continue
            told |= {"added": added, "removed": removed}
        yield told


def blame(log: Log, graph: Graph, iri: str, languages: Sequence[str]) -> dict[str, Any]:
    """Return each statement about a thing as it is in the graph, with the change that brought it.

    Statements of blank nodes that hang on it are among them, with ``part`` for their node. The
    change is none where it cannot be told any more.

    Raises:
        NotFound: nothing is said of it.
    """
    lines = graph.lines_about(iri)
    if not lines:
        raise NotFound(f"Nothing is known about {iri}.")
    brought: dict[bytes, Change] = {}
    for subject in sorted({line.split(b" ", 1)[0] for line in lines}):
        waiting = {line for line in lines if line.split(b" ", 1)[0] == subject}
        name = subject.decode().strip("<>")
        for change in _touching(log, name, graph.revision + 1):
            if change.redacted != "content":
                added, _ = log.read(change.number)
                found = waiting.intersection(_about(added, subject))
                brought |= dict.fromkeys(found, change)
                waiting -= found
            if not waiting:
                break
    said = list(statements(lines))
    naming = _Naming(graph, said, languages)
    told = []
    for line, statement in zip(lines, said, strict=True):
        part = {} if statement.subject.kind == "iri" else {"part": "_:" + statement.subject.value}
        by = summary(brought[line]) if line in brought else None
        told.append(naming.statement(statement) | part | {"change": by})
    return naming.thing(Term("iri", iri)) | {"statements": told}


def _touching(log: Log, subject: str, before: int | None) -> Iterator[Change]:
    """Yield the changes that may have touched a subject, newest first."""
    while True:
        page = log.recent(before=before, limit=_STEP, subject=subject)
        yield from page
        if len(page) < _STEP:
            return
        before = page[-1].number


def lines_about(lines: Iterator[bytes], iri: str) -> Iterator[bytes]:
    """Yield those of sorted lines that say something of a thing."""
    return _about(lines, f"<{iri}>".encode())


def _about(lines: Iterator[bytes], subject: bytes) -> Iterator[bytes]:
    """Yield those of sorted lines that begin with a subject, and read no further than needed."""
    beginning = subject + b" "
    for line in lines:
        if line.startswith(beginning):
            yield line
        elif line > beginning:
            return


def _texts(lines: Iterable[bytes]) -> list[str]:
    return [line.decode() for line in lines]


ANSWERS: Final[Mapping[str, Answer]] = {"differences": differences}
