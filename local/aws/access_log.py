"""The access log of API Gateway: ministack keeps its settings, but neither writes it nor gives it in pages.

Can go when ministack passes tests/stack/test_login.py without it.
"""

import functools
import json
import re
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from ministack.services import apigateway_v1, cloudwatch_logs

from local.aws import patching

Values = dict[str, str]

STREAM = "requests"
MAX_EVENTS = 1000
"""Of a page, unless the request says otherwise; AWS gives up to 10,000, of at most 1 MB."""
_VARIABLE = re.compile(r"\$context\.([A-Za-z.]+)")

_request: ContextVar[Values | None] = ContextVar("request", default=None)
"""What is known of the request that is being answered, by the names of API Gateway's variables."""


def install() -> None:
    """Write an entry for each request to a stage with an access log."""
    patching.wrap(apigateway_v1, "_handle_execute_in_scope", _logging)
    patching.wrap(apigateway_v1, "_validate_cognito_authorizer", _noting_user)
    patching.wrap(apigateway_v1, "_gateway_error_response", _noting_refusal)
    patching.wrap(cloudwatch_logs, "_filter_log_events", _in_pages)


def rendered(template: str, values: Values) -> str:
    """An entry; values that are not known are `-`, as at AWS."""
    return _VARIABLE.sub(lambda found: values.get(found[1], "-"), template)


def _logging(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(handle)
    async def handle_execute_in_scope(api_id: str, stage: str, method: str, path: str, *rest: Any) -> Any:
        settings = apigateway_v1._stages_v1.get(api_id, {}).get(stage, {}).get("accessLogSettings")
        if not settings:
            return await handle(api_id, stage, method, path, *rest)
        started = time.time()
        values = {"httpMethod": method, "path": f"/{stage}{path}", "requestId": str(uuid4())}
        token = _request.set(values)
        try:
            answer = await handle(api_id, stage, method, path, *rest)
        finally:
            _request.reset(token)
        values["status"] = str(answer[0])
        values["requestTimeEpoch"] = str(int(started * 1000))
        values["responseLatency"] = str(int((time.time() - started) * 1000))
        _write(settings, rendered(settings["format"], values), int(started * 1000))
        return answer

    return handle_execute_in_scope


def _write(settings: dict[str, str], message: str, moment: int) -> None:
    target = {"logGroupName": settings["destinationArn"].partition(":log-group:")[2], "logStreamName": STREAM}
    cloudwatch_logs._create_log_stream(target)  # an error if it exists
    cloudwatch_logs._put_log_events({**target, "logEvents": [{"timestamp": moment, "message": message}]})


def _in_pages(find: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Give a token for the next page, which is the number of events before it."""

    def filter_log_events(request: dict[str, Any]) -> Any:
        limit, start = request.get("limit", MAX_EVENTS), int(request.get("nextToken") or 0)
        status, headers, body = find({**request, "limit": start + limit + 1})
        found = json.loads(body)
        if status != HTTPStatus.OK:
            return status, headers, body
        if len(found["events"]) > start + limit:
            found["nextToken"] = str(start + limit)
        found["events"] = found["events"][start : start + limit]
        return status, headers, json.dumps(found).encode()

    return filter_log_events


def _noting_user(validate: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(validate)
    async def validate_cognito_authorizer(*arguments: Any) -> Any:
        claims, error = await validate(*arguments)
        if claims and (values := _request.get()) is not None:
            values["authorizer.claims.sub"] = str(claims["sub"])
        return claims, error

    return validate_cognito_authorizer


def _noting_refusal(render: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    @functools.wraps(render)
    def gateway_error_response(error: Any, request: Any) -> Any:
        if (values := _request.get()) is not None:
            values["error.responseType"] = str(error.response_type)
        return render(error, request)

    return gateway_error_response
