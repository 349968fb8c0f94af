"""Texts in the hands of somebody who corrects them on a page: taken from a form, and given back.

Judges nothing. What a browser does to a text in a field, which has line feeds alone and no mark of
the byte order, is undone where the text leaves again.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

from flask import Response, request, send_file

from competency_graph.documents import Document
from competency_graph.rdf import SYNTAXES, Syntax, syntax_of_file
from competency_graph.web.candidates import FORM, files, sent, syntax_named

# What is larger stays where it is: a page with it would be no good to edit in. Who pasted a text
# may have no other copy.
_MOST_OF_FILE: Final = 2_000_000
_MOST_HELD: Final = 8_000_000
_MOST_NAME: Final = 80
_FORMS: Final = (FORM, "application/x-www-form-urlencoded")
_MARK: Final = b"\xef\xbb\xbf"
_UNWANTED: Final = re.compile(
    r'[\x00-\x1f\x7f<>:"|?*\\/\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One document on the page.

    Attributes:
        given: the name that its file had, nothing for what was pasted.
        name: what it is called: unlike all others, and with an ending of its syntax.
        text: what it says, lines ended by line feeds; nothing where that is not UTF-8.
        returned: whether the line ends of its file were carriage return and line feed.
        raw: what it is where there is no ``text``.
        held: whether the page has all of it, to be changed there.
        place: which of the form's fields it came from, counted from 1; 0 for a file.
    """

    name: str
    given: str
    syntax: Syntax
    text: str | None
    returned: bool = False
    raw: bytes = b""
    held: bool = True
    place: int = 0

    @property
    def content(self) -> bytes:
        """What is judged, sent and downloaded, in UTF-8."""
        if self.text is None:
            return self.raw
        return (self.text.replace("\n", "\r\n") if self.returned else self.text).encode()

    @property
    def document(self) -> Document:
        """The same as those who judge know it."""
        return Document(name=self.name, content=self.content, syntax=self.syntax)


def blank() -> Text:
    """Return a text in which nothing is written yet."""
    return Text(name="", given="", syntax=SYNTAXES[0], text="")


def areas(field: str) -> list[Text]:
    """Return the texts that the form has for a field, ``data`` or ``shapes``; no empty ones.

    Raises:
        BadRequest: one is of no RDF syntax.
    """
    prefix = _prefix(field)
    found: list[Text] = []
    taken: set[str] = set()
    names, ends = (request.form.getlist(prefix + name) for name in ("name", "ends"))
    for place, written in enumerate(request.form.getlist(prefix + "text")):
        if written.strip():
            given = "".join(names[place : place + 1])
            syntax = syntax_named(prefix + "syntax", place)
            found.append(
                Text(
                    name=_named(given, syntax, taken),
                    given=given,
                    syntax=syntax,
                    text=_plain(written),
                    returned="crlf" in ends[place : place + 1],
                    held=len(written) + _held(found) <= _MOST_HELD,
                    place=place + 1,
                )
            )
            taken.add(found[-1].name)
    return found


def with_files(held: Sequence[Text], field: str) -> list[Text]:
    """Return texts and what was brought beside them: the files of a field, or the body if no form.

    A file stands for the text of its name.

    Raises:
        UnreadableInput: a file, or the body, is empty.
        UnsupportedMediaType: one is of no RDF syntax.
    """
    brought: list[Text] = []
    taken = {one.name for one in held if not one.given}
    is_form = request.mimetype in _FORMS
    for one in files(field) if is_form else sent(field):
        given = one.name if is_form else ""
        name = _named(given, one.syntax, taken)
        taken.add(name)
        room = min(_MOST_OF_FILE, _MOST_HELD - _held([*held, *brought]))
        document = replace(one, name=name, content=one.content.removeprefix(_MARK))
        brought.append(_of_file(document, given, room))
    names = {one.name for one in brought}
    return [*(one for one in held if one.name not in names), *brought]


def rewritten(texts: Iterable[Text], said: dict[str, str]) -> list[Text]:
    """Return texts with those replaced that are said anew, by name."""
    return [replace(one, text=said.get(one.name, one.text)) for one in texts]


def download(one: Text) -> Response:
    """Return a text as the file that it is to be, never to be shown by a browser."""
    response = send_file(
        BytesIO(one.content),
        mimetype=one.syntax.media_type,
        as_attachment=True,
        download_name=one.name,
        etag=False,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _prefix(field: str) -> str:
    # The names of the parts of the first are those of the form before it had two.
    return "" if field == "data" else f"{field}-"


def _held(texts: Iterable[Text]) -> int:
    return sum(len(one.text or "") for one in texts if one.held)


def _of_file(one: Document, given: str, room: int) -> Text:
    returns = one.content.count(b"\r\n")
    returned = bool(returns) and returns == one.content.count(b"\n")
    known = Text(name=one.name, given=given and one.name, syntax=one.syntax, text=None)
    try:
        text = _plain(one.content.decode())
    except UnicodeDecodeError:
        return replace(known, raw=one.content, held=False)
    return replace(known, text=text, returned=returned, held=len(one.content) <= room)


def _plain(text: str) -> str:
    """Return a text as a field of a page holds it (HTML, 4.10.11: the API value)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _named(given: str, syntax: Syntax, taken: Collection[str]) -> str:
    """Return a name for a file that no system takes for another kind, nor for a path."""
    said = _UNWANTED.sub(" ", PurePosixPath(given.replace("\\", "/")).name).strip(" .")
    stem, dot, ending = said.rpartition(".")
    if not dot or syntax_of_file(said) is not syntax:
        # An ending that is of another syntax would be wrong, any other is a part of the name.
        stem = stem if dot and syntax_of_file(said) is not None else said
        ending = syntax.endings[0].removeprefix(".")
    stem = stem[:_MOST_NAME].strip(" .") or "data"
    name, number = f"{stem}.{ending}", 2
    while name in taken:
        name, number = f"{stem} ({number}).{ending}", number + 1
    return name
