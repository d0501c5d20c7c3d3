"""API Gateway of the emulator: what ministack's lacks for this API.

Each patch can go when ministack passes the tests named beside it.
"""

import functools
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import apigateway_v1

from local.aws import patching

Response = tuple[int, dict[str, Any], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


def install() -> None:
    """Apply the patches."""
    # ministack has neither ImportRestApi nor PutRestApi, by which Chalice deploys (every stack test).
    patching.wrap(apigateway_v1, "handle_request", _with_import)
    # It has no size limit (stack/test_api.py: 12 MB are answered with 413).
    patching.wrap(apigateway_v1, "_call_lambda_raw", _with_size_limit)
    # It shows the error of a failed Lambda to the caller (unit/local/aws/test_apigateway.py).
    patching.wrap(apigateway_v1, "_lambda_proxy_response", _raising_failures)
    patching.wrap(apigateway_v1, "_execute_in_scope", _with_gateway_errors)
    patching.wrap(apigateway_v1, "_gateway_error_response", _with_status_of_failed_function)
    # It compresses nothing (stack/test_api.py).
    patching.wrap(apigateway_v1, "_execute_in_scope", _compressing)
    # It accepts access tokens as identity tokens (stack/test_login.py).
    patching.wrap(apigateway_v1, "_validate_cognito_authorizer", _requiring_identity_tokens)
    # Without an Accept header, it sends base64 although all types are binary (stack/test_api.py).
    patching.wrap(apigateway_v1, "_media_type_matches", _matching_missing_types)


# ------------------------------------------------------------------------------------ control plane


def _with_import(handle: Handler) -> Handler:
    @functools.wraps(handle)
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        match method, path.strip("/").split("/"):
            case "POST", ["restapis"] if query.get("mode") == ["import"]:
                return _import_rest_api(json.loads(body), query)
            case "PUT", ["restapis", api_id] if api_id in apigateway_v1._rest_apis:
                return _put_rest_api(api_id, json.loads(body))
        return await handle(method, path, headers, body, query)

    return handle_request


def _import_rest_api(definition: dict[str, Any], query: dict[str, Any]) -> Response:
    """ImportRestApi: a new API from an OpenAPI definition."""
    types = query.get("endpointConfigurationTypes", ["EDGE"])
    api_id = apigateway_v1._import_rest_api(definition, {"endpointConfiguration": {"types": types}})
    _apply_settings(api_id, definition)
    return _answer(api_id, 201)


def _put_rest_api(api_id: str, definition: dict[str, Any]) -> Response:
    """PutRestApi with mode=overwrite: replace every route and authorizer by those of the definition."""
    resources = apigateway_v1._resources[api_id]
    for resource_id, resource in list(resources.items()):
        if resource["path"] == "/":
            resource["resourceMethods"] = {}
        else:
            del resources[resource_id]
    apigateway_v1._authorizers_v1[api_id] = {}
    schemes = apigateway_v1._import_security_schemes(api_id, definition)
    for path, item in definition["paths"].items():
        apigateway_v1._import_path_item(api_id, path, item, schemes, definition.get("security"))
    _apply_settings(api_id, definition)
    return _answer(api_id, 200)


def _apply_settings(api_id: str, definition: dict[str, Any]) -> None:
    """Apply the settings of the API as a whole, which ministack's own import ignores."""
    api = apigateway_v1._rest_apis[api_id]
    api["binaryMediaTypes"] = definition.get("x-amazon-apigateway-binary-media-types", [])
    if "x-amazon-apigateway-policy" in definition:
        api["policy"] = json.dumps(definition["x-amazon-apigateway-policy"])


def _answer(api_id: str, status: int) -> Response:
    response: Response = apigateway_v1._v1_response(
        apigateway_v1._rest_api_view(apigateway_v1._rest_apis[api_id]), status
    )
    return response


# --------------------------------------------------------------------------------------- data plane


MAX_PAYLOAD = 6 * 1024 * 1024
"""Bytes of a Lambda's request or response as JSON. API Gateway's own limit, 10 MB, is never reached."""


class _TooLarge(Exception):
    """The request exceeds the payload limit of Lambda."""


class _FunctionFailed(Exception):
    """The Lambda behind a route crashed, timed out, or exceeded the payload limit of responses."""


class _FailedFunctionError(apigateway_v1._GatewayError):  # type: ignore[misc]  # ministack is untyped
    """The error with which API Gateway answers `_FunctionFailed`."""


def _with_size_limit(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(call)
    async def call_lambda_raw(function: str, event: dict[str, Any], **scope: Any) -> Any:
        if len(event.get("body") or "") > MAX_PAYLOAD:
            raise _TooLarge
        return await call(function, event, **scope)

    return call_lambda_raw


def _raising_failures(shape: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    @functools.wraps(shape)
    def lambda_proxy_response(result: dict[str, Any]) -> Any:
        answer, error = shape(result)
        if error or len((answer or {}).get("body") or "") > MAX_PAYLOAD:
            raise _FunctionFailed
        return answer, error

    return lambda_proxy_response


def _with_gateway_errors(execute: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(execute)
    async def execute_in_scope(*arguments: Any) -> Any:
        try:
            return await execute(*arguments)
        except _TooLarge:
            return apigateway_v1._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
        except _FunctionFailed:
            return _FailedFunctionError("DEFAULT_5XX", "Internal server error")

    return execute_in_scope


def _compressing(execute: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Compress bodies of at least `minimumCompressionSize` for clients that accept gzip."""

    @functools.wraps(execute)
    async def execute_in_scope(request: Any, api_id: str, *rest: Any) -> Any:
        answer = await execute(request, api_id, *rest)
        headers = rest[3]
        min_size = apigateway_v1._rest_apis.get(api_id, {}).get("minimumCompressionSize")
        accepts_gzip = "gzip" in headers.get("accept-encoding", "")
        if min_size is None or not accepts_gzip or not isinstance(answer, tuple):
            return answer
        status, own, body = answer
        if len(body) < int(min_size) or "Content-Encoding" in own:
            return answer
        return status, {**own, "Content-Encoding": "gzip"}, gzip.compress(body, mtime=0)

    return execute_in_scope


def _with_status_of_failed_function(render: Callable[[Any, Any], Response]) -> Callable[[Any, Any], Response]:
    @functools.wraps(render)
    def gateway_error_response(error: Any, request: Any) -> Response:
        status, headers, body = render(error, request)
        return (502 if isinstance(error, _FailedFunctionError) else status), headers, body

    return gateway_error_response


def _requiring_identity_tokens(validate: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Accept access tokens only on routes with authorization scopes."""

    @functools.wraps(validate)
    async def validate_cognito_authorizer(authorizer: Any, method: dict[str, Any], *rest: Any) -> Any:
        claims, error = await validate(authorizer, method, *rest)
        if claims and not method.get("authorizationScopes") and claims.get("token_use") != "id":
            return None, apigateway_v1._gw_error("UNAUTHORIZED", "Unauthorized")
        return claims, error

    return validate_cognito_authorizer


def _matching_missing_types(matches: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    @functools.wraps(matches)
    def media_type_matches(media_type: str | None, binary_types: list[str] | None) -> bool:
        return "*/*" in (binary_types or ()) or matches(media_type, binary_types)

    return media_type_matches
