"""What the engine says of broken syntax, told to an editor in words. Parses nothing to keep."""

import re
from typing import Final, NamedTuple
from xml.parsers import expat

from competency_graph.vocab import PREFIXES

_PLACE: Final = re.compile(
    r"Parser error (?:at line \d+ (?:column \d+|between columns \d+ and \d+)"
    r"|between line (?P<from>\d+) column \d+ and line (?P<to>\d+) column \d+): "
)
_BEGINNING: Final = (
    "A statement cannot begin here: it begins with an address in < > or a name with a prefix. "
    "Look for a full stop too many before it."
)
_LANGUAGE: Final = "The language after the @ is not a code. Write one such as @de or @pt-BR."
_NOT_ENDED: Final = (
    "The statement before this place is not ended. Put a full stop after it, or a semicolon "
    "if it goes on."
)
_NOT_ENDED_HERE: Final = "The statement before this place is not ended. Put a full stop after it."
_ENCODING: Final = (
    'Its first line says that it is written in another encoding than UTF-8. Write encoding="UTF-8" '
    "there, and save the file as that."
)
# The engine's words, and ours. The first that is found counts.
_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("language", _LANGUAGE),
    (r"dot is expected|followed by a dot", _NOT_ENDED),
    (
        "Line jumps",
        "A text in quotes does not end on its line. Close the quotes, or put three on either side "
        "of a text of several lines.",
    ),
    (
        "IRI code point",
        "An address in < > holds a sign that addresses may not hold, such as a blank. "
        "Correct the address, or close it with > before that sign.",
    ),
    (
        r"No scheme found|IRI|IRI parsing",
        "An address is not complete. It must begin with, for example, https://.",
    ),
    (
        "escape",
        "A backslash is followed by a sign that means nothing after it. Write the backslash twice.",
    ),
    (r"not a valid subject|subject of a triple", _BEGINNING),
    (
        "DOCTYPE",
        "It declares a document type (DOCTYPE), which is not read. Write its entities out and "
        "remove the declaration.",
    ),
    (
        "LoadDocumentCallback",
        "Its @context is kept elsewhere, and nothing is fetched. Write the context out in the "
        "file.",
    ),
    (
        "keys must be|end of (?:object|array)|JSON",
        "This is not JSON. Look for a comma too many or too few, or a name without quotes.",
    ),
    ("mismatched tag", "A closing tag does not belong to the tag that was opened last."),
    ("entity", "An entity (a name between & and ;) is not defined. Write the characters out."),
    (
        r"no element found|unclosed|[Uu]nexpected end",
        "The file ends in the middle of a statement. Look for a missing full stop, bracket or "
        "closing tag.",
    ),
)
_CURLY: Final = "“”„‟‘’«»"
_NAMED: Final = re.compile(r"<[^<>\s]*>|[\w.-]*:[\w.%-]*(?<!\.)")


class Fault(NamedTuple):
    """A sentence, and where the fault is as far as that is known; both count from 1."""

    sentence: str
    line: int | None
    column: int | None


def fault(
    message: str, line: int | None, column: int | None, *, title: str, content: bytes
) -> Fault:
    """Return what is wrong with a document, in words.

    Args:
        message: what the engine said.
        line: where, as the engine knows it.
        column: likewise.
        title: what the syntax is called.
        content: the whole document, in UTF-8.
    """
    text = content.decode("utf-8", "replace")
    other = _other_format(text, title)
    if other is not None:
        return Fault(f"This is {other}", 1, 1)
    if title == "RDF/XML" and line is None:
        return _fault_of_xml(message, content, title)
    before, rest = _line_at(text, line, column)
    sentence = _sentence(message, title, before, rest)
    if sentence == _NOT_ENDED and line is not None and re.match(r"a\s", rest):
        return _begun(text.split("\n")[: line - 1], before) or Fault(sentence, line, column)
    return Fault(sentence, line, column)


def _begun(above: list[str], before: str) -> Fault | None:
    """Return the fault of a statement without its end where the next begins, on a line of its own.

    Args:
        above: the lines up to where reading stopped, at the word that follows the next thing.
        before: what stands on its line before that word.
    """
    lines = [*above, before]
    while lines and not lines[-1].strip():
        lines.pop()
    name = lines[-1].rstrip() if lines else ""
    if not _NAMED.fullmatch(name):
        return None
    sentence = f"The statement above is not ended. Put a full stop in front of “{name}”."
    return Fault(sentence, len(lines), 1)


def _sentence(message: str, title: str, before: str = "", rest: str = "") -> str:
    place = _PLACE.match(message)
    words = message[place.end() :] if place else message
    undeclared = re.search(r"prefix (\S*?):? has not been declared", words)
    if undeclared:
        prefix = undeclared[1]
        iri = PREFIXES.get(prefix, "…")
        return (
            f"The prefix “{prefix}:” is used but nowhere declared. Add a line at the top: "
            f"PREFIX {prefix}: <{iri}>"
        )
    if rest[:1] in _CURLY and rest:
        return 'Curly quotation marks stand here. Write straight ones: "…".'
    if before.endswith(('"@', "'@")):
        return _LANGUAGE
    if re.match(r"a\s", rest):
        # The word can only follow what a statement is about: that was read as part of another.
        return _NOT_ENDED
    tag = re.search(r"@([A-Za-z]+)$", before)
    if tag and (region := re.match(r"_(\w*)", rest)):
        return f"A language code has hyphens, not underscores: write @{tag[1]}-{region[1]}."
    if place and place["from"] != place["to"]:
        return "What begins here is never closed: a text in quotes, or an address in < >."
    for pattern, sentence in _WORDS:
        if re.search(pattern, words):
            # In lines each statement is whole: none goes on.
            one_a_line = sentence == _NOT_ENDED and title in ("N-Triples", "N-Quads")
            return _NOT_ENDED_HERE if one_a_line else sentence
    shown = rest[:30].strip()
    return f"“{shown}” cannot stand here in {title}." if shown else f"This is not {title}."


def _line_at(text: str, line: int | None, column: int | None) -> tuple[str, str]:
    """Return what stands on the line before the place, and from there on."""
    lines = text.split("\n")
    if line is None or column is None or not 0 < line <= len(lines):
        return "", ""
    return lines[line - 1][: column - 1], lines[line - 1][column - 1 :]


def _fault_of_xml(message: str, content: bytes, title: str) -> Fault:
    wrong = fault_of_xml(content, title)
    if wrong is None and "Only UTF-8 is supported" in message:
        return Fault(_ENCODING, 1, 1)
    if wrong is None and (iri := re.search(r"IRI '([^'\n]*)': No scheme found", message)):
        sentence = (
            f"The address “{iri[1]}” is not complete. It must begin with, for example, https://. "
            'Write it out, or say at the top what it is part of: xml:base="https://…/".'
        )
        return Fault(sentence, *_place_of(f'"{iri[1]}"', content))
    return wrong or Fault(
        "This is XML, but not RDF/XML. Its elements must be things and, inside them, "
        f"what is said of them ({message.strip('.')}).",
        None,
        None,
    )


def _place_of(text: str, content: bytes) -> tuple[int | None, int | None]:
    before, found, _ = content.decode("utf-8", "replace").partition(text)
    return (before.count("\n") + 1, len(before) - before.rfind("\n")) if found else (None, None)


def fault_of_xml(content: bytes, title: str) -> Fault | None:
    """Return what is wrong with a document as XML, and where: the engine tells no place."""
    try:
        expat.ParserCreate("UTF-8").Parse(content, True)
    except expat.ExpatError as error:
        other = _other_format(content[:8000].decode("utf-8", "replace"), title)
        if other is not None:
            return Fault(f"This is {other}", 1, 1)
        return Fault(_sentence(str(error), title), error.lineno, error.offset + 1)
    return None


def _other_format(text: str, title: str) -> str | None:
    """Return what the document is instead, where its first characters tell."""
    start = text[:2000].lstrip().lower()
    if re.match(r"<!doctype html|<html", start):
        return f"a web page, not {title}. A server may have sent it instead of the file."
    looks = (
        ("RDF/XML", ".rdf", "application/rdf+xml", r"<\?xml|<rdf:rdf"),
        ("JSON-LD", ".jsonld", "application/ld+json", r"\{\s*[\"}]|\[\s*\{"),
        ("Turtle", ".ttl", "text/turtle", r"@?prefix\s+[\w-]*:\s*<"),
    )
    for name, ending, media_type, pattern in looks:
        allowed = (name, "TriG") if name == "Turtle" else (name,)
        if title not in allowed and re.match(pattern, start):
            return (
                f"{name}, although its name or Content-Type says {title}. Rename the file "
                f"({name} ends in {ending}), or send it as {media_type}."
            )
    return None
