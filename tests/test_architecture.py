"""The layers of docs/design/0001-seams.md hold: who imports whom, who owns which library, sizes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICE = Path(__file__).parent.parent / "service" / "competency_graph"
LAYERS = (
    {"errors", "vocab", "config", "resources"},
    {
        *("literals", "model", "rdf", "graphs", "syntax_faults", "places", "statements"),
        *("codings", "sparql_text", "editing"),
    },
    {"log", "index", "shacl", "queries", "exchange", "outward"},
    {
        *("catalogue", "telling", "requirements", "jsonld", "words", "judging", "reports"),
        *("documents", "misspellings", "mending", "pages", "changes", "record"),
        *("service_description", "shown"),
        *("history", "keeping", "machine", "gate", "local_gate", "access", "trial", "gating"),
        *("importing", "jobs", "past", "historic"),
        *("git", "diff", "checking", "linting", "workspace"),
    },
    {"web", "cli", "lsp"},
    {"__main__", "__init__"},
)
LAYER = {part: level for level, parts in enumerate(LAYERS) for part in parts}
# Neighbours of one layer that may know each other, each for a reason.
NEIGHBOURS = {
    ("exchange", "index"): "what is brought is asked in a graph of its own",
    ("git", "documents"): "what git holds is read into the same documents",
    ("diff", "documents"): "documents are what is compared",
    ("diff", "words"): "things are called what they are called elsewhere",
    ("diff", "requirements"): "what a role needs is worked out once",
    ("checking", "documents"): "documents are what is checked",
    ("checking", "judging"): "and judging is done there",
    ("workspace", "documents"): "documents are what is held",
    ("workspace", "judging"): "whether a document belongs to the house is decided there",
    ("workspace", "mending"): "findings are told with how and where to mend them",
    ("workspace", "misspellings"): "findings that no shape can make",
    ("cli", "lsp"): "a command starts the server",
    ("importing", "documents"): "files are read from disk in one place",
    ("importing", "judging"): "findings are found again in files as judging does it",
    ("gating", "jobs"): "what takes long is done in its process",
    ("exchange", "queries"): "and one query says what becomes what",
    ("resources", "vocab"): "shipped graphs are named by IRIs",
    ("config", "vocab"): "BASE has a default",
    ("config", "resources"): "SEED chooses among what ships",
    ("index", "queries"): "our own questions are asked of the graph",
    ("config", "errors"): "a wrong setting is an error of our tree",
    ("catalogue", "words"): "labels are chosen by language",
    ("catalogue", "jsonld"): "answers are written in the words of the context",
    ("catalogue", "telling"): "it chooses the objects that are told",
    ("catalogue", "requirements"): "profiles follow its rule",
    ("telling", "words"): "labels are chosen by language",
    ("telling", "jsonld"): "members are those of the context",
    ("requirements", "words"): "what is deprecated counts for nothing",
    ("pages", "words"): "labels are chosen by language",
    ("pages", "catalogue"): "the order of notations",
    ("pages", "requirements"): "what a role needs is worked out once",
    ("editing", "model"): "edits and repairs are values",
    ("rdf", "syntax_faults"): "what is wrong with a text is told as it is read",
    ("places", "rdf"): "places are found by reading once more",
    ("linting", "documents"): "documents are what is looked at",
    ("linting", "mending"): "findings are placed as judging does it",
    ("linting", "misspellings"): "words that do not exist are found in one place",
    ("judging", "documents"): "documents are what is judged",
    ("judging", "misspellings"): "findings that no shape can make",
    ("judging", "mending"): "findings are told with how and where to mend them",
    ("mending", "documents"): "edits are of documents",
    ("statements", "rdf"): "what was written is read as any Turtle",
    ("statements", "graphs"): "terms are rdflib's",
    ("changes", "words"): "changes are told in words",
    ("graphs", "rdf"): "rdflib's graphs are made of what was read",
    ("places", "graphs"): "places are found by rdflib's own parser",
    ("trial", "mending"): "findings are told with how and where to mend them",
    ("trial", "misspellings"): "findings that no shape can make",
    ("gate", "access"): "what a change touches decides who may make it",
    ("local_gate", "gate"): "it is one",
    ("local_gate", "history"): "it loads and follows the log",
    ("local_gate", "trial"): "it tries changes out in forks of its own",
    ("sparql_text", "rdf"): "brackets nest as deep in every text",
    ("gating", "access"): "secrets are recognised before anything else",
    ("gating", "gate"): "it is the gate's process",
    ("gating", "history"): "snapshots are kept between changes",
    ("keeping", "trial"): "the forks in which changes are tried out",
    ("record", "changes"): "what a change is as JSON is said once",
    ("record", "history"): "what undoes a change",
    ("gating", "past"): "it knows what was redacted, and who asks",
    ("historic", "history"): "it loads what the log held",
    ("historic", "keeping"): "its readers answer what the keeper's do",
    ("gating", "record"): "web processes ask it of the gate's process",
    ("trial", "judging"): "places in documents, and shapes of one's own",
    ("trial", "documents"): "places are found in documents",
    ("trial", "reports"): "a verdict is written where rdflib is",
    ("keeping", "changes"): "look-up readers answer from it",
    ("keeping", "catalogue"): "look-up readers answer from it",
    ("keeping", "pages"): "look-up readers answer from it",
    ("keeping", "shown"): "query readers answer from it",
    ("shown", "catalogue"): "how an answer is written",
    ("shown", "words"): "labels are chosen by language",
    ("keeping", "service_description"): "look-up readers answer from it",
    ("keeping", "history"): "the keeper loads what the log holds",
}
# What the top layer must not reach past the layer between.
FORBIDDEN = {
    "web": {"cli", "log", "shacl"},
    "cli": {"web", "log", "shacl"},
    "lsp": {"web", "cli", "log", "shacl", "index"},
}
OWNERS = {
    "sqlalchemy": {"log"},
    "alembic": {"log"},
    "zstandard": {"log", "codings"},
    "pyoxigraph": {
        *("index", "rdf", "graphs", "shacl", "judging", "misspellings", "trial", "workspace"),
    },
    "pyshacl": {"shacl"},
    "flask": {"web"},
    "flask_openapi3": {"web"},
    "werkzeug": {"web"},
    "babel": {"web", "mending"},
    "gunicorn": {"web"},
    "gevent": {"web"},
    "prometheus_client": {"web"},
    "click": {"cli"},
    "rich": {"cli"},
    "pygls": {"lsp"},
    "lsprotocol": {"lsp"},
    "jinja2": {"diff", "reports", "web"},
}


def faults(module: str, source: str) -> Iterator[str]:
    """Yield a sentence for each rule that a module, named from the package down, breaks."""
    tree = ast.parse(source)
    part = module.split(".")[0]
    if "utils" in module:
        yield f"{module}: name it for what it owns, not “utils”."
    if part not in LAYER:
        yield f"{module}: give it a layer in tests/test_architecture.py and docs/design/0001."
    if len(source.splitlines()) >= 400:
        yield f"{module}: {len(source.splitlines())} lines; split it below 400."
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length >= 60:
                yield f"{module}.{node.name}: {length} lines; split it below 60."
    for name in _imported(tree):
        library, _, rest = name.partition(".")
        if library != "competency_graph":
            if part not in OWNERS.get(library, {part}):
                yield f"{module} imports {library}, which belongs to {sorted(OWNERS[library])}."
            continue
        other = rest.split(".")[0]
        if other == part or not other:
            continue
        lower = LAYER.get(other, 99) < LAYER.get(part, -1)
        if other in FORBIDDEN.get(part, ()) or not (lower or (part, other) in NEIGHBOURS):
            yield f"{module} imports {other}: only lower layers and named neighbours."


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_keeps_to_the_architecture() -> None:
    files = sorted(SERVICE.rglob("*.py"))
    assert len(files) >= 35, "The modules were not found."
    found: list[str] = []
    for file in files:
        module = ".".join(file.relative_to(SERVICE).with_suffix("").parts)
        found += faults(module.removesuffix(".__init__"), file.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("rdf", "from competency_graph.index import Graph", "imports index"),
        ("log.tables", "import competency_graph.index.graph", "imports index"),
        ("web.api", "from competency_graph import log", "imports log"),
        ("cli.judging", "from competency_graph.web.app import create_app", "imports web"),
        ("history", "def late():\n    from competency_graph import machine", "imports machine"),
        ("catalogue", "import pyoxigraph as ox", "belongs to"),
        ("index.graph", "from sqlalchemy import select", "belongs to"),
        ("web.utils", "", "utils"),
        ("helpers", "", "give it a layer"),
        ("rdf", "#\n" * 400, "below 400"),
        ("rdf", "def long():\n" + "    pass\n" * 60, "below 60"),
    ],
)
def test_a_module_that_breaks_a_rule_is_told_so(module: str, source: str, said: str) -> None:
    assert [fault for fault in faults(module, source) if said in fault]
