"""`/api/v1`: JSON for apps. Declares parameters once; what is answered is the catalogue's part."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal

from flask import Response, current_app, jsonify, render_template, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field

from competency_graph.catalogue import JSON, JSON_LD
from competency_graph.errors import BadRequest
from competency_graph.index import Whole
from competency_graph.web.exchange import (
    answer,
    client,
    negotiate,
    require_known_parameters,
    validated,
)
from competency_graph.web.reading import readers

paths = APIBlueprint("api", __name__, url_prefix="/api/v1")
_TAG = Tag(name="Frameworks", description="Competencies, roles, outcomes and their evidence.")


class _Declared(BaseModel):
    """Base of what the OpenAPI binding checks on each request."""

    @classmethod
    @cache
    def model_json_schema(  # type: ignore[override]  # the same call, its answer kept
        cls, *given: Any, **options: Any
    ) -> dict[str, Any]:
        """Return the schema, made once: the binding asks for it on every request."""
        return super().model_json_schema(*given, **options)


class ReferencePath(_Declared):
    """Which object of a collection."""

    reference: str = Field(description="last part of its IRI, or the whole IRI, percent-encoded")


class FrameworkQuery(_Declared):
    """How to tell a framework."""

    lang: str | None = Field(
        None,
        pattern="^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$",
        description="language of label and definition (BCP 47), else Accept-Language decides",
    )
    revision: int | None = Field(
        None, ge=1, description="the data as it was after this change, else the newest"
    )


class OneQuery(FrameworkQuery):
    """How to tell an object."""

    framework: str | None = Field(None, description="which framework, where several have the name")


class FrameworksQuery(FrameworkQuery):
    """Which objects, and how many at a time."""

    status: Literal["adopted", "deprecated"] = Field("adopted", description="life cycle")
    limit: int = Field(100, ge=1, le=1000, description="how many at most")
    cursor: str | None = Field(None, description="from the address that “next” named")


class ListQuery(FrameworksQuery):
    """Which objects of a framework."""

    framework: str | None = Field(None, description="only what belongs to this framework")
    type: str | None = Field(None, description="only objects of this class, as “type” names it")


class ContributorsQuery(ListQuery):
    """Which of the things that may contribute to an outcome."""

    outcome: str | None = Field(None, description="only what supporting claims link to this")


class CompetenciesQuery(ContributorsQuery):
    """Which competencies."""

    role: str | None = Field(None, description="only what this role needs, inherited or not")
    level: str | None = Field(None, description="only what is required at this level")


class Reference(_Declared):
    """A thing as its identifier and what it is called; a deprecated one names its successors."""

    id: str
    label: str | None
    deprecated: bool | None = None
    isReplacedBy: list["Reference"] | None = None  # noqa: N815 - a member of the JSON


class Attribution(Reference):
    """Under what terms a graph that the answer draws from may be used; ``id`` is its name."""

    license: str | None = Field(description="IRI of the licence")
    rights: str | None = Field(description="whom to name, and for what")


class Item(_Declared):
    """An object; beside these members it has one for each of its statements (context.jsonld)."""

    model_config = ConfigDict(extra="allow")
    id: str
    type: str | list[str]
    label: str | None
    definition: str | None = None
    labels: dict[str, str | list[str]] | None = None
    definitions: dict[str, str | list[str]] | None = None
    notation: str | None = None
    verification: Reference | None = None
    status: Literal["adopted", "deprecated"]


class Told(Item):
    """An object with what points at it, and whose words these are."""

    attribution: list[Attribution]


class Items(_Declared):
    """A page of a collection."""

    items: list[Item]
    total: int
    next: str | None = Field(description="address of the next page, on this host")
    attribution: list[Attribution]


class Problem(_Declared):
    """The one error body (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    code: str


# A request line has 8 kB at most, and the address is made of one.
_LONGEST_ADDRESS: Final = 16_384


def _refusals(*statuses: int) -> dict[Any, Any]:
    """Declare that these statuses have the one error body."""
    body = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"content": {"application/problem+json": body}} for status in statuses}


_ONE: Any = {200: Told, **_refusals(300, 400, 401, 404, 406, 410, 503)}
_MANY: Any = {200: Items, **_refusals(400, 401, 404, 406, 410, 503)}

# Which parameters the lists take, and those of one object.
_LISTS: Final[dict[str, tuple[type[FrameworksQuery], type[FrameworkQuery]]]] = {
    "frameworks": (FrameworksQuery, FrameworkQuery),
    "competencies": (CompetenciesQuery, OneQuery),
    "roles": (ContributorsQuery, OneQuery),
    "outcomes": (ContributorsQuery, OneQuery),
    "evidence": (ListQuery, OneQuery),
    "activities": (ContributorsQuery, OneQuery),
    "levels": (ListQuery, OneQuery),
}


def languages() -> list[str]:
    """Return the languages that the client wants, best first."""
    if "lang" in request.args:
        return [request.args["lang"]]
    return [tag for tag, quality in request.accept_languages if quality > 0 and tag != "*"]


def _told(whole: Whole) -> Response:
    """Answer with JSON-LD, or the same under the plain name of JSON."""
    whole.media_type = negotiate([JSON, JSON_LD])
    return answer(whole)


def _known(query: BaseModel) -> None:
    """Refuse parameters that the path does not declare, and those given twice."""
    require_known_parameters(list(type(query).model_fields))
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise BadRequest(f"Give “{twice[0]}” once.", parameters=twice)


@paths.get(
    "/context.jsonld", tags=[_TAG], operation_id="context", responses=_refusals(400, 406, 503)
)
def context() -> Response:
    """Return the JSON-LD context that all bodies refer to."""
    require_known_parameters(())
    negotiate([JSON_LD, JSON])
    return answer(client().look_up("context", {}))


@paths.get("/openapi.json", doc_ui=False)
def openapi() -> Response:
    """Return the declaration of this interface (OpenAPI 3.1)."""
    require_known_parameters(())
    negotiate([JSON])
    return validated(jsonify(_declaration()))


@paths.get("/docs", doc_ui=False)
def documentation() -> Response:
    """Show the declaration to people."""
    require_known_parameters(())
    return validated(
        Response(render_template("api.html", api=_declaration()), mimetype="text/html")
    )


def _declaration() -> dict[str, Any]:
    told: dict[str, Any] = current_app.api_doc  # type: ignore[attr-defined]
    return told


def _items(collection: str, query: FrameworksQuery) -> Response:
    _known(query)
    asked = {**query.model_dump(), "collection": collection, "languages": languages()}
    whole = readers().look_up("items", {**asked, "again": request.args.to_dict()})
    more = _next(whole)
    response = _told(whole)
    if more is not None:
        response.headers["Link"] = f'<{more}>; rel="next"'
    return response


def _next(whole: Whole) -> str | None:
    """Return the address at the end of a body, without reading the body as JSON again."""
    start = max(0, whole.size - _LONGEST_ADDRESS)
    if whole.descriptor is None:
        tail = whole.body[start:]
    else:
        tail = os.pread(whole.descriptor, _LONGEST_ADDRESS, start)
    address = tail.rpartition(b'"next":')[2].rstrip(b"}").decode("ascii", "replace")
    return address.strip('"') if address.startswith('"') else None


def _one(question: str, collection: str, reference: str, query: FrameworkQuery) -> Response:
    _known(query)
    asked = {"collection": collection, "reference": reference, "languages": languages()}
    return _told(readers().look_up(question, {**query.model_dump(), **asked}))


@paths.get(
    "/roles/<path:reference>/profile", tags=[_TAG], operation_id="roles_profile", responses=_ONE
)
def profile(path: ReferencePath, query: OneQuery) -> Response:
    """Return what a role needs, inherited requirements included."""
    return _one("profile", "roles", path.reference, query)


@paths.get(
    "/frameworks/<path:reference>/tree",
    tags=[_TAG],
    operation_id="frameworks_tree",
    responses=_ONE,
)
def tree(path: ReferencePath, query: FrameworkQuery) -> Response:
    """Return a framework as a tree."""
    return _one("tree", "frameworks", path.reference, query)


def _declare(collection: str, list_query: type[BaseModel], one_query: type[BaseModel]) -> None:
    """Declare the list of a collection and its single objects, with their own parameters."""

    def items(query: Any) -> Response:
        return _items(collection, query)

    def item(path: ReferencePath, query: Any) -> Response:
        return _one("item", collection, path.reference, query)

    declared: list[tuple[Callable[..., Response], type[BaseModel], str, str, Any]] = [
        (items, list_query, f"/{collection}", f"List {collection}.", _MANY),
        (item, one_query, f"/{collection}/<path:reference>", f"Return one of {collection}.", _ONE),
    ]
    for view, query, rule, promise, responses in declared:
        # The binding reads names, promises and parameters off the function.
        view.__name__ = f"{collection}_{view.__name__}"
        view.__doc__ = promise
        view.__annotations__["query"] = query
        declare = paths.get(rule, tags=[_TAG], operation_id=view.__name__, responses=responses)
        declare(view)


for _collection, (_list_query, _one_query) in _LISTS.items():
    _declare(_collection, _list_query, _one_query)
