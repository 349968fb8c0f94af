"""The page that checks data in Chromium, by keyboard alone: pasted, mended, downloaded, sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Service, start_service
from driving import DRIVEN, axe_script, chromium, opened, serious, tab_to
from helping import FRAMEWORK, framework
from playwright.sync_api import Browser, Page, expect

pytestmark = DRIVEN

RIGHT = framework(label="😀 Listening")
LINE = next(line for line in RIGHT.splitlines() if "ex:listening a" in line)
HALF = RIGHT.replace("ex:listening a cg:Competency ", "ex:listening a cg:Competancy ")
WRONG = HALF.replace("skos:broader", "skos:broder")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = start_service(tmp_path_factory.mktemp("driven"), workers="2")
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_script(tmp_path_factory.mktemp("npm"))


def _press(page: Page, selector: str) -> None:
    tab_to(page, selector)
    page.keyboard.press("Enter")


def _write(page: Page, selector: str, text: str) -> None:
    tab_to(page, selector)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def test_a_text_is_mended_downloaded_and_sent_by_keyboard(
    browser: Browser, running: Service, axe: str, tmp_path: Path
) -> None:
    token = running.token("editor")
    for page in opened(browser, running.url, "/validate"):
        _write(page, "#text-1", WRONG)
        _write(page, "#new", FRAMEWORK)
        page.keyboard.press("Enter")
        verdict = page.locator("#verdict")
        expect(verdict).to_have_text("It would be refused")
        expect(verdict).to_be_focused()
        # From the list to the line, and back, and to the line again.
        _press(page, ".findings > li:nth-child(2) a[href^='#line-']")
        line = page.locator(".lines > :target")
        expect(line).to_be_in_viewport()
        expect(line.locator("mark")).to_have_text("skos:broder")
        expect(line).to_contain_text("violation")
        expect(line).to_contain_text("Did you mean skos:broader?")
        _press(page, ".lines > :target a[href='#finding-2']")
        expect(page.locator("#finding-2")).to_be_in_viewport()
        _press(page, "#finding-2 a[href^='#line-']")
        _press(page, ".lines > :target button")
        expect(verdict).to_be_focused()
        expect(page.locator("#verdict + [role=status]")).to_contain_text("1 repair was applied")
        expect(page.locator("#text-1")).to_have_value(HALF)
        # The other is mended by hand: its line is found in the field, and written anew.
        _press(page, ".beside a[data-line]")
        expect(page.locator("#text-1")).to_be_focused()
        page.keyboard.insert_text(LINE)
        _press(page, "#candidate .actions button")
        expect(verdict).to_have_text("It would be accepted")
        expect(page.locator("#text-1")).to_have_value(RIGHT)
        with page.expect_download() as begun:
            _press(page, "button[name=download]")
        file = tmp_path / "mended.ttl"
        begun.value.save_as(file)
        assert begun.value.suggested_filename == "data.ttl"
        assert file.read_text(encoding="utf-8") == RIGHT
        _press(page, "form a[href^='/sign-in']")
        _write(page, "#token", token)
        page.keyboard.press("Enter")
        # The text waited in the browser.
        expect(page.locator("#text-1")).to_have_value(RIGHT)
        expect(page.locator("#new")).to_have_value(FRAMEWORK)
        assert not serious(page, axe)
        _write(page, "#message", "Sent by hand")
        _press(page, "button[name=send]")
        expect(verdict).to_have_text("It is recorded")
        assert not serious(page, axe)
        _press(page, "a[href^='/changes/']:not([href='/changes'])")
        expect(page.locator(".lead")).to_have_text("Sent by hand")
        page.goto(running.url + "/validate")
        expect(page.locator("#text-1")).to_have_value("")


def test_a_file_that_is_dropped_fills_the_field(browser: Browser, running: Service) -> None:
    dropped = """([names, text]) => {
      const held = new DataTransfer();
      for (const name of names) held.items.add(new File([text], name));
      document.body.dispatchEvent(
        new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true}));
    }"""
    for page in opened(browser, running.url, "/validate"):
        text = WRONG.replace("\n", "\r\n")
        page.evaluate(dropped, [["roles.trig"], text])
        expect(page.locator("#dropped")).to_have_text(
            "The file is in the text field. Check it next."
        )
        expect(page.locator("#text-1")).to_be_focused()
        expect(page.locator("#text-1")).to_have_value(WRONG)
        expect(page.locator("#syntax-1")).to_have_value("trig")
        page.evaluate(dropped, [["one.ttl", "two.ttl"], RIGHT])
        expect(page.locator("#data")).to_be_focused()
        assert page.evaluate("document.getElementById('data').files.length") == 2
        page.goto(running.url + "/validate")
        page.evaluate(dropped, [["roles.ttl"], text])
        expect(page.locator("#text-1")).to_be_focused()
        _press(page, "#candidate button")
        expect(page.locator("h3", has_text="roles.ttl")).to_be_visible()
        with page.expect_download() as begun:
            _press(page, "button[name=download]")
        assert begun.value.path().read_bytes().decode() == text


def test_it_works_without_script(browser: Browser, running: Service) -> None:
    for page in opened(browser, running.url, "/validate", java_script_enabled=False):
        page.locator("#text-1").fill(WRONG)
        page.locator("#candidate button").first.press("Enter")
        expect(page.locator("#verdict")).to_be_focused()
        page.locator("button[value=all]").press("Enter")
        expect(page.locator("#verdict")).to_have_text("It would be accepted")
        expect(page.locator("#text-1")).to_have_value(RIGHT)
        expect(page.locator("[data-unscripted]")).to_be_visible()
        expect(page.locator("[data-scripted]").first).to_be_hidden()


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"color_scheme": "dark", "locale": "de-DE"},
        {"forced_colors": "active"},
        {"viewport": {"width": 320, "height": 640}},
    ],
    ids=["light", "dark, German", "forced colours", "narrow"],
)
def test_it_is_accessible_in_every_state(
    browser: Browser, running: Service, axe: str, wishes: dict[str, Any]
) -> None:
    long = "x" * 300
    for page in opened(browser, running.url, "/validate", **wishes):
        assert not serious(page, axe)
        _write(page, "#text-1", WRONG + f"\n# {long}\n")
        _press(page, "#candidate button")
        expect(page.locator(".beside button")).to_have_count(2)
        assert not serious(page, axe)
        tab_to(page, ".findings a[href^='#line-']")
        page.keyboard.press("Enter")
        assert not serious(page, axe)
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], "nothing is wider than the screen"
        _write(page, "#text-1", RIGHT + "\nbroken")
        _press(page, "#candidate .actions button")
        expect(page.locator(".beside button")).to_have_count(0)
        expect(page.locator(".beside")).to_have_count(1)
        assert not serious(page, axe)
