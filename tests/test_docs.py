"""The documentation names what there is: settings, commands, terms, errors; links resolve."""

import io
import re
from collections import defaultdict
from dataclasses import MISSING, Field
from pathlib import Path
from typing import Any

import click
import pytest
from competency_graph import errors
from competency_graph.cli import command
from competency_graph.config import setting_fields
from competency_graph.index import Graph
from competency_graph.rdf import RESULTS, SYNTAXES
from competency_graph.vocab import CG
from ontology_rules import CLASS, TYPE, Files

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("*/README.md")])
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
ONTOLOGY = Files.of(ROOT)


def test_the_pages_were_found() -> None:
    assert len(PAGES) >= 10


def _tables(page: str) -> dict[str, list[str]]:
    """Return the rows of the tables of a page: what follows the name in backticks before it."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", (DOCS / page).read_text(encoding="utf-8"), re.M)
    return {name: rest.split(" | ") for name, rest in rows}


@pytest.mark.parametrize("setting", setting_fields(), ids=lambda setting: setting.name)
def test_every_setting_has_its_row_with_its_default(setting: Field[Any]) -> None:
    told, meaning = _tables("operate.md")[setting.name.upper()]
    assert meaning
    if setting.default is MISSING:
        assert told == "by cores"
    else:
        value = "" if told == "none" else told.strip("`")
        assert setting.metadata["parse"](value) == setting.default


def test_every_row_of_settings_is_a_setting() -> None:
    assert set(_tables("operate.md")) == {setting.name.upper() for setting in setting_fields()}


def test_the_page_on_the_model_names_every_class_and_invents_no_name() -> None:
    text = (DOCS / "model.md").read_text(encoding="utf-8")
    named = {
        # Words of other vocabularies have a prefix, variables a question mark.
        *re.findall(r"(?<![\w:?/.-])([A-Za-z][a-z]+(?:[A-Z][a-z]+)+)\b", text),
        *re.findall(r"`([A-Z][a-z]+)`", text),
        *re.findall(r"(?:cg:|ns#)(\w+)", text),
    }
    classes = {t.removeprefix(CG) for t, kind in ONTOLOGY.terms.items() if kind == CLASS}
    assert len(classes) > 35
    assert classes - named == set(), "Say in docs/model.md what these classes are."
    declared = {term.removeprefix(CG) for term in ONTOLOGY.home}
    assert named - declared == set(), "Mend these names in docs/model.md, or declare them."


def test_the_page_on_the_model_has_the_closed_lists() -> None:
    lists = defaultdict(set)
    for term, module in ONTOLOGY.home.items():
        for kind in ONTOLOGY.modules[module].objects(term, TYPE):
            if str(kind).startswith(CG):
                lists[str(kind).removeprefix(CG), module].add(term.removeprefix(CG))
    assert len(lists) >= 12
    table = _tables("model.md")
    for (name, module), values in lists.items():
        told, _, home = table[name]
        counted = re.match(r"\d+", told)
        assert home == module, name
        assert int(counted[0]) == len(values) if counted else values == _ticked(told), name


def _ticked(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def test_the_queries_on_the_page_on_the_model_are_answered(graph: Graph) -> None:
    text = (DOCS / "model.md").read_text(encoding="utf-8")
    profile, contributions = re.findall(r"```sparql\n(.*?)```", text, re.DOTALL)
    output = io.BytesIO()
    graph.write_answer(profile, output, rows="csv")
    assert len(output.getvalue().splitlines()) == 1 + 22
    output = io.BytesIO()
    graph.write_answer(contributions, output, graph="n-triples")
    assert len(output.getvalue().splitlines()) > 10


@pytest.mark.parametrize("name", command.list_commands(click.Context(command)))
def test_every_command_is_shown(name: str) -> None:
    assert re.search(rf"competency-graph (\w+ )*{name}\b", TEXT)


@pytest.mark.parametrize(
    "media_type", [*(s.media_type for s in SYNTAXES), *(media for media, _ in RESULTS.values())]
)
def test_every_format_is_named(media_type: str) -> None:
    assert f"`{media_type}`" in (DOCS / "query.md").read_text(encoding="utf-8")


def _codes() -> set[str]:
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    return {
        kind.code
        for kind in kinds
        if issubclass(kind, errors.CompetencyGraphError) and kind is not errors.CompetencyGraphError
    }


def test_every_error_is_in_the_tree_at_the_top_of_its_module() -> None:
    drawn = errors.__doc__ or ""
    assert len(_codes()) >= 20
    for code in _codes():
        assert re.search(rf"\s{code}\s", drawn), f"Draw {code} into the tree of errors/__init__.py."


def test_every_link_resolves() -> None:
    checked = 0
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            checked += 1
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
    assert checked >= 8
