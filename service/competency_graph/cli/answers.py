"""A query's answer at a terminal: rows as a table, and what they cost. Asks nothing itself."""

import csv
import io
import json
import shutil
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from competency_graph.vocab import XSD, prefixed

_NUMBERS: Final = {XSD + name for name in ("integer", "decimal", "double", "float")}
_WIDEST_PIPE: Final = 200


def table(results: bytes) -> str:
    """Return SPARQL 1.1 results in JSON as a table; an answer of ASK as a word."""
    told = json.loads(results)
    if "boolean" in told:
        return "yes\n" if told["boolean"] else "no\n"
    names = told["head"]["vars"]
    rows = told["results"]["bindings"]
    drawn = Table(header_style="bold")
    for name in names:
        cells = [row[name] for row in rows if name in row]
        numeric = bool(cells) and all(cell.get("datatype") in _NUMBERS for cell in cells)
        drawn.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(_written(row[name]) if name in row else "") for name in names))
    output = io.StringIO()
    width = shutil.get_terminal_size((_WIDEST_PIPE, 24)).columns
    Console(file=output, width=width).print(drawn)
    return output.getvalue()


def _written(cell: dict[str, Any]) -> str:
    """Return a cell as it would be written in a query, texts without their quotes."""
    match cell["type"]:
        case "uri":
            return prefixed(cell["value"]) or f"<{cell['value']}>"
        case "bnode":
            return f"_:{cell['value']}"
        case "literal":
            language = cell.get("xml:lang")
            return f"{cell['value']}@{language}" if language else str(cell["value"])
        case _:
            return json.dumps(cell["value"], ensure_ascii=False)


def cost(content: bytes, format_: str | None, *, seconds: float, revision: int) -> str:
    """Return what an answer cost as a sentence; rows are counted where the format has them."""
    found = _rows(content, format_)
    rows = "" if found is None else f"{found} row{'' if found == 1 else 's'}, "
    return f"{rows}{len(content)} bytes in {seconds:.3f} s at revision {revision}."


def _rows(content: bytes, format_: str | None) -> int | None:
    match format_:
        case "json":
            return len(json.loads(content).get("results", {"bindings": [None]})["bindings"])
        case "csv":
            return sum(1 for _ in csv.reader(io.StringIO(content.decode()))) - 1
        case "tsv":  # line feeds in values are escaped
            return content.count(b"\n") - 1
        case "xml":
            return content.count(b"<result>")
        case _:
            return None
