"""The competency questions: a folder each, with the question in SPARQL and the exact rows.

What the shipped framework may not have, and a question is about, is TriG beside it, added to it.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

FEWEST = 38


@dataclass(frozen=True)
class Question:
    name: str
    text: str
    columns: list[str]
    rows: list[list[str]]
    data: bytes = b""


def questions() -> list[Question]:
    """Return all questions; ``data`` of one is asked of together with the shipped framework."""
    found = []
    for folder in sorted(p.parent for p in Path(__file__).parent.glob("*/question.rq")):
        with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
            columns, *rows = list(csv.reader(file))
        more = folder / "data.trig"
        data = more.read_bytes() if more.exists() else b""
        text = (folder / "question.rq").read_text(encoding="utf-8")
        found.append(Question(folder.name, text, columns, rows, data))
    assert len(found) >= FEWEST, f"Only {len(found)} questions were found; {FEWEST} are promised."
    return found
