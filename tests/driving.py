"""Pages in Chromium, by keyboard alone: how they are opened, gone through, and looked over."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")
NPM = shutil.which("npm")
DRIVEN = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: pages were not driven"),
    pytest.mark.skipif(NPM is None, reason="no npm: pages were not driven"),
]
"""What a module of such tests is marked with."""
_TABS = 60


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium without a window; there may be one at a time."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        with driver.chromium.launch(executable_path=CHROMIUM, args=options) as running:
            yield running


def axe_script(folder: Path) -> str:
    """Return the accessibility checks, as the lock file pins them; ``folder`` is for npm."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, folder)
    taking = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(taking, cwd=folder, check=True, capture_output=True)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def opened(browser: Browser, url: str, path: str, **wishes: Any) -> Iterator[Page]:
    """Yield a page; a fault of script, a breach of policy, a request elsewhere fail the test."""
    with browser.new_context(**{"locale": "en-GB", **wishes}) as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda fault: wrong.append(str(fault)))
        page.on("console", lambda said: wrong.extend(_faults(said)))
        page.on("request", lambda asked: wrong.extend(_elsewhere(url, asked)))
        page.goto(url + path)
        yield page
        assert not wrong


def _faults(said: ConsoleMessage) -> list[str]:
    """Return what a browser finds wrong; that an answer was a refusal is none of it."""
    refused = "Failed to load resource" in said.text
    return [said.text] if said.type == "error" and not refused else []


def _elsewhere(url: str, asked: Request) -> list[str]:
    return [] if asked.url.startswith((url + "/", "data:")) else [asked.url]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until something of this selector has the focus."""
    for _ in range(_TABS):
        page.keyboard.press("Tab")
        try:
            if page.evaluate("s => document.activeElement.closest(s) !== null", selector):
                return
        except Error:
            # What was pressed before leads to another page, which came this moment.
            page.wait_for_load_state()
    raise AssertionError(f"The keyboard does not reach {selector}.")


def serious(page: Page, axe: str) -> list[str]:
    """Return what the accessibility checks find that is serious or worse, a sentence each."""
    page.evaluate(axe)
    told = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {fault['help']}: {fault['nodes'][0]['html']}"
        for fault in told["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
