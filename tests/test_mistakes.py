"""Mistakes that editors make: for each the sentence, the place and the repair, and that it mends.

A folder of `mistakes` is one mistake: its files, and `expected.txt`, which holds all that an editor
is told, the edits that are proposed, and what is found once they are done. WRITE_GOLDEN writes it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from competency_graph import rdf, resources
from competency_graph.documents import Document, read_documents
from competency_graph.editing import edited
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


def _judged(documents: Sequence[Document]) -> Verdict:
    return judge(documents, seconds=60, memory=2_000_000_000)


def _read(folder: Path) -> list[Document]:
    """Return the files of a mistake, named after it, for they are judged with those of others."""
    names = sorted(str(f) for f in folder.iterdir() if f.name != "expected.txt")
    documents = read_documents(names, most=10**6)
    return [replace(d, name=f"{folder.name}/{Path(d.name).name}") for d in documents]


@dataclass(frozen=True)
class Told:
    """What is found in the files of all mistakes that can be read, and once they are mended."""

    before: tuple[Finding, ...]
    after: tuple[Finding, ...]
    unreadable: dict[str, str]


@pytest.fixture(scope="module")
def told() -> Told:
    documents: list[Document] = []
    unreadable: dict[str, str] = {}
    for folder in FOLDERS:
        try:
            for document in (read := _read(folder)):
                rdf.parse(document.content, document.syntax, name=document.name)
            documents += read
        except UnreadableInput as refusal:
            unreadable[folder.name] = refusal.detail
    before = _judged(documents).findings
    edits = [edit for finding in before if finding.repair for edit in finding.repair.edits]
    return Told(before, _judged(mended(documents, edits)).findings, unreadable)


def _span(place: Place) -> str:
    start = str(replace(place, file=Path(place.file).name))
    return f"{start}-{place.end_line}:{place.end_column}"


def _told(finding: Finding) -> list[str]:
    found, repair = found_value(finding), finding.repair
    assert finding.place is not None
    lines = [
        f"{_span(finding.place)}  {thing(finding)}",
        f"    {finding.severity}  {sentence(finding)}",
    ]
    lines += [f"    found {found}"] if found else []
    lines += [f"    → {repair.text}"] if repair else []
    for edit in repair.edits if repair else ():
        lines.append(f"    ✎ {_span(edit.place)} becomes {edit.text!r}")
    return lines


def mended(documents: Sequence[Document], edits: Sequence[Edit]) -> list[Document]:
    """Return documents with edits done."""
    return [
        replace(d, content=edited(d.content.decode("utf-8-sig"), own).encode())
        for d in documents
        for own in [[edit for edit in edits if edit.place.file == d.name]]
    ]


def _of(folder: Path, findings: Sequence[Finding]) -> list[Finding]:
    return [f for f in findings if f.place and f.place.file.startswith(folder.name + "/")]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_mistake_is_told_with_its_place_and_its_repair(folder: Path, told: Told) -> None:
    before, after = _of(folder, told.before), _of(folder, told.after)
    assert bool(before) != (folder.name in told.unreadable), "It is found, or cannot be read."
    lines = [told.unreadable.get(folder.name, "").removeprefix(folder.name + "/")]
    for finding in before:
        lines += [*_told(finding), ""]
        assert finding.page == DOCS + "rules#" + finding.rule.rpartition("#")[2]
    if any(finding.repair and finding.repair.edits for finding in before):
        lines.append("Once mended:" if after else "Once mended, nothing is found.")
        lines += [line for finding in after for line in ("", *_told(finding))]
    said = "\n".join(lines).strip() + "\n"
    golden = folder / "expected.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_what_a_file_brings_mends_and_leaves_is_apart() -> None:
    """Against the data that it belongs to, only what a file brings anew makes it fail."""
    turtle = next(syntax for syntax in rdf.SYNTAXES if syntax.name == "turtle")
    vocabulary = b"".join(file.read_bytes() for file in resources.ontology_files())
    before = """
    PREFIX ex: <https://example.org/> PREFIX cg: <https://w3id.org/competency-graph/ns#>
    PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
    ex:f a cg:CompetencyFramework ; skos:prefLabel "F"@en .
    ex:a a cg:Role ; skos:inScheme ex:f ; skos:prefLabel "A"@en ; skos:broader ex:none .
    ex:b a cg:Role ; skos:inScheme ex:f ; skos:prefLabel "B"@en ; skos:definition "B."@en .
    """
    quads = [
        *rdf.parse(vocabulary, turtle, name="vocabulary"),
        *rdf.parse(before.encode(), turtle, name="before"),
    ]
    context = b"".join(line + b"\n" for line in rdf.quad_lines(quads, labels="c"))
    after = before.replace(' ; skos:definition "B."@en', "").replace(" ; skos:broader ex:none", "")
    document = Document(name="after.ttl", content=after.encode(), syntax=turtle)
    verdict = judge([document], context=context, seconds=60, memory=2_000_000_000)
    told = {
        state: [(thing(finding), finding.field_label) for finding in group]
        for state, group in (
            ("new", verdict.findings),
            ("fixed", verdict.fixed),
            ("standing", verdict.standing),
        )
    }
    assert told["new"] == [("B", "Definition")]
    assert told["fixed"] == [("A", "Parent")]
    assert ("A", "Definition") in told["standing"]
    assert ("F", "Licence") in told["standing"]
    assert all(finding.place and finding.place.line for finding in verdict.standing)
    assert not verdict.fails("violation") and verdict.fails("warning")
