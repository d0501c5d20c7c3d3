"""API Gateway and the application as a WSGI application, for tools that use HTTP."""

import base64
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from chalice.local import LambdaContext, RouteMatcher

import app

BASE = "/api"
MAX_PAYLOAD = 6 * 1024 * 1024
"""The largest answer of a Lambda, in bytes."""

_ROUTES = RouteMatcher(list(app.app.routes))

Environ = dict[str, Any]


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request like API Gateway: call the Lambda if there is such a route."""
    event = _event(environ)
    if event is None:
        answer = _not_found()
    else:
        answer = app.app(event, LambdaContext("api_handler", 2048, max_runtime_ms=29_000))
    body = answer["body"].encode()
    assert len(body) <= MAX_PAYLOAD
    if answer.get("isBase64Encoded"):
        # "*/*" is one of the API's binary types, so the Accept header does not matter.
        assert "*/*" in app.app.api.binary_types
        body = base64.b64decode(body)
    headers = {"Content-Type": "application/json", **answer["headers"]}
    status = HTTPStatus(answer["statusCode"])
    start_response(f"{status.value} {status.phrase}", list(headers.items()))
    return [body]


def _event(environ: Environ) -> dict[str, Any] | None:
    """The event of API Gateway's Lambda proxy integration; None without such a route."""
    path = environ["REQUEST_URI"].partition("?")[0].removeprefix(BASE)
    try:
        route = _ROUTES.match_route(f"{path}?{environ['QUERY_STRING']}")
    except ValueError:
        return None
    method = environ["REQUEST_METHOD"]
    if method not in app.app.routes[route.route]:
        return None
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    named = [name for name in route.captured if f"{{{name}}}" in route.route]
    return {
        "httpMethod": method,
        "requestContext": {
            "resourcePath": route.route,
            "httpMethod": method,
            "path": path,
            "requestId": "r-1",
        },
        "headers": _headers(environ),
        "multiValueQueryStringParameters": route.query_params or None,
        "pathParameters": {name: unquote(route.captured[name]) for name in named} or None,
        "stageVariables": None,
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def _headers(environ: Environ) -> dict[str, str]:
    named = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key[:5] == "HTTP_"}
    if content_type := environ.get("CONTENT_TYPE"):
        named["content-type"] = content_type
    return named


def _not_found() -> dict[str, Any]:
    error = {"code": "NotFound", "message": "There is no such route.", "request_id": "r-1"}
    return {"statusCode": 404, "headers": {}, "body": json.dumps(error)}
