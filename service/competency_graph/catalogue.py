"""What apps and pages may ask about frameworks, answered inside a reader. Knows no HTTP."""

import json
from collections.abc import Mapping
from typing import Any, Final

from competency_graph.index import Answer, Graph, Writer

JSON: Final = "application/json"


def graphs(graph: Graph, _parameters: Mapping[str, Any], output: Writer) -> str:
    """Write the names of the named graphs."""
    output.write(json.dumps({"graphs": graph.graph_names()}).encode())
    return JSON


ANSWERS: Final[Mapping[str, Answer]] = {"graphs": graphs}
