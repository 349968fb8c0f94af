"""A session with the language server, as an editor has it: open, err, see it, mend, rename, format.

The editor here is one of our own (`an_editor.py`): it counts in UTF-16 and keeps its texts itself.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from an_editor import CAN, Editor, Message, Refused, position, within
from competency_graph import graphs

PREFIXES = """PREFIX cg: <https://w3id.org/competency-graph/ns#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX id: <https://example.org/id/>
PREFIX level: <https://w3id.org/competency-graph/id/implementation-support/level/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
LISTENING = """
id:listening
    a cg:Competency ;
    skos:prefLabel "Listen to others"@en ;
    skos:definition "Takes in what somebody says before an answer is given."@en ;
    skos:inScheme id:house ;
    dcterms:isPartOf id:house ;
.
"""
NEED = """
id:need
    a cg:RoleRequirement ;
    skos:prefLabel "Host needs to listen"@en ;
    cg:belongsToRole id:host ;
    cg:requiresCompetency id:listening ;
    cg:requiresLevel level:4-proficient ;
    cg:hasImportance cg:Essential ;
    dcterms:isPartOf id:house ;
.
"""
HOST = """
id:host
    a cg:Role ;
    skos:prefLabel "Host"@en ;
    skos:definition "Somebody who receives guests."@en ;
    dcterms:isPartOf id:house ;
.
"""


def _make(folder: Path) -> Path:
    (folder / "competencies.ttl").write_text(PREFIXES + LISTENING, encoding="utf-8")
    (folder / "roles.ttl").write_text(PREFIXES + HOST + NEED, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(_make(tmp_path_factory.mktemp("workspace")))
    yield editor
    assert editor.leave() == 0
    assert not _alive(editor)


def _alive(editor: Editor) -> list[int]:
    """Return the processes of the server that are left once it has been given time to end."""
    deadline = time.monotonic() + 10
    while (left := _processes(editor)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _processes(editor: Editor) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            here = os.readlink(entry / "cwd") == str(editor.root)
            if here and b"competency_graph" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def codes(found: list[Message]) -> list[str]:
    return sorted(finding["code"] for finding in found)


def test_an_error_is_seen_mended_renamed_and_formatted(session: Editor) -> None:
    roles = session.open("roles.ttl")
    before = codes(session.findings(roles))
    assert not any(code == "unknown-term" for code in before)

    session.exchange(
        roles, "cg:requiresLevel level:4-proficient", "cg:requiresLevell level:4-proficient"
    )
    found = session.findings(roles)
    (wrong,) = [f for f in found if f["code"] == "unknown-term"]
    assert within(session.texts[roles], wrong["range"]) == "cg:requiresLevell"
    assert "Did you mean cg:requiresLevel?" in wrong["message"]
    assert wrong["severity"] == 1 and wrong["codeDescription"]["href"].endswith("#unknown-term")
    assert "RoleRequirement-level-one" in codes(found), "Of what is missing the shapes tell."

    (fix,) = session.fixes(roles, wrong["range"]["start"], wrong["range"]["end"])
    assert fix["kind"] == "quickfix"
    session.take(fix["edit"])
    assert codes(session.findings(roles)) == before
    assert session.texts[roles] == PREFIXES + HOST + NEED

    asked = session.at(roles, "id:listening", "textDocument/prepareRename", 5)
    assert within(session.texts[roles], asked["range"]) == asked["placeholder"] == "listening"
    edit = session.at(roles, "id:listening", "textDocument/rename", 5, newName="hearing")
    session.take(edit)
    assert "cg:requiresCompetency id:hearing ;" in session.texts[roles]
    assert session.root
    assert "\nid:hearing\n" in (session.root / "competencies.ttl").read_text(encoding="utf-8")
    session.findings(roles)
    session.until(lambda: session.codes(roles) == before)

    edits = session.ask(
        "textDocument/formatting",
        {"textDocument": {"uri": roles}, "options": {"tabSize": 4, "insertSpaces": True}},
    )
    session.change(roles, *edits)
    now = (PREFIXES + HOST + NEED).replace("id:listening", "id:hearing")
    assert session.texts[roles] == graphs.canonical_turtle(now.encode(), name="roles").decode()
    assert codes(session.findings(roles)) == before


def test_what_is_broken_is_told_statement_by_statement(session: Editor) -> None:
    text = PREFIXES + HOST.replace('"Host"@en ;', '"Host"@en') + NEED.replace("skos:", "scos:")
    uri = session.open("broken.ttl", text)
    found = session.findings(uri)
    assert codes(found) == ["syntax", "syntax"]
    assert "“scos:” is used but nowhere declared" in "".join(f["message"] for f in found)
    text = PREFIXES.replace("PREFIX skos", "PREFIX sk") + HOST.replace("skos:", "sk:", 1) + NEED
    other = session.open("undeclared.ttl", text)
    (first, *_) = session.findings(other)
    (fix,) = session.fixes(other, first["range"]["start"], first["range"]["end"])
    assert fix["title"] == "Declare the prefix “skos:”"
    session.take(fix["edit"])
    assert "syntax" not in codes(session.findings(other))
    # What stands elsewhere is told meanwhile, and nothing of what is broken.
    session.exchange(other, "id:need\n    a", "id:need\n    cg:hasWord 1 ; a")
    assert "unknown-term" in codes(session.findings(other))
    session.exchange(other, '"Somebody who', "Somebody who")
    assert {"syntax", "unknown-term"} <= set(codes(session.findings(other)))
    for opened in (uri, other):
        session.tell("textDocument/didClose", {"textDocument": {"uri": opened}})


def test_places_are_those_of_the_protocol(session: Editor) -> None:
    label = 'skos:prefLabel "🎻 of 👩🏫"@en ; skos:altLabl "x"@en ;\r\n'
    label += '    skos:altLabel "a\u2028b\x0c"@en ;'
    text = (PREFIXES + LISTENING).replace("\n", "\r\n")
    text = text.replace("id:listening", "id:playing")
    text = text.replace('skos:prefLabel "Listen to others"@en ;', label)
    uri = session.open("playing.ttl", text)
    (wrong,) = [f for f in session.findings(uri) if f["code"] == "unknown-term"]
    assert within(session.texts[uri], wrong["range"]) == "skos:altLabl"
    assert wrong["range"]["start"] == position(text, text.index("skos:altLabl"))
    # Behind signs that end a line elsewhere but not in the protocol, two changes at once.
    here = position(text, text.index("b\x0c"))
    later = {**here, "character": here["character"] + 3}
    session.change(
        uri,
        {"range": {"start": here, "end": here}, "newText": "𝄞"},
        {"range": {"start": later, "end": later}, "newText": "c"},
    )
    assert "\u2028𝄞bc\x0c" in session.texts[uri]
    session.exchange(uri, "skos:altLabl", "skos:altLabel")
    session.exchange(uri, "skos:inScheme", "skos:inSceme")
    (wrong,) = [f for f in session.findings(uri) if f["code"] == "unknown-term"]
    assert within(session.texts[uri], wrong["range"]) == "skos:inSceme"
    session.tell("textDocument/didClose", {"textDocument": {"uri": uri}})


def test_a_file_outside_is_judged_with_the_workspace_and_not_in_it(
    session: Editor, tmp_path: Path
) -> None:
    file = tmp_path / "outside.ttl"
    need = NEED.replace("id:need", "id:other-need").replace("id:listening", "id:hearing")
    file.write_text(PREFIXES + need + '\nid:host skos:prefLabel "Host"@en, "Landlord"@en .\n')
    inside = session.open("roles.ttl", PREFIXES + HOST + NEED.replace("id:listening", "id:hearing"))
    before = codes(session.findings(inside))
    outside = session.open(file.as_uri(), file.read_text())
    found = codes(session.findings(outside))
    assert "RoleRequirement-competency-is-a-competency" not in found, "The workspace has it."
    assert any("one-per-language" in code for code in found)
    session.exchange(outside, "id:hearing", "id:hering")
    assert "RoleRequirement-competency-is-a-competency" in codes(session.findings(outside))
    session.exchange(inside, '"Host needs', '"A host needs')
    assert codes(session.findings(inside)) == before
    # Nor is it part of what is renamed, unless that is asked for in it.
    edit = session.at(inside, "id:host", "textDocument/rename", 4, newName="landlord")
    assert [c["textDocument"]["uri"] for c in edit["documentChanges"]] == [inside]
    edit = session.at(outside, "id:other-need", "textDocument/rename", 4, newName="my-need")
    assert [c["textDocument"]["uri"] for c in edit["documentChanges"]] == [outside]
    session.tell("textDocument/didClose", {"textDocument": {"uri": outside}})


def test_names_are_refused_that_cannot_be(session: Editor) -> None:
    uri = session.open("roles.ttl", PREFIXES + HOST + NEED)

    def rename(what: str, new: str) -> None:
        session.at(uri, what, "textDocument/rename", 4, newName=new)

    with pytest.raises(Refused, match="is there already"):
        rename("id:host", "need")
    with pytest.raises(Refused, match="cannot be the end of an address"):
        rename("id:host", "a b")
    with pytest.raises(Refused, match="not yours to change"):
        rename("level:4", "5-expert")
    with pytest.raises(Refused, match="Nothing that has an address"):
        rename('"Host"@en', "x")
    assert session.root
    other = session.root / "mention.jsonld"
    other.write_text('{"@id": "https://example.org/id/host", "https://example.org/p": "x"}')
    session.tell(
        "workspace/didChangeWatchedFiles", {"changes": [{"uri": other.as_uri(), "type": 1}]}
    )
    with pytest.raises(Refused, match=r"mention\.jsonld names it as well, in JSON-LD"):
        rename("id:host", "landlord")
    other.unlink()
    session.tell(
        "workspace/didChangeWatchedFiles", {"changes": [{"uri": other.as_uri(), "type": 3}]}
    )
    edit = session.at(uri, "id:host", "textDocument/rename", 4, newName="Größe(1)")
    session.take(edit)
    assert "cg:belongsToRole <https://example.org/id/Größe(1)> ;" in session.texts[uri]


def test_things_are_found_by_what_they_are_called(session: Editor) -> None:
    uri = session.open("roles.ttl", PREFIXES + HOST + NEED)
    session.findings(uri)

    def offered(typed: str, before: str, after: str = "") -> list[tuple[str, str]]:
        session.exchange(uri, before + after, before + typed + after)
        told = session.at(uri, before + typed, "textDocument/completion", len(before + typed))
        items = [(i["label"], i["textEdit"]["newText"]) for i in told["items"]]
        assert all(
            within(session.texts[uri], i["textEdit"]["range"]) == typed for i in told["items"]
        )
        session.exchange(uri, before + typed + after, before + after)
        return items

    # A level, by its label; a competency of another file; a class; a property.
    assert ("Proficient", "level:4-proficient") in offered("profi", "cg:requiresLevel ", "level:")
    assert ("Listen to others", "id:hearing") in offered("listen", "cg:requiresCompetency ")
    assert ("Role", "cg:Role") in offered("rol", "id:host\n    a ")
    assert offered("cg:requiresL", "cg:belongsToRole id:host ;\n    ")[0][1] == "cg:requiresLevel"
    assert offered("profi", 'skos:prefLabel "Host needs to ') == [], "A text is written freely."


def test_a_thing_is_explained_and_found(session: Editor) -> None:
    uri = session.open("roles.ttl", PREFIXES + HOST + NEED.replace("id:listening", "id:hearing"))
    session.findings(uri)
    told = session.at(uri, "id:hearing", "textDocument/hover", 3)
    assert within(session.texts[uri], told["range"]) == "id:hearing"
    said = told["contents"]["value"]
    assert said.startswith("**Listen to others** · Competency")
    assert "Takes in what somebody says" in said and "Used once: Host needs to listen" in said
    assert session.at(uri, '"Host"', "textDocument/hover", 2) is None
    place = session.at(uri, "id:hearing", "textDocument/definition", 3)
    assert place["uri"] == session.uri("competencies.ttl")
    place = session.at(uri, "cg:requiresLevel", "textDocument/definition", 3)
    assert place["uri"].endswith("/ontology/role.ttl"), "What ships is there to be read."
    params = {"context": {"includeDeclaration": True}}
    places = session.at(uri, "id:hearing", "textDocument/references", 3, **params)
    assert {p["uri"].rpartition("/")[2] for p in places} == {"roles.ttl", "competencies.ttl"}


def test_who_cancels_is_not_answered_and_others_are(session: Editor) -> None:
    uri = session.open("roles.ttl", PREFIXES + HOST + NEED)
    big = "".join(f'<https://example.org/{n}> skos:prefLabel "{n}"@en .\n' for n in range(4000))
    long = session.open("long.ttl", PREFIXES + big)
    params = {"textDocument": {"uri": long}, "options": {"tabSize": 4, "insertSpaces": True}}
    number = session.begin("textDocument/formatting", params)
    session.tell("$/cancelRequest", {"id": number})
    with pytest.raises(Refused, match="cancel"):
        session.answer(number)
    assert session.at(uri, "cg:Role ", "textDocument/hover", 4) is not None
    session.tell("textDocument/didClose", {"textDocument": {"uri": long}})


def test_comments_and_other_syntaxes_are_not_formatted_away(session: Editor) -> None:
    options = {"options": {"tabSize": 4, "insertSpaces": True}}
    noted = session.open("noted.ttl", "# a thought\n" + PREFIXES + HOST)
    with pytest.raises(Refused, match="Line 1 has a comment"):
        session.ask("textDocument/formatting", {"textDocument": {"uri": noted}, **options})
    trig = session.open("a.trig", PREFIXES + "id:graph {" + HOST + "}", language="trig")
    with pytest.raises(Refused, match="This is TriG"):
        session.ask("textDocument/formatting", {"textDocument": {"uri": trig}, **options})
    session.exchange(trig, "skos:definition", "skos:defintion")
    assert "unknown-term" in codes(session.findings(trig)), "It is judged like the others."
    for uri in (noted, trig):
        session.tell("textDocument/didClose", {"textDocument": {"uri": uri}})


def test_a_lost_process_is_made_good(session: Editor) -> None:
    """Whatever ends the process that holds the documents, they are held again and judged."""
    uri = session.open("roles.ttl", PREFIXES + HOST + NEED)
    session.findings(uri)
    *_, leader = sorted(_processes(session))
    os.kill(leader, signal.SIGKILL)
    session.exchange(uri, "cg:Essential", "cg:Esential")
    assert "unknown-term" in codes(session.findings(uri))


def test_what_would_end_a_parser_ends_no_session(session: Editor) -> None:
    uri = session.open("deep.ttl", PREFIXES + "id:a id:b " + "[ id:c " * 100_000)
    assert "syntax" in codes(session.findings(uri))
    session.change(uri, {"range": _whole(session.texts[uri]), "newText": "id:a " + "( " * 200_000})
    assert "syntax" in codes(session.findings(uri))
    session.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    roles = session.open("roles.ttl", PREFIXES + HOST + NEED)
    assert "syntax" not in codes(session.findings(roles))


def _whole(text: str) -> Message:
    return {"start": position(text, 0), "end": position(text, len(text))}


def test_an_editor_that_can_little_is_served(tmp_path: Path) -> None:
    """No folder, no numbers of documents, bytes instead of UTF-16; a text that was never saved."""
    editor = Editor(None, can={"general": {"positionEncodings": ["utf-8"]}})
    assert editor.capabilities["positionEncoding"] == "utf-8"
    text = PREFIXES + HOST.replace("skos:definition", 'skos:altLabel "größer"@en ; skos:defintion')
    uri = editor.open("untitled:Untitled-1", text, language="turtle")
    (wrong,) = [f for f in editor.findings(uri) if f["code"] == "unknown-term"]
    row = text.split("\n")[wrong["range"]["start"]["line"]].encode()
    start, end = (wrong["range"][end]["character"] for end in ("start", "end"))
    assert row[start:end] == b"skos:defintion"
    (fix, *_) = editor.fixes(uri, wrong["range"]["start"], wrong["range"]["end"])
    assert list(fix["edit"]["changes"]) == [uri]
    other = editor.open("untitled:Untitled-2", "some words", language="plaintext")
    with pytest.raises(Refused, match="not open here, or not RDF"):
        editor.fixes(other, position("", 0), position("", 0))
    assert editor.leave() == 0


def test_a_text_that_takes_too_long_is_said_to(tmp_path: Path) -> None:
    many = "".join(f'id:{n} a cg:Competency ; skos:prefLabel "{n}"@en .\n' for n in range(30_000))
    editor = Editor(_make(tmp_path), settings={"COMPETENCY_GRAPH_VALIDATION_TIMEOUT": "1 s"})
    uri = editor.open("many.ttl", PREFIXES + many)
    (said,) = editor.findings(uri)
    assert "VALIDATION_TIMEOUT" in said["message"]
    editor.change(uri, {"range": _whole(editor.texts[uri]), "newText": PREFIXES + HOST})
    assert "VALIDATION_TIMEOUT" not in str(editor.findings(uri)), "It goes on with a shorter one."
    assert editor.leave() == 0


def test_other_folders_may_be_opened(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    _make(tmp_path / "two")
    editor = Editor(tmp_path / "one")
    need = (tmp_path / "one" / "need.ttl").as_uri()
    editor.open(need, PREFIXES + NEED)
    missing = "RoleRequirement-competency-is-a-competency"
    assert missing in codes(editor.findings(need))
    folder = {"uri": (tmp_path / "two").as_uri(), "name": "two"}

    def change(**event: list[Message]) -> None:
        editor.tell(
            "workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [], **event}}
        )

    change(added=[folder])
    editor.until(lambda: missing not in editor.codes(need))
    change(removed=[folder])
    editor.until(lambda: missing in editor.codes(need))
    assert editor.leave() == 0


def test_folders_of_a_workspace_are_those_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    _make(tmp_path / "data")
    (tmp_path / "wrong.ttl").write_text("this is no Turtle")
    watching: Message = {"didChangeWatchedFiles": {"dynamicRegistration": True}}
    editor = Editor(tmp_path, "data", can={**CAN, "workspace": {**CAN["workspace"], **watching}})
    roles = editor.open("data/roles.ttl")
    assert "syntax" not in codes(editor.findings(roles))
    assert [a["method"] for a in editor.asked] == ["client/registerCapability"]
    # Told of without being open: what a change in one file does to another.
    competencies = tmp_path / "data" / "competencies.ttl"
    competencies.write_text(PREFIXES + LISTENING.replace("id:listening", "id:hearing"))
    event = {"uri": competencies.as_uri(), "type": 2}
    before = len(editor.findings(roles))
    editor.tell("workspace/didChangeWatchedFiles", {"changes": [event]})
    editor.until(lambda: len(editor.codes(roles)) == before + 1)
    assert editor.process.stdin
    editor.process.stdin.close()
    assert editor.process.wait(20) == 0
    assert not _alive(editor), "An editor that vanishes leaves nothing behind."
    assert editor.process.stdout
    editor.process.stdout.close()
