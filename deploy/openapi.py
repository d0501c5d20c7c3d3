"""Generates chalicelib/openapi.json from the routes and the types that they declare.

`python -m deploy.openapi` writes it; with `--check` it fails if the committed file is not current. The
Lambda serves the committed file, so only this module needs pydantic, which turns types into JSON Schema.
"""

import inspect
import json
from collections.abc import Iterable, Sequence
from dataclasses import is_dataclass
from http import HTTPStatus
from pathlib import Path
from types import get_original_bases
from typing import Any, get_type_hints, is_typeddict

from pydantic import ConfigDict, TypeAdapter

import chalicelib
from chalicelib import DISCLAIMER, VERSION, limits
from chalicelib.api.parameters import PathParameter, QueryParameter
from chalicelib.api.route import JSON, Content, Errors, Route
from chalicelib.api.schemas import Error
from chalicelib.errors import NegatoscopeError
from chalicelib.models.model_version import ModelVersion
from chalicelib.results.result_document import ListedResult, Result
from chalicelib.retraining.record import FollowedRetraining, RetrainingRecord
from chalicelib.routes import api
from deploy.generated import write_or_check

OPENAPI = Path(chalicelib.__file__).with_name("openapi.json")

_CONFIG = ConfigDict(extra="forbid", use_attribute_docstrings=True)
_OPEN = (ListedResult, Result, ModelVersion, RetrainingRecord, FollowedRetraining)
"""Records that were stored by another version of the application may have more members."""

_LINK = "Location"
_USERS = (
    "The ID token of a user of the stage's user pool, whose groups determine what the user may do: each "
    "operation names the group it requires. Members of reviewer may also do what readers may, and members of "
    "admin everything. Members of reader:TASK and reviewer:TASK may do the same with one task, and see "
    "nothing of others. On one machine the API is open, on loopback only, unless a login is set up."
)
_FAILURES = {
    400: (
        "The request breaks one of the limits in this document, or is invalid; the message says which "
        f"and what to do. JSON bodies have at most {limits.MAX_JSON_BODY:,} bytes in UTF-8 and "
        f"{limits.MAX_DEPTH} levels; no object in them has a member twice; their strings are valid Unicode, "
        "without halves of surrogate pairs; their numbers are 0 or have magnitudes from "
        f"{limits.MIN_NUMBER:g} to {limits.MAX_NUMBER}."
    ),
    401: "Not signed in.",
    403: "The signed-in user may not do this.",
    404: "There is no such task, result, model, retraining, batch or file.",
    409: "Not possible in the present state; the message says what to do.",
    410: "The result has been deleted.",
    413: "Too many bytes or pixels.",
    415: "The Content-Type is not accepted, or the file is not an image that can be read.",
    422: "The image is damaged or unsuitable.",
    429: "The user has made too many costly requests; try again some minutes later.",
    500: "An error on our side.",
    502: "The model failed.",
    503: "The model's endpoint is not ready; try again after the time in Retry-After.",
}
"""What each status of an error means."""


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of some routes."""
    bodies = [route.body for route in routes if isinstance(route.body, type)]
    answers = [_answer_type(route) for route in routes if route.answer is None]
    schemas = Schemas([Error, *bodies, *answers])
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Negatoscope",
            "version": VERSION,
            "summary": "Classification of medical images",
            "description": DISCLAIMER,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api"}],
        "security": [{"users": ["reader"]}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "users": {"type": "apiKey", "in": "header", "name": "Authorization", "description": _USERS}
            },
            "responses": {str(status): _failure(status, schemas) for status in _FAILURES},
            "schemas": dict(sorted(schemas.components.items())),
        },
    }


class Schemas:
    """JSON Schema of types, and the components that they refer to."""

    def __init__(self, types: Sequence[Any]):
        # All types are described as one tuple, as pydantic takes no configuration for a single TypedDict.
        document = TypeAdapter(tuple[tuple(types)], config=_CONFIG).json_schema(  # type: ignore[misc]
            mode="serialization", ref_template="#/components/schemas/{model}"
        )
        self.components: dict[str, Any] = {name: _tidy(schema) for name, schema in document["$defs"].items()}
        described = map(_tidy, document["prefixItems"])
        self._by_type = list(zip(types, described, strict=True))
        for kind in _known_types(types):
            if kind.__name__ in self.components:
                self._complete(self.components[kind.__name__], kind)

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of one of the types."""
        return next(schema for known, schema in self._by_type if known == kind)

    def _complete(self, schema: dict[str, Any], kind: type) -> None:
        """Add what pydantic leaves out."""
        if is_dataclass(kind):  # asdict writes all fields, those with a default, too
            schema |= {"required": list(schema["properties"]), "additionalProperties": False}
        elif kind in _OPEN:
            del schema["additionalProperties"]
        for base in get_original_bases(kind) if is_typeddict(kind) else ():
            if is_typeddict(base):  # docstrings of inherited members
                schema["properties"] |= self.components[base.__name__]["properties"]


def _known_types(types: Iterable[Any]) -> list[type]:
    """The types with those of their members, bases first."""
    known: dict[type, None] = {}

    def visit(kind: Any) -> None:
        for argument in getattr(kind, "__args__", ()):
            visit(argument)
        if not (is_typeddict(kind) or is_dataclass(kind)) or kind in known:
            return
        for base in get_original_bases(kind):
            visit(base)
        known[kind] = None
        for member in get_type_hints(kind).values():
            visit(member)

    for kind in types:
        visit(kind)
    return list(known)


def _tidy(schema: Any) -> Any:
    """A schema without the titles and defaults that pydantic makes, and with descriptions on one line."""
    if isinstance(schema, list):
        return [_tidy(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            tidy[key] = {name: _tidy(member) for name, member in value.items()}
        elif key == "description":
            tidy[key] = " ".join(value.split())
        elif key not in ("title", "default"):
            tidy[key] = _tidy(value)
    return tidy


def _answer_type(route: Route) -> Any:
    return get_type_hints(route.view)["return"]


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.view.__name__, "summary": route.summary}
    if route.description:
        operation["description"] = route.description
    if route.public:
        operation["security"] = []
    elif route.group != "reader":
        operation["security"] = [{"users": [route.group] if route.group else []}]
    parameters = [_parameter(one, "path") for one in route.path_parameters]
    parameters += [_parameter(one, "query") for one in route.query]
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = {"required": True} | (
            _content(route.body)
            if isinstance(route.body, Content)
            else {"content": {JSON: {"schema": schemas.of(route.body)}}}
        )
    return operation | {"responses": _responses(route, schemas)}


def _parameter(parameter: PathParameter | QueryParameter, where: str) -> dict[str, Any]:
    required = {"required": True} if parameter.required else {}
    described = {"schema": parameter.schema, "description": parameter.description}
    return {"name": parameter.name, "in": where} | required | described


def _content(content: Content) -> dict[str, Any]:
    return {
        "description": content.description,
        "content": {media_type: {"schema": _schema_of(media_type)} for media_type in content.media_types},
    }


def _schema_of(media_type: str) -> dict[str, Any]:
    if media_type == JSON:
        return {"type": "object"}
    return {"type": "string"} if media_type.startswith("text/") or media_type.endswith("+xml") else {}


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if route.answer:
        responses["200"] = _content(route.answer)
        if route.answer.link:
            headers = {_LINK: {"schema": {"type": "string"}}}
            responses["303"] = {"description": route.answer.link, "headers": headers}
    else:
        kind = _answer_type(route)
        described = is_typeddict(kind) or is_dataclass(kind)
        responses[str(route.status)] = {
            "description": (inspect.getdoc(kind) or "").splitlines()[0] if described else f"{route.summary}.",
            "content": {JSON: {"schema": schemas.of(kind)}},
        }
    codes = _codes(route.all_errors)
    codes.setdefault(500, []).append("InternalError")
    if not route.public:
        codes[401] = []
    for status in sorted(codes):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
        if names := codes[status]:
            listed = f"{_FAILURES[status]} {'Code' if len(names) == 1 else 'Codes'}: {', '.join(names)}."
            responses[str(status)]["description"] = listed
    return responses


def _codes(errors: Errors) -> dict[int, list[str]]:
    """The codes of errors and their subclasses, by status."""
    codes: dict[int, list[str]] = {}
    for kind in sorted(subclasses(errors), key=lambda kind: kind.__name__):
        codes.setdefault(kind.status.value, []).append(kind.__name__)
    return codes


def subclasses(errors: Iterable[type[NegatoscopeError]]) -> set[type[NegatoscopeError]]:
    """The errors with all that are derived from them."""
    return {kind for error in errors for kind in (error, *subclasses(error.__subclasses__()))}


def _failure(status: int, schemas: Schemas) -> dict[str, Any]:
    response = {
        "description": _FAILURES[status],
        "content": {JSON: {"schema": schemas.of(Error)}},
    }
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return response


def render(routes: Sequence[Route]) -> str:
    """The file."""
    return json.dumps(describe(routes), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write or check the file."""
    write_or_check(OPENAPI, render(api.routes), "deploy.openapi")


if __name__ == "__main__":
    main()
