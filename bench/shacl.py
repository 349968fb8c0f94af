"""`python -m bench shacl`: our evaluator and gate beside other SHACL engines, in one run.

First what each can do at all: every core rule alone, on the pair of examples that shows it. Then
small edits, tried out by the gate, as transactions by RDF4J's ShaclSail, and by engines that judge
everything anew. Then everything, of data with faults. Verdicts are compared each time.
"""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from bench import graphs
from bench.editing import SMALL
from bench.engines import (
    GATE,
    JENA,
    OURS,
    OURS_TWICE,
    PATIENCE,
    PYSHACL,
    SHACL,
    SHACL_SAIL,
    TURBO,
    Engine,
    Judged,
    Running,
    once,
    started,
)
from bench.rivals import Missing
from bench.servers import say
from bench.shacl_cases import (
    Edit,
    Edits,
    Pairs,
    Rules,
    as_core,
    example,
    faulty,
    found_in,
    short,
    triples_file,
    without_core,
    written,
)

_EDITED: Final = ("10k", "100k")
_PYSHACL_TAKES: Final = ("10k",)
# Java compiles what it meets often.
_WARMING: Final = 20
# An engine judges everything again while that took no longer than this so far.
_RUNS, _ENOUGH = 3, 60.0
_NAMED: Final = 4


def shacl(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Print what engines can do, how long they take, and where they judge otherwise than we do."""
    rules = Rules()
    with tempfile.TemporaryDirectory(prefix="bench-shacl-") as name:
        place = Path(name)
        known = _print_rules(rules, place)
        for size in sizes:
            if size in _EDITED:
                say(f"Small edits ({size})")
                _print_edits(size, rules, known, rounds, place)
            say(f"Judging everything ({size})")
            _print_whole(size, rules, known, place)


def _print_rules(rules: Rules, place: Path) -> set[str]:
    """Print which rules each engine judges as their examples ask; return those of ShaclSail.

    Of an engine that judges everything: the base with the right example, and with the wrong one.
    """
    print(f"\n### Rules that are judged as their examples ask, of {len(rules.all)}\n")
    print("| engine | rules | otherwise |")
    print("|---|---|---|")
    known: set[str] = set()
    cases = {rule: _case(rules, rule, place) for rule in rules.all}
    for engine in (PYSHACL, SHACL_SAIL, JENA, SHACL, TURBO):
        say(f"Examples: {engine.name}")
        try:
            with started(engine) as running:
                faults = {rule: _fault(running, case) for rule, case in cases.items()}
        except Missing as missing:
            print(f"| {engine.name} | left out: {missing} | |", flush=True)
            continue
        right = {rule for rule, fault in faults.items() if not fault}
        if engine is SHACL_SAIL:
            known = right
        print(f"| {engine.name} | {len(right)} | {_grouped(rules, faults)} |", flush=True)
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    """An example as files: what is added to the base, both, and what our evaluator finds in it."""

    added: Path
    whole: Path
    found: Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A rule alone, with its base, its right example and its wrong one."""

    shapes: Path
    base: Path
    standing: Pairs
    examples: Sequence[_Example]


def _case(rules: Rules, rule: str, place: Path) -> _Case:
    shapes = rules.shapes([rule])
    base, *pair = example(rule)
    # What is there already an engine that undoes an edit would take away.
    held = set(base)
    name = f"rule-{short(rule)}"
    return _Case(
        shapes=written(shapes, place / f"{name}-shapes.nt"),
        base=written(base, place / f"{name}-base.nt"),
        standing=found_in(shapes, base),
        examples=[
            _Example(
                added=written([t for t in more if t not in held], place / f"{name}-{number}.nt"),
                whole=written([*base, *more], place / f"{name}-{number}-whole.nt"),
                found=found_in(shapes, [*base, *more]),
            )
            for number, more in enumerate(pair)
        ],
    )


def _fault(running: Running, case: _Case) -> str:
    """Say what an engine does with a rule's examples otherwise than we do; nothing if nothing."""
    edits = running.name == SHACL_SAIL.name
    if edits:
        loaded = running.ask("load", case.shapes, case.base)
        if loaded.failed:
            return f"refuses: {loaded.failed}"
    for shown in case.examples:
        if edits:
            told = running.ask("edit", shown.added, None, None)
        else:
            told = running.ask("judge", case.shapes, shown.whole)
        if told.failed:
            return f"fails: {told.failed}"
        new, found = shown.found - case.standing, {*told.results} - case.standing
        if new - found:
            return "misses"
        if found - new:
            return "invents"
    return ""


def _grouped(rules: Rules, faults: Mapping[str, str]) -> str:
    """Tell of each kind of fault how many rules have it, what these ask, and some of them."""
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for rule, fault in faults.items():
        if fault:
            groups[fault[:160], ", ".join(rules.asked(rule))].append(short(rule))
    told = [
        f"**{fault}** {len(group)}: {asked} ({', '.join(group[:_NAMED])}"
        f"{', …' if len(group) > _NAMED else ''})"
        for (fault, asked), group in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
    ]
    return "; ".join(told) or "none"


@dataclass(slots=True)
class _Column:
    """An engine in the table of edits: what it judges by, and what it told of each edit."""

    running: Running
    rules: Collection[str]
    told: dict[str, list[Judged]] = field(default_factory=dict)
    otherwise: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return f"{self.running.name}, {len(self.rules)} rules"

    def ask(self, edit: Edit, standing: Pairs) -> Judged:
        """Ask about an edit, and note where the verdict is not ours."""
        judged = self.running.ask("edit", edit.added, edit.removed, edit.update)
        found = {*judged.results} - standing
        expected = {pair for pair in edit.new if pair[0] in self.rules}
        # The gate leaves out what a stricter rule says in the same words.
        echoes = self.running.name == GATE.name and bool(found) and found <= expected
        told = judged.failed or ("" if echoes else _difference(Counter(expected), Counter(found)))
        if told:
            self.otherwise[edit.kind, told] += 1
        self.told.setdefault(edit.kind, []).append(judged)
        return judged

    def wrong(self, kind: str) -> int:
        """Return how many edits of a kind were judged otherwise."""
        return sum(number for (of, _), number in self.otherwise.items() if of == kind)


def _print_edits(size: str, rules: Rules, known: Collection[str], rounds: int, place: Path) -> None:
    edits = Edits(size, rules, place)
    lines = graphs.data_file(size).read_bytes().splitlines(keepends=True)
    union = triples_file(lines, place / f"all-{size}.nt")
    rest = place / f"rest-{size}.nq"
    rest.write_bytes(b"".join(without_core(lines)))
    every = rules.shapes(rules.all)
    print(f"\n### A small edit, {size} triples\n")
    with ExitStack() as open_:
        quick, slow = [], []
        for name, shapes in (("all", every), ("known", rules.shapes(known))):
            judged_by = rules.all if name == "all" else known
            core = as_core(shapes, place / f"core-{name}.nq")
            triples = written(shapes, place / f"core-{name}.nt")
            quick += _columns(open_, [GATE], judged_by, core, rest)
            if name == "known":
                quick += _columns(open_, [SHACL_SAIL], judged_by, triples, union)
            else:
                slow += _columns(open_, [JENA, PYSHACL], judged_by, triples, union)
        for column in quick:
            if column.running.name == SHACL_SAIL.name:
                say(f"Warming {column.name}")
                for edit in edits.some(_WARMING):
                    column.running.ask("edit", edit.added, edit.removed, edit.update)
        say("Edits in turns")
        for edit in edits.some(rounds):
            for column in quick:
                column.ask(edit, edits.standing)
        for column in slow:
            say(f"Edits: {column.name}")
            began = time.monotonic()
            for edit in edits.some(1):
                if time.monotonic() - began < PATIENCE:
                    column.ask(edit, edits.standing)
    _print_edits_table(quick, slow)


def _columns(
    open_: ExitStack,
    engines: Iterable[Engine],
    rules: Collection[str],
    shapes: Path,
    data: Path,
) -> list[_Column]:
    """Start engines with shapes and data; one that cannot be had is told and left out."""
    found = []
    for engine in engines:
        try:
            running = open_.enter_context(started(engine))
        except Missing as missing:
            print(f"{engine.name} left out: {missing}\n")
            continue
        loaded = running.ask("load", shapes, data)
        say(f"{engine.name}: loaded {loaded.failed or f'in {loaded.read:.1f} s'}")
        if loaded.failed:
            print(f"**{engine.name}** left out: {loaded.failed}\n")
        else:
            found.append(_Column(running=running, rules=rules))
    return found


def _print_edits_table(quick: Sequence[_Column], slow: Sequence[_Column]) -> None:
    print(
        "Milliseconds: median, and within which 95 of 100 are; of engines that judge everything, "
        "one edit of each kind.\n"
    )
    heads = [f"{column.name} | 95 of 100" for column in quick]
    heads += [f"{column.name}, everything" for column in slow]
    heads.append("ShaclSail to the gate, same rules")
    print(f"| edit | {' | '.join(heads)} |")
    print("|---" * (len(quick) + len(heads) + 1) + "|")
    for kind in (*SMALL, "all"):
        cells = [_timed(column, kind, within=True) for column in quick]
        cells += [_timed(column, kind, within=False) for column in slow]
        ratio = ""
        same = [c for c in quick if len(c.rules) == len(quick[-1].rules)]
        if len(same) > 1 and same[-1].running.name == SHACL_SAIL.name:
            gate, sail = (median(_milliseconds(c, kind) or [0.0]) for c in (same[-2], same[-1]))
            ratio = f"{sail / gate:.1f}"
        print(f"| {kind} | {' | '.join(cells)} | {ratio} |", flush=True)
    for column in (*quick, *slow):
        for (kind, told), number in column.otherwise.most_common():
            print(f"\n**{column.name}**, {kind}, {number} of {len(column.told[kind])}: {told}.")


def _milliseconds(column: _Column, kind: str) -> list[float]:
    of = [kind] if kind in SMALL else list(SMALL)
    return [1000 * j.took for k in of for j in column.told.get(k, ()) if not j.failed]


def _timed(column: _Column, kind: str, *, within: bool) -> str:
    taken = _milliseconds(column, kind)
    if not taken:
        return "not asked | " if within else "not asked"
    cell = f"{median(taken):.{2 if within else 0}f}"
    wrong = sum(column.wrong(k) for k in ([kind] if kind in SMALL else SMALL))
    if wrong:
        cell = f"{cell} **{wrong} otherwise**"
    return f"{cell} | {quantiles(taken, n=20)[-1]:.2f}" if within else cell


def _print_whole(size: str, rules: Rules, known: Collection[str], place: Path) -> None:
    lines = faulty(size)
    quads = place / f"faulty-{size}.nq"
    quads.write_bytes(b"".join(lines))
    triples = triples_file(lines, place / f"faulty-{size}.nt")
    every = written(rules.shapes(rules.all), place / "core-all.nt")
    some = written(rules.shapes(known), place / "core-known.nt")
    runs: list[tuple[Engine, str, Callable[[], Judged]]] = []
    for engine in (OURS, OURS_TWICE, SHACL, TURBO, JENA, PYSHACL):
        if engine is not PYSHACL or size in _PYSHACL_TAKES:
            data = quads if engine in (OURS, OURS_TWICE) else triples
            runs.append((engine, "", partial(once, engine, every, data)))
    for engine in (OURS, SHACL_SAIL):
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
    _print_whole_table(size, told, known)


def _print_whole_table(
    size: str, told: Mapping[str, Sequence[Judged]], known: Collection[str]
) -> None:
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
        otherwise = _difference(expected, done[0].results)
        read, took = (median(getattr(j, part) for j in done) for part in ("read", "took"))
        together = median(j.read + j.took for j in done)
        if not otherwise:
            right[name] = together
        cells = (f"{read:.2f}" if read else "", f"{took:.2f}", f"{together:.2f}")
        memory = max(judged.memory for judged in done) / 1e6
        print(
            f"| {name} | {' | '.join(cells)} | {memory:.0f} | {done[0].results.total()} "
            f"| {f'**{otherwise}**' if otherwise else 'the same'} |",
            flush=True,
        )
    rust = (
        min((right[e.name], e.name) for e in (SHACL, TURBO) if e.name in right)
        if any(e.name in right for e in (SHACL, TURBO))
        else None
    )
    if rust is None:
        print("\nNo engine in Rust has the same verdicts.", flush=True)
        return
    for name in (OURS.name, OURS_TWICE.name):
        if name in right:
            print(f"\n{name} takes {right[name] / rust[0]:.2f} times {rust[1]} (target 1.5).")


def _difference(expected: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> str:
    parts = []
    for verb, pairs in (("misses", expected - found), ("invents", found - expected)):
        rules: Counter[str] = Counter()
        for (rule, _), number in pairs.items():
            rules[short(rule)] += number
        if rules:
            some = [f"{rule} × {number}" for rule, number in rules.most_common(_NAMED)]
            more = ["…"] if len(rules) > _NAMED else []
            parts.append(f"{verb} {rules.total()} ({', '.join(some + more)})")
    return " and ".join(parts)
