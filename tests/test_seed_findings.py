"""What the shipped graphs are found to have stands from the first change on, and is what it is."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from competency_graph import history, resources
from competency_graph.config import Settings
from competency_graph.log import Log
from competency_graph.resources import Seed
from competency_graph.shacl.data import Run
from competency_graph.trial.evaluating import evaluate
from competency_graph.trial.planning import data_of, members
from competency_graph.trial.profiles import Profiles

_FILE = resources.folder("ontology") / "frameworks" / "findings.json"
_NOW = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.mark.parametrize("seed", ["shipped", "framework"])
def test_what_stands_is_what_judging_finds(tmp_path: Path, seed: Seed) -> None:
    settings = Settings(database=f"sqlite:///{tmp_path}/log.db", seed=seed)
    graph = history.load(settings, now=_NOW)
    kept = Profiles()
    for _ in kept.prepare(graph):
        pass
    profiles, run = kept.after(graph, ()), Run(data_of(graph))
    nodes = {
        node: None
        for name in graph.graph_names()
        if not name.rpartition("/")[2].startswith("shapes-")
        for node in members(graph, name, profiles, run)
    }
    rows = evaluate(graph, profiles, run, list(nodes))
    found = [row for node in rows for row in rows[node]]
    found.sort(key=lambda row: json.dumps(row, sort_keys=True))
    if os.environ.get("WRITE_GOLDEN") and seed == "shipped":
        _FILE.write_text(json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    with Log.open(settings.database) as log:
        stands = [dict(row.finding) for row in log.standing()]
    assert stands == found, "Write them anew: WRITE_GOLDEN=1 pytest tests/test_seed_findings.py"
    assert len(found) >= 1
