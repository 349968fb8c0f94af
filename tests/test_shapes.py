"""Every rule has a pair that shows it, and says to an editor what to do. Judges no shipped data."""

import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from competency_graph import resources
from competency_graph.errors import InvalidShapes
from competency_graph.model import Finding
from competency_graph.shacl.reference import (
    Shapes,
    check_well_formed,
    compile_shapes,
    judge_graph,
)
from competency_graph.vocab import CG, DOCS, SHAPES
from rdflib import DCTERMS, OWL, PROV, RDF, RDFS, SH, SKOS, BNode, Graph, Literal, URIRef
from rdflib.namespace import DefinedNamespace
from rdflib.term import Node

SHAPES_FOLDER = resources.folder("shapes")
PAIRS_FOLDER = Path(__file__).parent / "shapes"
FLOOR = 204
CLOSED: tuple[type[DefinedNamespace], ...] = (SH, SKOS, DCTERMS, OWL, PROV)
NOT_CONSTRAINTS = {"path", "severity", "name", "message", "description"}
# Words that an editor of a framework need not know.
JARGON = re.compile(
    r"\b(RDF|OWL|SKOS|SHACL|SPARQL|IRI|URI|URL|triple|literal|node|shape|predicate|subject|object"
    r"|property|properties|class|instance|graph|datatype|ontology|namespace|cardinality|prefLabel"
    r"|minCount|maxCount|blank)s?\b",
    re.IGNORECASE,
)


@cache
def ontology() -> Graph:
    return read(*resources.ontology_files())


def read(*files: Path) -> Graph:
    graph = Graph(bind_namespaces="none")
    for file in files:
        graph.parse(file, format="turtle")
    return graph


def loaded(shapes: Path) -> dict[str, Graph]:
    return {module: read(file) for module, file in modules(shapes).items()}


def modules(shapes: Path) -> dict[str, Path]:
    return {p.name.removesuffix(".shacl.ttl"): p for p in sorted(shapes.glob("*.shacl.ttl"))}


@cache
def compiled(shapes: Path, module: str) -> Shapes:
    """Return what judges a module's pairs: core, and house on top of it for its own."""
    files = modules(shapes)
    house = files.pop("house")
    return compile_shapes(read(*files.values(), *([house] if module == "house" else [])))


def rules(shapes: dict[str, Graph]) -> dict[str, tuple[str, URIRef]]:
    """Return each rule's local name with its module and IRI; members of a logical rule are none."""
    found: dict[str, tuple[str, URIRef]] = {}
    for module, graph in shapes.items():
        for rule in members_of_targets(graph):
            found[rule.removeprefix(SHAPES)] = (module, rule)
    return found


def members_of_targets(graph: Graph) -> Iterator[URIRef]:
    for shape in graph.subjects(RDF.type, SH.NodeShape):
        if any((shape, word, None) in graph for word in (SH.targetClass, SH.targetSubjectsOf)):
            for rule in graph.objects(shape, SH.property):
                assert isinstance(rule, URIRef), f"{shape} has a rule without an IRI."
                yield rule


def pairs(folder: Path) -> dict[str, tuple[str, Path]]:
    return {p.name: (p.parent.name, p) for p in sorted(folder.glob("*/*")) if p.is_dir()}


def known(namespace: type[DefinedNamespace], term: str) -> bool:
    return bool(namespace.__contains__(term))


def promise_of(graph: Graph, rule: URIRef) -> str:
    """Return a rule's severity and constraints as RULES.txt writes them."""
    said: list[str] = []
    for predicate, value in graph.predicate_objects(rule):
        word = str(predicate).removeprefix(str(SH))
        if str(predicate).startswith(str(SH)) and word not in NOT_CONSTRAINTS:
            plain = isinstance(value, Literal) and str(value).isalnum()
            said.append(f"{word}={value}" if plain else word)
    severity = str(graph.value(rule, SH.severity)).removeprefix(str(SH))
    return " ".join([severity, *sorted(said)])


# The checks. Each takes folders and gives sentences, so that the tests of the checks can run them
# on copies with one fault.


def coverage_faults(shapes: Path, folder: Path) -> Iterator[str]:
    graphs = loaded(shapes)
    known, shown = rules(graphs), pairs(folder)
    promised: dict[str, str] = {}
    for line in (folder / "RULES.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            module, name, *kept = line.split()
            promised[name] = " ".join([module, *kept])
    for name, (module, rule) in known.items():
        if name not in shown or shown[name][0] != module:
            yield f"{name} has no pair: add tests/shapes/{module}/{name}/valid.ttl and invalid.ttl."
        promise = f"{module} {promise_of(graphs[module], rule)}"
        if promised.get(name) not in (None, promise):
            yield f"{name} keeps “{promise}”, and RULES.txt promises “{promised[name]}”: mend one."
        elif name not in promised:
            line = promise.replace(" ", f" {name} ", 1)
            yield f"{name} is not promised: add “{line}” to RULES.txt."
    for name in promised.keys() - known.keys():
        yield f"RULES.txt promises {name}, and no shape keeps it: restore it, or retire the line."
    for name, (module, place) in shown.items():
        if name not in known:
            yield f"tests/shapes/{module}/{name} shows a rule that is not in {module}.shacl.ttl."
        for part in ("valid.ttl", "invalid.ttl"):
            file = place / part
            if not file.is_file() or not file.read_text(encoding="utf-8").strip():
                yield f"tests/shapes/{module}/{name} has no {part}: each rule is shown both ways."
            elif len(file.read_text(encoding="utf-8").splitlines()) >= 15:
                yield f"tests/shapes/{module}/{name}/{part} is too long: keep it under 15 lines."
    for module in graphs:
        if not (folder / module / "base.ttl").is_file():
            yield f"tests/shapes/{module} has no base.ttl to add its pairs to."
    if len(known) < FLOOR:
        yield f"Only {len(known)} rules were found, and there were {FLOOR}: is a file missing?"


def vocabulary_faults(shapes: Path) -> Iterator[str]:
    for module, graph in loaded(shapes).items():
        file = f"{module}.shacl.ttl"
        for term in {str(term) for triple in graph for term in triple}:
            for namespace in CLOSED:
                if term.startswith(str(namespace)) and not known(namespace, term):
                    yield f"{file} uses {term}, which that vocabulary does not have."
            if term.startswith(CG) and (URIRef(term), RDF.type, None) not in ontology():
                yield f"{file} uses {term}, which ontology/ does not declare."
        for query in graph.objects(None, SH.select):
            for name in re.findall(r"\bcg:(\w+)", str(query)):
                if (URIRef(CG + name), RDF.type, None) not in ontology():
                    yield f"{file} asks for cg:{name}, which ontology/ does not declare."


def wording_faults(shapes: Path) -> Iterator[str]:
    graphs = loaded(shapes)
    for name, (module, rule) in rules(graphs).items():
        graph = graphs[module]
        if (rule, RDF.type, SH.PropertyShape) not in graph:
            yield f"{name} is not declared as a property shape."
        for word in (SH.name, SH.message, SH.description):
            texts = list(graph.objects(rule, word))
            short = str(word).removeprefix(str(SH))
            if len(texts) != 1 or not isinstance(texts[0], Literal) or texts[0].language != "en":
                yield f"{name} needs exactly one sh:{short}, in English and tagged so."
        message = str(graph.value(rule, SH.message))
        if not re.fullmatch(r"[A-Z][^.!?]*(?:\.\d[^.!?]*)*\.", message):
            yield f"The message of {name} is not one sentence that ends with a full stop."
        if "http" in message or re.search(r"\b[a-z]+:[A-Za-z]", message):
            yield f"The message of {name} holds an IRI."
        if jargon := JARGON.search(message):
            yield f"The message of {name} says “{jargon[0]}”: say it in the editor's words."
        if graph.value(rule, SH.severity) not in (SH.Violation, SH.Warning, SH.Info):
            yield f"{name} does not state its severity."
        if graph.value(rule, RDFS.seeAlso) != URIRef(f"{DOCS}rules#{name}"):
            yield f"{name} does not point at its page with rdfs:seeAlso."
    for module, graph in graphs.items():
        for word in (SH.property, SH.node, SH["not"], SH.qualifiedValueShape, SH.sparql):
            if any(isinstance(inner, BNode) for inner in graph.objects(None, word)):
                yield f"{module}.shacl.ttl has a shape or query without an IRI."
        for query in graph.objects(None, SH.select):
            if not str(query).startswith("# "):
                yield f"A query in {module}.shacl.ttl has no question as its first line."


def judge(shapes: Path, module: str, *files: Path) -> list[Finding]:
    own = read(*files)
    focus: set[Node] = set(own.subjects())
    return judge_graph(ontology() + own, compiled(shapes, module), focus=focus)


def pair_faults(shapes: Path, folder: Path, name: str) -> Iterator[str]:
    module, place = pairs(folder)[name]
    base = folder / module / "base.ttl"
    for finding in judge(shapes, module, base, place / "valid.ttl"):
        yield f"{name}/valid.ttl is faulted: {finding.rule.removeprefix(SHAPES)} {finding.focus}"
    found = judge(shapes, module, base, place / "invalid.ttl")
    if not found:
        yield f"{name}/invalid.ttl reports nothing: the shape no longer refuses what it should."
    for finding in found:
        if finding.rule != SHAPES + name:
            yield f"{name}/invalid.ttl is faulted by {finding.rule.removeprefix(SHAPES)} as well."
            continue
        graph = compiled(shapes, module).graph
        rule = URIRef(finding.rule)
        if finding.message != str(graph.value(rule, SH.message)):
            yield f"{name} reports another message than it has: {finding.message}"
        if finding.severity != str(graph.value(rule, SH.severity)).removeprefix(str(SH)).lower():
            yield f"{name} reports another severity than it has: {finding.severity}"


# The promises.


def test_every_rule_has_a_pair_and_every_pair_a_rule() -> None:
    assert list(coverage_faults(SHAPES_FOLDER, PAIRS_FOLDER)) == []


def test_every_word_used_is_one_that_its_vocabulary_has() -> None:
    assert list(vocabulary_faults(SHAPES_FOLDER)) == []


def test_every_rule_speaks_to_the_editor() -> None:
    assert list(wording_faults(SHAPES_FOLDER)) == []


def test_the_shapes_are_well_formed() -> None:
    check_well_formed(read(*modules(SHAPES_FOLDER).values()))


@pytest.mark.parametrize("module", sorted(modules(SHAPES_FOLDER)))
def test_the_base_of_each_module_reports_nothing(module: str) -> None:
    assert judge(SHAPES_FOLDER, module, PAIRS_FOLDER / module / "base.ttl") == []


@pytest.mark.parametrize("name", sorted(pairs(PAIRS_FOLDER)))
def test_the_invalid_one_is_refused_for_its_rule_and_no_other(name: str) -> None:
    assert list(pair_faults(SHAPES_FOLDER, PAIRS_FOLDER, name)) == []


# Tests of the checks: each plants one fault in a copy and expects a sentence that names it.

SAMPLE = "RoleRequirement-level-one"


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    shutil.copytree(SHAPES_FOLDER, tmp_path / "shapes")
    shutil.copytree(PAIRS_FOLDER, tmp_path / "pairs")
    return tmp_path / "shapes", tmp_path / "pairs"


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def block(file: Path, name: str) -> str:
    """Return the statements about one shape, as they stand in the file."""
    text = file.read_text(encoding="utf-8")
    start = text.index(f"cgs:{name}\n")
    while start and text[start - 1] != "\n":
        start = text.index(f"cgs:{name}\n", start + 1)
    return text[start : text.index("\n.\n", start) + 3]


def delete_shape(file: Path, name: str) -> None:
    rewrite(file, block(file, name), "")
    text = file.read_text(encoding="utf-8")
    kept = re.sub(rf"\n *cgs:{name}(?: ,)?(?=\s)", "", text)
    file.write_text(re.sub(r",(\s*;)", r"\1", kept), encoding="utf-8")


def test_a_shape_deleted_with_its_pair_is_missed(copies: tuple[Path, Path]) -> None:
    shapes, folder = copies
    delete_shape(shapes / "role.shacl.ttl", SAMPLE)
    shutil.rmtree(folder / "role" / SAMPLE)
    faults = list(coverage_faults(shapes, folder))
    assert (
        f"RULES.txt promises {SAMPLE}, and no shape keeps it: restore it, or retire the line."
        in (faults)
    )


def test_a_deleted_shape_is_missed_by_its_pair(copies: tuple[Path, Path]) -> None:
    shapes, folder = copies
    delete_shape(shapes / "role.shacl.ttl", SAMPLE)
    assert any("shows a rule that is not in role" in f for f in coverage_faults(shapes, folder))


def test_a_deleted_constraint_is_missed(copies: tuple[Path, Path]) -> None:
    shapes, folder = copies
    file = shapes / "role.shacl.ttl"
    rewrite(file, block(file, SAMPLE), block(file, SAMPLE).replace("sh:minCount 1 ;", ""))
    assert list(pair_faults(shapes, folder, SAMPLE)) == [
        f"{SAMPLE}/invalid.ttl reports nothing: the shape no longer refuses what it should."
    ]
    assert list(coverage_faults(shapes, folder)) == [
        f"{SAMPLE} keeps “role Violation maxCount=1”, and RULES.txt promises "
        "“role Violation maxCount=1 minCount=1”: mend one."
    ]


def test_an_emptied_examples_folder_is_missed(copies: tuple[Path, Path]) -> None:
    shapes, folder = copies
    for file in (folder / "role" / SAMPLE).iterdir():
        file.unlink()
    faults = list(coverage_faults(shapes, folder))
    assert f"tests/shapes/role/{SAMPLE} has no valid.ttl: each rule is shown both ways." in faults
    shutil.rmtree(folder / "role")
    faults = list(coverage_faults(shapes, folder))
    assert any(fault.startswith(f"{SAMPLE} has no pair") for fault in faults)
    assert "tests/shapes/role has no base.ttl to add its pairs to." in faults


def test_an_emptied_shapes_folder_is_missed(copies: tuple[Path, Path]) -> None:
    shapes, folder = copies
    (shapes / "role.shacl.ttl").unlink()
    assert any(f.startswith("Only ") for f in coverage_faults(shapes, folder))


def test_a_mistyped_word_is_refused(copies: tuple[Path, Path]) -> None:
    shapes, _ = copies
    file = shapes / "role.shacl.ttl"
    mistyped = "sh:mesage"  # codespell:ignore mesage
    rewrite(file, block(file, SAMPLE), block(file, SAMPLE).replace("sh:message", mistyped))
    iri = mistyped.replace("sh:", str(SH))
    assert list(vocabulary_faults(shapes)) == [
        f"role.shacl.ttl uses {iri}, which that vocabulary does not have."
    ]
    assert f"{SAMPLE} needs exactly one sh:message, in English and tagged so." in list(
        wording_faults(shapes)
    )
    with pytest.raises(InvalidShapes, match="Did you mean “sh:message”"):
        compile_shapes(read(file))


def test_a_weakened_severity_is_missed(copies: tuple[Path, Path]) -> None:
    shapes, folder = copies
    file = shapes / "role.shacl.ttl"
    rewrite(file, block(file, SAMPLE), block(file, SAMPLE).replace("sh:Violation", "sh:Info"))
    assert list(coverage_faults(shapes, folder)) == [
        f"{SAMPLE} keeps “role Info maxCount=1 minCount=1”, and RULES.txt promises "
        "“role Violation maxCount=1 minCount=1”: mend one."
    ]
