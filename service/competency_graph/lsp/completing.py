"""What could be written at a place, chosen by what things are called. Judges nothing."""

import re
from typing import Any, Final

from lsprotocol import types as lsp

from competency_graph.lsp.documents import Text
from competency_graph.lsp.link import Link
from competency_graph.lsp.renaming import short
from competency_graph.lsp.telling import declaring

MOST: Final = 100
"""How many are offered at a time; typing on chooses among all."""
_LONGEST: Final = 300
_WORD: Final = re.compile(r"<[^<>\s]*\Z|(?:[\w.·%\\-]*:)?[\w·%\\-]*\Z")


async def completion(
    text: Text, offset: int, link: Link, languages: list[str]
) -> lsp.CompletionList:
    """Return terms and things for a place, with what to write for each."""
    block = text.written.block_at(offset)
    within = [t for t in block.tokens if t.start < offset <= t.end] if block else []
    opaque = any(t.kind in ("text", "comment", "at", "number") for t in within)
    found = _WORD.search(text.text, max(0, offset - _LONGEST), offset)
    if opaque or found is None:
        return lsp.CompletionList(is_incomplete=False, items=[])
    typed = found[0]
    position, predicate = text.written.asked_at(found.start())
    space, end = _parts(typed, text)
    rows = await link.ask(
        "choices",
        typed=end,
        position=position,
        predicate=predicate.iri if predicate else None,
        languages=languages,
        space=space,
        most=MOST,
    )
    where = text.lines.range(found.start(), offset)
    items = [_item(row, number, typed, where, text) for number, row in enumerate(rows)]
    return lsp.CompletionList(is_incomplete=True, items=items)


def _parts(typed: str, text: Text) -> tuple[str, str]:
    """Return of what was typed the beginning of an address, and what of a name."""
    if typed.startswith("<"):
        cut = max(typed.rfind("/"), typed.rfind("#")) + 1
        return typed[1:cut], typed[max(cut, 1) :]
    prefix, colon, end = typed.rpartition(":")
    return (text.written.prefixes.get(prefix, "") if colon else ""), end


def _item(
    row: dict[str, Any], number: int, typed: str, where: lsp.Range, text: Text
) -> lsp.CompletionItem:
    said, prefix = short(row["iri"], text)
    return lsp.CompletionItem(
        label=row["label"],
        label_details=lsp.CompletionItemLabelDetails(description=said),
        kind=lsp.CompletionItemKind.Reference,
        detail=row["kind"] or None,
        documentation=row["definition"],
        tags=[lsp.CompletionItemTag.Deprecated] if row["deprecated"] else None,
        # The choice was made here, among more than the editor has.
        filter_text=typed or row["label"],
        sort_text=f"{number:04}",
        text_edit=lsp.TextEdit(where, said),
        additional_text_edits=[declaring(prefix, text)] if prefix else None,
    )
