"""Judging everything, of data with faults, by SHACL engines in turns."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench.engines import (
    JENA,
    OURS,
    OURS_TWICE,
    PYSHACL,
    PYSHACL_TAKES,
    SHACL,
    SHACL_SAIL,
    TURBO,
    Engine,
    Judged,
    once,
)
from bench.rivals import Missing
from bench.shacl_cases import Rules, difference, faulty, repeated, triples_file, written

# An engine judges everything again while that took no longer than this so far.
_RUNS, _ENOUGH = 3, 60.0
_TO_RUST: Final = 1.5


def print_whole(size: str, rules: Rules, known: Collection[str], place: Path) -> None:
    """Print how long judging everything takes, and who judges otherwise than our evaluator.

    ``known`` are the rules that ShaclSail judges as their examples ask.
    """
    lines = faulty(size)
    quads = place / f"faulty-{size}.nq"
    quads.write_bytes(b"".join(lines))
    triples = triples_file(lines, place / f"faulty-{size}.nt")
    every = written(rules.shapes(rules.all), place / "core-all.nt")
    some = written(rules.shapes(known), place / "core-known.nt")
    runs: list[tuple[Engine, str, Callable[[], Judged]]] = []
    for engine in (OURS, OURS_TWICE, SHACL, TURBO, JENA, PYSHACL):
        if engine is not PYSHACL or size in PYSHACL_TAKES:
            data = quads if engine in (OURS, OURS_TWICE) else triples
            runs.append((engine, "", partial(once, engine, every, data)))
    for engine in (OURS, SHACL_SAIL) if known else ():
        data = quads if engine is OURS else triples
        runs.append((engine, f", {len(known)} rules", partial(once, engine, some, data)))
    told: dict[str, list[Judged]] = {}
    for _ in range(_RUNS):
        for engine, suffix, run in runs:
            before = told.setdefault(engine.name + suffix, [])
            if before and (before[-1].failed or sum(j.read + j.took for j in before) > _ENOUGH):
                continue
            try:
                before.append(run())
            except Missing as missing:
                before.append(Judged(failed=f"left out: {missing}"))
    _print_table(size, told, known)


def _print_table(size: str, told: Mapping[str, Sequence[Judged]], known: Collection[str]) -> None:
    print(f"\n### Everything, {size} triples with faults\n")
    print(
        "Medians of up to three runs in turns, each in a fresh process; together is with reading.\n"
    )
    print("| engine | read, s | judged, s | together, s | memory, MB | results | beside ours |")
    print("|---|---|---|---|---|---|---|")
    ours = told[OURS.name][0].results
    right: dict[str, float] = {}
    for name, runs in told.items():
        done = [judged for judged in runs if not judged.failed]
        if not done:
            print(f"| {name} | | | | | | **{runs[-1].failed}** |", flush=True)
            continue
        expected = ours
        if name.endswith("rules"):
            expected = Counter({pair: n for pair, n in ours.items() if pair[0] in known})
        otherwise = difference(expected, done[0].results)
        told_twice = repeated(expected, done[0].results)
        beside = f"**{otherwise}**" if otherwise else "the same"
        beside += f"; {told_twice}" if told_twice else ""
        read, took = (median(getattr(j, part) for j in done) for part in ("read", "took"))
        together = median(j.read + j.took for j in done)
        if not otherwise:
            right[name] = together
        cells = (f"{read:.2f}" if read else "", f"{took:.2f}", f"{together:.2f}")
        memory = max(judged.memory for judged in done) / 1e6
        print(
            f"| {name} | {' | '.join(cells)} | {memory:.0f} | {done[0].results.total()} "
            f"| {beside} |",
            flush=True,
        )
    rust = [(right[e.name], e.name) for e in (SHACL, TURBO) if e.name in right]
    if not rust:
        print("\nNo engine in Rust has the same verdicts.", flush=True)
        return
    seconds, best = min(rust)
    for name in (OURS.name, OURS_TWICE.name):
        if name in right:
            print(f"\n{name}: {right[name] / seconds:.2f} times {best} (target {_TO_RUST}).")
