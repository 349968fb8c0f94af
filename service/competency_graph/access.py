"""Who asks, and what they may do: tokens recognised, changes allowed by graph. Stores nothing."""

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from math import ceil
from types import MappingProxyType
from typing import Final

from competency_graph.errors import (
    BadRequest,
    Forbidden,
    TooManyRequests,
    Unauthorised,
    UnusableDatabase,
)
from competency_graph.log import Attempt, Log, Outcome, Token
from competency_graph.log.tokens import MOST_FAILURES, WINDOW
from competency_graph.model import ROLES, Difference, Identity, Role, client_of
from competency_graph.vocab import BASE, CG, DCTERMS, GRAPH, ONTOLOGY, SHAPES

RANDOM_BYTES: Final = 32

# The number finds the row, so that the digest is compared in constant time and never searched for.
_SECRET: Final = re.compile(r"cg_([0-9]{1,9})_([0-9a-f]{64})")
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`\x7f]+")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESERVED: Final = {
    "ontology": "the ontology",
    "term-mappings": "the mappings of the ontology",
    "exemptions": "the exemptions",
}
_SHAPES: Final = "shapes-"
_OWN: Final = tuple(f"<{iri}".encode() for iri in (CG, SHAPES, ONTOLOGY))
_JUDGED_BY: Final = f"<{DCTERMS}conformsTo>".encode()
_NO_TITLES: Final[Mapping[str, str]] = MappingProxyType({})
_MOST_NAMED: Final = 20


def create_token(
    log: Log,
    *,
    name: str,
    role: Role,
    graphs: Iterable[str] = (),
    expires: datetime | None,
    now: datetime,
    random: bytes,
    base: str,
) -> tuple[str, Token]:
    """Record a token and return its secret, which is nowhere afterwards, and what is recorded.

    Args:
        log: where it is kept.
        name: who it is for, shown as the author of their changes.
        role: what it may do.
        graphs: IRIs of the graphs it is for; none for every framework's, or, for a maintainer and
            an admin, for all.
        expires: from when it counts no more, None for never.
        now: the time.
        random: ``RANDOM_BYTES`` from the operating system's source.
        base: the base of our IRIs.

    Raises:
        BadRequest: the name is empty or not one line, the time is past, or the role cannot be for
            these graphs.
    """
    wanted = frozenset(graphs)
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise BadRequest("Name whom the token is for, on one line of at most 200 characters.")
    if expires is not None and expires <= now:
        raise BadRequest("The token would have expired already. Give a later time (--expires).")
    if wanted and role in ("reader", "admin"):
        raise BadRequest(
            "A reader reads every graph. Leave out --graph."
            if role == "reader"
            # It could make itself a token without that bound.
            else "An admin's token cannot be for some graphs only. Leave out --graph, or give "
            "--role maintainer."
        )
    for graph in sorted(wanted):
        if not _IRI.fullmatch(graph):
            raise BadRequest(f"“{graph}” is not the name of a graph.")
        if _is_kept(graph, base) and not _may(role, "maintainer"):
            raise BadRequest(
                f"Changing {_called(graph, base, _NO_TITLES)} needs a maintainer. "
                "Give --role maintainer, or another --graph."
            )
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a secret is made of {RANDOM_BYTES} random bytes")
    digest = _digest(random.hex())
    number = log.tokens.create(
        name=name.strip(), digest=digest, role=role, graphs=wanted, created=now, expires=expires
    )
    recorded = log.tokens.find(number)
    assert recorded is not None
    return f"cg_{number}_{random.hex()}", recorded


def graph_named(log: Log, name: str, base: str) -> tuple[str, bool]:
    """Return the IRI that a person means by a graph's name or IRI, and whether it ever held data.

    The name of a graph is what follows ``graph/`` in its IRI.
    """
    # What ships keeps its IRIs where the service has a base of its own.
    meant = [name] if ":" in name else [f"{base}graph/{name}", GRAPH + name]
    known = next((iri for iri in meant if any(log.history(iri, limit=1))), None)
    return known or meant[0], known is not None


def graph_name(graph: str, base: str) -> str:
    """Return the name of a graph of ours, the IRI of another."""
    return _local(graph, base) or graph


def authenticate(
    log: Log, secret: str | None, *, now: datetime, address: str, what: str = "sign in"
) -> Identity:
    """Return who sent a secret; a refusal is recorded, without the secret.

    The log is asked each time, so a token that was revoked is refused at once everywhere.

    Args:
        log: where the tokens are.
        secret: what came as the bearer token, nothing where nothing came.
        now: the time.
        address: where the request came from; a network of IPv6 counts as one.
        what: what was tried, in a few words for whoever reads the attempts.

    Raises:
        Unauthorised: nothing came, or the token is unknown, has expired or was revoked; which of
            these is not told.
        TooManyRequests: too many attempts from this address failed within a minute.
    """
    if not secret:
        raise Unauthorised(
            "This needs a token. Send it in the header “Authorization: Bearer TOKEN”. " + _ask()
        )
    place = _place(address)
    if (until := log.tokens.blocked_until(place, now=now)) is not None:
        raise _too_many((until - now).total_seconds())
    token, outcome = _recognised(log, secret, now)
    if token is not None and outcome is None:
        if token.last_used is None or now - token.last_used >= WINDOW:
            # A full disk, or a long change being written, must not keep anybody from reading.
            with suppress(UnusableDatabase):
                log.tokens.use(token.number, now=now)
        return Identity(
            name=token.name,
            role=token.role,
            graphs=token.graphs,
            token=token.number,
            expires=token.expires,
        )
    assert outcome is not None
    tried = Attempt(
        time=now,
        what=_plain(what.replace(secret, "…")),
        token=None if token is None else token.number,
        address=place,
        outcome=outcome,
    )
    with suppress(UnusableDatabase):
        if not log.tokens.note(tried):
            raise _too_many(WINDOW.total_seconds())
    raise Unauthorised("The token is unknown, has expired or was revoked. " + _ask())


def note_forbidden(log: Log, identity: Identity, *, now: datetime, address: str, what: str) -> None:
    """Record that somebody known tried what they may not; no failure to record it is told."""
    tried = Attempt(
        time=now,
        what=_plain(what),
        token=identity.token,
        address=_place(address),
        outcome="forbidden",
    )
    with suppress(UnusableDatabase):
        log.tokens.note(tried)


def authorise(
    identity: Identity,
    difference: Difference,
    *,
    base: str,
    from_files: Collection[str] = (),
    titles: Mapping[str, str] = _NO_TITLES,
) -> None:
    """Return where somebody may make a change, or only try it out.

    Args:
        identity: who.
        difference: what the change really does.
        base: the base of our IRIs.
        from_files: the graphs whose names come out of a file, instead of from whoever sent it.
        titles: what graphs are called, for the sentence; those without are called by their name.

    Raises:
        Forbidden: the role is too low, or the token is for other graphs; nothing else is told.
    """
    require(identity, "editor", "Changing anything")
    if not _may(identity.role, "maintainer"):
        from_file = difference.graphs.intersection(from_files)
        for found, doing in (
            ([g for g in difference.graphs if _is_kept(g, base)], "Changing {}"),
            (_loosened(difference), "Taking away what {} is judged by (dcterms:conformsTo)"),
            (
                [graph for graph in from_file if graph.startswith((base, BASE))],
                "Importing a file that itself names a graph of this service, {},",
            ),
        ):
            if found:
                named = _several(sorted(found), base, titles)
                facts = _facts(sorted(found), base, titles)
                raise _forbidden(identity, "maintainer", doing.format(named), graphs=facts)
        # Such as that a rule is `sh:deactivated`: read from its own graph alone, shown from any.
        if any(line.startswith(_OWN) for line in (*difference.added, *difference.removed)):
            require(identity, "maintainer", "Saying something of our terms and rules")
    others = sorted(difference.graphs - identity.graphs) if identity.graphs else []
    if others:
        detail = (
            f"Your token is for {_several(sorted(identity.graphs), base, titles)}, and the change "
            f"touches {_several(others, base, titles)}."
        )
        raise Forbidden(
            f"{detail} {_ask(identity.role, _option(others[0], base))}",
            needs=identity.role,
            role=identity.role,
            graphs=_facts(others, base, titles),
        )


def require(identity: Identity, role: Role, doing: str) -> None:
    """Return where somebody has a role, or one above it.

    ``doing`` begins the sentence: “Redacting a change”.

    Raises:
        Forbidden: they have not.
    """
    if not _may(identity.role, role):
        raise _forbidden(identity, role, doing)


def _may(held: Role, needed: Role) -> bool:
    return ROLES.index(held) >= ROLES.index(needed)


def _loosened(difference: Difference) -> list[str]:
    """Return the graphs that lose a profile, with all else they hold or alone.

    One that was deleted whole would otherwise come back with a looser one. To state a profile
    brings more rules, never fewer: that is anybody's who may edit.
    """
    found = set()
    for line in difference.removed:
        subject, predicate, rest = line.split(b" ", 2)
        # What a graph says of itself counts, and nothing else.
        if predicate == _JUDGED_BY and rest.endswith(b" " + subject + b" ."):
            found.add(subject.strip(b"<>").decode())
    return sorted(found)


def _is_kept(graph: str, base: str) -> bool:
    """Say whether only a maintainer may change a graph."""
    # The default graph, where it is one of its own, belongs to no framework.
    return not graph or _reserved(graph, base) is not None


def _reserved(graph: str, base: str) -> str | None:
    """Return what a reserved graph is called, nothing for another."""
    name = _local(graph, base)
    if name is not None and name.startswith(_SHAPES):
        return f"the shapes “{name.removeprefix(_SHAPES)}”"
    return None if name is None else _RESERVED.get(name)


def _local(graph: str, base: str) -> str | None:
    """Return the name of a graph of ours."""
    for start in (f"{base}graph/", GRAPH):
        if graph.startswith(start):
            return graph.removeprefix(start)
    return None


def _called(graph: str, base: str, titles: Mapping[str, str]) -> str:
    """Return what a graph is called inside a sentence."""
    if not graph:
        return "the default graph"
    return _reserved(graph, base) or f"“{_title(graph, base, titles)}”"


def _title(graph: str, base: str, titles: Mapping[str, str]) -> str:
    return titles.get(graph) or graph_name(graph, base)


def _several(graphs: Collection[str], base: str, titles: Mapping[str, str]) -> str:
    named = [_called(graph, base, titles) for graph in list(graphs)[:3]]
    if len(graphs) > 3:
        named.append(f"{len(graphs) - 3} more")
    return " and ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)


def _facts(graphs: Collection[str], base: str, titles: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"id": graph, "label": _title(graph, base, titles)} for graph in list(graphs)[:_MOST_NAMED]
    ]


def _option(graph: str, base: str) -> str:
    """Return the option that makes a token for a graph; what a client sent is no shell text."""
    name = _local(graph, base) or ""
    return f" --graph {name if _PLAIN_NAME.fullmatch(name) else 'NAME'}"


def _forbidden(identity: Identity, needed: Role, doing: str, **facts: object) -> Forbidden:
    return Forbidden(
        f"{doing} needs the role {needed}; your token has the role {identity.role}. {_ask(needed)}",
        needs=needed,
        role=identity.role,
        **facts,
    )


def _ask(role: str = "ROLE", option: str = "") -> str:
    return (
        "Whoever runs this service makes one that may: "
        f"competency-graph token create NAME --role {role}{option}"
    )


def _recognised(log: Log, secret: str, now: datetime) -> tuple[Token | None, Outcome | None]:
    """Return the token that a secret belongs to, and why it does not count, where it does not."""
    match = _SECRET.fullmatch(secret)
    found = log.tokens.find(int(match[1])) if match else None
    # The same work whether the number is known or not.
    same = compare_digest(_digest(match[2] if match else ""), found.digest if found else bytes(32))
    if found is None or not same:
        return None, "unknown"
    if found.revoked is not None:
        return found, "revoked"
    if found.expires is not None and now >= found.expires:
        return found, "expired"
    return found, None


def _digest(secret: str) -> bytes:
    # One round of SHA-256, without salt, is enough: the secret is 256 random bits, so there is
    # nothing to guess that a slow hash would slow down, and no two are the same.
    return sha256(secret.encode()).digest()


def _place(address: str) -> str:
    return client_of(_plain(address)[:64])


def _plain(text: str) -> str:
    """Return text that comes from a client as one short line that any database can hold."""
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def _too_many(seconds: float) -> TooManyRequests:
    wait = min(max(ceil(seconds), 1), ceil(WINDOW.total_seconds()))
    return TooManyRequests(
        f"{MOST_FAILURES} attempts from your address failed within a minute. "
        f"Try again in {wait} s, with a token that counts.",
        retry_after=wait,
        limit="attempts",
    )
