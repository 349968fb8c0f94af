"""What every page keeps to, so that it can be used without sight, mouse, script or colour."""

import itertools
import re
from collections import Counter
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "img", "input", "hr"}
_TAG = re.compile("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


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
