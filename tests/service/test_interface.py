"""The pages speak English and German: every fixed word, chosen by address or browser."""

import re
from pathlib import Path

import jinja2
import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from competency_graph import errors, web
from conftest import Service
from page_addresses import BROWSER

WEB = Path(web.__file__).parent
# A report that is a file of its own speaks English; what it shares with pages does not.
SHARED = WEB.parent / "reports" / "findings.html"
TEMPLATES = [*sorted((WEB / "templates").glob("*.html")), SHARED]
LANGUAGES = sorted((WEB / "messages").glob("*.po"))
_ROLE = "/id/implementation-support/role/knowledge-broker"
# Names, which are the same in every language.
_NAMES = {"Competency Graph"}


def _fixed_words() -> set[str]:
    """Return what templates and code say in English, and the titles of errors."""
    options = {"silent": "false", "extensions": "jinja2.ext.do"}
    found = {
        message
        for file in TEMPLATES
        for _, message, _, _ in extract_from_file("jinja2", str(file), options=options)
    }
    said = extract_from_file("python", str(WEB / "interface.py"), keywords={"say": None})
    found |= {message for _, message, _, _ in said}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found |= {k.title for k in kinds if issubclass(k, errors.CompetencyGraphError)}
    return {str(message) for message in found}


@pytest.mark.parametrize("file", LANGUAGES, ids=lambda file: file.stem)
def test_every_fixed_word_is_translated_and_none_is_stale(file: Path) -> None:
    with file.open("rb") as content:
        catalogue = read_po(content, abort_invalid=True)
    told = {str(m.id): str(m.string) for m in catalogue if m.id and m.string and not m.fuzzy}
    wanted = _fixed_words()
    assert len(wanted) > 70
    assert not wanted - set(told), f"Translate these in {file.name}."
    stale = {*told, *map(str, catalogue.obsolete)} - wanted
    assert not stale, f"These are said nowhere any more: take them out of {file.name}."
    for message, translation in told.items():
        places = [sorted(re.findall(r"%\(\w+\)s", text)) for text in (message, translation)]
        assert places[0] == places[1], f"“{message}” loses a place in {file.name}."


def test_there_is_a_german_one() -> None:
    assert "de" in [file.stem for file in LANGUAGES]


def _bare_words(source: str) -> list[str]:
    """Return the words of a template that are written outside of ``_()``."""
    tokens = jinja2.Environment().lex(source)
    markup = "".join(text if kind == "data" else "\0" for _, kind, text in tokens)
    markup = re.sub(r"<code>[^<]*</code>", "", markup)
    attributes = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"\0]+)"', markup)
    markup = re.sub(r'[\w-]+="[^"]*"', "", re.sub(r"<[^>]*>", "\0", markup))
    texts = [part.strip("· \n") for part in markup.split("\0")]
    return [t for t in (*texts, *attributes) if re.search(r"\w", t) and t not in _NAMES]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_a_template_says_nothing_that_cannot_be_translated(file: Path) -> None:
    assert not _bare_words(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    ["<p>Hello {{ name }}</p>", '<nav aria-label="Main"></nav>', "{% if x %}yes{% endif %}"],
)
def test_a_bare_word_is_seen(source: str) -> None:
    assert _bare_words(source)


@pytest.mark.parametrize(
    ("query", "wanted", "language"),
    [
        ("", "de", "de"),
        ("", "de-AT, en;q=0.5", "de"),
        ("", "fr, de;q=0.9, en;q=0.8", "de"),
        ("", "fr", "en"),
        ("", "en, de", "en"),
        ("?lang=de", "en", "de"),
        ("?lang=en", "de", "en"),
        ("?lang=fr", "de", "en"),
    ],
)
def test_the_interface_follows_address_then_browser(
    service: Service, query: str, wanted: str, language: str
) -> None:
    reply = service.get(_ROLE + query, Accept=BROWSER, Accept_Language=wanted)
    text = reply.body.decode()
    assert f'<html lang="{language}">' in text
    assert reply.headers["Content-Language"] == language
    assert ({"en": "What it needs", "de": "Was sie braucht"}[language]) in text


def test_text_in_another_language_says_so(service: Service) -> None:
    german = service.get(_ROLE + "?lang=de", Accept=BROWSER).body.decode()
    assert "<h1>Wissensvermittler</h1>" in german
    assert '<p class="lead" lang="en">Links those who' in german
    rules = service.get("/docs/rules?lang=de", Accept=BROWSER).body.decode()
    assert re.search('href="#about-1" lang="en">', rules)
    assert '<h2 id="about-1"><span lang="en">' in rules
    english = service.get(_ROLE + "?lang=en", Accept=BROWSER).body.decode()
    assert '<span lang="de">Wissensvermittler</span>' in english
    assert '<p class="lead">Links those who' in english


def test_the_switch_keeps_the_address(service: Service) -> None:
    asked = "/id?iri=https%3A%2F%2Fw3id.org%2Fcompetency-graph%2Fid%2Fimplementation-support"
    text = service.get(asked + "&lang=en", Accept=BROWSER).body.decode()
    found = re.search(r'href="([^"]*)" lang="de" hreflang="de">Deutsch<', text)
    assert found
    address = "/id" + found[1].replace("&amp;", "&")
    assert address == asked + "&lang=de"
    assert '<html lang="de">' in service.get(address, Accept=BROWSER).body.decode()


def test_the_switch_does_not_lead_to_another_host(service: Service) -> None:
    text = service.get("//example.org/", Accept=BROWSER).body.decode()
    assert 'href="//' not in text


def test_links_keep_a_language_that_the_address_names(service: Service) -> None:
    page = service.get(_ROLE + "?lang=de", Accept=BROWSER).body.decode()
    links = [a for a in re.findall(r'<a href="(/[^"]*)"', page)]
    assert len(links) > 50
    assert not [link for link in links if "lang=de" not in link]
    plain = service.get(_ROLE, Accept=BROWSER, Accept_Language="de").body.decode()
    assert "lang=de" not in plain.replace('href="?lang=de"', "")


def test_an_error_speaks_german(service: Service) -> None:
    text = service.get("/id/nothing?lang=de", Accept=BROWSER).body.decode()
    assert "<h1>Nicht gefunden</h1>" in text
    assert '<p class="lead" lang="en">' in text
