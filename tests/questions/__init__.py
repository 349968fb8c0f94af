"""The competency questions: a folder each, with the question in SPARQL and the exact rows."""

import csv
from dataclasses import dataclass
from pathlib import Path

FEWEST = 37


@dataclass(frozen=True)
class Question:
    name: str
    text: str
    columns: list[str]
    rows: list[list[str]]


def questions() -> list[Question]:
    """Return all questions; the data of each is the shipped framework."""
    found = []
    for folder in sorted(p.parent for p in Path(__file__).parent.glob("*/question.rq")):
        with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
            columns, *rows = list(csv.reader(file))
        found.append(Question(folder.name, (folder / "question.rq").read_text(), columns, rows))
    assert len(found) >= FEWEST, f"Only {len(found)} questions were found; {FEWEST} are promised."
    return found
