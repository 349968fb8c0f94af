"""What ships with the code: ontology, framework, shapes, documentation. Reads nothing else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from competency_graph.vocab import GRAPH

Seed = Literal["shipped", "framework", "none"]
HOUSE_SHAPES = "house.shacl.ttl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedGraph:
    """A named graph and the Turtle files that fill it."""

    iri: str
    files: tuple[Path, ...]


@cache
def _root() -> Path:
    """Return the folder with ontology, shapes and docs: in the wheel, or the checkout around it."""
    here = Path(__file__).parent
    packaged = here / "shipped"
    return packaged if packaged.is_dir() else here.parent.parent


def folder(name: Literal["ontology", "shapes", "docs", "tests/questions"]) -> Path:
    """Return one of the shipped folders."""
    return _root() / name


def ontology_files() -> tuple[Path, ...]:
    """Return the modules of the vocabulary and the foreign terms they use."""
    return tuple(p for p in sorted(folder("ontology").glob("*.ttl")) if p.stem != "term-mappings")


def shape_files(profile: Literal["core", "house"]) -> tuple[Path, ...]:
    """Return the shape files of one profile; ``house`` holds only what it asks beyond ``core``."""
    wanted = profile == "house"
    return tuple(
        p
        for p in sorted(folder("shapes").glob("*.shacl.ttl"))
        if (p.name == HOUSE_SHAPES) == wanted
    )


def questions() -> dict[str, str]:
    """Return the competency questions that ship: what is asked, in words, and its SPARQL."""
    files = sorted(folder("tests/questions").glob("*/question.rq"))
    texts = (file.read_text(encoding="utf-8") for file in files)
    return {text.partition("\n")[0].removeprefix("# "): text for text in texts}


def shipped_findings(seed: Seed) -> list[dict[str, Any]]:
    """Return the findings that stand in the shipped graphs of a seed, as the log keeps them."""
    names = {graph.iri for graph in shipped_graphs(seed)}
    text = (folder("ontology") / "frameworks" / "findings.json").read_text(encoding="utf-8")
    return [row for row in json.loads(text) if row["graph"] in names]


def shipped_graphs(seed: Seed) -> Iterator[ShippedGraph]:
    """Yield the graphs that an empty database is filled with (setting ``SEED``)."""
    if seed == "none":
        return
    yield ShippedGraph(iri=GRAPH + "ontology", files=ontology_files())
    yield ShippedGraph(
        iri=GRAPH + "term-mappings", files=(folder("ontology") / "term-mappings.ttl",)
    )
    yield ShippedGraph(iri=GRAPH + "shapes-core", files=shape_files("core"))
    yield ShippedGraph(iri=GRAPH + "shapes-house", files=shape_files("house"))
    for framework in sorted((folder("ontology") / "frameworks").iterdir()):
        if framework.is_dir() and (seed == "shipped" or not framework.name.startswith("example-")):
            yield ShippedGraph(
                iri=GRAPH + framework.name, files=tuple(sorted(framework.glob("*.ttl")))
            )
