"""A report that is a file, opened in Chromium from disk: chosen from by keyboard, dark, printed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from competency_graph.model import Finding, Place, Severity, Verdict
from competency_graph.reports import render
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: no report was opened")


def _finding(severity: Severity, file: str, rule: str) -> Finding:
    return Finding(
        severity=severity,
        message=f"Mend {rule}.",
        rule=f"urn:shapes#{rule}",
        focus="urn:a",
        focus_label="<b>Listening</b>",
        place=Place(file=file, line=3, column=1),
    )


FOUND = (
    _finding("violation", "roles.ttl", "Label"),
    _finding("warning", "roles.ttl", "Definition"),
    _finding("warning", "levels.ttl", "Definition"),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    file = tmp_path_factory.mktemp("report") / "findings.html"
    file.write_text(render(Verdict(findings=FOUND, files=2), "html"), encoding="utf-8")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        with driver.chromium.launch(executable_path=CHROMIUM, args=options) as browser:
            page = browser.new_page(color_scheme="dark")
            wrong: list[str] = []
            page.on("pageerror", lambda fault: wrong.append(str(fault)))
            page.on("console", lambda said: wrong.append(said.text))
            page.goto(Path(file).as_uri())
            yield page
            assert not wrong


def test_findings_are_chosen_by_severity_file_and_rule(page: Page) -> None:
    shown, items = page.locator("#shown"), page.locator(".findings > li:visible")
    expect(items).to_have_count(3)
    page.get_by_label("warning").focus()
    page.keyboard.press("Space")
    expect(items).to_have_count(1)
    expect(shown).to_have_text("1")
    page.keyboard.press("Space")
    page.get_by_label("File").focus()
    page.keyboard.type("lev")
    expect(items).to_have_count(1)
    expect(items).to_contain_text("levels.ttl, line 3, column 1")
    page.get_by_label("File").select_option("")
    page.get_by_label("Rule").select_option("Definition")
    expect(items).to_have_count(2)
    page.get_by_label("Rule").select_option("")
    expect(items.first).to_contain_text("<b>Listening</b>")


def test_it_is_dark_where_that_is_wished_and_light_on_paper(page: Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(20, 23, 31)"
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    expect(page.locator("#choice")).to_be_hidden()
    expect(page.locator(".findings > li:visible")).to_have_count(3)
    page.emulate_media(media="screen", color_scheme="dark")


def test_without_script_everything_is_there(page: Page, tmp_path: Path) -> None:
    browser = page.context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False) as context:
        bare = context.new_page()
        bare.goto(page.url)
        expect(bare.locator(".findings > li:visible")).to_have_count(3)
        expect(bare.locator("#choice")).to_be_hidden()
