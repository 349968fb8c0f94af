"""The gate: the only writer of graph data. Orders changes; parses, stages and judges none itself.

What a change does is found out in a fork (`trial`); here it is allowed or refused, set in order
with the others, appended to the log, and told to the index (docs/design/0003).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import BoundedSemaphore, Lock, RLock
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

from competency_graph import access
from competency_graph.errors import (
    InvalidChange,
    PreconditionFailed,
    Redacted,
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

_TRIES: Final = 4
# Of nodes to judge: from so many on a change does not have others wait for it while it is judged,
# and tells how far it is.
_WIDE: Final = 2_000
_STEP: Final = 0.5  # seconds
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

    ``judged`` are the nodes that were judged, ``whole`` the graphs that were; ``labels`` is what
    the blank nodes that it makes are called.
    """

    difference: Difference
    revision: int
    judged: Sequence[str]
    whole: Sequence[str]
    labels: str
    findings: Findings = field(default_factory=Findings)


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
        self._order = RLock()
        self._making = Lock()
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

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
        if not wish.validate:
            access.require(who, "maintainer", "Recording a change that is not judged")
        graphs = {one.graph for one in wish.operations if one.graph is not None}
        for _ in range(_TRIES):
            with self._queue(graphs) as turn, self._begin() as fork:
                outcome = self._change(fork, wish, who, turn)
            if outcome is not None:
                return outcome
            # What another process appended the index may not have seen yet.
            self._tell(self._log.head(), None)
        head = self._log.head()
        raise StaleHead(expected=head, actual=head)

    def _queue(self, graphs: Iterable[str]) -> ExitStack:
        """Let those who change the same graphs follow one another; others do not wait."""
        with ExitStack() as held:
            for name in sorted(graphs):
                with self._making:
                    turn = self._turns.setdefault(name, _Turn())
                held.enter_context(turn)
            return held.pop_all()

    def _change(
        self, fork: Conversation, wish: Wish, who: Identity, turn: ExitStack
    ) -> Outcome | None:
        """Try a change out in a fork, and refuse or record it; nothing where it must be anew."""
        tried = self._stage(fork, wish, who)
        if len(tried.judged) > _WIDE:
            turn.close()
        if wish.based_on is not None:
            self._require_unchanged(tried.difference, wish.based_on)
        tried = self._judge(fork, wish, tried)
        with ExitStack() as order:
            for number in range(2 * _TRIES):
                if not wish.dry_run and tried.findings.refuses(wish.severity):
                    raise InvalidChange(told_findings(tried.findings), revision=tried.revision)
                changes = tried.difference.added or tried.difference.removed
                if wish.dry_run or not changes:
                    return _outcome(tried, recorded=False)
                with self._order:
                    if self._log.head() == tried.revision:
                        return self._append(wish, who, tried)
                    if number == _TRIES:
                        # Overtaken again and again: nobody appends before this one any more.
                        order.enter_context(self._order)
                followed = self._follow(fork, wish, who, tried)
                if followed is None:
                    return None
                tried = self._judge(fork, wish, followed)
        return None

    def _stage(self, fork: Conversation, wish: Wish, who: Identity) -> _Tried:
        told, contents = pack_operations(wish.operations)
        parameters = {"operations": told, "judge": self._validate and wish.validate}
        staged = fork.ask("stage", parameters, contents)
        return self._staged(wish, who, staged.read(), staged.revision, None)

    def _staged(
        self, wish: Wish, who: Identity, told: bytes, revision: int, before: _Tried | None
    ) -> _Tried:
        """Return what a fork told of what it staged on a revision, once that is authorised."""
        head, difference = _read_staged(told)
        if before is not None and head["same"]:
            difference = before.difference
        else:
            from_files = wish.named_by_files(difference.graphs)
            access.authorise(who, difference, base=self._base, from_files=from_files)
            if wish.only_adds and difference.removed:
                raise WouldRemove(removals_json(difference.removed), revision=revision)
        return _Tried(
            difference=difference,
            revision=revision,
            judged=head["judged"],
            whole=head["whole"],
            labels=head["labels"],
        )

    def _judge(self, fork: Conversation, wish: Wish, tried: _Tried) -> _Tried:
        changes = tried.difference.added or tried.difference.removed
        if not (self._validate and wish.validate and changes):
            return tried
        every = len(tried.judged)
        left = every if every > _WIDE else 0
        while left:
            asked = {"seconds": _STEP, "done": (every - left) / every}
            left = json.loads(fork.ask("judge", asked).read())["left"]
        found = self._log.standing(tried.whole, nodes=tried.judged)
        # As the body, since a head is small and they may be many.
        rows = json.dumps([dict(one.finding) for one in found], ensure_ascii=False).encode()
        judged = fork.ask("judge", {}, rows)
        return replace(tried, findings=Findings(**json.loads(judged.read())))

    def _follow(
        self, fork: Conversation, wish: Wish, who: Identity, tried: _Tried
    ) -> _Tried | None:
        """Have a fork take in what was recorded since; nothing where it cannot."""
        sizes, texts = [], []
        for number in range(tried.revision + 1, self._log.head() + 1):
            try:
                added, removed = map(joined, self._log.read(number))
            except Redacted:
                return None
            sizes.append((len(removed), len(added)))
            texts += [removed, added]
        answer = fork.ask("follow", {"changes": sizes}, b"".join(texts))
        told = answer.read()
        again = json.loads(told.partition(b"\n")[0]).get("again")
        return None if again else self._staged(wish, who, told, answer.revision, tried)

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

    def _append(self, wish: Wish, who: Identity, tried: _Tried) -> Outcome | None:
        """Record a change and have it served, or return nothing where it must be tried anew."""
        if wish.based_on is not None:
            self._require_unchanged(tried.difference, wish.based_on)
        difference, head = tried.difference, tried.revision
        renamed = _Renaming(tried.labels, f"c{head + 1}x")
        added = renamed.lines(difference.added)
        draft = Draft(
            author=who.name,
            time=self._now(),
            message=wish.message,
            added=added,
            removed=difference.removed,
            touched={(graph, renamed.label(thing)) for graph, thing in difference.touched},
            findings_added=[renamed.row(without_places(row)) for row in tried.findings.new],
            findings_removed=tried.findings.fixed,
        )
        try:
            number = self._log.append(draft, expected_head=head)
        except StaleHead:
            return None
        if not self._tell(number, (joined(difference.removed), joined(added))):
            said = f"It is recorded as change {number}, and will be served. Do not send it again."
            raise Unavailable(said, revision=number)
        return _outcome(replace(tried, revision=number), recorded=True)


def _outcome(tried: _Tried, *, recorded: bool) -> Outcome:
    return Outcome(
        revision=tried.revision,
        recorded=recorded,
        difference=tried.difference,
        findings=tried.findings,
    )


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
    return head, Difference(
        removed=tuple(split(lines[: head["removed"]])),
        added=tuple(split(lines[head["removed"] :])),
        touched=frozenset((graph, subject) for graph, subject in head["touched"]),
        graphs_read=frozenset(),
    )


class _Renaming:
    """The blank nodes that a change minted, named after its real number."""

    def __init__(self, labels: str, real: str) -> None:
        self._needless = labels == real
        self._minted = re.compile(rb"^((?:\S+ <[^>]*> )?)_:%s(?=\d+ )" % labels.encode())
        self._named = re.compile(rf"^_:{labels}(?=\d+$)")
        self._real = f"_:{real}"

    def lines(self, lines: Sequence[bytes]) -> Sequence[bytes]:
        """Return lines of N-Quads, sorted."""
        if self._needless:
            return lines
        renamed, real = lines, rb"\g<1>" + self._real.encode()
        # A line has one as its subject, as its value, or as both.
        for _ in range(2):
            renamed = [self._minted.sub(real, line) for line in renamed]
        return sorted(renamed)

    def label(self, node: str) -> str:
        """Return what a blank node is called, or anything else as it is."""
        return node if self._needless else self._named.sub(self._real, node)

    def row(self, row: Row) -> Row:
        """Return a finding."""
        return {n: self.label(v) if isinstance(v, str) else v for n, v in row.items()}
