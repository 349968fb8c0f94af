"""A comparison as text, Markdown, a page and JSON: golden files, and what a report may not do."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from changing import BEFORE, comparison, replaced, without
from competency_graph.diff.reports import MARK, Format, render

GOLDEN = Path(__file__).parent / "golden"
AFTER = replaced(
    without(BEFORE, "ex:asking", "ex:silence"),
    ("requiresLevel ex:one", "requiresLevel ex:two"),
    ('"Listening"@en', '"Hearing out"@en'),
    ("sh:maxCount 5", "sh:minCount 1 ; sh:maxCount 5"),
    ('"Trust"@en ;', '"Trust"@en ; owl:deprecated true ; dcterms:isReplacedBy ex:peace ;'),
    ('owl:versionInfo "1.4.0"', 'owl:versionInfo "1.5.0"'),
)
ENDINGS: dict[Format, str] = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}


@pytest.mark.parametrize("format_", ENDINGS)
def test_a_report_reads_as_it_should(format_: Format) -> None:
    said = render(comparison(BEFORE, AFTER), format_)
    # The look is that of the service's pages, and theirs to change.
    said = re.sub("(?s)<style>.*</style>", "<style></style>", said)
    golden = GOLDEN / f"change.{ENDINGS[format_]}"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_no_difference_is_said_so() -> None:
    found = comparison(BEFORE, BEFORE)
    assert render(found, "text") == "Nothing differs in meaning between before and after."
    assert "No change of meaning" in render(found, "markdown")
    assert "No change" in render(found, "html")
    assert json.loads(render(found, "json"))["impact"] is None


NASTY = (
    "| @everyone <script>alert(1)</script> [x](http://evil.example) #1 `a` **b** www.evil.example"
)


def test_a_label_is_only_text_in_a_comment() -> None:
    said = render(
        comparison(BEFORE, replaced(BEFORE, ('"Asking"@en', f'"{NASTY}"@en'))), "markdown"
    )
    assert said.startswith(MARK)
    (row,) = [line for line in said.splitlines() if "everyone" in line]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    for live in ("@", "<script", "](", " #1", "http:", "www.evil"):
        assert live not in row.replace("<br>", ""), live


def test_a_comment_is_never_too_long() -> None:
    many = "".join(
        f'ex:c{n} a cg:Competency ; skos:prefLabel "{"Long " * 15}{n}"@en .\n' for n in range(1200)
    )
    said = render(comparison(BEFORE, BEFORE + many), "markdown")
    assert len(said) < 65_536
    assert re.search(r"And \d+ more: run `competency-graph diff`", said)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))


def test_a_page_needs_nothing_else_and_runs_nothing() -> None:
    said = render(comparison(BEFORE, replaced(AFTER, ('"Peace"@en', f'"{NASTY}"@en'))), "html")
    page = _Page()
    page.feed(said)
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "img", "iframe", "form"} & set(names)
    assert not [attributes for _, attributes in page.tags if {"src", "style"} & set(attributes)]
    assert names.count("h1") == names.count("main") == names.count("title") == 1
    assert ("html", {"lang": "en"}) in page.tags
    sections = [a["aria-labelledby"] for tag, a in page.tags if tag == "section"]
    assert sections == [a["id"] for tag, a in page.tags if tag == "h2"] != []
    for promise in ("color-scheme: light dark", "@media print"):
        assert promise in said
