"""A thing named otherwise wherever a workspace names it. Judges nothing and writes nothing."""

import re
from typing import Final, NamedTuple

from lsprotocol import types as lsp
from rdflib import URIRef

from competency_graph.errors import BadRequest
from competency_graph.lsp.documents import Documents, Text
from competency_graph.lsp.telling import workspace_edit
from competency_graph.statements import written
from competency_graph.vocab import PREFIXES
from competency_graph.workspace.telling import by_tokens
from competency_graph.workspace.written import Name

_LAST: Final = re.compile(r"[^/#:<>]+(?=>?$)")
_WHOLE: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"{}|^`\\]+", re.IGNORECASE)
_END: Final = re.compile(r"[^\s<>\"{}|^`\\/#:?]+")


class Renamable(NamedTuple):
    """The part of a name that is written anew, and what it is now."""

    start: int
    end: int
    said: str


def renamable(text: Text, offset: int, documents: Documents) -> Renamable:
    """Return what would be renamed at a place: the last part of the address of a thing.

    Raises:
        BadRequest: nothing there can be; the sentence says why.
    """
    name = _named(text, offset, documents)
    said = text.text[name.start : name.end]
    last = _LAST.search(said)
    if last is None:
        raise BadRequest("This address has no last part that could be another.")
    return Renamable(name.start + last.start(), name.start + last.end(), last[0])


def renamed(text: Text, offset: int, new: str, documents: Documents) -> lsp.WorkspaceEdit:
    """Return the edits that name a thing otherwise in every document of the workspace.

    Args:
        text: the document in which it was asked.
        offset: a character of the name.
        new: another last part, or a whole address, or a name with a prefix of that document.
        documents: all; who names it in a syntax that is not read token by token stops the renaming.

    Raises:
        BadRequest: it cannot be done; the sentence says why.
    """
    name = _named(text, offset, documents)
    iri = _address(name, new.strip(), text)
    if iri == name.iri:
        return workspace_edit([])
    texts = _together(text, documents)
    if any(other.written.described(iri) for other in texts if by_tokens(other.syntax)):
        raise BadRequest(f"“{new}” is there already. Choose a name that no other thing has.")
    changes = []
    for other in texts:
        if not by_tokens(other.syntax):
            if name.iri in other.text:
                raise BadRequest(
                    f"{other.name} names it as well, in {other.syntax.title}, where names are not "
                    "changed from here. Change it there first, or keep the name."
                )
            continue
        edits = [
            lsp.TextEdit(other.lines.range(n.start, n.end), _as_there(n, iri, other))
            for n in other.written.names()
            if n.iri == name.iri
        ]
        if edits:
            changes.append((other, edits))
    return workspace_edit(changes)


def _named(text: Text, offset: int, documents: Documents) -> Name:
    name = text.written.name_at(offset) if by_tokens(text.syntax) else None
    if name is None:
        raise BadRequest("Nothing that has an address stands here.")
    texts = [other for other in _together(text, documents) if by_tokens(other.syntax)]
    if not any(other.written.described(name.iri) for other in texts):
        raise BadRequest(
            "No document of this workspace describes it, so its name is not yours to change here."
        )
    return name


def _together(text: Text, documents: Documents) -> list[Text]:
    """Return the documents of the workspace, and the one that is asked about wherever it lies."""
    return [other for other in documents if other is text or not other.apart]


def _address(name: Name, new: str, text: Text) -> str:
    """Return the address that a new name stands for."""
    new = new.removeprefix("<").removesuffix(">")
    if _WHOLE.fullmatch(new):
        return new
    prefix, colon, local = new.partition(":")
    if colon and prefix in text.written.prefixes and _END.fullmatch(local):
        return text.written.prefixes[prefix] + local
    if not _END.fullmatch(new):
        raise BadRequest(
            f"“{new}” cannot be the end of an address: it holds a blank or a sign such as / or #. "
            "Letters, digits and hyphens do."
        )
    cut = max(name.iri.rfind("/"), name.iri.rfind("#"), name.iri.rfind(":")) + 1
    return name.iri[:cut] + new


def _as_there(name: Name, iri: str, text: Text) -> str:
    """Return an address as a document writes it, in the way in which it wrote the one before."""
    if name.prefix is None:
        return f"<{iri}>"
    prefixes = text.written.prefixes
    own = {name.prefix: prefixes[name.prefix]}
    return written(URIRef(iri), own | prefixes)


def short(iri: str, text: Text) -> tuple[str, str | None]:
    """Return an address as a document would write it, and the prefix that it must declare first."""
    prefixes = text.written.prefixes
    said = written(URIRef(iri), prefixes)
    if not said.startswith("<") or text.syntax.name not in ("turtle", "trig"):
        return said, None
    free = {prefix: start for prefix, start in PREFIXES.items() if prefix not in prefixes}
    said = written(URIRef(iri), free)
    return said, None if said.startswith("<") else said.partition(":")[0]
