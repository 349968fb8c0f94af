"""The server: the documents that the editor tells of, and what is found in them. Answers nothing.

The text of a document is the editor's, and read here token by token only; who parses and judges is
the desk, a process of its own (:mod:`competency_graph.workspace.desk`).
"""

import asyncio
import os
import socket
from collections.abc import Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from competency_graph.config import Settings
from competency_graph.lsp import telling
from competency_graph.lsp.documents import Documents, Text
from competency_graph.lsp.link import Link
from competency_graph.model import Finding, finding_of

_MOST: Final = 1_000
"""How many files of a workspace are read."""
_PATIENCE: Final = 10.0
"""How many seconds the findings of a text are waited for before repairs are offered without."""


class _Protocol(LanguageServerProtocol):
    """The protocol, with the documents kept by us.

    What the library would do with a change counts other signs as ends of lines than the protocol
    does, so that a text with one of them would become another text.
    """

    _server: "Server"

    @lsp_method(lsp.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: lsp.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        self._server.opened(item.uri, item.language_id, item.text, item.version)

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: lsp.DidChangeTextDocumentParams) -> None:
        changes = params.content_changes
        self._server.changed(params.text_document.uri, changes, params.text_document.version)

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: lsp.DidCloseTextDocumentParams) -> None:
        self._server.closed(params.text_document.uri)


class Server(LanguageServer):
    """The workspace of one editor, and what is known of it."""

    def __init__(self, connection: socket.socket, settings: Settings, paths: Sequence[str]) -> None:
        name = "competency-graph"
        super().__init__(name, version(name), protocol_cls=_Protocol)
        self.documents = Documents(encoding=None, most=settings.max_body)
        self.link = Link(connection, self._heard)
        self.languages: list[str] = []
        self._paths = paths
        self._read = False
        self._findings: dict[str, tuple[int, bool, list[Finding]]] = {}
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, params: lsp.InitializeParams) -> None:
        """Take what the editor says of itself."""
        self.documents.encoding = self.workspace.position_encoding
        self.languages = [params.locale.lower()] if params.locale else []

    async def begun(self) -> None:
        """Listen, and read the workspace."""
        self._go_on(self._listen())
        await self.read_folders()

    async def read_folders(self) -> None:
        """Read the files of the folders that are open now."""
        self._read = False
        for text in self.documents.sort_out(self._folders()):
            # What was held with others is held apart, or not at all.
            self._drop(text)
        for name in await self._files():
            self.documents.read(name)
        self._read = True
        self._hold_all()

    def _folders(self) -> list[Path]:
        open_ = [path for f in self.workspace.folders.values() if (path := to_fs_path(f.uri))]
        if not open_ and self.workspace.root_path:
            open_ = [self.workspace.root_path]
        if self._paths:
            open_ = [os.path.join(top, path) for top in open_ or [""] for path in self._paths]
        return [Path(folder).resolve() for folder in open_ if Path(folder).is_dir()]

    async def _files(self) -> list[str]:
        """Return the files of the workspace, as many as are read: it may be all that one has."""
        try:
            listing = asyncio.to_thread(self.documents.files)
            names = list(dict.fromkeys(await asyncio.wait_for(listing, _PATIENCE)))
        except TimeoutError:
            self._say("This workspace is too large to be read. Open a folder of it.")
            return []
        if len(names) > _MOST:
            self._say(
                f"There are {len(names)} RDF files in this workspace, and {_MOST} are read. Name "
                "the folders that belong together: competency-graph lsp FOLDER."
            )
        return names[:_MOST]

    async def _listen(self) -> None:
        await self.link.listen()
        self._say("What judges and looks up has ended. Start the language server again.")

    def _say(self, sentence: str) -> None:
        kind = lsp.MessageType.Warning
        self.window_show_message(lsp.ShowMessageParams(type=kind, message=sentence))

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def opened(self, uri: str, language: str, text: str, version: int) -> None:
        """Hold a document that the editor opened."""
        self._hold(self.documents.open(uri, language, text, version))

    def changed(
        self, uri: str, changes: Sequence[lsp.TextDocumentContentChangeEvent], version: int
    ) -> None:
        """Hold the text of a document as it is after some changes, each of the text before it."""
        text = self.documents.of(uri)
        if text is not None and text.shown:
            for change in changes:
                text.change(change, version)
            self._hold(text)

    def closed(self, uri: str) -> None:
        """Hold what is on disk of a document that the editor closed; forget it if nothing is."""
        known, left = self.documents.of(uri), self.documents.close(uri)
        self._hold(left)
        if known is not None and left is None:
            self._drop(known)

    def seen(self, changes: Sequence[lsp.FileEvent]) -> None:
        """Hold what others did to files."""
        for change in changes:
            path = str(Path(to_fs_path(change.uri) or change.uri).resolve())
            known = self.documents.texts.get(path)
            if change.type != lsp.FileChangeType.Deleted:
                self._hold(self.documents.read(path))
            elif known is not None and not known.shown:
                del self.documents.texts[path]
                self._drop(known)

    def _hold(self, text: Text | None, *, more: bool = False) -> None:
        """Send a document; before the workspace was read, what it refers to would not be there."""
        if text is not None and self._read:
            message = {
                **{"do": "hold", "name": text.name, "syntax": text.syntax.name},
                **{"text": text.text, "stamp": text.stamp, "more": more},
                **{"shown": text.shown, "apart": text.apart},
            }
            self.link.send(message)

    def _hold_all(self) -> None:
        texts = list(self.documents)
        for text in texts:
            self._hold(text, more=text is not texts[-1])

    def _drop(self, text: Text) -> None:
        self._findings.pop(text.name, None)
        self.link.send({"do": "drop", "name": text.name})
        self._publish(text, [])

    def _heard(self, message: dict[str, Any]) -> None:
        if message["told"] == "begun":
            self._hold_all()
            return
        text = self.documents.texts.get(message["name"])
        if text is None or text.stamp != message["stamp"]:
            return
        findings = [finding_of(row) for row in message["rows"]]
        before = self._findings.get(text.name)
        self._findings[text.name] = text.stamp, message["whole"], findings
        if before is None or (before[0], before[2]) != (text.stamp, findings):
            self._publish(text, findings)
        self._go_on(self._tell())

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _publish(self, text: Text, findings: Sequence[Finding]) -> None:
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(
                uri=text.uri,
                version=text.version,
                diagnostics=[telling.diagnostic(finding, text) for finding in findings],
            )
        )

    async def findings(self, text: Text) -> list[Finding]:
        """Return what is found in a document with repairs, waiting until it is known, not long."""

        def known() -> bool:
            stamp, whole, _ = self._findings.get(text.name, (-1, False, []))
            return whole and stamp == text.stamp

        try:
            async with asyncio.timeout(_PATIENCE), self._news:
                await self._news.wait_for(known)
        except TimeoutError:
            return []
        return self._findings[text.name][2]

    def text(self, uri: str) -> Text:
        """Return a document that the editor asks about.

        Raises:
            JsonRpcInvalidParams: it is not open, or not of a syntax that is read here.
        """
        found = self.documents.of(uri)
        if found is None:
            raise JsonRpcInvalidParams(f"{uri} is not open here, or not RDF.")
        return found

    def edit(self, edit: lsp.WorkspaceEdit) -> lsp.WorkspaceEdit:
        """Return an edit as this editor understands it."""
        workspace = self.client_capabilities.workspace
        known = workspace.workspace_edit if workspace else None
        return edit if known and known.document_changes else telling.plainly(edit)
