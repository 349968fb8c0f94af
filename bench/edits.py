"""`python -m bench edits`: what many small edits leave behind: look-ups slower, memory taken."""

import http.client
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import graphs, processes, servers
from bench.load import steady
from bench.rates import uncached
from bench.servers import Running, say

_PER_SECOND = 200
_MEASURED = 10.0
# The keeper may be being replaced when the last edit is done.
_SETTLING = 20.0
_OBJECTS = 100
_EDIT = (
    "PREFIX skos: <http://www.w3.org/2004/02/skos/core#> "
    "DELETE {{ GRAPH ?g {{ <{iri}> skos:editorialNote ?old }} }} "
    'INSERT {{ GRAPH ?g {{ <{iri}> skos:editorialNote "Edit {number}"@en }} }} '
    "WHERE {{ GRAPH ?g {{ <{iri}> a ?class OPTIONAL {{ <{iri}> skos:editorialNote ?old }} }} }}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Figures by name, and bytes by part of the machine."""

    figures: dict[str, float]
    pss: dict[str, int]
    private: dict[str, int]


def edits(sizes: list[str], number: int, _seconds: float) -> None:
    """Send so many edits one after the other, and compare look-ups and memory before and after."""
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-edits-") as folder:
            database = Path(shutil.copy(graphs.database(size), folder))
            token = servers.token(database)
            # One request of each client a second would be too few.
            limits = {"validation": "off", "rate_limit": "off", "kill_limit": "off"}
            with servers.service(database, **limits) as ours:
                requests = uncached(size)
                time.sleep(_SETTLING)
                before = _measured(ours, requests)
                say(f"Sending {number:,} edits ({size})")
                seconds = _send(ours, token, _texts(size, number))
                time.sleep(_SETTLING)
                after = _measured(ours, requests)
        print(f"\n### Edits, {size} triples\n")
        print(f"{number:,} edits, one after the other: {number / seconds:.0f} a second.\n")
        print("| | before | after | ratio (target 1.2) |")
        print("|---|---|---|---|")
        for name in before.figures:
            was, now = before.figures[name], after.figures[name]
            print(f"| {name} | {was:.2f} | {now:.2f} | {now / was:.2f} |")
        _print_parts(before, after)


def _texts(size: str, number: int) -> Iterator[str]:
    things = itertools.cycle([iri for _, iri in graphs.objects(size)[:_OBJECTS]])
    return (_EDIT.format(iri=iri, number=n) for n, iri in zip(range(number), things, strict=False))


def _send(ours: Running, token: str, texts: Iterator[str]) -> float:
    """Send each text once the one before is acknowledged; return the seconds of all."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"}
    connection = http.client.HTTPConnection(*ours.address, timeout=60)
    began = time.monotonic()
    for text in texts:
        connection.request("POST", "/sparql", text.encode(), headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"An edit was refused: {told.decode(errors='replace')}")
    connection.close()
    return time.monotonic() - began


def _print_parts(before: _Measured, after: _Measured) -> None:
    """Print what each part of the machine weighs: in proportion, and written by it alone."""
    print("\n| processes | PSS before, MB | after | private, written, before, MB | after |")
    print("|---|---|---|---|---|")
    columns = (before.pss, after.pss, before.private, after.private)
    for name in dict.fromkeys(name for column in columns for name in column):
        cells = " | ".join(f"{column.get(name, 0) / 1e6:.0f}" for column in columns)
        print(f"| {name} | {cells} |", flush=True)


def _measured(ours: Running, requests: Iterator[bytes]) -> _Measured:
    """Return latency of look-ups at a steady pace, and what the machine weighs after them."""
    until = time.monotonic() + _MEASURED
    told = steady(
        ours.address, requests, per_second=_PER_SECOND, until=lambda: time.monotonic() >= until
    )
    if told.faults:
        raise RuntimeError(f"{len(told.faults)} look-ups failed, such as: {told.faults[0]}")
    pss = processes.by_part(ours.folder)
    figures = {
        "look-up, median, ms": told.percentile(0.5),
        "look-up, 95 of 100 within, ms": told.percentile(0.95),
        "memory (PSS), MB": sum(pss.values()) / 1e6,
    }
    private = processes.by_part(ours.folder, "Private_Dirty")
    return _Measured(figures=figures, pss=pss, private=private)
