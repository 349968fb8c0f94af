"""The gate: the only writer of graph data. Orders changes; parses, stages and judges none itself.

What a change does is found out in a fork (`trial`); here it is allowed or refused, set in order
with the others, appended to the log, and told to the index (docs/design/0003).
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakValueDictionary

from competency_graph import access
from competency_graph.errors import (
    InvalidChange,
    PreconditionFailed,
    StaleHead,
    Unavailable,
    WouldRemove,
)
from competency_graph.log import Draft, Log
from competency_graph.model import (
    SEVERITIES,
    Difference,
    Identity,
    Operation,
    Severity,
    finding_json,
    joined,
    pack_operations,
    removals_json,
    split,
    without_places,
)
from competency_graph.vocab import is_common

_TRIES: Final = 4
_REMEMBERED: Final = 1_000
_WAITING: Final = 48  # of one graph; fewer than there are threads, so that others find one

Row = Mapping[str, Any]


class Answered(Protocol):
    """A whole answer of a trial."""

    revision: int

    def read(self) -> bytes:
        """Return its bytes."""


class Conversation(Protocol):
    """A fork of the index at the head, with which one change is tried out."""

    def ask(self, name: str, parameters: Mapping[str, Any], body: bytes = b"") -> Answered:
        """Ask one of the answers of `trial`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What judging a change found: new, fixed by it, and standing before and after."""

    new: Sequence[Row] = ()
    fixed: Sequence[Row] = ()
    standing: Sequence[Row] = ()

    def refuses(self, threshold: Severity) -> bool:
        """Say whether a new finding is as severe as the threshold, or more."""
        worst = SEVERITIES.index(threshold)
        return any(SEVERITIES.index(row["severity"]) <= worst for row in self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a change: recorded under ``revision``, or, tried only, what it would do."""

    revision: int
    recorded: bool
    difference: Difference
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks the gate for.

    ``based_on`` is the revision at which the client saw the graphs that it changes; a change to
    them since is refused. ``severity`` is the least severe finding that refuses, ``from_files`` the
    graphs whose names come out of a file, besides those that an operation leaves to its content.
    With ``only_adds`` it is refused, before it is judged, where it would remove something; without
    ``validate``, which a maintainer may ask for, it is not judged at all.
    """

    operations: Sequence[Operation]
    message: str
    dry_run: bool = False
    based_on: int | None = None
    severity: Severity = "violation"
    from_files: frozenset[str] = frozenset()
    only_adds: bool = False
    validate: bool = True

    def named_by_files(self, graphs: frozenset[str]) -> frozenset[str]:
        """Return which of the changed graphs have their names from a file."""
        named = {one.graph for one in self.operations}
        open_ = any(one.graph is None and one.kind in ("add", "replace") for one in self.operations)
        return self.from_files | (graphs - named if open_ else frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One change as a fork told it, at a revision.

    ``depends`` are the graphs that decide whether it is valid, none for all.
    """

    difference: Difference
    findings: Findings
    revision: int
    depends: frozenset[str] | None


class _Between(NamedTuple):
    """What a change that is recorded changed, and what it depended on; see :class:`_Tried`."""

    graphs: frozenset[str]
    depends: frozenset[str] | None


class _Turn:
    """A lock that is forgotten when nobody holds it or waits for it; not everybody may wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._places = BoundedSemaphore(_WAITING)

    def __enter__(self) -> None:
        if not self._places.acquire(blocking=False):
            raise Unavailable("Too many changes of this graph wait. Try again in a moment.")
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        self._places.release()


class Gate:
    """Appends changes in order. May be asked by several threads.

    Args:
        log: the log, opened for writing.
        begin: gives a fork of the index that stands at the head of the log.
        tell: tells the index of a change in the log, its number and, where at hand, its removed
            and added lines; says whether it is served then.
        now: the clock.
        base: the base of our IRIs.
        validate: whether changes are judged (setting ``VALIDATION``).
    """

    def __init__(
        self,
        log: Log,
        *,
        begin: Callable[[], AbstractContextManager[Conversation]],
        tell: Callable[[int, tuple[bytes, bytes] | None], bool],
        now: Callable[[], datetime],
        base: str,
        validate: bool = True,
    ) -> None:
        self._log = log
        self._begin = begin
        self._tell = tell
        self._now = now
        self._base = base
        self._validate = validate
        self._order = Lock()
        self._making = Lock()
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()
        # What recent changes touched and depended on; others' changes are not in it.
        self._recent: OrderedDict[int, _Between] = OrderedDict()

    def change(self, wish: Wish, who: Identity) -> Outcome:
        """Try a change out and, unless it is a dry run, record it.

        Raises:
            Forbidden: the difference touches what ``who`` may not change.
            InvalidChange: it brings a new finding as severe as ``wish.severity``; has the outcome.
            PreconditionFailed: a graph that it changes was changed after ``wish.based_on``.
            StaleHead: others changed what it depends on, again and again.
            Unavailable: it is recorded, and the index did not take it in time.
            WouldRemove: it removes something, and ``wish.only_adds``.
            CompetencyGraphError: the operations cannot be read or done, or a limit was reached.
        """
        # Before any work is done for them; what may be changed is decided on the difference.
        access.require(who, "editor", "Changing anything")
        near = frozenset(one.graph for one in wish.operations if one.graph is not None)
        for _ in range(_TRIES):
            with self._queue(near):
                tried = self._try(wish, who)
                outcome = self._settle(wish, who, tried)
            if outcome is not None:
                return outcome
            # Whoever lost once waits for those who change the same things, and then is the next;
            # what another process appended the index may not have seen yet.
            near = tried.depends or near
            self._tell(self._log.head(), None)
        raise StaleHead(expected=tried.revision, actual=self._log.head())

    def _settle(self, wish: Wish, who: Identity, tried: _Tried) -> Outcome | None:
        """Refuse or record what was tried; nothing where it must be tried anew."""
        difference, findings, number = tried.difference, tried.findings, None
        if wish.based_on is not None:
            self._require_unchanged(difference, wish.based_on)
        if not wish.dry_run:
            if findings.refuses(wish.severity):
                raise InvalidChange(told_findings(findings), revision=tried.revision)
            if difference.added or difference.removed:
                number = self._append(wish, who, tried)
                if number is None:
                    return None
        return Outcome(
            revision=number or tried.revision,
            recorded=number is not None,
            difference=difference,
            findings=findings,
        )

    @contextmanager
    def _queue(self, graphs: Iterable[str]) -> Iterator[None]:
        """Let those who change the same graphs follow one another; others do not wait."""
        with ExitStack() as held:
            for name in sorted(graphs):
                with self._making:
                    turn = self._turns.setdefault(name, _Turn())
                held.enter_context(turn)
            yield

    def _try(self, wish: Wish, who: Identity) -> _Tried:
        """Stage, authorise and judge in one fork."""
        judge = self._validate and wish.validate
        if not wish.validate:
            access.require(who, "maintainer", "Recording a change that is not judged")
        told, contents = pack_operations(wish.operations)
        parameters = {"operations": told, "judge": judge}
        with self._begin() as fork:
            staged = fork.ask("stage", parameters, contents)
            head, difference = _read_staged(staged.read())
            from_files = wish.named_by_files(difference.graphs)
            access.authorise(who, difference, base=self._base, from_files=from_files)
            if wish.only_adds and difference.removed:
                raise WouldRemove(removals_json(difference.removed), revision=staged.revision)
            findings = Findings()
            if judge and (difference.added or difference.removed):
                standing = [dict(one.finding) for one in self._log.standing(head["judged"])]
                # As the body, since a head is small and they may be many.
                judged = fork.ask("judge", {}, json.dumps(standing, ensure_ascii=False).encode())
                findings = Findings(**json.loads(judged.read()))
        reads = difference.graphs_read
        depends = None if reads is None else reads | difference.graphs | frozenset(head["data"])
        return _Tried(
            difference=difference,
            findings=findings,
            revision=staged.revision,
            depends=depends,
        )

    def _require_unchanged(self, difference: Difference, revision: int) -> None:
        for graph in difference.graphs:
            later = next(iter(self._log.history(graph, after=revision, limit=1)), None)
            if later is not None:
                raise PreconditionFailed(
                    f"The graph was changed by {later.author} in change {later.number}, after you "
                    "read it. Read it again and redo your change.",
                    graph=graph,
                    revision=later.number,
                )

    def _append(self, wish: Wish, who: Identity, tried: _Tried) -> int | None:
        """Record a change and have it served, or return nothing where it must be tried anew."""
        difference = tried.difference
        with self._order:
            head = self._log.head()
            if any(self._conflicts(n, tried) for n in range(tried.revision + 1, head + 1)):
                return None
            added = _renumbered(difference.added, tried.revision + 1, head + 1)
            draft = Draft(
                author=who.name,
                time=self._now(),
                message=wish.message,
                added=added,
                removed=difference.removed,
                touched=difference.touched,
                findings_added=[without_places(row) for row in tried.findings.new],
                findings_removed=tried.findings.fixed,
            )
            try:
                number = self._log.append(draft, expected_head=head)
            except StaleHead:
                return None
            # Not the change itself: a large one would be held in memory for a thousand more.
            self._recent[number] = _Between(difference.graphs, tried.depends)
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
            if not self._tell(number, (joined(difference.removed), joined(added))):
                said = (
                    f"It is recorded as change {number}, and will be served. Do not send it again."
                )
                raise Unavailable(said, revision=number)
        return number

    def _conflicts(self, number: int, tried: _Tried) -> bool:
        """Say whether a change that came between could make this one invalid, or be made so by it.

        That is where both were judged with a graph that they share: each may have added to what a
        rule reads from there. Vocabulary, shapes and exemptions are shared by all, and count only
        where one of them changed it.
        """
        between = self._recent.get(number)
        if between is None or between.depends is None or tried.depends is None:
            return True
        changed = between.graphs | tried.difference.graphs
        shared = between.depends & tried.depends
        return any(name in changed or not is_common(name) for name in shared)


def told_findings(findings: Findings) -> dict[str, Any]:
    """Return findings as INTERFACES has them: new and fixed ones whole, standing ones counted."""
    return {
        "new": [finding_json(row) for row in findings.new],
        "fixed": [finding_json(row) for row in findings.fixed],
        "standing": len(findings.standing),
    }


def _read_staged(content: bytes) -> tuple[dict[str, Any], Difference]:
    line, _, lines = content.partition(b"\n")
    head = json.loads(line)
    read = head["read"]
    return head, Difference(
        removed=tuple(split(lines[: head["removed"]])),
        added=tuple(split(lines[head["removed"] :])),
        touched=frozenset((graph, subject) for graph, subject in head["touched"]),
        graphs_read=None if read is None else frozenset(read),
    )


def _renumbered(lines: Sequence[bytes], staged: int, number: int) -> Sequence[bytes]:
    """Return lines with the blank nodes that a change minted named after its real number."""
    if staged == number:
        return lines
    minted = re.compile(rb"^((?:\S+ <[^>]*> )?)_:c%dx(?=\d+ )" % staged)
    real = rb"\g<1>_:c%dx" % number
    renamed = lines
    # A line has one as its subject, as its value, or as both.
    for _ in range(2):
        renamed = [minted.sub(real, line) for line in renamed]
    return sorted(renamed)
