"""Every kind of page can be used without sight, mouse, script or colour, as structure tells."""

import re
import urllib.parse
from pathlib import Path

import pytest
from competency_graph import web
from conftest import Service
from page_addresses import BROWSER, PAGES
from page_rules import Outline, faults

STYLE = (Path(web.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
ERRORS = ("/id/nothing", "/nowhere", "/sparql?nonsense=1")


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
