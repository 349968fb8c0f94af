"""The tables of `peers`, with the ratios that are targets. Measures nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.answered import Answered
from bench.load import Rate
from bench.peer_queries import SMALL

if TYPE_CHECKING:
    from bench.peers import Told

OURS: Final = "this service"
HEAVY_SECONDS: Final = 0.05
"""From here on a query is heavy."""
_OXIGRAPH, _RDFLIB, _FUSEKI = "oxigraph serve", "rdflib-endpoint", "Fuseki"
_MOST_OF_HEAVY, _OF_FUSEKI, _OF_RDFLIB, _KEPT = 1.15, 1.0, 15.0, 0.5


def answers(size: str, told: "Told") -> None:
    """Print how long each query takes alone, and who answers it otherwise than most."""
    names = list(next(iter(told.answers.values())))
    print(f"\n### One query at a time, {size} triples\n")
    for missing in told.missing:
        print(f"Left out: {missing}\n")
    print(
        "Milliseconds, each text asked for the first time. In bold who answers otherwise than most "
        "do, or does not answer.\n"
    )
    _head("query", "rows", *names, f"to {_OXIGRAPH} (at most {_MOST_OF_HEAVY})", "first in a fork")
    short = []
    for query, of in told.answers.items():
        right = _right(of.values())
        ours, other = of[OURS], of.get(_OXIGRAPH)
        ratio, fresh = "", ""
        if ours.seconds > HEAVY_SECONDS and other is not None and other.status == 200:
            value = ours.seconds / other.seconds
            ratio = _marked(value, value <= _MOST_OF_HEAVY)
            if value > _MOST_OF_HEAVY:
                short.append(query)
        if query in told.fresh:
            fresh = f"{1000 * told.fresh[query]:.0f}"
        _row(query, str(right[0]), *(_cell(of.get(name), right) for name in names), ratio, fresh)
    print(f"\nHeavy and over {_MOST_OF_HEAVY}: {', '.join(short) or 'none'}.", flush=True)


def rates(size: str, told: "Told", rounds: int) -> None:
    """Print answers a second of queries that differ, and of queries that repeat."""
    names = list(next(iter(told.rates.values())))
    print(f"\n### Answers a second, {size} triples\n")
    print(f"No text twice. With 8 clients, of whom the targets are, median of {rounds} in turns.\n")
    to_fuseki, to_rdflib = f"to {_FUSEKI} ({_OF_FUSEKI})", f"to {_RDFLIB} ({_OF_RDFLIB:g})"
    _head("what", "clients", *names, to_fuseki, to_rdflib)
    for (what, clients), of in told.rates.items():
        judged = clients == "8" and what in SMALL
        _row(
            what,
            clients,
            *(_answers(of.get(name, [])) for name in names),
            _ratio(of, _FUSEKI, _OF_FUSEKI if judged else 0.0),
            _ratio(of, _RDFLIB, _OF_RDFLIB if judged else 0.0),
        )
    print(f"\n### Repeated queries, {size} triples\n")
    print(f"One text again and again, 8 clients, median of {rounds}; {_FUSEKI}'s best of them.\n")
    _head("what", "meanwhile", *names, f"to {_FUSEKI}'s best ({_OF_FUSEKI})")
    for (what, meanwhile), of in told.repeated.items():
        _row(
            what,
            meanwhile,
            *(_answers(of.get(name, [])) for name in names),
            _ratio(of, _FUSEKI, _OF_FUSEKI, best=max),
        )
    edits = (f"{name} {_counted(of)}" for name, of in told.edits.items())
    print(f"\nEdits, by status: {'; '.join(edits)}.", flush=True)


def hostile(size: str, told: "Told") -> None:
    """Print what is left of the rate while hostile queries run, and how they end."""
    print(f"\n### Beside four hostile queries in a loop, {size} triples\n")
    print(
        "Joins that differ, 8 clients: answers a second alone, and in 20 s under load. "
        f"Target of the service: {_KEPT} kept.\n"
    )
    _head("server", "alone", "under load", "kept", "how hostile queries ended")
    for name, (alone, under, endings) in told.hostile.items():
        kept = under / alone if alone else 0.0
        text = f"{kept:.2f}"
        if name.startswith(OURS):
            text = _marked(kept, kept >= _KEPT)
        _row(name, f"{alone:.0f}", f"{under:.0f}", text, endings or "none did")
    print(flush=True)


def _head(*columns: str) -> None:
    _row(*columns)
    print("|---" * len(columns) + "|")


def _row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


def _right(answered: Iterable[Answered]) -> tuple[int, str]:
    """Return rows and digest of the answer that most servers give, the service's among equals."""
    found = Counter((a.rows, a.content) for a in answered if a.status == 200)
    return found.most_common(1)[0][0] if found else (0, "")


def _cell(answered: Answered | None, right: tuple[int, str]) -> str:
    if answered is None:
        return "not asked"
    time = f"{1000 * answered.seconds:.{1 if answered.seconds < 0.1 else 0}f}"
    if answered.status != 200:
        return f"**{answered.ending}** {time}"
    if answered.rows != right[0]:
        return f"{time} **{answered.rows} rows**"
    return time if answered.content == right[1] else f"{time} **other values**"


def _marked(value: float, holds: bool) -> str:
    return f"{value:.2f}" if holds else f"**{value:.2f}**"


def _answers(rates: list[Rate]) -> str:
    if not rates:
        return "not asked"
    value = median(rate.answers for rate in rates)
    refused = sum(rate.refused for rate in rates)
    text = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    return f"{text} ({refused} refused)" if refused else text


def _ratio(
    of: Mapping[str, list[Rate]],
    other: str,
    target: float,
    best: Callable[[list[float]], float] = median,
) -> str:
    if other not in of:
        return ""
    theirs = best([rate.answers for rate in of[other]])
    if not theirs:
        return "∞"
    value = median(rate.answers for rate in of[OURS]) / theirs
    return _marked(value, value >= target)


def _counted(statuses: Counter[str]) -> str:
    return ", ".join(f"{status} × {number}" for status, number in statuses.items()) or "none"
