"""`python -m bench editing`: what it takes to judge a change, in the fork that tries it out.

Each edit is made and judged in a fork of its own, as the gate does it: staged by difference,
planned, evaluated. Nothing is written and nothing sent. Then all is judged, by one process and by
two.
"""

import json
import os
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median, quantiles

import pyoxigraph as ox
from competency_graph.index import Graph
from competency_graph.index.staging import stage
from competency_graph.model import Operation
from competency_graph.resources import shape_files
from competency_graph.shacl.compile import Compiled, compiled
from competency_graph.shacl.data import Run, Stored
from competency_graph.shacl.degrees import Degrees
from competency_graph.shacl.evaluate import judge, judge_pairs
from competency_graph.shacl.plan import Planner
from competency_graph.vocab import CG, ID, SKOS

from bench import graphs
from bench.servers import say

_PREFIXES = f"PREFIX cg: <{CG}> PREFIX skos: <{SKOS}> PREFIX dcterms: <http://purl.org/dc/terms/> "
_HOME = ID + "bench-00"
_IN = f"GRAPH <{_HOME.replace('/id/', '/graph/')}>"


def _thing(kind: str, slug: str) -> str:
    return f"<{_HOME}/{kind}/f00-{slug}>"


def _said(statements: str) -> str:
    return f"{_PREFIXES} INSERT DATA {{ {_IN} {{ {statements} }} }}"


def _label(n: int) -> str:
    competency = _thing("competency", f"c{n}")
    return (
        f"{_PREFIXES} WITH {_IN.removeprefix('GRAPH ')} "
        f"DELETE {{ {competency} skos:prefLabel ?l }} "
        f'INSERT {{ {competency} skos:prefLabel "Reworded {n}"@en }} '
        f'WHERE {{ {competency} skos:prefLabel ?l FILTER (LANG(?l) = "en") }}'
    )


def _competency(n: int) -> str:
    return _said(
        f"{_thing('competency', f'new{n}')} a cg:Competency ; skos:inScheme <{_HOME}> ; "
        f'skos:notation "N{n}" ; skos:prefLabel "New {n}"@en ; skos:definition "New."@en ; '
        f"cg:hasVerificationStatus cg:FromGeneralKnowledge ; "
        f"skos:broader {_thing('domain', 'd0')}"
    )


def _status(n: int) -> str:
    competency = _thing("competency", f"c{n}")
    return (
        f"{_PREFIXES} DELETE DATA {{ {_IN} {{ {competency} cg:hasVerificationStatus "
        f"cg:FromGeneralKnowledge }} }} ; INSERT DATA {{ {_IN} {{ {competency} "
        "cg:hasVerificationStatus cg:VerifiedInSource } }"
    )


def _broader(n: int) -> str:
    return _said(
        f"{_thing('competency', f'c{n}')} skos:broader {_thing('competency', f'c{n + 1}')}"
    )


def _requirement(n: int) -> str:
    return _said(
        f"{_thing('requirement', f'new{n}')} a cg:RoleRequirement ; dcterms:isPartOf <{_HOME}> ; "
        f'skos:prefLabel "New {n}"@en ; cg:belongsToRole {_thing("role", "r0")} ; '
        f"cg:hasImportance cg:Essential ; "
        f"cg:requiresCompetency {_thing('competency', f'c{n}')} ; "
        f"cg:requiresLevel {_thing('level', '3')} ; "
        "cg:hasVerificationStatus cg:FromGeneralKnowledge"
    )


def _bad_claim(n: int) -> str:
    return _said(
        f"{_thing('claim', f'bad{n}')} a cg:EvidenceClaim ; dcterms:isPartOf <{_HOME}> ; "
        f"cg:citesSource {_thing('competency', f'c{n}')} ; cg:hasStrength cg:Supports"
    )


_SMALL: Mapping[str, Callable[[int], str]] = {
    "a label reworded": _label,
    "a new competency": _competency,
    "another status": _status,
    "one more broader": _broader,
    "a new requirement": _requirement,
    "a claim with faults": _bad_claim,
}
_WIDE: Mapping[str, str] = {
    "a framework's label": _said(f'<{_HOME}> skos:prefLabel "Anders"@de'),
    "a level without its type": (
        f"{_PREFIXES} DELETE DATA {{ {_IN} {{ {_thing('level', '3')} a cg:ProficiencyLevel }} }}"
    ),
    "a class no longer below another": (
        f"{_PREFIXES} DELETE WHERE {{ GRAPH ?g {{ cg:SkillElement "
        "<http://www.w3.org/2000/01/rdf-schema#subClassOf> cg:CompetencyElement } }"
    ),
}
_COMPETENCIES = 25


def editing(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Print what a change costs, by kind and size, and what judging all does."""
    for size in sizes:
        graph = Graph()
        graph.load([("added", graphs.data_file(size).read_bytes())])
        shapes = _shapes(graph)
        planner = Planner(shapes)
        say(f"Judging small edits ({size})")
        _print_small(size, graph, planner, rounds)
        say(f"Judging edits that concern much ({size})")
        _print_wide(size, graph, planner)
        say(f"Judging all ({size})")
        _print_full(size, graph, shapes)


def _shapes(graph: Graph) -> Compiled:
    return compiled(
        (q for f in shape_files("core") for q in ox.parse(f.read_bytes(), ox.RdfFormat.TURTLE)),
        stored=True,
        degrees=Degrees.of(graph.store),
    )


def _print_small(size: str, graph: Graph, planner: Planner, rounds: int) -> None:
    print(f"\n### Judging a small edit, {size} triples (ms)\n")
    print("| edit | staged | planned | evaluated | together, median | 95 of 100 within | pairs |")
    print("|---|---|---|---|---|---|---|")
    chance = random.Random(3)
    every: list[Sequence[float]] = []
    for name, text in _SMALL.items():
        numbers = [chance.randrange(_COMPETENCIES) for _ in range(rounds)]
        told = [_in_fork(partial(_one, graph, planner, text(n))) for n in numbers]
        every += told
        print(_row(name, told), flush=True)
    print(_row("all", every), flush=True)


def _row(name: str, told: Sequence[Sequence[float]]) -> str:
    steps = [median(one[step] for one in told) * 1000 for step in range(3)]
    sums = [sum(one[:3]) * 1000 for one in told]
    within = quantiles(sums, n=20)[-1]
    pairs = median(one[3] for one in told)
    shown = " | ".join(f"{step:.2f}" for step in steps)
    return f"| {name} | {shown} | {median(sums):.2f} | {within:.2f} | {pairs:.0f} |"


def _print_wide(size: str, graph: Graph, planner: Planner) -> None:
    print(f"\n### Judging an edit that concerns much, {size} triples\n")
    print("| edit | pairs | planned, ms | evaluated, ms | results |")
    print("|---|---|---|---|---|")
    for name, text in _WIDE.items():
        _, planned, evaluated, pairs, results = _in_fork(partial(_one, graph, planner, text))
        print(
            f"| {name} | {pairs:,.0f} | {planned * 1000:.0f} | {evaluated * 1000:.0f} "
            f"| {results:,.0f} |",
            flush=True,
        )


def _one(graph: Graph, planner: Planner, text: str) -> list[float]:
    """Return the seconds of staging, planning, evaluating; how many pairs, how many results."""
    began = time.perf_counter()
    difference = stage(graph, [Operation(kind="update", content=text.encode())], labels="c1x")
    staged = time.perf_counter()
    added, removed = (
        [quad.triple for quad in ox.parse(b"\n".join(lines), ox.RdfFormat.N_QUADS)]
        for lines in (difference.added, difference.removed)
    )
    if not added and not removed:
        raise RuntimeError(f"The edit changes nothing: {text}")
    run = Run(Stored(graph.store))
    plan = planner.plan(added, removed, run)
    planned = time.perf_counter()
    rows = list(judge_pairs(plan.pairs, run))
    ended = time.perf_counter()
    pairs = plan.size + sum(map(len, plan.gone.values()))
    return [staged - began, planned - staged, ended - planned, pairs, len(rows)]


def _print_full(size: str, graph: Graph, shapes: Compiled) -> None:
    print(f"\n### Judging all of {size} triples\n")
    print("| processes | seconds | memory more than before, MB | results |")
    print("|---|---|---|---|")
    for number in (1, 2):
        began = time.perf_counter()
        parts = _in_forks([partial(_all, graph, shapes, part, number) for part in range(number)])
        seconds = time.perf_counter() - began
        more = sum(part[1] for part in parts)
        print(
            f"| {number} | {seconds:.1f} | {more:.0f} | {sum(p[0] for p in parts):.0f} |",
            flush=True,
        )


def _all(graph: Graph, shapes: Compiled, part: int, of: int) -> list[float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = sum(1 for _ in judge(shapes, Run(Stored(graph.store)), part=part, of=of))
    return [found, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000]


def _in_fork(work: Callable[[], list[float]]) -> list[float]:
    (told,) = _in_forks([work])
    return told


def _in_forks(works: Sequence[Callable[[], list[float]]]) -> list[list[float]]:
    """Return what each says that is done in a fork; what it changes is lost with it."""
    ends = [_started(work) for work in works]
    told = []
    for child, reading in ends:
        with os.fdopen(reading) as answer:
            text = answer.read()
        os.waitpid(child, 0)
        if not text:
            raise RuntimeError("A fork ended without an answer; what it wrote says why.")
        told.append(json.loads(text))
    return told


def _started(work: Callable[[], list[float]]) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.write(writing, json.dumps(work()).encode())
    finally:
        os._exit(0)
