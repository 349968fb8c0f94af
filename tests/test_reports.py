"""A verdict in each format: it says all there is to say, and is what the format's standard asks."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from competency_graph import graphs, rdf
from competency_graph.model import Edit, Finding, Place, Repair, Verdict
from competency_graph.reports import Format, render, with_pages_at
from competency_graph.vocab import CG, DOCS, SHAPES
from page_rules import faults
from rdflib import RDF, SH, BNode, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.extras.shacl import parse_shacl_path

SCHEMA = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text("utf-8"))
FORMATS: tuple[Format, ...] = ("text", "json", "turtle", "json-ld", "sarif", "html", "github")
# What tries to be something else: a command, markup, a line of its own.
NASTY = '50%\r\n::error::<script>alert(1)</script> ##[group]"'
PLACE = Place(file="a,b:c/röles 1.ttl", line=15, column=20, end_line=15, end_column=30)
LEVEL = Finding(
    severity="violation",
    message="Choose a proficiency level.",
    rule=SHAPES + "RoleRequirement-level-is-a-level",
    component=str(SH.ClassConstraintComponent),
    page=DOCS + "rules#RoleRequirement-level-is-a-level",
    focus="https://example.org/id/needs",
    focus_label=NASTY,
    field=CG + "requiresLevel",
    field_label="Required level",
    value="<https://example.org/level/4-profficient>",
    value_label="Profficient",
    place=PLACE,
    repair=Repair(
        text="Did you mean “Proficient” (4-proficient)?",
        remove="cg:requiresLevel <https://example.org/level/4-profficient>",
        insert="cg:requiresLevel <https://example.org/level/4-proficient>",
        edits=(Edit(place=PLACE, text="level:4-proficient"),),
    ),
)
PATH = Finding(
    severity="warning",
    message="Gib die Sprache an.",
    language="de",
    rule="_:shape",
    focus="_:b1",
    field_label="Label",
    path="(<https://example.org/p>|^<https://example.org/q>)/<https://example.org/r>*",
    value='"zwei\\nZeilen \\"so\\""@de',
    place=Place(file="a.jsonld", line=3, column=1, end_line=4, end_column=2),
)
BARE = Finding(severity="info", message="Look here.", rule="urn:rule", focus='"7"')
VERDICT = Verdict(
    findings=(LEVEL, PATH, BARE),
    fixed=(replace(BARE, message="Look there."),),
    standing=(replace(LEVEL, focus_label=NASTY, message="Choose a role."),),
    files=2,
    checked=(("role", 3),),
    notes=("Not read: ::warning::x",),
)


# What each format has to say of the first finding, whatever else it says.
FACTS = {
    "shape": "RoleRequirement-level-is-a-level",
    "focus": "https://example.org/id/needs",
    "path": "requiresLevel",
    "value": "4-profficient",
    "message": "Choose a proficiency level.",
    "field name": "Required level",
    "page": "docs/rules",
    "repair": "Did you mean “Proficient” (4-proficient)?",
    "line": "15",
    "column": "20",
    "severity": r"(?i)violation|error",
    "label of the thing": "50%",
    "label of the value": "Profficient",
}
# What is for people calls things and fields by their names, not by addresses.
_UNSAID = {"focus", "path", "value"}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("fact", FACTS)
def test_every_format_tells_every_fact(format_: Format, fact: str) -> None:
    if fact in _UNSAID and format_ in ("text", "html", "github"):
        return
    said = render(VERDICT, format_)
    wanted = FACTS[fact] if fact == "severity" else re.escape(FACTS[fact])
    assert re.search(wanted, said), f"{format_} does not tell the {fact}."


@pytest.mark.parametrize("format_", ["text", "html", "sarif", "github"])
def test_new_mended_and_there_before_are_apart(format_: Format) -> None:
    said = render(VERDICT, format_)
    parts = [said.index(text) for text in ("Look here.", "Look there.", "Choose a role.")]
    if format_ == "sarif":
        states = [r["baselineState"] for r in json.loads(said)["runs"][0]["results"]]
        assert states == ["new", "new", "new", "unchanged", "absent"]
        return
    assert parts == sorted(parts)
    marks = [said.index(text) for text in ("Mended", "There before")]
    assert parts[0] < marks[0] < parts[1] < marks[1] < parts[2]
    assert "1 new violation, 1 warning, 1 hint, 1 mended, 1 there before in 2 files" in said


@pytest.mark.parametrize("verdict", [VERDICT, Verdict(findings=(), files=1)])
def test_sarif_is_valid_by_its_schema(verdict: Verdict) -> None:
    log = json.loads(render(verdict, "sarif"))
    validator = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    assert not [error.message for error in validator.iter_errors(log)]
    broken = {**log, "runs": [{**log["runs"][0], "results": [{"ruleId": "x"}]}]}
    assert not validator.is_valid(broken)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    if verdict.findings:
        first = run["results"][0]
        place = first["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a%2Cb%3Ac/r%C3%B6les%201.ttl"
        region = {"startLine": 15, "startColumn": 20, "endLine": 15, "endColumn": 30}
        assert place["region"] == region
        (replacement,) = first["fixes"][0]["artifactChanges"][0]["replacements"]
        assert replacement["insertedContent"]["text"] == "level:4-proficient"
        prints = {r["partialFingerprints"]["finding/v1"] for r in run["results"]}
        assert len(prints) == 5


def test_turtle_and_json_ld_are_one_validation_report() -> None:
    turtle = Graph().parse(data=render(VERDICT, "turtle"), format="turtle")
    json_ld = next(syntax for syntax in rdf.SYNTAXES if syntax.name == "json-ld")
    content = render(VERDICT, "json-ld").encode()
    assert isomorphic(turtle, graphs.to_rdflib(rdf.parse(content, json_ld, name="")))
    (report,) = turtle.subjects(RDF.type, SH.ValidationReport)
    assert list(turtle.objects(report, SH.conforms)) == [Literal(False)]
    results = list(turtle.objects(report, SH.result))
    assert len(results) == 3
    for result in results:
        # SHACL 3.6.2: each has exactly one of these.
        for word in ("focusNode", "resultSeverity", "sourceConstraintComponent", "sourceShape"):
            assert len(list(turtle.objects(result, SH[word]))) == 1, word
    by_message = {str(turtle.value(r, SH.resultMessage)): r for r in results}
    german = by_message["Gib die Sprache an."]
    assert turtle.value(german, SH.resultMessage) == Literal("Gib die Sprache an.", lang="de")
    assert turtle.value(german, SH.value) == Literal('zwei\nZeilen "so"', lang="de")
    path = turtle.value(german, SH.resultPath)
    assert isinstance(path, BNode)
    assert parse_shacl_path(turtle, path).n3() == PATH.path
    assert turtle.value(by_message["Look here."], SH.focusNode) == Literal("7")
    level = by_message["Choose a proficiency level."]
    assert turtle.value(level, SH.value) == URIRef("https://example.org/level/4-profficient")
    assert render(VERDICT, "turtle") == render(VERDICT, "turtle")


_ESCAPES = (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))


def _commands(said: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the workflow commands of an output, as the runner of GitHub Actions reads them."""
    found = []
    for line in said.splitlines():
        if not line.lstrip().startswith("::"):
            # The form that commands had once counts anywhere in such a line.
            assert "##[" not in line
            continue
        head, _, text = line.lstrip()[2:].partition("::")
        name, _, rest = head.partition(" ")
        facts = dict(fact.split("=", 1) for fact in rest.split(",") if fact)
        for escape, sign in (
            ("%3A", ":"),
            ("%2C", ","),
            ("%0D", "\r"),
            ("%0A", "\n"),
            ("%25", "%"),
        ):
            facts = {key: value.replace(escape, sign) for key, value in facts.items()}
            text = text.replace(escape, sign)
        found.append((name, facts, text))
    return found


def test_github_reads_three_commands_and_none_that_the_data_bring() -> None:
    commands = _commands(render(VERDICT, "github"))
    assert [name for name, _, _ in commands] == ["error", "warning", "notice"]
    facts = commands[0][1]
    wanted = {"file": PLACE.file, "line": "15", "endLine": "15", "col": "20", "endColumn": "29"}
    assert wanted.items() <= facts.items()
    assert facts["title"].startswith("50% ::error::<script>")
    assert commands[0][2].splitlines()[-1] == LEVEL.page
    # Over two lines GitHub takes no columns.
    assert commands[1][1].keys() == {"file", "line", "endLine", "title"}


def test_text_commands_no_terminal() -> None:
    command = "\x1b[2J\x1b]0;title\x07\x9b31m\u202e"
    finding = replace(
        LEVEL,
        message=command,
        focus_label=command,
        value_label=command,
        repair=Repair(text=command),
        place=replace(PLACE, file=f"{command}.ttl"),
    )
    verdict = Verdict(findings=(finding,), standing=(finding,), files=1, notes=(command,))
    told = render(verdict, "text")
    assert "<U+001B>[2J" in told
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", told)


def test_the_page_is_whole_accessible_and_runs_only_its_own() -> None:
    page = render(VERDICT, "html")
    # It has no navigation to skip, and needs no other file.
    allowed = {"<style> is not wanted.", "<script> is not wanted."}
    assert set(faults(page)) == {*allowed, "The first link skips to the content."}
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert not re.search(r"<[^>]+\s(?:on\w+|src|style)=", page)
    assert not re.search(r"<link|@import|url\(", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert "color-scheme: light dark" in page and "light-dark(" in page
    assert "@media print" in page
    for value in (*("violation", "warning", "info"), PLACE.file, "a.jsonld", "urn:rule"):
        assert re.search(f'(?:value="{value}"|<option>{value}</option>)', page), value


def test_json_tells_the_whole_repair() -> None:
    told: dict[str, Any] = json.loads(render(VERDICT, "json"))
    assert (told["conforms"], len(told["fixed"]), told["standing"]) == (False, 1, 1)
    first, second, _ = told["findings"]
    place = {"file": PLACE.file, "line": 15, "column": 20, "endLine": 15, "endColumn": 30}
    assert first["place"] == place
    assert first["repair"]["edits"] == [{"place": place, "text": "level:4-proficient"}]
    assert first["path"] == f"<{CG}requiresLevel>"
    assert second["path"] == PATH.path and second["field"]["id"] is None


def test_links_lead_to_a_service_where_there_is_one() -> None:
    led = with_pages_at(VERDICT, "http://127.0.0.1:8000/")
    assert led.findings[0].page == (
        "http://127.0.0.1:8000/docs/rules#RoleRequirement-level-is-a-level"
    )
    assert led.findings[1].page is None
