"""API Gateway of the emulator: import a whole API as `chalice deploy` does, and fail as AWS fails.

ministack has neither ImportRestApi nor PutRestApi, knows no limit on sizes, compresses nothing, shows a
failed Lambda's error to the caller, takes access tokens for identity tokens, and answers callers without an
Accept header in base64 even where all types are binary.
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
    """Add ImportRestApi and PutRestApi, compression, and answers to what is too large or has failed."""
    patching.wrap(apigateway_v1, "handle_request", _with_import)
    patching.wrap(apigateway_v1, "_call_lambda_raw", _limiting_size)
    patching.wrap(apigateway_v1, "_lambda_proxy_response", _failing_as_on_aws)
    patching.wrap(apigateway_v1, "_execute_in_scope", _answering_failures)
    patching.wrap(apigateway_v1, "_execute_in_scope", _compressing)
    patching.wrap(apigateway_v1, "_validate_cognito_authorizer", _taking_identity_tokens)
    patching.wrap(apigateway_v1, "_gateway_error_response", _with_status_of_failed_function)
    patching.wrap(apigateway_v1, "_media_type_matches", _matching_absent_types)


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
    """PutRestApi with mode=overwrite: every route and authorizer gives way to the definition's."""
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
    """What applies to the API as a whole, which ministack's own import leaves out."""
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


# Lambda's limit on the JSON of a call and of its answer. API Gateway's own, 10 MB of body, is never reached.
MAX_PAYLOAD = 6 * 1024 * 1024


class _TooLarge(Exception):
    """The request is larger than a Lambda can be called with."""


class _FunctionFailed(Exception):
    """The Lambda behind a route crashed, timed out, or answered more than a Lambda can answer."""


class _FailedFunctionError(apigateway_v1._GatewayError):  # type: ignore[misc]  # ministack is untyped
    """The error that API Gateway makes of it."""


def _limiting_size(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(call)
    async def call_lambda_raw(function: str, event: dict[str, Any], **scope: Any) -> Any:
        if len(event.get("body") or "") > MAX_PAYLOAD:
            raise _TooLarge
        return await call(function, event, **scope)

    return call_lambda_raw


def _failing_as_on_aws(shape: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    @functools.wraps(shape)
    def lambda_proxy_response(result: dict[str, Any]) -> Any:
        answer, error = shape(result)
        if error or len((answer or {}).get("body") or "") > MAX_PAYLOAD:
            raise _FunctionFailed
        return answer, error

    return lambda_proxy_response


def _answering_failures(execute: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
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
    """Answers of the API's `minimumCompressionSize` or more, for callers that take gzip."""

    @functools.wraps(execute)
    async def execute_in_scope(request: Any, api_id: str, *rest: Any) -> Any:
        answer = await execute(request, api_id, *rest)
        headers = rest[3]
        least = apigateway_v1._rest_apis.get(api_id, {}).get("minimumCompressionSize")
        takes_gzip = "gzip" in headers.get("accept-encoding", "")
        if least is None or not takes_gzip or not isinstance(answer, tuple):
            return answer
        status, own, body = answer
        if len(body) < int(least) or "Content-Encoding" in own:
            return answer
        return status, {**own, "Content-Encoding": "gzip"}, gzip.compress(body, mtime=0)

    return execute_in_scope


def _with_status_of_failed_function(render: Callable[[Any, Any], Response]) -> Callable[[Any, Any], Response]:
    @functools.wraps(render)
    def gateway_error_response(error: Any, request: Any) -> Response:
        status, headers, body = render(error, request)
        return (502 if isinstance(error, _FailedFunctionError) else status), headers, body

    return gateway_error_response


def _taking_identity_tokens(validate: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Access tokens are for routes that ask for scopes."""

    @functools.wraps(validate)
    async def validate_cognito_authorizer(authorizer: Any, method: dict[str, Any], *rest: Any) -> Any:
        claims, error = await validate(authorizer, method, *rest)
        if claims and not method.get("authorizationScopes") and claims.get("token_use") != "id":
            return None, apigateway_v1._gw_error("UNAUTHORIZED", "Unauthorized")
        return claims, error

    return validate_cognito_authorizer


def _matching_absent_types(matches: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    @functools.wraps(matches)
    def media_type_matches(media_type: str | None, binary_types: list[str] | None) -> bool:
        return "*/*" in (binary_types or ()) or matches(media_type, binary_types)

    return media_type_matches
