"""The processes in which a workspace is held and judged while its documents are being written.

One process, the *leader*, holds the state and has one thread. What is to be taken over is read and
judged in a fork of it; where that succeeds, the fork leads from then on, and the one before ends.
A fork that hits a limit, or that a later text overtakes, is ended, and the state is as it was.
Leaders are sealed: they hold what strangers may have written. The first is a fork of the *desk*,
which holds only what ships; it makes another when one is lost, or has undone so much that its store
has grown slow, and who speaks to it sends all documents again.
"""

import ctypes
import gc
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Literal, NoReturn

from competency_graph import graphs, rdf
from competency_graph.documents import Document
from competency_graph.errors import CompetencyGraphError
from competency_graph.index.fork import (
    LIMIT_OF_SIGNAL,
    leave_no_core,
    limit_memory,
    limit_time,
    seal,
)
from competency_graph.workspace import looking_up, telling
from competency_graph.workspace.held import Held
from competency_graph.workspace.lines import Lines, send
from competency_graph.workspace.shipped import rules, shipped

_LEFT, _OLD = 3, 4
_AT_A_TIME: Final = 20
_MOST_UNDONE: Final = 1_000
_MOST_LOST: Final = 3
_PR_SET_CHILD_SUBREAPER: Final = 36
_SENTENCES: Final = {
    "time": "This took longer to judge than the setting VALIDATION_TIMEOUT allows.",
    "memory": "This needed more memory to judge than the setting QUERY_MEMORY allows.",
    "nesting": "Brackets stand inside brackets too deeply to be read.",
}
_FAILED: Final = "This was not judged: something went wrong here. Report it, with what you typed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one text may take: seconds, and bytes beyond what the state takes."""

    seconds: float
    memory: int


def run(descriptor: int, limits: Limits) -> None:
    """Hold and judge what comes in at a descriptor, and tell there what is found, until it ends.

    Messages that come in, each with ``do``:

    - ``hold``: ``name``, ``syntax``, ``text``, ``stamp`` (any number), ``shown`` (somebody looks at
      it), ``apart`` (it is judged with the others, and they without it), ``more`` (another comes at
      once, which it may refer to);
    - ``drop``: ``name``;
    - ``about``: ``id``, ``iri``, ``languages``; ``choices``: ``id``, and what
      :func:`looking_up.choices` takes; ``form``: ``id``, ``name``, ``text``.

    Messages that go out, each with ``told``: ``begun`` (nothing is held: send all), ``findings``
    (``name``, ``stamp``, ``rows``, and whether they are ``whole``: with repairs), ``answer``
    (``id``, and ``answer`` or ``error``).

    Has one thread, forks, and leaves the signals of the terminal to who speaks to it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)
    if sys.platform == "linux":
        # Leaders are forks of forks; whoever is the last, its end is told here.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    leave_no_core()
    clean = Held(shipped(), *rules())
    gc.collect()
    gc.freeze()
    lost = 0
    while lost < _MOST_LOST:
        began = time.monotonic()
        if os.fork() == 0:
            _lead(clean, descriptor, limits)
        while (code := _ended()) == 0:
            pass
        if code == _LEFT:
            return
        lost = 0 if code == _OLD or time.monotonic() - began > 60 else lost + 1


def _ended() -> int:
    """Wait until a process ends; return its exit code, negative where a signal ended it."""
    try:
        return os.waitstatus_to_exitcode(os.wait()[1])
    except ChildProcessError:
        # Only where the last of the leaders is not told of here (not on Linux).
        return _LEFT


def _lead(held: Held, descriptor: int, limits: Limits) -> NoReturn:
    code = 1
    try:
        seal()
        send(descriptor, {"told": "begun"})
        _Leader(held, Lines(descriptor), limits).lead()
        code = _LEFT
    except _Old:
        code = _OLD
    except ConnectionError:
        code = _LEFT
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


class _Old(Exception):
    """So much was undone in a store that it has grown slow."""


@dataclass(kw_only=True)
class _Job:
    """A fork at work: what it tells, and where it waits to be told to lead.

    One ``takes`` documents over, one ``tells`` of them, one ``forms`` a text; ``messages`` has by
    names of documents what it was asked.
    """

    does: Literal["takes", "tells", "forms"]
    process: int
    said: Lines
    go: int
    messages: dict[str, dict[str, Any]]
    ready: bool = False

    @property
    def ends(self) -> tuple[int, int]:
        """The descriptors by which it is known here."""
        return self.said.descriptor, self.go


class _Leader:
    """The process that holds the state, and hands it on."""

    def __init__(self, held: Held, heard: Lines, limits: Limits) -> None:
        self._held = held
        self._heard = heard
        self._limits = limits
        self._jobs: list[_Job] = []
        # What is to be taken over: texts by name. What is owed: names of which findings are.
        self._waiting: dict[str, dict[str, Any]] = {}
        self._owed: set[str] = set()
        self._more = False

    def lead(self) -> None:
        """Go on until nobody speaks any more; may go on in another process than it began in."""
        while not self._heard.ended:
            while self._is_to_take():
                # It returns in the fork as well, once that leads.
                self._begin()
            if self._owed and not self._waiting and not self._jobs and not self._more:
                owed: dict[str, dict[str, Any]] = {name: {} for name in self._owed}
                self._fork(self._tell_whole, does="tells", messages=owed)
            ready = select.select([self._heard, *(job.said for job in self._jobs)], [], [])[0]
            for job in [job for job in self._jobs if job.said in ready]:
                self._hear(job)
            if self._heard in ready:
                for message in self._heard.receive():
                    self._do(message)
            self._hand_on()
        for job in self._jobs:
            os.kill(job.process, signal.SIGKILL)

    def _is_to_take(self) -> bool:
        return (
            bool(self._waiting)
            and not self._more
            and not any(job.does == "takes" for job in self._jobs)
        )

    def _do(self, message: dict[str, Any]) -> None:
        match message["do"]:
            case "hold" | "drop":
                self._overtake(message["name"])
                self._waiting[message["name"]] = message
                self._more = message.get("more", False)
            case "form":
                asked = {message["name"]: message}
                self._fork(lambda: self._form(message), does="forms", messages=asked)
            case "about":
                self._answer(message, looking_up.about, "iri", "languages")
            case "choices":
                names = ("typed", "position", "predicate", "languages", "space", "most")
                self._answer(message, looking_up.choices, *names)

    def _answer(self, message: dict[str, Any], look: Callable[..., Any], *names: str) -> None:
        answer = look(self._held, **{name: message[name] for name in names})
        send(self._heard.descriptor, {"told": "answer", "id": message["id"], "answer": answer})

    def _overtake(self, name: str) -> None:
        """End the forks that work on an earlier text of a document, or tell of what was."""
        for job in list(self._jobs):
            earlier = job.does == "takes" and name in job.messages and not job.ready
            if earlier or job.does == "tells":
                os.kill(job.process, signal.SIGKILL)
                self._over(job)
            if earlier:
                self._waiting = job.messages | self._waiting

    def _begin(self) -> None:
        """Begin to take over what waits: first the documents that nobody looks at, a few at once.

        What is shown is told of once all that it may refer to is there.
        """
        names = list(self._waiting)
        unseen = [n for n in names if not self._waiting[n].get("shown")][:_AT_A_TIME]
        together = [n for n in names if not self._waiting[n].get("apart")]
        some = unseen or together or names[:1]
        batch = {name: self._waiting.pop(name) for name in some}
        apart = any(message.get("apart") for message in batch.values())
        tell = apart or all(message.get("apart") for message in self._waiting.values())
        work = partial(self._take, batch, tell=tell, apart=apart)
        self._fork(work, does="takes", messages=batch)

    def _fork(self, work: Callable[[], bool], **known: Any) -> None:
        """Let a fork work, and know of it; it goes on here as well where its work says so."""
        receiving, sending = os.pipe()
        waiting, going = os.pipe()
        process = os.fork()
        if process:
            os.close(sending)
            os.close(waiting)
            self._jobs.append(_Job(process=process, said=Lines(receiving), go=going, **known))
            return
        leads, code = False, 1
        try:
            for descriptor in (receiving, going, *(d for job in self._jobs for d in job.ends)):
                os.close(descriptor)
            self._jobs = []
            self._out, self._go = sending, Lines(waiting)
            limit_time(self._limits.seconds)
            limit_memory(self._limits.memory)
            leads = work()
            code = 0
        except MemoryError:
            os.abort()
        except BrokenPipeError:
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            if not leads:
                os._exit(code)

    def _take(self, batch: dict[str, dict[str, Any]], *, tell: bool, apart: bool) -> bool:
        """Take over documents and tell what is found; wait to lead, unless they are held apart."""
        held, names = self._held, self._owed | set(batch)
        for name, message in batch.items():
            if message["do"] == "drop":
                held.drop(name)
            else:
                self._one(name, message)
        if tell:
            things = held.judge()
            if not apart:
                names |= {n for n, kept in held.documents.items() if kept.subjects & things}
            # Whoever types is told first, and of others and of repairs once this leads.
            self._tell([name for name in batch if batch[name].get("shown")], whole=False)
        if apart:
            self._tell(list(batch), whole=True)
            return False
        self._owed = names
        send(self._out, {"ready": True})
        return self._leads()

    def _one(self, name: str, message: dict[str, Any]) -> None:
        syntax = next(s for s in rdf.SYNTAXES if s.name == message["syntax"])
        content = message["text"].encode("utf-8", "replace")
        document = Document(name=name, content=content, syntax=syntax)
        kept = self._held.keep(document, stamp=message["stamp"])
        statements, kept.faults = telling.read(document, label=kept.label)
        if not kept.faults:
            self._held.take(kept, statements)

    def _tell(self, names: Sequence[str], *, whole: bool) -> None:
        known = [name for name in names if name in self._held.documents]
        for name, findings in telling.told(self._held, known, whole=whole).items():
            told = {"told": "findings", "name": name, "whole": whole}
            told["stamp"] = self._held.documents[name].stamp
            send(self._out, {**told, "rows": [asdict(finding) for finding in findings]})

    def _tell_whole(self) -> bool:
        self._tell(sorted(self._owed), whole=True)
        return False

    def _leads(self) -> bool:
        """Wait for the word of the leader; say whether it came."""
        # What stays is not looked at again for circles: that would copy all pages of each fork.
        gc.collect()
        gc.freeze()
        limit_time(0)
        limit_memory(None)
        while not self._go.ended:
            for word in self._go.receive():
                self._waiting, self._more = word["waiting"], word["more"]
                self._heard = Lines(self._heard.descriptor, word["rest"].encode())
                os.close(self._go.descriptor)
                os.close(self._out)
                return True
        return False

    def _form(self, message: dict[str, Any]) -> bool:
        """Tell a text in the one form of the house."""
        told: dict[str, Any] = {"told": "answer", "id": message["id"]}
        content = message["text"].encode("utf-8", "replace")
        try:
            told["answer"] = graphs.canonical_turtle(content, name=message["name"]).decode()
            line = graphs.first_comment(message["text"])
            if line is not None:
                told["error"] = (
                    f"Line {line} has a comment, which the canonical form cannot hold. "
                    "Make it a note (skos:editorialNote)."
                )
        except CompetencyGraphError as error:
            told["error"] = error.detail
        send(self._out, told)
        return False

    def _hear(self, job: _Job) -> None:
        """Pass on what a fork tells; where it ended at a limit, say so."""
        for message in job.said.receive():
            if "ready" in message:
                job.ready = True
            else:
                send(self._heard.descriptor, message)
        if not job.said.ended:
            return
        sentence = self._over(job)
        if job.does == "tells":
            self._owed -= set(job.messages)
        if sentence is None:
            return
        for name, message in job.messages.items():
            if job.does == "forms":
                told = {"told": "answer", "id": message["id"], "error": sentence}
            else:
                kept = self._held.documents.get(name)
                stamp = message.get("stamp", kept and kept.stamp)
                finding = asdict(telling.of_text(name, sentence))
                told = {"told": "findings", "name": name, "stamp": stamp, "rows": [finding]}
            send(self._heard.descriptor, {**told, "whole": True})

    def _over(self, job: _Job) -> str | None:
        """Let go of a fork that ended; return what to say of that, unless it was at its end."""
        self._jobs.remove(job)
        for descriptor in job.ends:
            os.close(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(job.process, 0)[1])
        if code == 0:
            return None
        return _SENTENCES.get(LIMIT_OF_SIGNAL.get(-code, ""), _FAILED)

    def _hand_on(self) -> None:
        """Let a fork lead that is ready to, once no other works for this process."""
        if self._held.undone > _MOST_UNDONE and not self._jobs:
            raise _Old
        if len(self._jobs) == 1 and self._jobs[0].ready:
            word = {
                "waiting": self._waiting,
                "more": self._more,
                "rest": self._heard.rest.decode(),
            }
            send(self._jobs[0].go, word)
            os._exit(0)
