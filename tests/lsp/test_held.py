"""What is held of a workspace, text by text: the same as if it had been read and judged at once."""

import os
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest
from competency_graph import rdf, resources
from competency_graph.documents import Document, read_documents
from competency_graph.judging import judge
from competency_graph.model import Finding
from competency_graph.shacl.data import Parsed, Run
from competency_graph.shacl.evaluate import judge as judge_whole
from competency_graph.shacl.standing import Standing
from competency_graph.vocab import RDF
from competency_graph.workspace import shipped, telling
from competency_graph.workspace.held import Held, Rules
from competency_graph.workspace.written import Written

UNNAMED = """PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
[] a cg:RoleRequirement ; cg:requiresLevell [ a cg:ProficiencyLevel ] .
<https://example.org/role> a cg:Role ; dcterms:relation _:other .
_:other a cg:Competency ; dcterms:issued "2026-13-01"^^<http://www.w3.org/2001/XMLSchema#date> .
"""
HERE = Path(__file__).parent
MISTAKES = HERE.parent / "mistakes"
EDITS = int(os.environ.get("SHACL_EDITS", "2000")) // 10


@cache
def _rules() -> tuple[Rules, Rules]:
    return shipped.rules()


def _held() -> Held:
    return Held(shipped.shipped(), *_rules())


def _take(held: Held, document: Document) -> None:
    kept = held.keep(document, stamp=0)
    statements, kept.faults = telling.read(document, label=kept.label)
    if not kept.faults:
        held.take(kept, statements)
        held.judge()


def _told(held: Held, names: Sequence[str]) -> list[Finding]:
    found = telling.told(held, names, whole=True)
    return [finding for name in names for finding in found[name]]


def test_findings_are_those_of_validate() -> None:
    """All mistakes that can be read, held one after the other, and judged at once by `validate`."""
    files = sorted(p for p in MISTAKES.glob("*/*") if p.suffix != ".txt")
    documents = [d for d in read_documents(list(map(str, files)), most=10**6) if _parses(d)]
    assert len(documents) >= 25
    # Of the house are those that belong to it, and this one does not.
    other = _document("unnamed.ttl", UNNAMED)
    held = _held()
    for document in (*documents, other):
        _take(held, document)
    ours = _told(held, list(held.documents))
    together = (judge(d, seconds=100, memory=2_000_000_000) for d in (documents, [other]))
    theirs = [finding for verdict in together for finding in verdict.findings]
    assert {_key(f) for f in ours} == {_key(f) for f in theirs}
    assert len(ours) >= 30


def _parses(document: Document) -> bool:
    return not telling.read(document, label="x")[1]


def _key(finding: Finding) -> tuple[object, ...]:
    return finding.rule, finding.message, finding.place, finding.focus_label, finding.repair


def test_texts_that_change_leave_what_they_would_have_brought_at_once() -> None:
    """Random edits of three documents, of which two describe the same things; then all dropped."""
    chance = random.Random(os.environ.get("SHACL_SEED", "1"))
    folder = resources.folder("ontology") / "frameworks" / "implementation-support"
    texts = {n: (folder / f"{n}.ttl").read_text() for n in ("roles", "levels", "principles")}
    texts["again"] = texts["levels"]
    held = _held()
    before = _standing(held), set(_statements(held))
    read = 0
    for number in range(EDITS):
        name = chance.choice(sorted(texts))
        edited = _edited(texts[name], chance)
        _take(held, _document(name, edited))
        if not held.documents[name].faults:
            texts[name], read = edited, read + 1
        if number % 10 == 0:
            _told(held, sorted(held.documents))
    assert read >= EDITS // 2, "Most edits leave a text that can be read."
    everything = Parsed(_statements(held))
    assert sorted(map(str, everything.store)) == sorted(map(str, held.data.store))
    for (rules, standing), ready in zip(held.standing, _rules(), strict=True):
        assert rules is ready
        whole = Standing(judge_whole(rules.compiled, Run(everything)))
        assert sorted(map(repr, standing)) == sorted(map(repr, whole))
    for name in list(held.documents):
        held.drop(name)
        held.judge()
    assert (_standing(held), set(_statements(held))) == before


def _standing(held: Held) -> list[str]:
    return sorted(repr(result) for _, standing in held.standing for result in standing)


def _statements(held: Held) -> list[ox.Triple]:
    subjects = {quad.subject for quad in held.data.store}
    return [ox.Triple(s, p, o) for s in subjects for p, o in held.data.about(s)]


def _document(name: str, text: str) -> Document:
    return Document(name=name, content=text.encode(), syntax=rdf.SYNTAXES[0])


def _edited(text: str, chance: random.Random) -> str:
    """Return a text with a line of a statement left out, doubled, moved, or broken."""
    lines = text.split("\n")
    number = chance.choice([n for n, line in enumerate(lines) if line.startswith("    ")])
    match chance.randrange(4):
        case 0:
            del lines[number]
        case 1:
            lines.insert(number, lines[number])
        case 2:
            other = chance.choice([n for n, line in enumerate(lines) if line.endswith(" ;")])
            lines[number], lines[other] = lines[other], lines[number]
        case _:
            lines[number] = lines[number].replace("a", "e", 1)
    return "\n".join(lines)


TURTLE = sorted(
    [
        *(resources.folder("ontology")).rglob("*.ttl"),
        *(resources.folder("shapes")).rglob("*.ttl"),
        *(HERE.parent / "shapes").rglob("*.ttl"),
        *MISTAKES.rglob("*.ttl"),
        *MISTAKES.rglob("*.trig"),
    ]
)


def test_what_is_read_by_tokens_is_what_is_parsed() -> None:
    read = 0
    for file in TURTLE:
        text, syntax = file.read_bytes(), rdf.syntax_of_file(file.name)
        assert syntax is not None
        try:
            quads = list(ox.parse(text, syntax.format, base_iri=rdf.NO_BASE))
        except SyntaxError:
            continue
        read += 1
        written = Written(text=text.decode())
        parsed = {n.value for q in quads for n in q if isinstance(n, ox.NamedNode)}
        parsed -= {q.graph_name.value for q in quads if isinstance(q.graph_name, ox.NamedNode)}
        # A type may be said by a word, a list by brackets, and a literal has one that is not said.
        silent = {RDF + name for name in ("type", "first", "rest", "nil")}
        named = {name.iri for name in written.names()}
        assert parsed - silent <= named, file
        subjects = {q.subject.value for q in quads if isinstance(q.subject, ox.NamedNode)}
        assert subjects == {b.subject for b in written.blocks if b.subject}, file
        assert not _only_directives(written), file
    assert read >= 150


def _only_directives(written: Written) -> str:
    """Return what is left of a text without its statements: nothing but what belongs to none."""
    left = written.only(lambda _: False)
    assert left.count("\n") == written.text.count("\n")
    return "\n".join(
        line
        for line in left.split("\n")
        if line.strip() and line.split()[0].upper() not in ("PREFIX", "@PREFIX", "BASE")
        if line.strip() != "}" and not line.startswith(("GRAPH", "#"))
    )


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a:b a:c 1.5 . a:d a:e a:f.g .", ["a:b a:c 1.5 .", "a:d a:e a:f.g ."]),
        ('a:b a:c "x.y", """ " . """@en .a:d', ['a:b a:c "x.y", """ " . """@en .', "a:d"]),
        ("PREFIX a: <b#> a:c a:d <e.f> . # no .\n[] a a:g .", None),
        ("<g> { a:b a:c a:d } <h> { a:e a:f a:g . }", ["a:b a:c a:d ", "a:e a:f a:g ."]),
        ('a:b a:c "open . \na:d a:e 1 .', ['a:b a:c "open . \na:d a:e 1 .']),
        ("a:b a:c [ a:d 1 . a:e a:f 2 .", ["a:b a:c [ a:d 1 .", "a:e a:f 2 ."]),
        ("a:b a:c a:d\\.e, 'it''s' .", ["a:b a:c a:d\\.e, 'it''s' ."]),
        ("<a b> . <c> < d .", ["<a b> .", "<c> < d ."]),
    ],
)
def test_statements_are_told_apart(text: str, blocks: list[str] | None) -> None:
    found = [text[block.start : block.end] for block in Written(text=text).blocks]
    wanted = ["PREFIX a: <b#>", "a:c a:d <e.f> .", "[] a a:g ."] if blocks is None else blocks
    assert found == wanted


@pytest.mark.parametrize(
    ("text", "position", "predicate"),
    [
        ("", "subject", ""),
        ("a:s ", "predicate", ""),
        ("a:s a ", "type", ""),
        ("a:s a:p ", "object", "p"),
        ('a:s a:p "o" , ', "object", "p"),
        ("a:s a:p a:o ; ", "predicate", ""),
        ("a:s a:p a:o ; # a:p\n", "predicate", ""),
        ("a:s a:p [ ", "predicate", ""),
        ("a:s a:p [ a ", "type", ""),
        ("a:s a:p [ a:q a:r ] , ", "object", "p"),
        ("a:s a:p [ a:q a:r ] ; ", "predicate", ""),
        ("a:s a:p ( a:x ", "object", "p"),
        ("[ a:p a:o ] ", "predicate", ""),
        ("a:s a:p a:o . ", "subject", ""),
    ],
)
def test_what_is_to_be_written_at_a_place(text: str, position: str, predicate: str) -> None:
    text = f"PREFIX a: <https://example.org/>\n{text}"
    found, name = Written(text=text + "\na:z a:z a:z .").asked_at(len(text))
    assert found == position
    if predicate:
        assert name is not None and name.iri == f"https://example.org/{predicate}"


@pytest.mark.parametrize("sign", ['"', "'", '"""', "<", "[", "(", ".", "\\", "#", "a:", "{", "@"])
def test_reading_by_tokens_takes_time_by_length(sign: str) -> None:
    """A pattern that went back over what it read would take hours for this."""
    written = Written(text=f"{sign} " * 50_000 + sign * 50_000)
    assert sum(len(block.names) for block in written.blocks) == 0
