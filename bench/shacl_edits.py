"""Small edits, by the gate, as transactions of ShaclSail, and by who judges everything anew."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from bench import graphs
from bench.editing import SMALL
from bench.engines import (
    GATE,
    JENA,
    PATIENCE,
    PYSHACL,
    PYSHACL_TAKES,
    SHACL_SAIL,
    Engine,
    Judged,
    Running,
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
    difference,
    triples_file,
    without_core,
    written,
)

# Java compiles what it meets often.
_WARMING: Final = 20


@dataclass(slots=True)
class _Column:
    """An engine in the table of edits: what it judges by, and what it told of each edit."""

    running: Running
    rules: Collection[str]
    told: dict[str, list[Judged]] = field(default_factory=dict)
    otherwise: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def quick(self) -> bool:
        """Whether it does not judge everything anew."""
        return self.running.name in (GATE.name, SHACL_SAIL.name)

    def ask(self, edit: Edit, standing: Pairs) -> Judged:
        """Ask about an edit, and note where the verdict is not ours."""
        judged = self.running.ask("edit", edit.added, edit.removed, edit.update)
        found = {*judged.results} - standing
        expected = {pair for pair in edit.new if pair[0] in self.rules}
        # The gate leaves out what a stricter rule says in the same words.
        echoes = self.running.name == GATE.name and bool(found) and found <= expected
        told = judged.failed or ("" if echoes else difference(Counter(expected), Counter(found)))
        if told:
            self.otherwise[edit.kind, told] += 1
        self.told.setdefault(edit.kind, []).append(judged)
        return judged

    def milliseconds(self, kinds: Sequence[str]) -> list[float]:
        """Return how long each edit of some kinds took."""
        told = [judged for kind in kinds for judged in self.told.get(kind, ())]
        return [1000 * judged.took for judged in told if not judged.failed]

    def cell(self, kinds: Sequence[str]) -> str:
        """Return what the table tells of some kinds of edits; in bold how many are otherwise."""
        taken = self.milliseconds(kinds)
        wrong = sum(number for (kind, _), number in self.otherwise.items() if kind in kinds)
        cell = f"{median(taken):.{2 if self.quick else 0}f}" if taken else "not asked"
        if wrong:
            cell = f"{cell} **{wrong} otherwise**"
        if not self.quick:
            return cell
        return f"{cell} | {quantiles(taken, n=20)[-1]:.2f}" if len(taken) > 1 else f"{cell} | "


def print_edits(size: str, rules: Rules, known: Collection[str], rounds: int, place: Path) -> None:
    """Print how long small edits take, and who judges them otherwise than our evaluator.

    ``known`` are the rules that ShaclSail judges as their examples ask.
    """
    edits = Edits(size, rules, place)
    lines = graphs.data_file(size).read_bytes().splitlines(keepends=True)
    union = triples_file(lines, place / f"all-{size}.nt")
    rest = place / f"rest-{size}.nq"
    rest.write_bytes(b"".join(without_core(lines)))
    plain = [rule for rule in known if "sparql" not in rules.asked(rule)]
    whole = [PYSHACL, JENA] if size in PYSHACL_TAKES else [JENA]
    tables: dict[str, tuple[Collection[str], list[Engine]]] = {
        f"all {len(rules.all)} rules": (rules.all, whole),
    }
    if known:
        tables |= {
            f"the {len(known)} rules that ShaclSail judges as their examples ask": (known, []),
            f"the {len(plain)} of them without a query": (plain, []),
        }
    with ExitStack() as open_:
        columns: dict[str, list[_Column]] = {}
        for name, (judged_by, others) in tables.items():
            shapes = rules.shapes(judged_by)
            core = as_core(shapes, place / f"core-{len(judged_by)}.nq")
            triples = written(shapes, place / f"core-{len(judged_by)}.nt")
            columns[name] = [
                *_columns(open_, [GATE], judged_by, core, rest),
                *_columns(open_, others or [SHACL_SAIL], judged_by, triples, union),
            ]
        _ask(edits, [column for some in columns.values() for column in some], rounds)
    for name, some in columns.items():
        print(f"\n### A small edit, {size} triples, by {name} (ms)\n")
        _print_edits_table(some)


def _ask(edits: Edits, columns: Sequence[_Column], rounds: int) -> None:
    """Let engines judge edits, in turns those that do not judge everything."""
    for column in columns:
        if column.running.name == SHACL_SAIL.name:
            say(f"Warming ShaclSail, {len(column.rules)} rules")
            for edit in edits.some(_WARMING):
                column.running.ask("edit", edit.added, edit.removed, edit.update)
    say("Edits in turns")
    for edit in edits.some(rounds):
        for column in columns:
            if column.quick:
                column.ask(edit, edits.standing)
    for column in columns:
        if not column.quick:
            say(f"Edits: {column.running.name}")
            began = time.monotonic()
            for edit in edits.some(1):
                if time.monotonic() - began < PATIENCE:
                    column.ask(edit, edits.standing)


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


def _print_edits_table(columns: Sequence[_Column]) -> None:
    """Print medians, of quick ones also within what 95 of 100 are, and who judged otherwise."""
    heads = [
        f"{c.running.name} | 95 of 100 within" if c.quick else f"{c.running.name}, everything"
        for c in columns
    ]
    heads += [f"{c.running.name} to the gate" for c in columns[1:]]
    line = f"| edit | {' | '.join(heads)} |"
    print(line)
    print("|---" * (line.count("|") - 1) + "|")
    for kind in (*SMALL, "all"):
        kinds = [kind] if kind in SMALL else list(SMALL)
        cells = [column.cell(kinds) for column in columns]
        taken = [median(column.milliseconds(kinds) or [0.0]) for column in columns]
        cells += [f"{other / taken[0]:.1f}" if taken[0] else "" for other in taken[1:]]
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)
    for column in columns:
        for (kind, told), number in column.otherwise.most_common():
            of = len(column.told[kind])
            print(f"\n**{column.running.name}**, {kind}, {number} of {of}: {told}.")
