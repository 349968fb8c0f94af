"""What goes into the log and what comes out, as frozen values. Stores nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from competency_graph.log.blocks import Line
from competency_graph.model import Extent, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change to be appended: exactly the difference it makes, and what is said about it.

    ``added`` and ``removed`` are N-Quads lines in the order of their bytes, each once; what was
    there before is not added, what was not there is not removed. ``touched`` names
    (graph, subject): IRIs as they are, blank nodes as ``_:label``, an empty string for the default
    graph, None for more subjects than are worth naming. Findings are rows that JSON can
    hold. ``time`` is aware.
    """

    author: str
    time: datetime
    message: str
    added: Iterable[Line] = ()
    removed: Iterable[Line] = ()
    touched: Iterable[tuple[str, str | None]] = ()
    findings_added: Sequence[Mapping[str, object]] = ()
    findings_removed: Sequence[Mapping[str, object]] = ()
    normal_form: int = 1

    def __post_init__(self) -> None:
        if self.time.utcoffset() is None:
            raise ValueError("the time of a change needs a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the log says about a change it holds; ``added`` to ``findings_removed`` are counts.

    ``digest`` is hexadecimal and covers this change and, through the chain, all before it.
    ``redacted`` says what it was emptied of, if anything; its counts stay as they were.
    """

    number: int
    author: str
    time: datetime
    message: str
    digest: str
    added: int
    removed: int
    findings_added: int
    findings_removed: int
    normal_form: int
    redacted: Extent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A finding that stands at the head, as it was recorded, and the change that brought it."""

    number: int
    finding: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first thing that is not as recorded, and the change that it is of.

    ``change``: what the change holds or says of itself, or what it does to the graph: a line
    removed that was not there, or added that was. ``snapshot``: the snapshot taken at it.
    ``standing``: a finding that it brought does not stand as the log has it.
    """

    number: int
    what: Literal["change", "snapshot", "standing"]

    def __str__(self) -> str:
        said = {
            "change": "does not hold what was recorded",
            "snapshot": "has a snapshot that is not the graph as it was then",
            "standing": "brought findings that are not kept as it had them",
        }
        return f"Change {self.number} {said[self.what]}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What the log holds about a token; ``graphs`` are IRIs, none for every framework's.

    ``digest`` is that of its secret, which nobody keeps.
    """

    number: int
    name: str
    digest: bytes = field(repr=False)
    role: Role
    graphs: frozenset[str]
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    revoked: datetime | None


Outcome = Literal["unknown", "expired", "revoked", "forbidden"]
FORBIDDEN: Final[Outcome] = "forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A refused attempt: what was tried (never the secret), with which token, from where.

    ``token`` is the number of the token where one was recognised.
    """

    time: datetime
    what: str
    token: int | None
    address: str
    outcome: Outcome
