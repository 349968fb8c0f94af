"""The documents of a workspace, as the editor has them or else the disk. Judges nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from lsprotocol.types import PositionEncodingKind, TextDocumentContentChangeEvent
from lsprotocol.types import TextDocumentContentChangePartial as Part
from pygls.uris import from_fs_path, to_fs_path

from competency_graph import git, rdf
from competency_graph.documents import read_text_file
from competency_graph.errors import CompetencyGraphError
from competency_graph.lsp.positions import Lines
from competency_graph.workspace.written import Written


@dataclass(kw_only=True)
class Text:
    """A document: its address as the editor writes it, its syntax, and its text at the moment.

    ``version`` is the editor's number; None where the editor has not opened it. ``stamp`` goes up
    with each text. ``apart`` says that it lies outside the folders that are open.
    """

    name: str
    uri: str
    syntax: rdf.Syntax
    text: str
    encoding: PositionEncodingKind | str | None
    apart: bool
    version: int | None = None
    stamp: int = 0

    @property
    def shown(self) -> bool:
        """Whether the editor has it open."""
        return self.version is not None

    @cached_property
    def lines(self) -> Lines:
        """Its places as the protocol counts them."""
        return Lines(text=self.text, encoding=self.encoding)

    @cached_property
    def written(self) -> Written:
        """Its statements and names."""
        return Written(text=self.text)

    def becomes(self, text: str, version: int | None) -> None:
        """Take another text."""
        self.text, self.version, self.stamp = text, version, self.stamp + 1
        for known in ("lines", "written"):
            self.__dict__.pop(known, None)

    def change(self, change: TextDocumentContentChangeEvent, version: int) -> None:
        """Do one change that the editor tells of: of a part, or of the whole."""
        if isinstance(change, Part):
            start = self.lines.offset(change.range.start)
            end = max(start, self.lines.offset(change.range.end))
            self.becomes(self.text[:start] + change.text + self.text[end:], version)
        else:
            self.becomes(change.text, version)


@dataclass(kw_only=True)
class Documents:
    """All documents: those that are open, and those in the folders of the workspace."""

    encoding: PositionEncodingKind | str | None
    most: int
    folders: list[Path] = field(default_factory=list)
    texts: dict[str, Text] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Text]:
        return iter(self.texts.values())

    def sort_out(self, folders: list[Path]) -> list[Text]:
        """Take these folders as those of the workspace; return what lies elsewhere now.

        Of that, what the editor has not open is let go of.
        """
        self.folders = folders
        moved = []
        for text in list(self):
            was, text.apart = text.apart, self._is_apart(text.name)
            if was != text.apart:
                moved.append(text)
            if text.apart and not text.shown:
                del self.texts[text.name]
        return moved

    def files(self) -> list[str]:
        """Return the names of the RDF files in the folders of the workspace."""
        return [name for folder in self.folders for name in git.files_in(str(folder))]

    def read(self, path: str) -> Text | None:
        """Read a file from disk that the editor has not open; None where it cannot be."""
        syntax = rdf.syntax_of_file(path)
        known = self.texts.get(path)
        if syntax is None or (known and known.shown) or self._is_apart(path):
            return None
        try:
            content = read_text_file(path, most=self.most)
        except CompetencyGraphError:
            return None
        text = content.decode("utf-8", "replace")
        if known is None:
            known = self._new(path, from_fs_path(path) or path, syntax, text)
        else:
            known.becomes(text, None)
        return known

    def open(self, uri: str, language: str, text: str, version: int) -> Text | None:
        """Take a document that the editor opened; None where nothing is known of its syntax."""
        name = name_of(uri)
        syntax = rdf.syntax_of_file(name)
        if syntax is None:
            syntax = next((s for s in rdf.SYNTAXES if s.name == language.lower()), None)
        if syntax is None:
            return None
        known = self.texts.get(name) or self._new(name, uri, syntax, text)
        known.uri, known.syntax = uri, syntax
        known.becomes(text, version)
        return known

    def close(self, uri: str) -> Text | None:
        """Let go of what the editor closed; return it as it is on disk, or nothing."""
        known = self.texts.get(name_of(uri))
        if known is None:
            return None
        known.version = None
        if self.read(known.name) is None:
            del self.texts[known.name]
            return None
        return known

    def of(self, uri: str) -> Text | None:
        """Return a document by its address."""
        return self.texts.get(name_of(uri))

    def _new(self, name: str, uri: str, syntax: rdf.Syntax, text: str) -> Text:
        made = Text(
            name=name,
            uri=uri,
            syntax=syntax,
            text=text,
            encoding=self.encoding,
            apart=self._is_apart(name),
        )
        self.texts[name] = made
        return made

    def _is_apart(self, name: str) -> bool:
        return not any(Path(name).is_relative_to(folder) for folder in self.folders)


def name_of(uri: str) -> str:
    """Return what a document is called here: its path where it is a file, else its address.

    Editors write one address in several ways.
    """
    path = to_fs_path(unquote(uri)) if uri.startswith("file:") else None
    return str(Path(path).resolve()) if path else uri
