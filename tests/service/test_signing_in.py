"""Browsers sign in with a token: a cookie, forms that no other site can send, nothing cached."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import Service, start_service
from helping import framework, put, revision
from page_rules import faults
from plain_browser import Browser


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(
        tmp_path_factory.mktemp("sign-in"), workers="1", trusted_proxies="::/0,0.0.0.0/0"
    )
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def token(running: Service) -> str:
    return running.token("editor")


def test_a_token_signs_a_browser_in_and_out(running: Service, token: str) -> None:
    browser = Browser(running)
    reply = browser.sign_in(token)
    assert (reply.status, reply.headers["Location"]) == (303, "/ns")
    page = browser.ask("GET", "/ns")
    assert b"Signed in as a editor (editor)" in page.body
    assert not faults(page.body.decode())
    key = browser.key("/ns", "/sign-out")
    assert browser.ask("POST", "/sign-out", {"key": key}).status == 303
    assert "competency_graph_token" not in browser.cookies
    assert b"Signed in" not in browser.ask("GET", "/ns").body


def test_no_script_and_no_other_site_gets_the_cookie(running: Service, token: str) -> None:
    browser = Browser(running)
    browser.sign_in(token)
    (cookie,) = [said for said in browser.said if said.startswith("competency_graph_token=")]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Secure" not in cookie and "Max-Age" not in cookie and "Expires" not in cookie
    (form,) = [said for said in browser.said if said.startswith("competency_graph_form=")]
    assert "HttpOnly" in form and "SameSite=Strict" in form


def test_behind_https_the_cookie_is_secure(running: Service, token: str) -> None:
    browser = Browser(running)
    key = browser.key("/sign-in", "/sign-in")
    fields = {"key": key, "token": token, "back": "/"}
    browser.ask("POST", "/sign-in", fields, X_Forwarded_Proto="https")
    assert [said for said in browser.said if "competency_graph_token=" in said and "Secure" in said]


@pytest.mark.parametrize("secret", ["", "nonsense", "cg_1_" + "0" * 64, "x" * 500])
def test_what_is_no_token_signs_nobody_in(running: Service, secret: str) -> None:
    browser = Browser(running)
    reply = browser.sign_in(secret)
    assert reply.status == 401
    assert b'role="alert"' in reply.body
    assert not faults(reply.body.decode())
    assert "competency_graph_token" not in browser.cookies


@pytest.mark.parametrize(
    "back",
    [
        *("https://example.org/", "//example.org/", "/\\example.org", "javascript:x", ""),
        *("http://[", "/\r\nX-Y: z", "/\t/example.org"),
    ],
)
def test_signing_in_leads_to_no_other_host(running: Service, token: str, back: str) -> None:
    assert Browser(running).sign_in(token, back).headers["Location"] == "/"


def test_no_form_of_another_site_signs_a_browser_in(running: Service, token: str) -> None:
    for cookies, key in (({}, ""), ({}, "guess"), ({"competency_graph_form": "mine"}, "theirs")):
        browser = Browser(running, dict(cookies))
        reply = browser.ask("POST", "/sign-in", {"key": key, "token": token, "back": "/"})
        assert reply.status == 403
        assert "competency_graph_token" not in browser.cookies


def test_a_change_is_reverted_by_its_button(running: Service, token: str) -> None:
    for label in ("Listening", "Hearing"):
        assert put(running, token, framework(label=label)).status in (200, 201)
    last = revision(running)
    path = f"/changes/{last}"
    assert b"Revert this change" not in Browser(running).ask("GET", path).body
    browser = Browser(running)
    browser.sign_in(token, path)
    page = browser.ask("GET", path)
    assert b"Revert this change" in page.body
    assert not faults(page.body.decode())
    key = browser.key(path, path + "/revert")
    reply = browser.ask("POST", path + "/revert", {"key": key, "message": "Was better"})
    assert (reply.status, reply.headers["Location"]) == (303, f"/changes/{last + 1}")
    assert b"Was better" in browser.ask("GET", f"/changes/{last + 1}").body
    again = browser.ask("POST", path + "/revert", {"key": key})
    assert again.status == 400 and b"Nothing of change" in again.body


def test_a_reader_has_no_button(running: Service) -> None:
    browser = Browser(running)
    browser.sign_in(running.token("reader"))
    assert b"Revert this change" not in browser.ask("GET", "/changes/1").body


@pytest.mark.parametrize("key", ["", "guess", None])
def test_a_cookie_alone_changes_nothing(running: Service, token: str, key: str | None) -> None:
    assert put(running, token, framework(label="Before")).status in (200, 201)
    before = revision(running)
    browser = Browser(running)
    browser.sign_in(token)
    fields = {} if key is None else {"key": key}
    assert browser.ask("POST", f"/changes/{before}/revert", fields).status == 403
    assert browser.ask("POST", f"/changes/{before}/revert").status == 401
    assert browser.ask("DELETE", "/graphs?graph=https://example.org/helping").status == 401
    update = {"update": "CLEAR GRAPH <https://example.org/helping>"}
    assert browser.ask("POST", "/sparql", update).status == 401
    assert revision(running) == before


def test_a_form_that_comes_from_another_site_is_refused(running: Service, token: str) -> None:
    browser = Browser(running)
    browser.sign_in(token)
    key = browser.key("/ns", "/sign-out")
    reply = browser.ask("POST", "/sign-out", {"key": key}, Sec_Fetch_Site="cross-site")
    assert reply.status == 403
    assert "competency_graph_token" in browser.cookies


def test_what_one_browser_is_shown_nobody_else_is(running: Service, token: str) -> None:
    browser = Browser(running)
    browser.sign_in(token)
    for path in ("/", "/ns", "/changes", "/id/implementation-support"):
        mine = browser.ask("GET", path)
        assert mine.headers["Cache-Control"] == "private, no-store"
        assert b"Signed in as" in mine.body
        for _ in range(2):
            theirs = Browser(running).ask("GET", path)
            assert b"Signed in as" not in theirs.body
            assert "Cookie" in theirs.headers["Vary"]
        assert b"Signed in as" in browser.ask("GET", path).body


def test_no_other_site_is_told_what_a_browser_sees(running: Service, token: str) -> None:
    browser = Browser(running)
    browser.sign_in(token)
    for method in ("GET", "OPTIONS"):
        reply = browser.ask(method, "/ns", Origin="https://example.org")
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in reply.headers


def test_a_revoked_token_signs_its_browser_out(running: Service) -> None:
    browser = Browser(running)
    secret = running.token("editor")
    browser.sign_in(secret)
    subprocess.run(
        [
            *(sys.executable, "-m", "competency_graph", "token", "revoke", secret.split("_")[1]),
            *("--database", f"sqlite:///{running.folder}/log.db"),
        ],
        check=True,
        capture_output=True,
    )
    assert b"Signed in as" not in browser.ask("GET", "/ns").body
    assert "competency_graph_token" not in browser.cookies
