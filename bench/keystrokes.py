"""`python -m bench keystrokes`: how soon an editor is told what is wrong after a keystroke."""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import pyoxigraph as ox
from competency_graph.vocab import PREFIXES

from bench import graphs
from bench.servers import say

_LINES: Final = 5_000
# What is typed: a text to look for, and what is put in its place and taken out again in turn.
_KINDS: Final = {
    "a letter of a label": ('prefLabel "', 'prefLabel "x'),
    "a word that does not exist": ("skos:prefLabel", "skos:prefLabl"),
    "a value that does not exist": ("cg:FromGeneralKnowledge", "cg:FromGenralKnowledge"),
    "a syntax error": (" ;\n\tskos:", " ; ]\n\tskos:"),
}


def keystrokes(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Type into a file of 5,000 lines, of a workspace with so many statements."""
    for size in sizes:
        say(f"typing into {_LINES:,} lines of {size} statements")
        told = asyncio.run(_session(*_texts(size), rounds))
        print(
            f"\n### Keystrokes in a file of {_LINES:,} lines, {size} statements in the workspace\n"
        )
        print("| what is typed | first findings, median, ms | 95 of 100 within, ms (target 100) |")
        print("|---|---|---|")
        for kind, seconds in told.items():
            late = quantiles(seconds, n=20)[-1]
            print(f"| {kind} | {median(seconds) * 1000:.0f} | {late * 1000:.0f} |")


def _texts(size: str) -> tuple[str, str]:
    """Return the statements of the generated frameworks as one text of 5,000 lines, and another."""
    things: dict[object, list[ox.Triple]] = {}
    with graphs.generated_file(size).open("rb") as file:
        for quad in ox.parse(file, ox.RdfFormat.N_QUADS):
            things.setdefault(quad.subject, []).append(quad.triple)
    header = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    texts, lines = [header, header], header.count("\n")
    for said in things.values():
        text = (ox.serialize(said, format=ox.RdfFormat.TURTLE, prefixes=PREFIXES) or b"").decode()
        _, _, text = text.rpartition("> .\n@prefix")
        text = "\n" + text.partition("\n")[2]
        lines += text.count("\n")
        texts[lines > _LINES] += text
    return texts[0], texts[1]


class _Editor:
    """The little of an editor that types, and notes when the first findings of a text come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._version = 1

    async def send(self, method: str, params: Any, number: int | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        body = json.dumps(message if number is None else message | {"id": number}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await self._process.stdin.drain()

    async def _hear(self) -> Any:
        assert self._process.stdout is not None
        head = await self._process.stdout.readuntil(b"\r\n\r\n")
        length = int(head.split(b"\r\n")[0].removeprefix(b"Content-Length: "))
        return json.loads(await self._process.stdout.readexactly(length))

    async def findings(self, uri: str) -> list[Any]:
        """Return what is published first of the text as it is."""
        while True:
            params = (await self._hear()).get("params", {})
            if params.get("uri") == uri and params.get("version") == self._version:
                found: list[Any] = params["diagnostics"]
                return found

    async def change(self, uri: str, place: dict[str, Any], text: str) -> float:
        """Put a text in a place; return the seconds until the first findings."""
        self._version += 1
        document = {"uri": uri, "version": self._version}
        changes = [{"range": place, "text": text}]
        began = time.perf_counter()
        await self.send(
            "textDocument/didChange", {"textDocument": document, "contentChanges": changes}
        )
        await self.findings(uri)
        return time.perf_counter() - began


async def _session(text: str, rest: str, rounds: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="bench-keystrokes-") as name:
        folder = Path(name)
        (folder / "typed.ttl").write_text(text, encoding="utf-8")
        (folder / "rest.ttl").write_text(rest, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "competency_graph", "lsp"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=folder,
        )
        editor, uri = _Editor(process), (folder / "typed.ttl").as_uri()
        root: dict[str, Any] = {"rootUri": folder.as_uri(), "processId": None, "capabilities": {}}
        await editor.send("initialize", root, 1)
        await editor.send("initialized", {})
        item = {"uri": uri, "languageId": "turtle", "version": 1, "text": text}
        await editor.send("textDocument/didOpen", {"textDocument": item})
        say(f"{len(await editor.findings(uri))} findings before anything is typed")
        told = {kind: await _typed(editor, uri, text, kind, rounds) for kind in _KINDS}
        await editor.send("shutdown", None, 2)
        await editor.send("exit", None)
        await process.wait()
    return told


async def _typed(editor: _Editor, uri: str, text: str, kind: str, rounds: int) -> list[float]:
    """Type something in the middle of a text and take it out again, so many times."""
    old, new = _KINDS[kind]
    middle = text.find(old, len(text) // 2)
    before, _, _ = text[: middle if middle >= 0 else text.index(old)].rpartition("\n")
    line = before.count("\n") + 1
    start = text.index(old, len(before)) - len(before) - 1
    seconds = []
    for _ in range(rounds):
        for typed, there in ((new, old), (old, new)):
            rows = there.count("\n")
            end = len(there.rpartition("\n")[2]) + (0 if rows else start)
            place = {
                "start": {"line": line, "character": start},
                "end": {"line": line + rows, "character": end},
            }
            seconds.append(await editor.change(uri, place, typed))
            # Whoever types takes a breath, in which what comes after the first findings is done.
            await asyncio.sleep(0.2)
    return seconds
