"""`/api/v1`: JSON for apps. Declares parameters once; what is answered is the catalogue's part."""

import os
from functools import cache
from typing import Any, Final, Literal

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field

from competency_graph.catalogue import COLLECTIONS, JSON, JSON_LD
from competency_graph.errors import NotFound
from competency_graph.index import Whole
from competency_graph.web.exchange import answer, client, negotiate, require_known_parameters

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


class OnePath(_Declared):
    """Which object: the last part of its IRI, or the whole IRI, percent-encoded."""

    collection: str = Field(description="frameworks, competencies, roles, outcomes, evidence …")
    reference: str = Field(description="slug or percent-encoded IRI")


class ReferencePath(_Declared):
    """Which object of a collection that the path fixes."""

    reference: str = Field(description="slug or percent-encoded IRI")


class ListPath(_Declared):
    """Which collection."""

    collection: str = Field(description="frameworks, competencies, roles, outcomes, evidence …")


class OneQuery(_Declared):
    """How to tell it."""

    model_config = ConfigDict(extra="forbid")
    lang: str | None = Field(None, description="language of label and definition (BCP 47)")
    framework: str | None = Field(None, description="which framework, where several have the name")


class ListQuery(OneQuery):
    """Which objects, and how many at a time."""

    role: str | None = Field(None, description="only competencies that this role needs")
    outcome: str | None = Field(None, description="only what supporting claims link to this")
    level: str | None = Field(None, description="only competencies required at this level")
    type: str | None = Field(None, description="only objects of this class")
    status: Literal["adopted", "deprecated"] = Field("adopted", description="life cycle")
    limit: int = Field(100, ge=1, le=1000, description="how many at most")
    cursor: str | None = Field(None, description="what the member “next” named")


class Reference(_Declared):
    """A thing as its identifier and what it is called."""

    id: str
    label: str | None


class Item(_Declared):
    """An object; beside these members it has one for each of its statements (context.jsonld)."""

    model_config = ConfigDict(extra="allow")
    id: str
    type: str | list[str]
    label: str | None
    definition: str | None = None
    labels: dict[str, str | list[str]]
    definitions: dict[str, str | list[str]] | None = None
    notation: str | None = None
    verification: Reference | None = None
    status: Literal["adopted", "deprecated"]


class Items(_Declared):
    """A page of a collection."""

    items: list[Item]
    total: int
    next: str | None = Field(description="address of the next page, on this host")


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


_ONE: Any = {200: Item, **_refusals(300, 400, 404, 406, 503)}
_MANY: Any = {200: Items, **_refusals(300, 400, 404, 406, 503)}


def languages() -> list[str]:
    """Return the languages that the client wants, best first."""
    if "lang" in request.args:
        return [request.args["lang"]]
    return [tag for tag, quality in request.accept_languages if quality > 0 and tag != "*"]


def _told(whole: Whole) -> Response:
    """Answer with JSON-LD, or the same under the plain name of JSON."""
    whole.media_type = negotiate([JSON, JSON_LD])
    return answer(whole)


def _known(model: type[BaseModel]) -> None:
    require_known_parameters(list(model.model_fields))


@paths.get("/context.jsonld", responses=_refusals(400, 503))
def context() -> Response:
    """Return the JSON-LD context that all bodies refer to."""
    require_known_parameters(())
    return answer(client().look_up("context", {}))


@paths.get("/<collection>", tags=[_TAG], responses=_MANY)
def items(path: ListPath, query: ListQuery) -> Response:
    """List a collection."""
    _known(ListQuery)
    whole = client().look_up(
        "items",
        {
            **query.model_dump(),
            "collection": _collection(path.collection),
            "languages": languages(),
            "again": request.args.to_dict(),
        },
    )
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


@paths.get("/roles/<path:reference>/profile", tags=[_TAG], responses=_ONE)
def profile(path: ReferencePath, query: OneQuery) -> Response:
    """Return what a role needs, inherited requirements included."""
    _known(OneQuery)
    asked = {"reference": path.reference, "framework": query.framework, "languages": languages()}
    return _told(client().look_up("profile", asked))


@paths.get("/frameworks/<path:reference>/tree", tags=[_TAG], responses=_ONE)
def tree(path: ReferencePath, query: OneQuery) -> Response:
    """Return a framework as a tree."""
    _known(OneQuery)
    asked = {"reference": path.reference, "languages": languages()}
    return _told(client().look_up("tree", asked))


@paths.get("/<collection>/<path:reference>", tags=[_TAG], responses=_ONE)
def item(path: OnePath, query: OneQuery) -> Response:
    """Return one object with what points at it."""
    _known(OneQuery)
    asked = {
        "collection": _collection(path.collection),
        "reference": path.reference,
        "framework": query.framework,
        "languages": languages(),
    }
    return _told(client().look_up("item", asked))


def _collection(name: str) -> str:
    if name not in COLLECTIONS:
        raise NotFound(f"There is no collection “{name}”. There are: {', '.join(COLLECTIONS)}.")
    return name
