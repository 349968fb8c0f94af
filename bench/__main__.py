"""`python -m bench PART …`: measures, in turns, and prints tables. `make bench` runs all parts."""

import argparse
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import (
    answers,
    costs,
    editing,
    edits,
    graphs,
    importing,
    keystrokes,
    peers,
    rates,
    shacl,
    storm,
    updates,
    workers,
)
from bench.servers import say


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part that can be run alone."""

    run: Callable[[list[str], int, float], None]
    about: str
    sizes: tuple[str, ...]
    rounds: int = 3
    seconds: float = 3.0


def _check(sizes: list[str], _rounds: int, _seconds: float) -> None:
    """Judge the generated frameworks by the shipped shapes."""
    for size in sizes:
        say(f"Judging the generated frameworks of {size} triples")
        told = subprocess.run(
            [sys.executable, "-m", "competency_graph", "validate", graphs.generated_file(size)],
            env=os.environ | {"COMPETENCY_GRAPH_VALIDATION_TIMEOUT": "900"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(f"\nGenerated frameworks, {size} triples: {told.stdout.strip().splitlines()[-1]}")
        if told.returncode:
            raise SystemExit("The generator makes data that the core shapes refuse.")


_PARTS = {
    "check": _Part(run=_check, about="the generated graphs keep the core shapes", sizes=("10k",)),
    "lookups": _Part(
        run=rates.lookups,
        about="/api/v1 objects, cached and uncached, beside a bare Flask handler",
        sizes=("10k", "100k", "1M"),
    ),
    "queries": _Part(
        run=rates.queries,
        about="small SPARQL queries beside oxigraph serve and rdflib-endpoint (to 100k)",
        sizes=("10k", "100k", "1M"),
    ),
    "peers": _Part(
        run=peers.peers,
        about="oxigraph serve, rdflib-endpoint (to 100k), Fuseki and Virtuoso beside the service",
        sizes=("100k", "1M"),
        seconds=1.0,
    ),
    "answers": _Part(
        run=answers.answers,
        about="a million rows beside oxigraph serve, and what web processes grow by",
        sizes=("1M",),
    ),
    "workers": _Part(
        run=workers.workers,
        about="gunicorn's worker classes, alone and beside slow clients",
        sizes=("100k",),
    ),
    "start": _Part(
        run=costs.start, about="start to ready beside a raw bulk_load, taken apart", sizes=("1M",)
    ),
    "memory": _Part(
        run=costs.memory, about="memory idle and after scans beside a raw store", sizes=("1M",)
    ),
    "updates": _Part(
        run=updates.updates,
        about="the difference of an update beside the engine's own update",
        sizes=("1M",),
        rounds=5,
    ),
    "edits": _Part(
        run=edits.edits,
        about="look-ups and memory after 100,000 small edits (--edits), beside those before",
        sizes=("100k",),
        rounds=100_000,
    ),
    "editing": _Part(
        run=editing.editing,
        about="judging small edits, wide ones, and everything, in the forks that try them out",
        sizes=("10k", "100k", "1M"),
        rounds=50,
    ),
    "shacl": _Part(
        run=shacl.shacl,
        about="SHACL engines: edits in the gate and in ShaclSail, full runs beside five engines",
        sizes=("10k", "100k", "1M"),
        rounds=50,
    ),
    "importing": _Part(
        run=importing.importing,
        about="look-ups while 100,000 statements are imported, beside idle ones",
        sizes=("100k",),
        rounds=3,
    ),
    "keystrokes": _Part(
        run=keystrokes.keystrokes,
        about="the language server's first findings after a keystroke in 5,000 lines",
        sizes=("10k", "100k"),
        rounds=20,
    ),
    "storm": _Part(
        run=storm.storm,
        about="a minute of hostile requests ends at limits, and look-ups do not feel it",
        sizes=("100k",),
        rounds=5,
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are named, or all."""
    listed = "\n".join(
        f"  {name:<9} {part.about} ({', '.join(part.sizes)})" for name, part in _PARTS.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"Measure the service. Parts, with the sizes that they take by themselves:\n\n"
        f"{listed}\n\nGenerated data and other servers are kept in {graphs.CACHE}/.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", metavar="PART", help="which parts; all if none is named")
    parser.add_argument("--size", action="append", choices=graphs.SIZES, help="may be repeated")
    parser.add_argument(
        "--rounds",
        "--edits",
        type=int,
        help="how many turns the median is taken of; how many edits are sent",
    )
    parser.add_argument("--seconds", type=float, help="how long to ask in a turn")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.part) - set(_PARTS))
    if unknown:
        parser.error(f"There is no part {', '.join(unknown)}; parts are {', '.join(_PARTS)}.")
    # So that servers are ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended before all was measured."))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}.")
    for name in given.part or _PARTS:
        part = _PARTS[name]
        load = os.getloadavg()[0]
        say(f"{name}: {part.about}" + (f"; the machine is busy ({load:.1f})" if load > 1 else ""))
        part.run(
            given.size or list(part.sizes),
            given.rounds or part.rounds,
            given.seconds or part.seconds,
        )


if __name__ == "__main__":
    main()
