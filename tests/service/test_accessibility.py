"""Every kind of page can be used without sight, mouse, script or colour, as structure tells."""

import itertools
import re
import urllib.parse
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from competency_graph import web
from conftest import Service
from page_addresses import BROWSER, PAGES

STYLE = (Path(web.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
_VOID = {"meta", "link", "br", "img", "input", "hr"}
_TAG = re.compile("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
ERRORS = ("/id/nothing", "/nowhere", "/sparql?nonsense=1")


class Outline(HTMLParser):
    """What a page is made of: each element with its attributes and, once closed, its words."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.faults: list[str] = []
        self.feed(markup)
        self.faults += [f"<{name}> is not closed" for name, _, _ in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {name: value or "" for name, value in attrs}, [""])
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.faults.append(f"</{tag}> closes nothing")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for _, _, words in self._open:
            words[0] += data

    def all(self, *tags: str) -> list[tuple[str, dict[str, str], str]]:
        return [(t, a, w[0].strip()) for t, a, w in self.elements if not tags or t in tags]


def faults(markup: str) -> list[str]:
    """Return a sentence for each rule that a page breaks."""
    page = Outline(markup)
    found = page.faults
    levels = [int(tag[1]) for tag, _, _ in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1 or levels[0] != 1:
        found.append(f"There is one h1, and it comes first: {levels}.")
    if any(after > before + 1 for before, after in itertools.pairwise(levels)):
        found.append(f"No level of heading is left out: {levels}.")
    found += [f"An empty {t}." for t, _, w in page.all("h1", "h2", "h3", "title", "th") if not w]
    ids = Counter(a["id"] for _, a, _ in page.all() if "id" in a)
    found += [
        f"The id “{name}” is given {count} times." for name, count in ids.items() if count > 1
    ]
    for _, attributes, words in page.all("a"):
        name = attributes.get("aria-label") or words
        if not name or "://" in name:
            found.append(f"A link is named by words, not “{name}”.")
        if attributes["href"].startswith("#") and attributes["href"][1:] not in ids:
            found.append(f"{attributes['href']} is not on the page.")
    for tag, attributes, _ in page.all():
        for name in ("aria-labelledby", "for", "aria-describedby"):
            if name in attributes and attributes[name] not in ids:
                found.append(f"{name}={attributes[name]} is not on the page.")
        if "style" in attributes or any(name.startswith("on") for name in attributes):
            found.append(f"<{tag}> has style or script of its own.")
        if "lang" in attributes and not _TAG.fullmatch(attributes["lang"]):
            found.append(f"“{attributes['lang']}” is no language.")
        ours = tag == "script" and attributes.get("src", "").startswith("/static/")
        if tag in ("script", "style", "iframe") and not ours:
            found.append(f"<{tag}> is not wanted.")
        if tag == "img" and "alt" not in attributes:
            found.append("An image has no text.")
    labelled = {a.get("for") for _, a, _ in page.all("label")}
    for _, attributes, _ in page.all("input", "select", "textarea"):
        hidden = attributes.get("type") in ("hidden", "submit")
        if not hidden and "aria-label" not in attributes and attributes.get("id") not in labelled:
            found.append("A field has no label.")
    named = [a.get("aria-label", "") for _, a, _ in page.all("nav")]
    if "" in named or len(named) != len(set(named)):
        found.append(f"Each navigation has a name of its own: {named}.")
    if len(page.all("main")) != 1 or not page.all("html")[0][1].get("lang"):
        found.append("There is one main part, and the page says its language.")
    first = page.all("a")[0][1]
    if first.get("href") != "#content":
        found.append("The first link skips to the content.")
    return found


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", [*PAGES, *ERRORS])
def test_a_page_is_accessible(service: Service, path: str, language: str) -> None:
    reply = service.get(path, Accept=BROWSER, Accept_Language=language)
    assert reply.headers["Content-Type"].startswith("text/html")
    assert not faults(reply.body.decode())


@pytest.mark.parametrize(
    ("spoilt", "by", "said"),
    [
        ("<h1>", "<h3>", "h1"),
        ("<h2 ", "<h4 ", "level of heading"),
        ("<main ", '<main><p id="roles"></p', "2 times"),
        (">Vocabulary<", ">https://example.org/<", "named by words"),
        (">Vocabulary<", "><", "named by words"),
        ('"#content"', '"#elsewhere"', "not on the page"),
        ("<main ", '<main style="color: red" ', "style or script"),
        ("<main ", '<main onclick="x()" ', "style or script"),
        ('lang="de"', 'lang="German"', "no language"),
        ('<html lang="en"', "<html", "says its language"),
        ("<h1>", "<script></script><h1>", "not wanted"),
        ("<h1>", '<img src="x"><h1>', "no text"),
        ("<h1>", '<input type="text"><h1>', "no label"),
        ('aria-label="Language"', 'aria-label="Main"', "name of its own"),
        ("</main>", "", "closes nothing"),
    ],
)
def test_a_spoilt_page_is_told(service: Service, spoilt: str, by: str, said: str) -> None:
    markup = service.get("/", Accept=BROWSER, Accept_Language="en").body.decode()
    markup = re.sub("</h[1-6]>", "", markup) if spoilt.startswith("<h") else markup
    assert spoilt in markup
    assert [fault for fault in faults(markup.replace(spoilt, by, 1)) if said in fault]


def test_no_link_leads_nowhere(service: Service) -> None:
    targets: dict[str, str] = {}
    for path in PAGES:
        page = service.get(path, Accept=BROWSER, Accept_Language="en").body.decode()
        base = service.url + path
        for _, attributes, _ in Outline(page).all("a"):
            target = urllib.parse.urljoin(base, attributes["href"])
            if target.startswith(service.url):
                targets.setdefault(target.removeprefix(service.url), path)
    assert len(targets) > 400
    pages: dict[str, str] = {}
    lost = []
    for target, path in targets.items():
        address, _, fragment = target.partition("#")
        if address not in pages:
            reply = service.get(address, Accept=BROWSER)
            pages[address] = reply.body.decode() if reply.status == 200 else ""
        if not pages[address] or (fragment and f'id="{fragment}"' not in pages[address]):
            lost.append(f"{path} links to {target}")
    assert not lost, "\n".join(lost)


def _luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(d * 2 for d in colour)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_have_contrast_in_both_schemes() -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text on either ground that text stands on."""
    pairs = dict(
        (name, (light, dark))
        for name, light, dark in re.findall(r"--(\w+): light-dark\(#(\w+), #(\w+)\)", STYLE)
    )
    for ground in ("paper", "mark"):
        for name in ("ink", "soft", "link", "bad", "warn"):
            for scheme in (0, 1):
                one, other = sorted(_luminance(pairs[key][scheme]) for key in (name, ground))
                ratio = (other + 0.05) / (one + 0.05)
                assert ratio >= 4.5, f"{name} on {ground}, scheme {scheme}: {ratio:.2f}"
    assert "#" not in re.sub(r"light-dark\([^)]*\)", "", STYLE), "Colours have names, once."


def test_focus_and_wishes_of_the_reader_are_kept() -> None:
    assert ":focus-visible" in STYLE and "outline: 3px" in STYLE
    assert "@media print" in STYLE and "color-scheme: light dark" in STYLE
    assert not re.search(r"animation|transition|!important|@import|url\(", STYLE)
