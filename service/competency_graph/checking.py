"""A whole repository checked: its data judged, by its own shapes as well. Compares nothing."""

import json
from collections.abc import Sequence
from dataclasses import replace

from rdflib import URIRef

from competency_graph import graphs, rdf
from competency_graph.documents import Document
from competency_graph.errors import UnreadableInput
from competency_graph.index import sealed
from competency_graph.judging import judge
from competency_graph.model import Finding, Verdict
from competency_graph.vocab import SH


def judge_all(documents: Sequence[Document], *, seconds: float, memory: int) -> Verdict:
    """Judge all documents by the shapes that ship, and by those that are among them.

    Args:
        documents: data and shapes; a document may hold both.
        seconds: time limit of each judging.
        memory: memory limit of each in bytes.

    Raises:
        UnreadableInput, InvalidShapes, LimitReached: as :func:`competency_graph.judging.judge`.
    """
    told = json.loads(
        sealed(lambda: _sorted_out(documents), seconds=seconds, memory=memory).decode()
    )
    shapes = [documents[number] for number in told["shapes"]]
    data = [documents[number] for number in told["data"]] or list(documents)
    verdict = judge(data, seconds=seconds, memory=memory)
    if not shapes:
        return verdict
    own = judge(data, shapes=shapes, seconds=seconds, memory=memory)
    known = {_key(finding) for finding in verdict.findings}
    return replace(
        verdict,
        findings=(*verdict.findings, *(f for f in own.findings if _key(f) not in known)),
        files=len(documents),
        seconds=verdict.seconds + own.seconds,
    )


def _key(finding: Finding) -> tuple[str | None, ...]:
    return finding.rule, finding.focus, finding.field, finding.value, finding.severity


def _sorted_out(documents: Sequence[Document]) -> bytes:
    """Return, as JSON, which documents hold shapes, and which hold anything else."""
    shapes, data = [], []
    for number, document in enumerate(documents):
        try:
            graph = graphs.to_rdflib(
                rdf.parse(document.content, document.syntax, name=document.name, base=rdf.NO_BASE)
            )
        except UnreadableInput:
            # Judging tells of all that cannot be read at once.
            data.append(number)
            continue
        named = {thing for thing in graph.subjects() if isinstance(thing, URIRef)}
        ruling = {thing for thing, predicate, _ in graph if str(predicate).startswith(SH)}
        if ruling:
            shapes.append(number)
        if not ruling or named - ruling:
            data.append(number)
    return json.dumps({"shapes": shapes, "data": data}).encode()
