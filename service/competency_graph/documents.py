"""An editor's files as they were read from disk. Judges nothing; parses nothing."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from competency_graph import rdf
from competency_graph.errors import CompetencyGraphError, TooLarge, UnreadableInput

# Files that are often named by mistake, by how they begin (the registered signatures).
_KINDS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed file (gzip): unpack it first"),
    (b"SQLite format 3", "a database: name it with --against"),
)
_REASONS: Final[dict[int | None, str]] = {
    errno.ENOENT: "There is no such file.",
    errno.EACCES: "You may not read this file.",
    errno.ELOOP: "This is a link that leads back to itself.",
    errno.ENAMETOOLONG: "The name is too long for a file.",
    errno.ENOTDIR: "There is no such file.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file as it was read: its name as the editor gave it, its bytes, its syntax."""

    name: str
    content: bytes
    syntax: rdf.Syntax


def read_documents(
    names: Sequence[str], *, most: int, syntax: rdf.Syntax | None = None
) -> list[Document]:
    """Return the files to judge, each once.

    Args:
        names: paths as they were given.
        most: how many bytes one may have.
        syntax: what they are in, instead of what their endings tell.

    Raises:
        UnreadableInput: some are missing, not files, empty, or of no RDF syntax; a line for each.
        TooLarge: one has more bytes than that.
    """
    documents: list[Document] = []
    faults: list[CompetencyGraphError] = []
    for name in dict.fromkeys(names):
        try:
            documents.append(_read(name, most, syntax))
        except (UnreadableInput, TooLarge) as error:
            faults.append(error)
    raise_together(faults)
    return documents


def raise_together(faults: Sequence[CompetencyGraphError]) -> None:
    """Raise what is wrong with several files as one error with a line for each; nothing for none.

    Raises:
        CompetencyGraphError: the only one, or ``UnreadableInput`` for several.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise UnreadableInput("\n".join(error.detail for error in faults))


def read_text_file(name: str, *, most: int) -> bytes:
    """Return the bytes of a regular file that seems to be a text.

    Raises:
        UnreadableInput: it is missing, not a file, not readable, empty or not a text.
        TooLarge: it has more bytes than ``most``.
    """
    try:
        # Not waited for: a pipe that nobody writes to would never open.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = _REASONS.get(getattr(error, "errno", None), "It cannot be opened.")
        raise rdf.unreadable(name, reason) from None
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise rdf.unreadable(name, "This is a folder. Name the files in it.")
        if not stat.S_ISREG(found.st_mode):
            raise rdf.unreadable(name, "This is a device or a pipe. Name a file.")
        if found.st_size > most:
            raise TooLarge(
                f"{name}: The file has {found.st_size / 1e6:.1f} MB, and at most {most / 1e6:g} MB "
                "are read. Split it, or raise the setting MAX_BODY.",
                file=name,
            )
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most)
    finally:
        os.close(descriptor)
    if not content.strip():
        raise rdf.unreadable(name, "The file is empty: there is nothing to check.")
    for beginning, kind in _KINDS:
        if content.startswith(beginning):
            raise rdf.unreadable(name, f"This is not RDF, but {kind}.")
    # UTF-16 has bytes of zero too, and a sentence of its own.
    if b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise rdf.unreadable(name, "This is not a text file. Is it the right one?")
    return content


def _read(name: str, most: int, syntax: rdf.Syntax | None) -> Document:
    content = read_text_file(name, most=most)
    syntax = syntax or rdf.syntax_of_file(name)
    if syntax is None:
        known = ", ".join(f"{s.title} ({', '.join(s.endings)})" for s in rdf.SYNTAXES)
        raise rdf.unreadable(
            name, f"The ending of the name does not say what it is written in. Known are {known}."
        )
    return Document(name=name, content=content, syntax=syntax)
