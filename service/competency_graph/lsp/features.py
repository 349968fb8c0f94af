"""What the editor asks, each answered from the workspace. Keeps nothing."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.uris import from_fs_path

from competency_graph import rdf, resources
from competency_graph.errors import CompetencyGraphError
from competency_graph.lsp import completing, renaming, telling
from competency_graph.lsp.documents import Text
from competency_graph.lsp.server import Server
from competency_graph.workspace.telling import by_tokens
from competency_graph.workspace.written import Name

_ENDINGS: Final = "**/*.{" + ",".join(e[1:] for s in rdf.SYNTAXES for e in s.endings) + "}"


def install(server: Server) -> None:
    """Let a server answer all that is here, and say so to the editor."""
    for method, answer, options in (
        (lsp.INITIALIZE, initialise, None),
        (lsp.INITIALIZED, initialised, None),
        (lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, files_changed, None),
        (lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, folders_changed, None),
        (lsp.TEXT_DOCUMENT_COMPLETION, complete, lsp.CompletionOptions(trigger_characters=[":"])),
        (lsp.TEXT_DOCUMENT_HOVER, hover, None),
        (lsp.TEXT_DOCUMENT_DEFINITION, define, None),
        (lsp.TEXT_DOCUMENT_REFERENCES, refer, None),
        (lsp.TEXT_DOCUMENT_PREPARE_RENAME, prepare_rename, None),
        (lsp.TEXT_DOCUMENT_RENAME, rename, lsp.RenameOptions(prepare_provider=True)),
        (
            lsp.TEXT_DOCUMENT_CODE_ACTION,
            act,
            lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]),
        ),
        (lsp.TEXT_DOCUMENT_FORMATTING, form, None),
    ):
        server.feature(method, options)(answer)


def initialise(ls: Server, params: lsp.InitializeParams) -> None:
    """Hear what the editor can."""
    ls.begin(params)


async def initialised(ls: Server, params: lsp.InitializedParams) -> None:
    """Begin, and ask to be told of files that others change."""
    workspace = ls.client_capabilities.workspace
    watched = workspace.did_change_watched_files if workspace else None
    if watched is not None and watched.dynamic_registration:
        options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher(_ENDINGS)])
        method = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
        registration = lsp.Registration(id=method, method=method, register_options=options)
        ls.client_register_capability(lsp.RegistrationParams([registration]))
    await ls.begun()


async def folders_changed(ls: Server, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Hear that other folders are open than before."""
    await ls.read_folders()


def files_changed(ls: Server, params: lsp.DidChangeWatchedFilesParams) -> None:
    """Hear of files that others changed."""
    ls.seen(params.changes)


async def complete(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList:
    """Answer what could be written at a place."""
    text = ls.text(params.text_document.uri)
    if not by_tokens(text.syntax):
        return lsp.CompletionList(is_incomplete=False, items=[])
    offset = text.lines.offset(params.position)
    return await completing.completion(text, offset, ls.link, ls.languages)


async def hover(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    """Answer what the thing at a place is called, means, and is used for."""
    text, name = _name_at(ls, params)
    if name is None:
        return None
    told = await ls.link.ask("about", iri=name.iri, languages=ls.languages)
    if told is None:
        return None
    content = lsp.MarkupContent(kind=lsp.MarkupKind.Markdown, value="\n\n".join(_about(told, name)))
    return lsp.Hover(contents=content, range=text.lines.range(name.start, name.end))


def _about(told: dict[str, Any], name: Name) -> Iterator[str]:
    kinds = ", ".join(told["kinds"])
    yield f"**{told['label'] or name.iri}**" + (f" · {kinds}" if kinds else "")
    if told["deprecated"]:
        instead = ", ".join(told["successors"])
        yield "Deprecated" + (f"; write instead: {instead}." if instead else ".")
    if told["definition"]:
        yield str(told["definition"])
    if told["uses"]:
        users = ", ".join(told["users"])
        more = ", …" if told["uses"] > len(told["users"]) else ""
        times = "once" if told["uses"] == 1 else f"{told['uses']} times"
        yield f"Used {times}: {users}{more}"
    else:
        yield "Not used."
    yield f"`{name.iri}`"


def define(ls: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    """Answer where the thing at a place is described: in the workspace, or else in what ships."""
    text, name = _name_at(ls, params)
    if name is None:
        return None
    for other in (text, *ls.documents, *_shipped()):
        if by_tokens(other.syntax) and (found := other.written.described(name.iri)) is not None:
            return _location(other, found)
    return None


def refer(ls: Server, params: lsp.ReferenceParams) -> list[lsp.Location]:
    """Answer where the thing at a place is named in the workspace."""
    text, name = _name_at(ls, params)
    if name is None:
        return []
    documents = dict.fromkeys((text.name, *(other.name for other in ls.documents)))
    texts = [ls.documents.texts[other] for other in documents]
    return [
        _location(other, found)
        for other in texts
        if by_tokens(other.syntax)
        for block in other.written.blocks
        if not block.directive
        for found in block.names
        if found.iri == name.iri
        and (params.context.include_declaration or found.start != block.start)
    ]


def prepare_rename(ls: Server, params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder:
    """Answer which part of the name at a place would be another."""
    text = ls.text(params.text_document.uri)
    try:
        found = renaming.renamable(text, text.lines.offset(params.position), ls.documents)
    except CompetencyGraphError as error:
        raise _refused(error) from None
    where = text.lines.range(found.start, found.end)
    return lsp.PrepareRenamePlaceholder(range=where, placeholder=found.said)


def rename(ls: Server, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    """Answer what names a thing otherwise in the whole workspace."""
    text = ls.text(params.text_document.uri)
    offset = text.lines.offset(params.position)
    try:
        return ls.edit(renaming.renamed(text, offset, params.new_name, ls.documents))
    except CompetencyGraphError as error:
        raise _refused(error) from None


async def act(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """Answer what mends what was found in a range."""
    text = ls.text(params.text_document.uri)
    findings = await ls.findings(text)
    found = list(telling.fixes(findings, text, ls.documents, params.range))
    for action in found:
        action.edit = action.edit and ls.edit(action.edit)
    return found


async def form(ls: Server, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
    """Answer what brings a Turtle document into the one form of the house."""
    text = ls.text(params.text_document.uri)
    if text.syntax.name != "turtle":
        raise _refused_with(f"This is {text.syntax.title}; only Turtle has a canonical form here.")
    before = text.text
    try:
        after: str = await ls.link.ask("form", name=Path(text.name).name, text=before)
    except CompetencyGraphError as error:
        raise _refused(error) from None
    if after == before.replace("\r\n", "\n"):
        # Ends of lines are the editor's to choose.
        return []
    start = len(_common(before, after))
    end = len(_common(before[start:][::-1], after[start:][::-1]))
    where = text.lines.range(start, len(before) - end)
    return [lsp.TextEdit(where, after[start : len(after) - end])]


def _common(one: str, other: str) -> str:
    """Return what two texts begin with alike, in whole lines, so that no character is cut."""
    end = next(
        (i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
    return one[: one.rfind("\n", 0, end) + 1]


def _name_at(
    ls: Server, params: lsp.HoverParams | lsp.DefinitionParams | lsp.ReferenceParams
) -> tuple[Text, Name | None]:
    text = ls.text(params.text_document.uri)
    offset = text.lines.offset(params.position)
    return text, text.written.name_at(offset) if by_tokens(text.syntax) else None


def _location(text: Text, name: Name) -> lsp.Location:
    return lsp.Location(uri=text.uri, range=text.lines.range(name.start, name.end))


@cache
def _shipped() -> tuple[Text, ...]:
    """Return the files that ship, of which an editor may have none."""
    files = dict.fromkeys(f for g in resources.shipped_graphs("shipped") for f in g.files)
    return tuple(
        Text(
            name=str(file),
            uri=from_fs_path(str(file)) or "",
            syntax=rdf.SYNTAXES[0],
            text=file.read_text(encoding="utf-8"),
            encoding=None,
            apart=True,
        )
        for file in files
    )


def _refused(error: CompetencyGraphError) -> JsonRpcException:
    return _refused_with(error.detail)


def _refused_with(sentence: str) -> JsonRpcException:
    return JsonRpcException(sentence, code=lsp.LSPErrorCodes.RequestFailed)
