"""Mistakes that editors make: for each the sentence, the place and the repair, and that it mends.

A folder of `mistakes` is one mistake: its files, and `expected.txt`, which holds all that an editor
is told, the edits that are proposed, and what is found once they are done. WRITE_GOLDEN writes it.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from competency_graph.documents import Document, read_documents
from competency_graph.errors import UnreadableInput
from competency_graph.judging import judge
from competency_graph.model import Edit, Finding, Place, Verdict
from competency_graph.reports.text import found_value, sentence, thing
from competency_graph.vocab import DOCS

FOLDERS = sorted(p for p in (Path(__file__).parent / "mistakes").iterdir() if p.is_dir())


def test_there_are_enough_mistakes() -> None:
    assert len(FOLDERS) >= 30
    endings = {file.suffix for folder in FOLDERS for file in folder.iterdir()} - {".txt"}
    assert endings == {".ttl", ".trig", ".nq", ".jsonld", ".rdf"}


def judged(documents: Sequence[Document]) -> Verdict:
    return judge(documents, seconds=60, memory=2_000_000_000)


def _read(folder: Path) -> list[Document]:
    names = sorted(str(f) for f in folder.iterdir() if f.name != "expected.txt")
    return [replace(d, name=Path(d.name).name) for d in read_documents(names, most=10**6)]


def _span(place: Place) -> str:
    return f"{place}-{place.end_line}:{place.end_column}" if place.end_line else str(place)


def _told(finding: Finding) -> list[str]:
    found, repair = found_value(finding), finding.repair
    place = f"{_span(finding.place)}  " if finding.place else ""
    lines = [f"{place}{thing(finding)}", f"    {finding.severity}  {sentence(finding)}"]
    lines += [f"    found {found}"] if found else []
    lines += [f"    → {repair.text}"] if repair else []
    for edit in repair.edits if repair else ():
        lines.append(f"    ✎ {_span(edit.place)} becomes {edit.text!r}")
    return lines


def mended(documents: Sequence[Document], edits: Sequence[Edit]) -> list[Document]:
    """Return documents with edits done: those that begin later first, equal ones once."""
    texts = {d.name: d.content.decode("utf-8-sig") for d in documents}

    def offset(file: str, line: int | None, column: int | None) -> int:
        assert line and column
        return sum(map(len, texts[file].split("\n")[: line - 1])) + line - 1 + column - 1

    spans = {
        (
            e.place.file,
            offset(e.place.file, e.place.line, e.place.column),
            offset(e.place.file, e.place.end_line, e.place.end_column),
            e.text,
        )
        for e in edits
    }
    for file, start, end, text in sorted(spans, reverse=True):
        texts[file] = texts[file][:start] + text + texts[file][end:]
    return [replace(d, content=texts[d.name].encode()) for d in documents]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_mistake_is_told_with_its_place_and_its_repair(folder: Path) -> None:
    documents = _read(folder)
    lines: list[str] = []
    try:
        verdict = judged(documents)
    except UnreadableInput as refusal:
        lines.append(refusal.detail)
    else:
        assert verdict.findings, "What is no mistake does not belong here."
        for finding in verdict.findings:
            lines += [*_told(finding), ""]
            assert finding.page == DOCS + "rules#" + finding.rule.rpartition("#")[2]
        edits = [e for f in verdict.findings if f.repair for e in f.repair.edits]
        if edits:
            left = judged(mended(documents, edits)).findings
            lines.append("Once mended, nothing is found." if not left else "Once mended:")
            lines += [line for finding in left for line in ("", *_told(finding))]
    said = "\n".join(lines).rstrip() + "\n"
    golden = folder / "expected.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
