"""Findings as an editor shows them, and as it mends what they are about. Judges nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from lsprotocol import types as lsp

from competency_graph.lsp.documents import Documents, Text
from competency_graph.model import Edit, Finding, Place, Severity
from competency_graph.reports.text import found_value, sentence
from competency_graph.vocab import PREFIXES
from competency_graph.workspace.written import Token

SOURCE: Final = "competency-graph"
_SEVERITIES: Final[dict[Severity, lsp.DiagnosticSeverity]] = {
    "violation": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "info": lsp.DiagnosticSeverity.Information,
}


def diagnostic(finding: Finding, text: Text) -> lsp.Diagnostic:
    """Return a finding as a diagnostic of the document in which its place is."""
    lines = [sentence(finding)]
    if found := found_value(finding):
        lines.append(f"found {found}")
    if finding.repair is not None:
        lines.append(f"→ {finding.repair.text}")
    return lsp.Diagnostic(
        range=_range(finding.place, text),
        message="\n".join(lines),
        severity=_SEVERITIES[finding.severity],
        code=finding.rule.rpartition("#")[2] or None,
        code_description=lsp.CodeDescription(href=finding.page) if finding.page else None,
        source=SOURCE,
    )


def _range(place: Place | None, text: Text) -> lsp.Range:
    if place is None or place.line is None:
        return text.lines.range(0, 0)
    start = text.lines.at(place.line, place.column or 1)
    if place.end_line is None:
        return text.lines.range(start, start)
    return text.lines.range(start, text.lines.at(place.end_line, place.end_column or 1))


def overlap(one: lsp.Range, other: lsp.Range) -> bool:
    """Say whether two ranges have a place in common, their ends included."""

    def key(position: lsp.Position) -> tuple[int, int]:
        return position.line, position.character

    return key(one.start) <= key(other.end) and key(other.start) <= key(one.end)


def fixes(
    findings: Sequence[Finding], text: Text, documents: Documents, asked: lsp.Range
) -> Iterator[lsp.CodeAction]:
    """Yield what mends those of a document's findings that stand in a range."""
    seen: set[str] = set()
    for finding in findings:
        told = diagnostic(finding, text)
        if not overlap(told.range, asked):
            continue
        action = _repair(finding, documents) or _prefix(finding, text)
        if action is not None and action.title not in seen:
            seen.add(action.title)
            action.kind, action.diagnostics, action.is_preferred = (
                lsp.CodeActionKind.QuickFix,
                [told],
                True,
            )
            yield action


def _repair(finding: Finding, documents: Documents) -> lsp.CodeAction | None:
    repair = finding.repair
    if repair is None or not repair.edits:
        return None
    by_name: defaultdict[str, list[Edit]] = defaultdict(list)
    for edit in repair.edits:
        by_name[edit.place.file].append(edit)
    changes = []
    for name, edits in by_name.items():
        text = documents.texts.get(name)
        if text is None:
            return None
        changes.append((text, [lsp.TextEdit(_range(e.place, text), e.text) for e in edits]))
    return lsp.CodeAction(title=repair.text, edit=workspace_edit(changes))


def _prefix(finding: Finding, text: Text) -> lsp.CodeAction | None:
    """Return what declares the prefix for the lack of which a document cannot be read."""
    place, written = finding.place, text.written
    if finding.focus or place is None or place.line is None:
        return None
    block = written.block_at(text.lines.at(place.line, place.column or 1))
    for token in block.tokens if block else ():
        prefix = _prefix_of(token, text.text)
        if prefix in PREFIXES and prefix not in written.prefixes:
            edit = workspace_edit([(text, [declaring(prefix, text)])])
            return lsp.CodeAction(title=f"Declare the prefix “{prefix}:”", edit=edit)
    return None


def _prefix_of(token: Token, text: str) -> str:
    return text[token.start : token.end].partition(":")[0] if token.kind == "name" else ""


def declaring(prefix: str, text: Text) -> lsp.TextEdit:
    """Return the edit that declares one of our prefixes at the top of a document."""
    start = text.lines.position(int(text.text.startswith("\ufeff")))
    return lsp.TextEdit(lsp.Range(start, start), f"PREFIX {prefix}: <{PREFIXES[prefix]}>\n")


def workspace_edit(changes: Sequence[tuple[Text, list[lsp.TextEdit]]]) -> lsp.WorkspaceEdit:
    """Return edits of several documents as one; an editor refuses them where its texts are others.

    A document that is not open has no number, and its text is that on disk.
    """
    return lsp.WorkspaceEdit(
        document_changes=[
            lsp.TextDocumentEdit(
                text_document=lsp.OptionalVersionedTextDocumentIdentifier(
                    uri=text.uri, version=text.version
                ),
                edits=list(edits),
            )
            for text, edits in changes
        ]
    )


def plainly(edit: lsp.WorkspaceEdit) -> lsp.WorkspaceEdit:
    """Return the same edit for an editor that knows no numbers of documents."""
    changes = {
        change.text_document.uri: [e for e in change.edits if isinstance(e, lsp.TextEdit)]
        for change in edit.document_changes or ()
        if isinstance(change, lsp.TextDocumentEdit)
    }
    return lsp.WorkspaceEdit(changes=changes)
