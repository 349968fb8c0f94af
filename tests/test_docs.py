"""The documentation names what there is: settings, commands, error codes; its links resolve."""

import re
from pathlib import Path

import pytest
from competency_graph import errors
from competency_graph.cli import command
from competency_graph.config import setting_fields

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def test_the_pages_were_found() -> None:
    assert len(PAGES) >= 10


@pytest.mark.parametrize("name", [setting.name.upper() for setting in setting_fields()])
def test_every_setting_is_explained(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(command.commands))
def test_every_command_is_shown(name: str) -> None:
    assert re.search(rf"competency-graph (\w+ )*{name}\b", TEXT)


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
        assert re.search(rf"\s{code}\s", drawn), f"Draw {code} into the tree of errors.py."


def test_every_link_resolves() -> None:
    checked = 0
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            checked += 1
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
    assert checked >= 8
