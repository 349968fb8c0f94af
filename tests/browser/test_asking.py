"""The query page in Chromium, by keyboard alone: typed, completed, run, charted, refused, read."""

import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from competency_graph.web.editor import is_built
from conftest import Service, start_service
from driving import DRIVEN, axe_script, chromium, opened, serious, tab_to
from playwright.sync_api import Browser, Page, expect

pytestmark = DRIVEN


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("browser")
    running = start_service(folder, query_timeout="500 ms", kill_limit="off")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert is_built(), "npm is here, so the editor should be: install the package again."
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_script(tmp_path_factory.mktemp("npm"))


@pytest.fixture
def page(browser: Browser, hurried: Service) -> Iterator[Page]:
    yield from opened(browser, hurried.url, "/sparql")


def _write(page: Page, query: str) -> None:
    tab_to(page, ".yasqe")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(query)


ROLES = """SELECT ?role (COUNT(?need) AS ?needs)
WHERE { ?need <https://w3id.org/competency-graph/ns#belongsToRole> ?role } GROUP BY ?role"""


def test_a_query_is_typed_with_completion_run_and_charted(page: Page) -> None:
    _write(page, "SELECT ?role ?name\nWHERE { ?role a ")
    page.keyboard.type("cg:Ro")
    expect(page.locator(".CodeMirror-hints")).to_contain_text("cg:Role")
    page.keyboard.press("Enter")
    expect(page.locator(".CodeMirror-code")).to_contain_text("PREFIX cg: <https://w3id.org")
    page.keyboard.type(" ; preferred")
    # Found by its label, which it shows.
    expect(page.locator(".CodeMirror-hints")).to_contain_text("skos:prefLabel preferred label")
    for _ in "ferred":
        page.keyboard.press("Backspace")
    page.keyboard.type("fLab")
    expect(page.locator(".CodeMirror-hint-active")).to_contain_text("skos:prefLabel")
    page.keyboard.press("Enter")
    page.keyboard.type(" ?na")
    expect(page.locator(".CodeMirror-hints")).to_contain_text("?name")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(" FILTER(LANG(?name) = 'en') }")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result h2")).to_have_text("Answer")
    expect(page.locator("#result tbody tr")).to_have_count(7)
    expect(page.locator("#status")).to_contain_text("7 rows")
    expect(page.locator("#table")).to_contain_text("Knowledge broker")
    assert "query=" in page.url
    tab_to(page, "[aria-controls=chart]")
    page.keyboard.press("Enter")
    expect(page.locator("#chart .bars li")).to_have_count(7)
    expect(page.locator("#table")).to_be_hidden()
    tab_to(page, "[aria-controls=raw]")
    page.keyboard.press("Enter")
    expect(page.locator("#raw pre")).to_contain_text('"bindings"')
    expect(page.locator("#raw")).to_contain_text("bytes as application/sparql-results+json")


def test_a_chart_is_as_long_as_the_numbers(page: Page) -> None:
    _write(page, ROLES)
    page.keyboard.press("Control+Enter")
    tab_to(page, "[aria-controls=chart]")
    page.keyboard.press("Space")
    first = page.locator("#chart .bars li").first
    expect(first).to_contain_text("Implementation support practitioner")
    widths = page.eval_on_selector_all(
        "#chart .bar", "bars => bars.map(bar => bar.getBoundingClientRect().width)"
    )
    assert len(widths) == 7 and widths == sorted(widths, reverse=True) and widths[0] > 100


def test_an_example_is_found_and_opened(page: Page) -> None:
    tab_to(page, "#search")
    page.keyboard.type("trust attitudes")
    page.keyboard.press("Control+A")
    page.keyboard.type("umbrella")
    expect(page.locator("#found")).to_have_text("1 found")
    tab_to(page, "#examples li a")
    page.keyboard.press("Enter")
    expect(page.locator("#result tbody tr").first).to_be_visible()
    expect(page.locator(".CodeMirror-code")).to_contain_text("# Which roles does")


def test_a_wrong_query_is_told_and_its_place_marked(page: Page) -> None:
    _write(page, "SELECT ?s\nWHERE { ?s ?p }")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result h2")).to_have_text("The query cannot be read")
    expect(page.locator("#status")).to_contain_text("line 2, column 16")
    expect(page.locator(".CodeMirror .place-of-fault")).to_have_text("}")
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("?o ")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result h2")).to_have_text("Answer")


def test_a_refused_query_says_which_limit(page: Page) -> None:
    _write(page, "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("0.5 s", timeout=10_000)


def test_the_keyboard_leaves_the_editor_and_focus_is_seen(page: Page) -> None:
    tab_to(page, ".yasqe")
    outline = page.evaluate("getComputedStyle(document.querySelector('.CodeMirror')).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Run"


def test_a_link_opens_the_query_and_its_answer(browser: Browser, hurried: Service) -> None:
    long = ROLES + "\n# " + "x" * 7000
    path = "/sparql#" + urllib.parse.urlencode({"query": long})
    for page in opened(browser, hurried.url, path):
        expect(page.locator("#result tbody tr")).to_have_count(7)
        link = page.locator("#link").get_attribute("href")
        assert link and "#query=" in link
        page.goto(hurried.url + "/sparql?query=ASK%7B%7D")
        expect(page.locator("#result strong")).to_have_text("Yes")


def test_it_works_without_script(browser: Browser, hurried: Service) -> None:
    for page in opened(browser, hurried.url, "/sparql", java_script_enabled=False):
        page.locator("#query").fill(ROLES)
        page.locator("#ask button").press("Enter")
        expect(page.locator("#result tbody tr")).to_have_count(7)
        expect(page.locator("[aria-controls=chart]")).to_be_hidden()


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
    browser: Browser, hurried: Service, axe: str, wishes: dict[str, Any]
) -> None:
    for page in opened(browser, hurried.url, "/sparql", **wishes):
        assert not serious(page, axe)
        _write(page, "SELECT * { ?s a ")
        page.keyboard.type("cg:Ro")
        expect(page.locator(".CodeMirror-hints")).to_be_visible()
        assert not serious(page, axe)
        page.keyboard.press("Escape")
        _write(page, ROLES)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#result tbody tr")).to_have_count(7)
        assert not serious(page, axe)
        for view in ("chart", "raw"):
            tab_to(page, f"[aria-controls={view}]")
            page.keyboard.press("Enter")
            assert not serious(page, axe)
        _write(page, "SELECT")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#result .notice")).to_be_visible()
        assert not serious(page, axe)
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], "nothing is wider than the screen"
