"""The page at `/validate` without script: findings beside lines, repairs, download, a change."""

import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from competency_graph.web.beside import beside
from conftest import Reply, Service, start_service
from helping import FRAMEWORK, competency, framework, prefixed, put, revision
from markupsafe import escape
from page_rules import Outline, faults
from plain_browser import Browser, File, Form

WRONG = framework().replace("skos:broader", "skos:broder")
NEW = "https://example.org/graph/new"
# What a browser may not take for markup, nor a count of columns for something else.
HOSTILE = (
    '"😀\t\u202e\u05d0 \U0001f469\u200d\U0001f4bb &amp; '
    '</textarea></code><script>alert(1)</script>"'
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("correcting"), workers="2")
    yield service
    assert service.stop() == 0


@pytest.fixture
def browser(running: Service) -> Browser:
    return Browser(running)


def opened(browser: Browser) -> str:
    return browser.ask("GET", "/validate").body.decode()


def read(reply: Reply, status: int = 200) -> str:
    """Return the markup of a page once it is one that everybody can use."""
    assert reply.status == status, reply.body.decode()
    page = reply.body.decode()
    assert not faults(page)
    assert not re.search(r"<style|<script(?! src=\"/static/)", page)
    return page


def first(browser: Browser, files: Iterable[File] = (), **filled: str) -> Reply:
    """Have texts and files checked as those of a graph, which the service may have or not."""
    fields = {"graph": FRAMEWORK, **filled}
    return browser.submit(opened(browser), "candidate", files=files, filled=fields)


def checked(browser: Browser, text: str, **filled: str) -> str:
    fields = {"graph": FRAMEWORK, "text": text, **filled}
    return read(browser.submit(opened(browser), "candidate", filled=fields))


def texts(page: str) -> list[str]:
    return Form(page, "candidate").said("text")


def words(page: str, **attributes: str) -> list[str]:
    """Return the words of each element that has these attributes."""
    found = Outline(page).all()
    return [w for _, a, w in found if all(a.get(n) == v for n, v in attributes.items())]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_text_is_checked_mended_and_downloaded(browser: Browser) -> None:
    before = revision(browser.service)
    page = checked(browser, WRONG)
    assert texts(page) == [WRONG]
    assert words(page, id="verdict") == ["It would be refused"]
    number = line_of(WRONG, "skos:broder")
    (line,) = words(page, id=f"line-{number}")
    assert "skos:broder ex:talking" in line and "“skos:broder” does not" in line
    assert "violation" in line and "Did you mean skos:broader?" in line
    assert f'href="#line-{number}">data.ttl, line {number}' in page
    assert '<a href="/docs/rules#unknown-term">unknown-term</a>' in page
    reply = browser.submit(page, "candidate", "Apply this repair")
    page = read(reply)
    assert texts(page) == [framework()]
    assert words(page, id="verdict") == ["It would be accepted"]
    assert "1 repair was applied" in words(page, role="status")[0]
    assert "Apply" not in " ".join(w for _, _, w in Form(page, "candidate").buttons)
    file = browser.submit(page, "candidate", "Download data.ttl")
    assert file.body.decode() == framework()
    assert file.headers["Content-Type"] == "text/turtle; charset=utf-8"
    assert file.headers["Content-Disposition"] == "attachment; filename=data.ttl"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Cache-Control"] == "no-store"
    assert revision(browser.service) == before


def test_enter_in_a_field_checks_and_does_nothing_else(browser: Browser) -> None:
    assert Form(opened(browser), "candidate").buttons == [("", "", "Check")]
    buttons = Form(checked(browser, WRONG), "candidate").buttons
    assert buttons[0] == ("", "", "Check again")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_repairs_land_where_they_belong_in_hostile_texts(
    browser: Browser, end: str, mark: bytes
) -> None:
    right = framework(more=f"\n\n{competency('asking')}").replace("\n", end)
    right = right.replace('"Listening"', HOSTILE).lstrip()
    assert ' ;\t "' not in right
    right = right.replace(f"{HOSTILE}@en ; ", f"{HOSTILE}@en ;\t", 1)
    right = right.replace(
        f'people say and mean."@en ;{end}        skos:broader', 'hear."@en ; skos:broader'
    )
    wrong = right.replace("skos:broader", "skos:broder").replace("cg:Competency ", "cg:Competancy ")
    assert HOSTILE in wrong and wrong.count("broder") == 2
    files = [("data", "röles\u202e<中>.ttl", mark + wrong.encode())]
    page = read(first(browser, files))
    assert texts(page) == [wrong.replace(end, "\n")]
    assert "alert(1)" in page and "<script>alert" not in page
    shown = [w for _, a, w in Outline(page).all("code") if "alert(1)" in w]
    assert "U+202E" in shown[0] and "</textarea></code><script>" in shown[0]
    page = read(browser.submit(page, "candidate", "Apply all 4 repairs"))
    assert texts(page) == [right.replace(end, "\n")]
    assert words(page, id="verdict") == ["It would be accepted"]
    (button,) = [b for b in Form(page, "candidate").buttons if b[0] == "download"]
    file = browser.submit(page, "candidate", button[2])
    assert file.body == right.encode()
    said = file.headers["Content-Disposition"]
    assert said.startswith("attachment;") and said.endswith(
        "filename*=UTF-8''r%C3%B6les%20%E4%B8%AD.ttl"
    )


def test_what_was_changed_meanwhile_is_mended_where_it_is_now(browser: Browser) -> None:
    page = checked(browser, WRONG)
    moved = "# 😀\n" + WRONG
    page = read(browser.submit(page, "candidate", "Apply this repair", filled={"text": moved}))
    assert texts(page) == ["# 😀\n" + framework()]
    page, text = checked(browser, WRONG), {"text": framework()}
    gone = read(browser.submit(page, "candidate", "Apply this repair", filled=text))
    assert texts(gone) == [framework()]
    assert "no longer found" in words(gone, role="status")[0]


def test_broken_syntax_stands_beside_its_line(browser: Browser) -> None:
    broken = framework() + "\nex:asking a cg:Competency"
    reply = first(browser, text=broken)
    page = read(reply, 400)
    assert texts(page) == [broken]
    assert words(page, id="verdict") == ["The input cannot be read"]
    number = broken.count("\n") + 1
    (line,) = words(page, id=f"line-{number}")
    assert "ex:asking a cg:Competency" in line and "full stop" in line and "violation" in line
    assert f'href="#line-{number}"' in page
    bad = framework(more="ex:talking cg:x '13'^^<http://www.w3.org/2001/XMLSchema#gYear> .")
    page = read(browser.submit(page, "candidate", filled={"text": bad}), 400)
    (line,) = words(page, id=f"line-{line_of(bad, 'ex:talking cg:x')}")
    assert "“13”" in line and "bad-literal" in line


def test_several_files_each_stand_under_their_name(browser: Browser) -> None:
    second = prefixed(competency("asking").replace("skos:broader", "skos:broder"))
    lines = "".join(f"<urn:a> <urn:p{n}> <urn:b> .\n" for n in range(3))
    files = [
        ("data", "one.ttl", WRONG.encode()),
        ("data", "two.ttl", second.encode()),
        ("data", "three.nt", lines.encode()),
        ("data", "one.ttl", b"# another of this name\n"),
    ]
    page = read(first(browser, files))
    form = Form(page, "candidate")
    assert form.said("text") == [WRONG, second, lines, "# another of this name\n"]
    assert form.said("name") == ["one.ttl", "two.ttl", "three.nt", "one (2).ttl"]
    assert form.said("syntax") == ["turtle", "turtle", "n-triples", "turtle"]
    assert "skos:broder" in words(page, id=f"text-2-line-{line_of(second, 'broder')}")[0]
    page = read(browser.submit(page, "candidate", "Apply all 2 repairs"))
    assert texts(page)[:2] == [framework(), second.replace("broder", "broader")]
    assert browser.submit(page, "candidate", "Download three.nt").body.decode() == lines
    # A file that is chosen again stands for the text of its name.
    again = "<urn:c> <urn:p> <urn:b> .\n"
    files = [("data", "three.nt", again.encode())]
    page = read(browser.submit(page, "candidate", files=files))
    assert texts(page)[2:] == ["# another of this name\n", again]
    # Not so for what was pasted, which has no name of its own.
    pasted = read(first(browser, text=lines, syntax="n-triples"))
    files = [("data", "data.nt", again.encode())]
    page = read(browser.submit(pasted, "candidate", files=files))
    assert texts(page) == [lines, again] and "Download data (2).nt" in page


def test_own_shapes_stay_with_the_text(browser: Browser) -> None:
    shapes = """PREFIX sh: <http://www.w3.org/ns/shacl#> PREFIX my: <https://example.org/s#>
    PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
    my:Short a sh:NodeShape ; sh:targetSubjectsOf skos:prefLabel ; sh:property my:Short-label .
    my:Short-label a sh:PropertyShape ; sh:path skos:prefLabel ; sh:maxLength 8 ;
        sh:severity sh:Violation ; sh:message "Write a shorter label."@en ."""
    files = [("shapes", "short.ttl", shapes.encode())]
    page = read(first(browser, files, text=framework()))
    assert (
        words(page, id=f"line-{line_of(framework(), 'Listening')}")[0].count("shorter label") == 1
    )
    page = read(browser.submit(page, "candidate"))
    assert "Write a shorter label." in page
    assert Form(page, "candidate").said("shapes-text") == [shapes]


def test_a_change_is_sent_and_what_refuses_it_leaves_the_text(running: Service) -> None:
    browser = Browser(running)
    page = checked(browser, framework())
    assert "Send as a change" not in [b[2] for b in Form(page, "candidate").buttons]
    assert 'href="/sign-in?back=%2Fvalidate">Sign in to send it' in page
    assert browser.sign_in(running.token("editor"), "/validate").headers["Location"] == "/validate"
    page = read(browser.submit(page, "candidate"))
    before = revision(running)
    reply = browser.submit(page, "candidate", "Send as a change", filled={"text": WRONG})
    invalid = read(reply, 422)
    assert texts(invalid) == [WRONG]
    assert words(invalid, id="verdict") == ["The change was not recorded"]
    assert "does not" in words(invalid, id=f"line-{line_of(WRONG, 'broder')}")[0]
    assert revision(running) == before
    page = read(browser.submit(invalid, "candidate", "Apply this repair"))
    assert texts(page) == [framework()]
    page = read(browser.submit(page, "candidate", "Send as a change", filled={"message": "Anew"}))
    assert words(page, id="verdict") == ["It is recorded"]
    assert f'href="/changes/{before + 1}"' in page
    assert texts(page) == [framework()]
    told = json.loads(running.get(f"/changes/{before + 1}").body)
    assert told["message"] == "Anew"
    page = read(browser.submit(page, "candidate", "Send as a change"))
    assert words(page, id="verdict") == ["There is nothing to record"]
    assert revision(running) == before + 1


def test_what_others_changed_meanwhile_is_not_overwritten(running: Service) -> None:
    browser, token = Browser(running), running.token("editor")
    browser.sign_in(token)
    page = checked(browser, framework(label="Mine"))
    assert put(running, token, framework(label="Theirs")).status in (200, 201)
    before = revision(running)
    page = read(browser.submit(page, "candidate", "Send as a change"), 412)
    assert texts(page) == [framework(label="Mine")]
    assert "was changed by a editor" in page
    # It stays refused until it was looked at again.
    page = read(browser.submit(page, "candidate", "Send as a change"), 412)
    page = read(browser.submit(page, "candidate", "Check again"))
    page = read(browser.submit(page, "candidate", "Send as a change"))
    assert revision(running) == before + 1
    added = prefixed(competency("asking"))
    page = checked(browser, added, mode="add")
    assert put(running, token, framework(label="Theirs again")).status == 200
    page = read(browser.submit(page, "candidate", "Send as a change"))
    label = f"ASK {{ GRAPH <{FRAMEWORK}> {{ ?s ?p 'Theirs again'@en . ?t ?p 'Asking'@en }} }}"
    assert json.loads(running.query(label, Accept="application/json").body)["boolean"] is True


def test_who_may_not_send_keeps_the_text(running: Service) -> None:
    browser = Browser(running)
    browser.sign_in(running.token("editor", "https://example.org/graph/other"))
    page = checked(browser, framework(), graph="")
    nameless = read(browser.submit(page, "candidate", "Send as a change"), 400)
    assert texts(nameless) == [framework()] and "give a new one an address" in nameless
    named = read(browser.submit(nameless, "candidate", filled={"graph": NEW}))
    assert Form(named, "candidate").said("graph") == ["", NEW]
    page = read(browser.submit(named, "candidate", "Send as a change"), 403)
    assert texts(page) == [framework()] and words(page, id="verdict") == ["Not allowed"]
    forged = named.replace('name="key" value="', 'name="key" value="x')
    page = read(browser.submit(forged, "candidate", "Send as a change"), 403)
    assert texts(page) == [framework()] and "not sent from a page of this service" in page
    cookies, browser.cookies = browser.cookies, {}
    page = read(browser.submit(named, "candidate", "Send as a change"), 401)
    assert texts(page) == [framework()]
    browser.cookies = cookies
    reader = Browser(running)
    reader.sign_in(running.token("reader"))
    page = checked(reader, framework())
    assert "Your token is for reading" in page
    assert "Send as a change" not in [b[2] for b in Form(page, "candidate").buttons]


def test_a_data_set_names_its_graphs_itself(running: Service) -> None:
    browser = Browser(running)
    browser.sign_in(running.token("maintainer"))
    body = framework().replace(FRAMEWORK, "https://example.org/other")
    start = body.index("<https://example.org/other>")
    trig = f"{body[:start]} GRAPH <{NEW}> {{ {body[start:].rstrip()} }}\n"
    page = read(first(browser, text=trig, syntax="trig"))
    assert [b[2] for b in Form(page, "candidate").buttons if b[0] == "download"] == [
        "Download data.trig"
    ]
    page = read(browser.submit(page, "candidate", "Send as a change"))
    assert words(page, id="verdict") == ["It is recorded"]
    assert NEW in json.loads(running.get("/graphs").body)["graphs"]


def test_nothing_and_what_is_no_text_are_refused_on_the_page(browser: Browser) -> None:
    for filled in ("", " \n"):
        page = read(first(browser, text=filled), 400)
        assert "Send something to check" in page
    for name, content, status, said in (
        ("empty.ttl", b" \n", 400, "is empty"),
        ("picture.png", b"\x89PNG", 415, "no ending that tells an RDF syntax"),
        ("latin.ttl", "<urn:a> <urn:b> 'ä' .".encode("latin-1"), 400, "UTF-8"),
    ):
        files = [("data", name, content)]
        page = read(first(browser, files, text=WRONG), status)
        assert said in page and texts(page) == [WRONG]


def test_a_long_text_is_shown_around_its_findings_only(browser: Browser) -> None:
    many = "".join(f"# {'.' * 90} {n}\n" for n in range(12_000))
    long = framework() + "\n" + many + competency("asking").replace("broader", "broder")
    page = checked(browser, long)
    assert texts(page) == [long]
    number = line_of(long, "broder")
    assert "broder" in words(page, id=f"line-{number}")[0]
    assert words(page, id=f"line-{number - 2}") and not words(page, id=f"line-{number - 3}")
    assert "only the lines around findings are shown" in page
    around = page.replace(str(escape(long)), "")
    assert len(around) < 60_000
    # A file of that size is not put into the field, and can be sent all the same.
    files = [("data", "long.ttl", (long + many * 2).encode())]
    page = read(first(browser, files))
    assert texts(page) == [""] and "long.ttl is too large" in page
    assert "broder" in words(page, id=f"line-{number}")[0] and len(page) < 60_000
    assert not [b for b in Form(page, "candidate").buttons if b[0] in ("repair", "download")]


def test_many_findings_are_counted_and_the_gravest_shown(browser: Browser) -> None:
    faulty = "".join(competency(f"c{n}").replace("broader", "broder") for n in range(300))
    page = checked(browser, framework(more=faulty))
    assert "300 new findings" in words(page, role="status")[0]
    assert "The first 200 are shown" in page
    assert len(Outline(page).all("mark")) == 200
    assert len(page.encode()) < 700_000
    page = read(browser.submit(page, "candidate", "Apply all 300 repairs"))
    assert "300 repairs were applied" in words(page, role="status")[0]
    assert "broder" not in texts(page)[0]


def test_a_line_without_end_is_cut_around_what_was_found() -> None:
    text = "x" * 50_000 + "fault" + "y" * 50_000
    place = {"file": "a", "line": 1, "column": 50_001, "endLine": 1, "endColumn": 50_006}
    (line,) = beside(text, [{"place": place}]).lines
    assert line.cut == (True, True)
    assert [(p.kind, len(p.text)) for p in line.parts] == [("", 100), ("marked", 5), ("", 295)]
    assert line.parts[1].text == "fault"


def test_what_cannot_be_seen_is_shown_by_its_number() -> None:
    (line,) = beside("a\u202eb\x00\tc\u200dd", []).lines
    assert [tuple(p) for p in line.parts] == [
        *(("", "a"), ("sign", "U+202E"), ("", "b"), ("sign", "U+0000"), ("", "\tc\u200dd")),
    ]


def test_limits_hold_and_leave_the_text(tmp_path: Path) -> None:
    running = start_service(
        tmp_path, workers="1", rate_limit="3", seed="framework", max_body="1 MB"
    )
    try:
        browser = Browser(running)
        page = opened(browser)
        page = read(browser.submit(page, "candidate", filled={"text": WRONG}))
        # A minute may end between them: then they count anew.
        for _ in range(4):
            reply = browser.submit(page, "candidate", "Apply this repair", filled={"text": WRONG})
            if reply.status == 429:
                break
        page = read(reply, 429)
        assert "RATE_LIMIT" in page and int(reply.headers["Retry-After"]) > 0
        assert texts(page)[0] in (WRONG, framework())
        large = browser.submit(page, "candidate", filled={"text": "#" * 1_100_000})
        assert large.status == 413 and b"MAX_BODY" in large.body
    finally:
        assert running.stop() == 0


def test_the_page_speaks_german(running: Service) -> None:
    browser = Browser(running, language="de")
    page = checked(browser, WRONG)
    assert words(page, id="verdict") == ["Das würde abgelehnt"]
    assert ">Diese Korrektur übernehmen</button>" in page
    assert 'lang="en">Did you mean skos:broader?' in page


def test_a_body_without_a_form_has_the_same_page(running: Service) -> None:
    path = "/validate?" + urllib.parse.urlencode({"graph": FRAMEWORK, "mode": "add"})
    reply = Browser(running).ask("POST", path, body=("text/turtle", WRONG.encode()))
    page = read(reply)
    form = Form(page, "candidate")
    assert (form.said("text"), form.said("name")) == ([WRONG], [""])
    assert FRAMEWORK in form.said("graph") and form.said("mode") == ["add"]
    assert "Did you mean skos:broader?" in words(page, id=f"line-{line_of(WRONG, 'broder')}")[0]
    refused = Browser(running).ask("POST", path, body=("text/html", b"<p>"))
    assert "Content-Type" in read(refused, 415)
