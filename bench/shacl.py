"""`python -m bench shacl`: our evaluator and gate beside other SHACL engines, in one run.

First what each can do at all: every core rule alone, on the pair of examples that shows it. Then
small edits, tried out by the gate, as transactions by RDF4J's ShaclSail, and by engines that judge
everything anew. Then everything, of data with faults. Verdicts are compared each time.
"""

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.engines import JENA, PYSHACL, SHACL, SHACL_SAIL, TURBO, Running, started
from bench.rivals import Missing
from bench.servers import say
from bench.shacl_cases import Pairs, Rules, example, found_in, short, written
from bench.shacl_edits import print_edits
from bench.shacl_whole import print_whole

_EDITED: Final = ("10k", "100k")
_NAMED: Final = 6


def shacl(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Print what engines can do, how long they take, and where they judge otherwise than we do."""
    rules = Rules()
    with tempfile.TemporaryDirectory(prefix="bench-shacl-") as name:
        place = Path(name)
        known = _print_rules(rules, place)
        for size in sizes:
            if size in _EDITED:
                say(f"Small edits ({size})")
                print_edits(size, rules, known, rounds, place)
            say(f"Judging everything ({size})")
            print_whole(size, rules, known, place)


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
