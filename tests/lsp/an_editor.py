"""An editor as far as a test needs one: it speaks the protocol to the server over stdio."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any

Message = dict[str, Any]
CAN: Message = {
    "workspace": {"workspaceEdit": {"documentChanges": True}},
    "textDocument": {"publishDiagnostics": {"versionSupport": True}},
}


class Refused(Exception):
    """The server answered with an error."""


class Editor:
    """One session: what was opened, and what the server said of it."""

    def __init__(
        self,
        root: Path | None,
        *arguments: str,
        can: Message = CAN,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.root = root
        environment = {**os.environ, **(settings or {})}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "competency_graph", "lsp", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=root,
        )
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: dict[str, Message] = {}
        self.asked: list[Message] = []
        self._answers: dict[int, Message] = {}
        self._number = 0
        self._came: Queue[Message] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.capabilities = self.ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root and root.as_uri(),
                "workspaceFolders": root and [{"uri": root.as_uri(), "name": "test"}],
                "capabilities": can,
            },
        )["capabilities"]
        self.tell("initialized", {})

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while line := out.readline():
            length = int(line.removeprefix(b"Content-Length: "))
            while out.readline().strip():
                pass
            self._came.put(json.loads(out.read(length)))

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def tell(self, method: str, params: Message) -> None:
        self._send({"method": method, "params": params})

    def begin(self, method: str, params: Message) -> int:
        """Ask, and wait for nothing; return the number of what was asked."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        return self._number

    def ask(self, method: str, params: Message, seconds: float = 60) -> Any:
        return self.answer(self.begin(method, params), seconds)

    def answer(self, number: int, seconds: float = 60) -> Any:
        deadline = time.monotonic() + seconds
        while number not in self._answers:
            self.hear(deadline)
        told = self._answers.pop(number)
        if "error" in told:
            raise Refused(told["error"]["message"])
        return told["result"]

    def hear(self, deadline: float) -> None:
        try:
            message = self._came.get(timeout=max(deadline - time.monotonic(), 0))
        except Empty:
            raise AssertionError("The server said nothing in time.") from None
        if "method" not in message:
            self._answers[message["id"]] = message
        elif message["method"] == "textDocument/publishDiagnostics":
            self.published[message["params"]["uri"]] = message["params"]
        elif "id" in message:
            self.asked.append(message)
            self._send({"id": message["id"], "result": None})
        else:
            self.asked.append(message)

    def uri(self, name: str) -> str:
        if ":" in name:
            return name
        assert self.root is not None
        return (self.root / name).as_uri()

    def open(self, name: str, text: str | None = None, language: str = "turtle") -> str:
        uri = self.uri(name)
        if text is None:
            assert self.root is not None
            text = (self.root / name).read_bytes().decode()
        self.texts[uri], self.versions[uri] = text, 1
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, *edits: Message) -> None:
        """Do edits, each of the text that the one before left, and tell of them."""
        self.versions[uri] += 1
        for edit in edits:
            self.texts[uri] = edited(self.texts[uri], [edit])
        changes = [{"range": edit["range"], "text": edit["newText"]} for edit in edits]
        document = {"uri": uri, "version": self.versions[uri]}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def exchange(self, uri: str, old: str, new: str) -> None:
        """Put one text in the place of another, as somebody types it."""
        start = self.texts[uri].index(old)
        place = {
            "start": position(self.texts[uri], start),
            "end": position(self.texts[uri], start + len(old)),
        }
        self.change(uri, {"range": place, "newText": new})

    def findings(self, uri: str, seconds: float = 60, whole: bool = True) -> list[Message]:
        """Return what the server says of the text as it is now, repairs and all."""
        deadline = time.monotonic() + seconds
        if whole:
            # Repairs are waited for by who asks for them.
            self.fixes(uri, position(self.texts[uri], 0), position(self.texts[uri], 0))
        while self.published.get(uri, {}).get("version") != self.versions[uri]:
            self.hear(deadline)
        found: list[Message] = self.published[uri]["diagnostics"]
        return found

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of what is published."""
        deadline = time.monotonic() + 30
        while not holds():
            self.hear(deadline)

    def codes(self, uri: str) -> list[str]:
        """Return the rules of what was published last of a document."""
        return sorted(finding["code"] for finding in self.published[uri]["diagnostics"])

    def fixes(self, uri: str, start: Message, end: Message) -> list[Message]:
        params = {"textDocument": {"uri": uri}, "range": {"start": start, "end": end}}
        told: list[Message] = self.ask(
            "textDocument/codeAction", {**params, "context": {"diagnostics": []}}
        )
        return told

    def take(self, edit: Message) -> None:
        """Do what an edit of the workspace says, in open documents and in files."""
        for change in edit["documentChanges"]:
            uri, version = change["textDocument"]["uri"], change["textDocument"]["version"]
            assert version == self.versions.get(uri)
            if version is None:
                file = Path(uri.removeprefix("file://"))
                file.write_bytes(edited(file.read_bytes().decode(), change["edits"]).encode())
                event = {"uri": uri, "type": 2}
                self.tell("workspace/didChangeWatchedFiles", {"changes": [event]})
            else:
                # The last first, so that those before keep their places.
                self.change(uri, *sorted(change["edits"], key=_start, reverse=True))

    def at(self, uri: str, sought: str, method: str, more: int = 0, **params: Any) -> Any:
        """Ask something about the place at which a text begins, or so many characters on."""
        place = position(self.texts[uri], self.texts[uri].index(sought) + more)
        return self.ask(method, {"textDocument": {"uri": uri}, "position": place, **params})

    def leave(self) -> int:
        """Leave as an editor does; return the exit code."""
        self.ask("shutdown", {})
        self._send({"method": "exit"})
        code = self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return code


def _start(edit: Message) -> tuple[int, int]:
    place = edit["range"]["start"]
    return place["line"], place["character"]


def position(text: str, offset: int) -> Message:
    """Return a place as the protocol counts it: lines, and units of UTF-16."""
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    row = before.rpartition("\n")[2]
    return {"line": before.count("\n"), "character": len(row.encode("utf-16-le")) // 2}


def edited(text: str, edits: Sequence[Message]) -> str:
    """Return a text with edits done as the protocol says."""
    for edit in sorted(edits, key=_start, reverse=True):
        start, end = (_offset(text, edit["range"][end]) for end in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


def _offset(text: str, place: Message) -> int:
    offset = 0
    for _ in range(place["line"]):
        ends = [e for e in (text.find("\r", offset), text.find("\n", offset)) if e >= 0]
        offset = min(ends) + (2 if text.startswith("\r\n", min(ends)) else 1)
    row = text[offset:].encode("utf-16-le")[: place["character"] * 2]
    return offset + len(row.decode("utf-16-le"))


def within(text: str, place: Message) -> str:
    """Return what stands in a range of a text."""
    return text[_offset(text, place["start"]) : _offset(text, place["end"])]
