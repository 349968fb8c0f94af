"""What one client may ask for, and how it is told: limits, shares, refusals. Asks no question."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, Response, g

from competency_graph.config import Settings, seconds
from competency_graph.errors import (
    BadRequest,
    LimitReached,
    TooDeep,
    TooManyRequests,
    Unavailable,
)
from competency_graph.index import MINUTE, Board
from competency_graph.model import client_of
from competency_graph.web.exchange import address_of, client, client_address, metrics, settings
from competency_graph.web.metrics import Metrics
from competency_graph.web.writing import asking, bearer


class Told(NamedTuple):
    """A limit as the service tells it; ``value`` is nothing where it is off."""

    name: str
    value: float | None
    unit: str
    sentence: str


def limits_told(limits: Settings) -> list[Told]:
    """Return every limit of a request, for whoever describes the service.

    The names are those of the settings, the units words: ``seconds``, ``bytes``, ``rows``,
    ``queries``, ``queries a minute``, ``times``.
    """
    return [
        Told("QUERY_TIMEOUT", limits.query_timeout, "seconds", "A query runs no longer than this."),
        Told("QUERY_MEMORY", limits.query_memory, "bytes", "A query takes no more memory."),
        Told("QUERY_ROWS", limits.query_rows, "rows", "The answer of a SELECT has no more rows."),
        Told("QUERY_BYTES", limits.query_bytes, "bytes", "An answer is no larger."),
        Told("QUERY_LENGTH", limits.query_length, "bytes", "The text of a query is no longer."),
        Told("MAX_BODY", limits.max_body, "bytes", "The body of a request is no larger."),
        Told("QUEUE", limits.queue, "queries", "As many queries wait until a reader is free."),
        Told(
            "CLIENT_QUERIES",
            limits.client_queries,
            "queries",
            "As many queries and validations of one client run or wait at once.",
        ),
        Told(
            "RATE_LIMIT",
            limits.rate_limit,
            "queries a minute",
            "One client sends no more queries and validations.",
        ),
        Told(
            "KILL_LIMIT",
            limits.kill_limit,
            "queries a minute",
            "A client with as many queries past a limit waits for the next minute.",
        ),
        Told(
            "TOKEN_FACTOR",
            limits.token_factor,
            "times",
            "With a valid token QUERY_TIMEOUT and the limits of one client are as many times that.",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What the client of a request may do; ``None`` for no limit.

    Attributes:
        client: by what it is counted: its address (of IPv6 the /64), or its token.
        seconds: the time of one of its queries, where it does not ask for less.
        requests: its queries and validations in a minute.
        kills: how many of them may run into a limit.
        at_once: how many of them may run or wait at a time.
        known: whether it sent a valid token.
    """

    client: str
    seconds: float
    requests: int | None
    kills: int | None
    at_once: int | None
    known: bool

    def judging(self) -> tuple[float, str]:
        """Return the seconds of one of its validations, and what sets them.

        Own shapes are programs as queries are, and a stranger has no more time for them.
        """
        limits = settings()
        if self.known or limits.validation_timeout <= self.seconds:
            return limits.validation_timeout, "VALIDATION_TIMEOUT"
        return self.seconds, "QUERY_TIMEOUT; with a token VALIDATION_TIMEOUT"

    def time(self, text: str | None) -> float:
        """Return the seconds of a query whose client asks for so much (``timeout=``).

        Raises:
            BadRequest: it is no time, or more than the client may have.
        """
        if text is None:
            return self.seconds
        try:
            asked = seconds(text)
        except ValueError as error:
            raise BadRequest(f"timeout= cannot be “{text}”. Give {error}.") from None
        if asked > self.seconds:
            raise BadRequest(
                f"timeout= is at most {self.seconds:g} s for you (QUERY_TIMEOUT). Ask for less "
                "time, or leave it out for the most.",
                most=self.seconds,
            )
        return asked


def share() -> Share:
    """Return what the client of this request may do; more if it sent a valid token.

    Raises:
        Unauthorised, TooManyRequests: its token does not count.
    """
    held: Share | None = g.get("share")
    if held is None:
        held = g.share = _share()
    return held


def _share() -> Share:
    limits, secret = settings(), bearer()
    name, known = client_of(client_address()), False
    if secret is not None:
        try:
            client().ask_gate({"ask": "who", **asking()})
        except Unavailable:
            # Reading goes on while the gate is being started.
            pass
        else:
            # Its number, which a token has before its secret part.
            name, known = "token " + secret.split("_")[1], True
    return _share_of(limits, name, known=known)


def _share_of(limits: Settings, name: str, *, known: bool) -> Share:
    factor = limits.token_factor if known else 1
    return Share(
        client=name,
        seconds=limits.query_timeout * factor,
        requests=limits.rate_limit and limits.rate_limit * factor,
        kills=limits.kill_limit and limits.kill_limit * factor,
        at_once=limits.client_queries and limits.client_queries * factor,
        known=known,
    )


@contextmanager
def counted() -> Iterator[Share]:
    """Count this request of its client while it runs, and the reader that it ends, if it does.

    Raises:
        TooManyRequests: the client asked for, or ended, as many as it may in a minute, or has as
            many running.
    """
    board, counts, mine = client().board, metrics().counts, share()
    g.asked = _count(board, mine)
    _require_left(mine, g.asked)
    at_once = counts.begin(mine.client)
    try:
        if mine.at_once is not None and at_once > mine.at_once:
            raise TooManyRequests(
                f"{mine.at_once} of your queries run or wait already (CLIENT_QUERIES). "
                "Send this when one of them has ended.",
                retry_after=1,
                limit="at-once",
                value=mine.at_once,
            )
        yield mine
    except (LimitReached, TooDeep) as error:
        if error.ended_reader:
            board.kills.add(mine.client)
        raise
    finally:
        counts.end(mine.client)


def admission(app: Flask) -> Callable[[Mapping[str, Any]], list[tuple[str, str]] | None]:
    """Return what counts a query of somebody without a token that needs no reader.

    It takes the environment of the request (PEP 3333), counts as :func:`counted` does, and returns
    the headers that :func:`tell` adds anew to each answer; nothing where the client may ask no
    more, which the application is then to tell it.
    """
    limits: Settings = app.extensions["settings"]
    board: Board = app.extensions["client"].board
    figures: Metrics = app.extensions["metrics"]

    def admit(environ: Mapping[str, Any]) -> list[tuple[str, str]] | None:
        name = client_of(address_of(environ, limits.trusted_proxies))
        mine = _share_of(limits, name, known=False)
        try:
            asked = _count(board, mine)
            _require_left(mine, asked)
        except TooManyRequests:
            return None
        figures.answered(0.0)
        return _left(mine, asked)

    return admit


def _count(board: Board, mine: Share) -> int | None:
    """Count a request, and return how many the client sent in this minute, where that is bounded.

    Raises:
        TooManyRequests: as many of its queries as may had to be ended in this minute.
    """
    if mine.kills is not None and board.kills.count(mine.client) >= mine.kills:
        raise TooManyRequests(
            f"{mine.kills} of your queries ran into a limit in this minute (KILL_LIMIT). "
            "Wait for the next, and make them smaller.",
            retry_after=_left_of_minute(),
            limit="kills",
            value=mine.kills,
        )
    return None if mine.requests is None else board.requests.add(mine.client)


def _require_left(mine: Share, asked: int | None) -> None:
    if mine.requests is not None and asked is not None and asked > mine.requests:
        raise TooManyRequests(
            f"You may send {mine.requests} queries and validations in a minute (RATE_LIMIT). "
            "Wait for the next, or ask for more at once.",
            retry_after=_left_of_minute(),
            limit="requests",
            value=mine.requests,
        )


def _left_of_minute() -> int:
    return MINUTE - int(time.monotonic()) % MINUTE


def tell(response: Response) -> Response:
    """Add what the client may do, and what is left of it, to an answer.

    ``RateLimit-Policy`` and ``RateLimit`` are those of the IETF's draft
    (draft-ietf-httpapi-ratelimit-headers-10), ``Query-Limits`` is a dictionary of ours (RFC 9651).
    """
    limits = settings()
    mine: Share | None = g.get("share")
    told = (
        _told(limits, mine.seconds, mine.at_once)
        if mine
        else _told(limits, limits.query_timeout, limits.client_queries)
    )
    response.headers.add("Query-Limits", told)
    if mine is not None:
        response.headers.extend(_left(mine, g.get("asked")))
    return response


def _left(mine: Share, asked: int | None) -> list[tuple[str, str]]:
    """Return the headers that tell what is left of a client's queries in this minute."""
    if mine.requests is None or asked is None:
        return []
    left = max(0, mine.requests - asked)
    return [
        ("RateLimit-Policy", f'"queries";q={mine.requests};w={MINUTE}'),
        ("RateLimit", f'"queries";r={left};t={_left_of_minute()}'),
    ]


@lru_cache(64)
def _told(limits: Settings, most: float, at_once: int | None) -> str:
    told = {
        "time": f"{most:.3f}".rstrip("0").rstrip("."),
        "memory": limits.query_memory,
        "rows": limits.query_rows,
        "bytes": limits.query_bytes,
        "length": limits.query_length,
        "at-once": at_once,
    }
    return ", ".join(f"{name}={value}" for name, value in told.items() if value is not None)
