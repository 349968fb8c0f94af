"""A verdict as SARIF 2.1.0 (OASIS), which code hosts and editors show."""

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from competency_graph.model import Finding, Place, Severity, Verdict, finding_json
from competency_graph.reports.text import name, sentence, thing
from competency_graph.vocab import DOCS

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS: Final[dict[Severity, str]] = {"violation": "error", "warning": "warning", "info": "note"}


def render(verdict: Verdict) -> str:
    """Return a log of one run: new findings, those that stood, and those that are mended."""
    groups = (("new", verdict.findings), ("unchanged", verdict.standing), ("absent", verdict.fixed))
    compared = bool(verdict.fixed or verdict.standing)
    every = [(state, finding) for state, group in groups for finding in group]
    rules = {finding.rule: finding for _, finding in reversed(every)}
    order = {rule: number for number, rule in enumerate(sorted(rules))}
    run = {
        "tool": {
            "driver": {
                "name": "Competency Graph",
                "version": version("competency-graph"),
                "informationUri": DOCS + "edit",
                "rules": [_rule(rules[rule]) for rule in order],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": note}} for note in verdict.notes
                ],
            }
        ],
        "results": [
            _result(finding, order[finding.rule]) | ({"baselineState": state} if compared else {})
            for state, finding in every
        ],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2)


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": name(finding.rule),
        "shortDescription": {"text": sentence(finding)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"iri": finding.rule},
        **({"helpUri": finding.page} if finding.page else {}),
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    told = finding_json(asdict(finding))
    repair = f" {finding.repair.text}" if finding.repair else ""
    location: dict[str, Any] = {
        "logicalLocations": [{"name": thing(finding), "fullyQualifiedName": finding.focus}]
    }
    if finding.place is not None:
        location["physicalLocation"] = {
            "artifactLocation": _artifact(finding.place),
            **({"region": _region(finding.place)} if finding.place.line else {}),
        }
    identity = [told[key] for key in ("rule", "field", "value", "message")] + [finding.focus]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    result = {
        "ruleId": name(finding.rule),
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{thing(finding)}: {sentence(finding)}{repair}"},
        "locations": [location],
        "partialFingerprints": {"finding/v1": digest},
        "properties": {k: v for k, v in told.items() if k not in ("place", "repair", "severity")},
    }
    return result | _fixes(finding)


def _fixes(finding: Finding) -> dict[str, Any]:
    repair = finding.repair
    if repair is None or not repair.edits:
        return {}
    replacements = [
        {"deletedRegion": _region(edit.place), "insertedContent": {"text": edit.text}}
        for edit in repair.edits
    ]
    # The edits of one repair are all in one document.
    change = {"artifactLocation": _artifact(repair.edits[0].place), "replacements": replacements}
    return {"fixes": [{"description": {"text": repair.text}, "artifactChanges": [change]}]}


def _artifact(place: Place) -> dict[str, str]:
    path = PurePath(place.file)
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def _region(place: Place) -> dict[str, int]:
    told = {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }
    return {name: number for name, number in told.items() if number is not None}
