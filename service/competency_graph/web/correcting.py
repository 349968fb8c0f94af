"""The page at `/validate`: texts with findings beside their lines, mended, downloaded, sent.

A form that is answered on the same page, with or without script. Nothing is kept of what it sends,
so whatever fails, the texts go back to whoever sent them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from flask import Response

from competency_graph.editing import edited, together
from competency_graph.errors import (
    BadLiteral,
    BadRequest,
    CompetencyGraphError,
    InvalidChange,
    LimitReached,
    Unavailable,
    UnreadableInput,
)
from competency_graph.model import Operation, finding_from_json, pack_operations
from competency_graph.rdf import SYNTAXES
from competency_graph.vocab import DOCS
from competency_graph.web import interface
from competency_graph.web.api import languages
from competency_graph.web.beside import Row, View, beside, line_of
from competency_graph.web.candidates import OF_ITS_OWN, asked, judged, operations
from competency_graph.web.exchange import client, problem_body
from competency_graph.web.limits import counted
from competency_graph.web.linked_data import html
from competency_graph.web.session import secret_of_form
from competency_graph.web.texts import Text, areas, blank, download, rewritten, with_files
from competency_graph.web.writing import asking, bearer
from competency_graph.words import short_name

# More than anybody reads at once; the rest is counted.
_MOST_SHOWN: Final = 200
_ALL: Final = "all"
# A label or a value may be as long as a text, and findings repeat it.
_MOST_WORDS: Final = 400
_MOST_END: Final = 80
_MOST_VERDICT: Final = 32_000_000


@dataclass(slots=True, kw_only=True)
class _Sheet:
    """What the page shows: the texts, and what became of them so far."""

    data: list[Text] = field(default_factory=list)
    shapes: list[Text] = field(default_factory=list)
    revision: str = ""
    verdict: dict[str, Any] | None = None
    rows: Sequence[Row] = ()
    mended: int | None = None
    sent: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


def empty() -> Response:
    """Show the form with nothing in it."""
    return _page(_Sheet())


def answered() -> Response:
    """Do what the form asks: check its texts, mend them, give one as a file, or send them.

    Whatever that is refused with stands on the page, and the texts as well.
    """
    sheet = _Sheet(data=areas("data"), shapes=areas("shapes"), revision=asked("revision"))
    try:
        if wanted := asked("download"):
            return download(_in_field(sheet.data, wanted))
        sheet.data = with_files(sheet.data, "data")
        sheet.shapes = with_files(sheet.shapes, "shapes")
        if asked("send"):
            _send(sheet)
        elif wanted := asked("repair"):
            _check(sheet)
            _mend(sheet, wanted)
            _check(sheet)
        else:
            _check(sheet)
        response = _page(sheet)
    except CompetencyGraphError as error:
        return _refused(sheet, error)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(sheet: _Sheet, error: CompetencyGraphError) -> Response:
    sheet.problem, sheet.verdict = problem_body(error), None
    sheet.rows = list(_rows_of(error, sheet))
    response = _page(sheet)
    response.status_code = error.status
    response.headers["Cache-Control"] = "no-store"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.challenge is not None:
        response.headers["WWW-Authenticate"] = error.challenge
    return response


def _in_field(texts: Iterable[Text], place: str) -> Text:
    found = next((one for one in texts if str(one.place) == place), None)
    if found is None:
        raise BadRequest("There is nothing in that field to download. Check the texts again.")
    return found


def _check(sheet: _Sheet) -> None:
    """Have the texts judged, as often as the client may."""
    data, shapes = ([one.document for one in texts] for texts in (sheet.data, sheet.shapes))
    with counted() as share:
        whole = judged(data, shapes, format_="json", share=share)
    if whole.size > _MOST_VERDICT:
        raise LimitReached(
            "bytes",
            _MOST_VERDICT / 1_000_000,
            detail="So much was found that a page cannot hold it. Send less at a time, shorten "
            "the labels and values that findings repeat, or ask for JSON (format=json).",
        )
    verdict: dict[str, Any] = whole.json()
    sheet.verdict, sheet.rows, sheet.revision = verdict, verdict["findings"], str(whole.revision)


def _mend(sheet: _Sheet, wanted: str) -> None:
    """Do what one repair, or every repair that goes with the others, does to the texts."""
    held = {one.name: one.text for one in sheet.data if one.held and one.text is not None}
    keys = zip(sheet.rows, _keys(sheet.rows), strict=True)
    rows = [row for row, key in keys if wanted in (_ALL, key) and _is_mendable(row, held)]
    done = together(repair for row in rows if (repair := finding_from_json(row).repair))
    edits = [edit for repair in done for edit in repair.edits]
    said = {
        name: edited(text, [edit for edit in edits if edit.place.file == name])
        for name, text in held.items()
    }
    sheet.data, sheet.mended = rewritten(sheet.data, said), len(done)


def _is_mendable(row: Row, names: Collection[str]) -> bool:
    """Say whether edits of these texts mend what was found."""
    edits = row["repair"]["edits"] if row["repair"] else ()
    return bool(edits) and all(edit["place"]["file"] in names for edit in edits)


def _keys(rows: Iterable[Row]) -> Iterator[str]:
    """Yield for each finding what tells it from the others, wherever in its text it has moved."""
    seen: Counter[str] = Counter()
    for row in rows:
        parts = (row["rule"], row["focus"]["id"], row["path"], row["value"], row["message"])
        key = blake2b(repr(parts).encode(), digest_size=8).hexdigest()
        yield f"{key}-{seen[key]}"
        seen[key] += 1


def _send(sheet: _Sheet) -> None:
    """Have the gate record the texts as one change.

    Raises:
        CompetencyGraphError: whatever it is refused with.
    """
    # A program says with its token who it is; a cookie needs a form of ours.
    secret = bearer() or secret_of_form()
    asked_for = operations([one.document for one in sheet.data])
    if any(one.graph == OF_ITS_OWN for one in asked_for):
        raise BadRequest("Choose which graph it is for, or give a new one an address.")
    packed, contents = pack_operations(asked_for)
    message = asked("message") or _message(asked_for)
    wish = {"message": message, "based_on": _based_on(sheet.revision)}
    told = client().ask_gate(
        {
            "ask": "change",
            "operations": packed,
            **asking(),
            "secret": secret,
            "background": False,
            "wish": wish,
        },
        contents,
    )
    sheet.sent, sheet.rows, sheet.revision = told, told["findings"]["new"], str(told["revision"])


def _message(asked_for: Sequence[Operation]) -> str:
    first = asked_for[0]
    if first.graph is None:
        return "Replace the graphs that the document names."
    return f"{'Replace' if first.kind == 'replace' else 'Add to'} the graph {first.graph}."


def _based_on(revision: str) -> int | None:
    """Return at which revision it was seen what a change replaces; nothing where it only adds."""
    if not revision or asked("mode") == "add":
        return None
    if not revision.isdecimal() or len(revision) > 18:
        raise BadRequest("“revision” is the number of the revision that the texts were checked at.")
    return int(revision)


def _rows_of(error: CompetencyGraphError, sheet: _Sheet) -> Iterator[Row]:
    """Yield what a refusal says of the texts as findings, so that it stands beside their lines."""
    if isinstance(error, InvalidChange):
        yield from error.findings["new"]
        return
    file = str(error.facts.get("file", ""))
    if not isinstance(error, UnreadableInput | BadLiteral) or not file:
        return
    say = interface.messages(interface.interface_language()).gettext
    places: Any = error.facts.get("places", [error.facts])
    for number, place in enumerate(places):
        line, column = place.get("line"), place.get("column")
        said = error.detail
        for where in (f":{line}:{column}", f":{line}", f", line {line}", ""):
            said = said.removeprefix(f"{file}{where}: ")
        if number:
            said = f"“{place['value']}” is no {short_name(place['datatype'])} either."
        yield {
            "severity": "violation",
            "message": said,
            "language": "en",
            "focus": {"id": "", "label": say(error.title)},
            "field": {"id": None, "label": None},
            "path": None,
            "value": None,
            "rule": f"{DOCS}errors#{error.code}",
            "page": f"{DOCS}errors#{error.code}",
            "place": {"file": file, "line": line, "column": column},
            "repair": None,
        }


def _page(sheet: _Sheet) -> Response:
    graphs: list[dict[str, Any]] = []
    try:
        graphs = client().look_up("graph_names", {"languages": languages()}).json()["graphs"]
    except Unavailable:
        if sheet.problem is None:
            raise
    graph, held = asked("graph"), [one for one in sheet.data if one.held]
    names = [one.name for one in held]
    rows, views = _shown(sheet, names)
    return html(
        "validate.html",
        sheet=sheet,
        rows=rows,
        views=views,
        fixed=[_cut(row) for row in sheet.verdict["fixed"][:_MOST_SHOWN]] if sheet.verdict else [],
        total=len(sheet.rows),
        refused=any(row["severity"] == "violation" for row in sheet.rows),
        repairs=sum(_is_mendable(row, names) for row in sheet.rows),
        areas=held or [blank()],
        held=held,
        graphs=graphs,
        new="" if graph in (one["id"] for one in graphs) else graph,
        asked={name: asked(name) for name in ("graph", "mode", "message")},
        syntaxes=SYNTAXES,
    )


def _cut(said: Any) -> Any:
    """Return a finding as a page shows it, what is long in it without its middle."""
    if isinstance(said, dict):
        return {name: _cut(one) for name, one in said.items() if name != "edits"}
    if isinstance(said, str) and len(said) > _MOST_WORDS:
        return f"{said[: _MOST_WORDS - _MOST_END]} … {said[-_MOST_END:]}"
    return said


def _shown(
    sheet: _Sheet, held: Sequence[str]
) -> tuple[list[dict[str, Any]], list[tuple[Text, str, View]]]:
    """Return the findings as the page lists them, and each text with those beside its lines.

    Of a text comes what the names of its lines begin with. ``held`` are the names of those in
    fields of the page.
    """
    texts = {one.name: one for one in sheet.data if one.text is not None}
    begins = {
        name: f"text-{number}-line-" if number > 1 else "line-"
        for number, name in enumerate(texts, 1)
    }
    rows: list[dict[str, Any]] = []
    for number, (row, key) in enumerate(zip(sheet.rows, _keys(sheet.rows), strict=True), 1):
        if number > _MOST_SHOWN:
            break
        file, line = row["place"]["file"] if row["place"] else "", line_of(row)
        rows.append(
            {
                **_cut(row),
                "anchor": f"finding-{number}",
                "target": f"{begins[file]}{line}" if line and file in begins else "",
                "area": f"text-{held.index(file) + 1}" if file in held else "",
                "key": key if _is_mendable(row, held) else "",
            }
        )
    views = []
    for name, one in texts.items():
        mine = [row for row in rows if row["target"] and row["place"]["file"] == name]
        views.append((one, begins[name], beside(one.text or "", mine)))
    return rows, views
