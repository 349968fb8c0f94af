"""One change tried out inside a fork of the index: staged, then judged. Records nothing.

The answers of a conversation with a trial reader (docs/design/0003, 0012). What is judged again is
planned in `planning`, by shapes that `profiles` keeps ready, and told as rows by `evaluating`.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Final

import pyoxigraph as ox

from competency_graph import rdf
from competency_graph.documents import Document
from competency_graph.index import Answer, Graph, Writer, stage
from competency_graph.judging import compare, counted, imports_not_read
from competency_graph.mending import Surroundings, Texts, in_order, located, mended
from competency_graph.model import (
    Difference,
    Finding,
    Operation,
    Verdict,
    finding_of,
    joined,
    split,
    unpack_operations,
)
from competency_graph.reports import MEDIA_TYPES, render
from competency_graph.shacl.data import TYPE, Run, Term
from competency_graph.shacl.refusals import spelt
from competency_graph.trial.evaluating import Row, evaluate
from competency_graph.trial.own import checked_by_own
from competency_graph.trial.planning import data_of, kinds_in, planned
from competency_graph.trial.profiles import Profile, Profiles, is_shapes
from competency_graph.vocab import EXEMPTIONS, OWL

_IMPORTS: Final = ox.NamedNode(OWL + "imports")
_AT_A_TIME: Final = 500
# Kept by the keeper and shared by its forks; a fork that changes shapes makes its own.
_profiles: Final = Profiles()
_staged: list["_Tried"] = []


@dataclass(slots=True, kw_only=True)
class _Tried:
    """What was staged in this fork, and how far judging it is."""

    operations: Sequence[Operation]
    labels: str
    judge: bool
    difference: Difference
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    waiting: dict[Term, None] = field(default_factory=dict)
    found: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        """Return what was found so far, in a settled order."""
        return [row for node in sorted(self.found) for row in self.found[node]]

    @property
    def documents(self) -> list[Document]:
        """What was sent to be added or to stand in the place of something."""
        return [
            Document(name=one.name, content=one.content, syntax=_syntax(one.syntax))
            for one in self.operations
            if one.kind in ("add", "replace")
        ]


def prepare(graph: Graph) -> Iterator[None]:
    """Make ready, step by step, the shapes that the graph holds where that is not done yet.

    The steps are to be taken to the end; each takes up to half a second.
    """
    yield from _profiles.prepare(graph)


def staged(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Apply operations to this fork; write their difference as JSON, then its lines.

    Parameters: ``operations``, each with the size of its content in the body; whether the caller
    will ``judge``; ``lines``, whether it wants them. Blank nodes are labelled for the change that
    comes next. ``judged`` and ``whole`` in the answer are the nodes that will be judged, and the
    graphs all of whose nodes are.
    """
    if parameters["judge"]:
        # Shapes may have changed since the keeper forked this process, which followed.
        for _ in _profiles.prepare(graph, count=False):
            pass
    operations = unpack_operations(parameters["operations"], parameters["body"])
    labels = _labels(graph)
    tried = _Tried(
        operations=operations,
        labels=labels,
        judge=parameters["judge"],
        difference=stage(graph, operations, labels=labels),
    )
    if tried.judge:
        tried.profiles = _profiles.after(graph, tried.difference.graphs)
        _plan(graph, tried, tried.difference.added, tried.difference.removed)
    _staged[:] = [tried]
    _tell(tried, output, lines=parameters.get("lines", True))
    return "application/octet-stream"


def _labels(graph: Graph) -> str:
    return f"c{graph.revision + 1}x"


def _plan(graph: Graph, tried: _Tried, added: Iterable[bytes], removed: Iterable[bytes]) -> None:
    new, gone = _quads(added), _quads(removed)
    plan = planned(graph, new, gone, tried.profiles, Run(data_of(graph)))
    tried.waiting.update(plan.nodes)
    tried.whole |= plan.whole


def _quads(lines: Iterable[bytes]) -> list[ox.Quad]:
    return list(ox.parse(b"\n".join(lines), ox.RdfFormat.N_QUADS))


def _tell(tried: _Tried, output: Writer, *, lines: bool) -> None:
    difference = tried.difference
    removed = joined(difference.removed)
    judged = {*map(spelt, tried.waiting), *tried.found}
    head = {
        "removed": len(removed),
        "counts": [len(difference.removed), len(difference.added)],
        "touched": sorted(difference.touched),
        "judged": sorted(judged),
        "whole": sorted(tried.whole),
        "labels": tried.labels,
        "same": not lines,
    }
    output.write(json.dumps(head).encode() + b"\n")
    if lines:
        output.write(removed + joined(difference.added))


def followed(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Take in changes that were recorded since; write what :func:`staged` does, or ``again``.

    Parameters: ``changes``, of each the sizes of its removed and its added lines, which the body
    has. What is judged anew are the nodes that these changes concern, in a graph that has both. If
    they decide what the operations do, those are staged once more, after them. Where the rules are
    others now, all must be tried again.
    """
    (tried,) = _staged
    changes, rest = [], parameters["body"]
    for sizes in parameters["changes"]:
        removed, added = (split(part) for part in (rest[: sizes[0]], rest[sizes[0] : sum(sizes)]))
        changes.append((removed, added))
        rest = rest[sum(sizes) :]
    quads = _quads(line for change in changes for lines in change for line in lines)
    names = {quad.graph_name.value for quad in quads if isinstance(quad.graph_name, ox.NamedNode)}
    if any(is_shapes(name) or name == EXEMPTIONS for name in names):
        output.write(b'{"again": true}\n')
        return "application/octet-stream"
    before = tried.difference
    mark = b"_:" + tried.labels.encode()
    apart = before.graphs_read is not None and names.isdisjoint(before.graphs_read | before.graphs)
    if apart and not any(mark in line for change in changes for part in change for line in part):
        _apply(graph, changes)
    else:
        graph.apply(before.removed, before.added)
        _apply(graph, changes)
        tried.labels = _labels(graph)
        tried.difference = stage(graph, tried.operations, labels=tried.labels)
    if tried.judge:
        now = tried.difference
        concerned = {line for change in changes for lines in change for line in lines}
        concerned |= ({*now.added} ^ {*before.added}) | ({*now.removed} ^ {*before.removed})
        # Whichever of these are not there now, they are looked at as what was there.
        _plan(graph, tried, [], concerned)
        for node in tried.waiting:
            tried.found.pop(spelt(node), None)
    _tell(tried, output, lines=tried.difference is not before)
    return "application/octet-stream"


def _apply(graph: Graph, changes: Iterable[tuple[list[bytes], list[bytes]]]) -> None:
    for removed, added in changes:
        graph.apply(added, removed)
        graph.revision += 1


def judged(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Judge what was staged; write new, fixed and standing findings as JSON.

    Parameters: none, or ``seconds``, after which it is told how many nodes are ``left`` to judge,
    to be asked again. The body is JSON: the rows that the log holds for what is judged.
    """
    (tried,) = _staged
    if "seconds" in parameters:
        _judge(graph, tried, time.monotonic() + parameters["seconds"])
        output.write(json.dumps({"left": len(tried.waiting)}).encode())
        return "application/json"
    _judge(graph, tried)
    told = compare(tried.rows(), json.loads(parameters["body"]))
    new = zip(_told(graph, told["new"], tried), told["new"], strict=True)
    told["new"] = [{**row, **asdict(finding)} for finding, row in new]
    output.write(json.dumps(told, ensure_ascii=False).encode())
    return "application/json"


def _judge(graph: Graph, tried: _Tried, deadline: float | None = None) -> None:
    run = Run(data_of(graph))
    while tried.waiting and (deadline is None or time.monotonic() < deadline):
        some = list(islice(tried.waiting, _AT_A_TIME))
        tried.found.update(evaluate(graph, tried.profiles, run, some))
        for node in some:
            del tried.waiting[node]


def checked(graph: Graph, parameters: Mapping[str, Any], output: Writer) -> str:
    """Judge what was staged as :func:`judged` does; write a verdict.

    Parameters: ``format``, as reports have it. The body has the rows that stand, in JSON. JSON also
    tells what would be added and removed, and what is mended or stood.
    """
    began = time.monotonic()
    (tried,) = _staged
    _judge(graph, tried)
    told = compare(tried.rows(), json.loads(parameters["body"]))
    run = Run(data_of(graph))
    names = tried.difference.graphs - {""}
    verdict = Verdict(
        findings=tuple(in_order(_told(graph, told["new"], tried))),
        fixed=tuple(map(finding_of, told["fixed"])),
        standing=tuple(map(finding_of, told["standing"])),
        files=len(tried.documents),
        checked=tuple(counted(kinds_in(graph, names, TYPE), run)),
        notes=tuple(imports_not_read(kinds_in(graph, names, _IMPORTS), run)),
        seconds=time.monotonic() - began,
    )
    text = render(verdict, parameters["format"])
    if parameters["format"] == "json":
        size = {"added": len(tried.difference.added), "removed": len(tried.difference.removed)}
        text = json.dumps(json.loads(text) | size, ensure_ascii=False)
    output.write(text.encode() + b"\n")
    return MEDIA_TYPES[parameters["format"]]


def _told(graph: Graph, rows: Sequence[Row], tried: _Tried) -> list[Finding]:
    """Return findings with proposals and, where they are about what a document says, places."""
    if not rows:
        return []
    run, texts = Run(data_of(graph)), Texts(tried.documents)
    shapes = [profile.shapes for profile in tried.profiles.values()]
    found = mended(map(finding_of, rows), Surroundings(run, shapes, texts.order))
    names = tried.difference.graphs
    return [
        located([finding], texts, run)[0] if _is_said_in(graph, finding.focus, names) else finding
        for finding in found
    ]


def _is_said_in(graph: Graph, thing: str, names: Iterable[str]) -> bool:
    """Say whether some named graphs say something of a thing."""
    if thing.startswith('"'):
        return False
    node = ox.BlankNode(thing[2:]) if thing.startswith("_:") else ox.NamedNode(thing)
    quads = graph.store.quads_for_pattern(node, None, None, None)
    within = (quad.graph_name for quad in quads)
    return any(isinstance(name, ox.NamedNode) and name.value in names for name in within)


def _syntax(name: str) -> rdf.Syntax:
    return next(syntax for syntax in rdf.SYNTAXES if syntax.name == name)


ANSWERS: Final[Mapping[str, Answer]] = {
    "stage": staged,
    "follow": followed,
    "judge": judged,
    "check": checked,
    "own": checked_by_own,
}
