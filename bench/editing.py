"""`python -m bench editing`: what it takes to judge a change, in the fork that tries it out.

Each edit is made and judged in a fork of its own, as the gate does it: staged by difference,
planned, evaluated. Nothing is written and nothing sent. A fork that has just been made is slow at
first, since it has no page of its own yet; so each is measured fresh, and after one other edit,
which stands for what a fork does while it waits. Then all is judged, by one process and by two.
"""

import gc
import json
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from statistics import median, quantiles
from typing import Any, Final

import pyoxigraph as ox
from competency_graph import trial
from competency_graph.index import Graph
from competency_graph.index.staging import stage
from competency_graph.model import Operation, pack_operations
from competency_graph.resources import shape_files
from competency_graph.shacl.compile import Compiled, compiled
from competency_graph.shacl.data import Run, Stored
from competency_graph.shacl.degrees import Degrees
from competency_graph.shacl.evaluate import judge, judge_pairs
from competency_graph.shacl.plan import Planner
from competency_graph.vocab import CG, ID, SKOS

from bench import graphs
from bench.forks import in_fork, in_forks
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
        "cg:hasVerificationStatus cg:VerifiedBySourceText } }"
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


SMALL: Final[Mapping[str, Callable[[int], str]]] = {
    "a label reworded": _label,
    "a new competency": _competency,
    "another status": _status,
    "one more broader": _broader,
    "a new requirement": _requirement,
    "a claim with faults": _bad_claim,
}
"""Small edits by kind, as SPARQL Update, each of one of ``COMPETENCIES`` competencies."""
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
COMPETENCIES: Final = 25
_FIRST = f"{_competency(COMPETENCIES)} ; {_requirement(COMPETENCIES).removeprefix(_PREFIXES)}"


def editing(sizes: list[str], rounds: int, _seconds: float) -> None:
    """Print what a change costs, by kind and size, and what judging all does."""
    for size in sizes:
        graph = Graph()
        graph.load([("added", graphs.data_file(size).read_bytes())])
        shapes = _shapes(graph)
        planner = Planner(shapes)
        # As the keeper does, so that forks share what is there.
        gc.collect()
        gc.freeze()
        say(f"Judging small edits ({size})")
        _print_small(size, graph, planner, rounds)
        for _ in trial.prepare(graph):
            pass
        say(f"Small edits through the gate ({size})")
        _print_gated(size, graph, rounds)
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
    for state, before in (("a fresh fork", []), ("a fork that has judged one", [_FIRST])):
        print(f"\n### Judging a small edit in {state}, {size} triples (ms)\n")
        print(
            "| edit | staged | planned | evaluated | together, median | 95 of 100 within | pairs |"
        )
        print("|---|---|---|---|---|---|---|")
        chance = random.Random(3)
        every: list[Sequence[float]] = []
        for name, text in SMALL.items():
            numbers = [chance.randrange(COMPETENCIES) for _ in range(rounds)]
            told = [in_fork(partial(_last, graph, planner, [*before, text(n)])) for n in numbers]
            every += told
            print(_row(name, told), flush=True)
        print(_row("all", every), flush=True)


def _print_gated(size: str, graph: Graph, rounds: int) -> None:
    print(f"\n### A small edit as the gate has it tried out, {size} triples (ms)\n")
    print("| edit | staged, planned | judged, told | together, median | 95 of 100 within | nodes |")
    print("|---|---|---|---|---|---|")
    chance = random.Random(3)
    every: list[Sequence[float]] = []
    for name, text in SMALL.items():
        numbers = [chance.randrange(COMPETENCIES) for _ in range(rounds)]
        tried = [in_fork(partial(tried_out, graph, text(n))) for n in numbers]
        told = [[*one["seconds"], one["nodes"]] for one in tried]
        every += told
        print(_gated_row(name, told), flush=True)
    print(_gated_row("all", every), flush=True)


def tried_out(graph: Graph, text: str) -> dict[str, Any]:
    """Ask this fork both questions that the gate asks one about a change.

    The graph's shapes are ready (``trial.prepare``).

    Returns:
        ``seconds`` of each question, how many ``nodes`` were judged, and what is ``new``: rule and
        focus node of each finding.
    """
    operations, contents = pack_operations([Operation(kind="update", content=text.encode())])
    began = time.perf_counter()
    staged, judged = BytesIO(), BytesIO()
    asked = {"operations": operations, "judge": True, "body": contents}
    trial.ANSWERS["stage"](graph, asked, staged)
    between = time.perf_counter()
    trial.ANSWERS["judge"](graph, {"body": b"[]"}, judged)
    seconds = [between - began, time.perf_counter() - between]
    nodes = len(json.loads(staged.getvalue().partition(b"\n")[0])["judged"])
    new = [[row["rule"], row["focus"]] for row in json.loads(judged.getvalue())["new"]]
    return {"seconds": seconds, "nodes": nodes, "new": new}


def _gated_row(name: str, told: Sequence[Sequence[float]]) -> str:
    steps = [median(one[step] for one in told) * 1000 for step in range(2)]
    sums = [sum(one[:2]) * 1000 for one in told]
    within, nodes = quantiles(sums, n=20)[-1], median(one[2] for one in told)
    shown = " | ".join(f"{step:.2f}" for step in steps)
    return f"| {name} | {shown} | {median(sums):.2f} | {within:.2f} | {nodes:.0f} |"


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
        _, planned, evaluated, pairs, results = in_fork(partial(_one, graph, planner, text))
        print(
            f"| {name} | {pairs:,.0f} | {planned * 1000:.0f} | {evaluated * 1000:.0f} "
            f"| {results:,.0f} |",
            flush=True,
        )


def _last(graph: Graph, planner: Planner, texts: Sequence[str]) -> list[float]:
    """Judge edits one after the other; return what :func:`_one` does of the last."""
    return [_one(graph, planner, text) for text in texts][-1]


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
        parts = in_forks([partial(_all, graph, shapes, part, number) for part in range(number)])
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
