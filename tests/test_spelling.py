"""What people read here is British English; code and the names of others are as they are."""

import re
import subprocess
import sys
from pathlib import Path

import codespell_lib
import pytest

ROOT = Path(__file__).parent.parent
PROSE = {".md", ".ttl", ".py", ".html", ".css", ".rq"}
# Words of British English too: verbs and nouns of one sound, computing, measuring.
BOTH = (
    *("license", "licensed", "licenses", "licensing", "practice", "practices", "program"),
    *("focused", "focuses", "focusing", "refocused", "refocuses", "refocusing", "biased"),
    *("story", "stories", "routing", "writable", "overwritable", "meter", "meters"),
)
# What is spelt by others: an IRI, a prefixed name, `code`, an attribute, a call, an argument, what
# CSS says of colours and centres, an expression in a template, the header (RFC 9110), an import.
CODE = (
    r"Authorization|from \w+ import|<\S*>|\w+:\w+|`[^`\n]*`|\.\w+|\w+[(=]"
    r"|\b(?:color|authorization):|: center\b|\{[{%].*?[%}]\}"
)


@pytest.fixture(scope="module")
def american(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """codespell's own table from British to American, read the other way round."""
    table = Path(codespell_lib.__file__).parent / "data" / "dictionary_en-GB_to_en-US.txt"
    pairs = re.findall(r"^(\S+)->(\S+)$", table.read_text(encoding="utf-8"), re.M)
    assert len(pairs) > 400
    path = tmp_path_factory.mktemp("spelling") / "american.txt"
    path.write_text("".join(f"{us}->{gb}\n" for gb, us in pairs if us not in BOTH), "utf-8")
    return path


def faults(dictionary: Path, *files: Path) -> list[str]:
    """Return a sentence for each American spelling in the files."""
    command = [sys.executable, "-m", "codespell_lib", "--dictionary", str(dictionary)]
    told = subprocess.run(
        [*command, "--ignore-regex", CODE, "--uri-ignore-words-list", "*", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not told.stderr, told.stderr
    found = re.findall(r"^(.+:\d+): (\S+) ==> (\S+)$", told.stdout, re.M)
    assert bool(found) == bool(told.returncode), told.stdout
    return [
        f"{place.removeprefix(f'{ROOT}/')}: write “{gb}”, not “{us}”: we write British English; "
        "what code or others spell so stands in backticks"
        for place, us, gb in found
    ]


def test_the_spelling_is_british(american: Path) -> None:
    files = [
        *ROOT.glob("*.md"),
        *ROOT.glob("ontology/*.*"),
        *(f for folder in ("docs", "shapes", "service") for f in (ROOT / folder).rglob("*.*")),
    ]
    files = [file for file in files if file.suffix in PROSE]
    assert len(files) > 90, "The files were not found."
    found = faults(american, *files)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("page.md", "The color of a page.", "write “colour”, not “color”"),
        ("page.md", "| Behavior | is what one sees |", "write “Behaviour”, not “Behavior”"),
        ("module.py", '"""Normalize labels."""', "write “Normalise”, not “Normalize”"),
        ("module.ttl", 'cg:Role skos:definition "Organization."@en ;', "write “Organisation”"),
        ("style.css", "/* The center */", "write “centre”, not “center”"),
        ("page.html", "<p>We favor short words.</p>", "write “favour”, not “favor”"),
    ],
)
def test_an_american_spelling_is_refused(
    american: Path, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (told,) = faults(american, tmp_path / name)
    assert f"{name}:1: {said}" in told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "style.css",
            "a { color: var(--link); } b { background-color: #fff; text-align: center; }",
        ),
        ("module.ttl", "<https://example.org/behavior> schema:color <http://example.org/color> ."),
        ("module.py", "graph.serialize(normalize=False)\nname.capitalize()\ndef serialize(x): ..."),
        ("page.html", '<meta name="color-scheme">{{ name | capitalize }}'),
        ("page.md", "Call `serialize` of the program; see https://example.org/center/color."),
    ],
)
def test_code_and_the_names_of_others_are_left_alone(
    american: Path, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert faults(american, tmp_path / name) == []
