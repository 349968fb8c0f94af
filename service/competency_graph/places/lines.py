"""Where statements stand in N-Triples and N-Quads. Refuses nothing."""

import re
from typing import Final

from competency_graph import graphs, rdf
from competency_graph.errors import UnreadableInput
from competency_graph.places.spots import Span, Spots, Stated

_TERM: Final = re.compile(r'<[^>]*>|"(?:[^"\\]|\\.)*"(?:@[\w-]+|\^\^\s*<[^>]*>)?|_:[\w.:·-]*\w')
_QUADS: Final = next(syntax for syntax in rdf.SYNTAXES if syntax.name == "n-quads")


def read(spots: Spots) -> None:
    """Note where each statement of a document stands."""
    start = 0
    for line in spots.text.split("\n"):
        whole = Span(start, min(start + len(line) + 1, len(spots.text)))
        try:
            quads = rdf.parse(line.encode(), _QUADS, name="")
        except UnreadableInput:
            quads = []
        terms = [Span(start + m.start(), start + m.end()) for m in _TERM.finditer(line)]
        for subject, predicate, value in graphs.to_rdflib(quads) if len(terms) > 2 else ():
            spots.note(subject, predicate, value, Stated(terms[2], (terms[1],), whole))
            spots.subjects.setdefault(str(subject), terms[0])
            spots.ends[str(subject)] = whole.end
        start = whole.end
