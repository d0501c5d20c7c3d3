"""API Gateway of the emulator: the responses of failed Lambdas."""

import asyncio
from typing import Any

import pytest
from ministack.services import apigateway_v1

from local.aws import apigateway


def answered(lambda_result: dict[str, Any]) -> Any:
    """The response of a route whose Lambda returned `lambda_result`, in ministack's format."""
    shape = apigateway._raising_failures(apigateway_v1._lambda_proxy_response)

    async def execute(*_: Any) -> Any:
        return shape(lambda_result)

    async def answer() -> Any:
        return await apigateway._with_gateway_errors(execute)()

    return asyncio.run(answer())


def test_responses_of_lambdas_pass_through() -> None:
    answer, error = answered({"body": {"statusCode": 201, "body": "made", "headers": {}}})

    assert (answer["statusCode"], answer["body"], error) == (201, "made", None)


@pytest.mark.parametrize(
    "result",
    [
        {"error": True, "body": {"errorType": "Runtime.ExitError", "errorMessage": "secret"}},
        {"body": {"statusCode": 200, "body": "x" * (apigateway.MAX_PAYLOAD + 1)}},
    ],
)
def test_failed_lambdas_are_answered_with_502_without_their_error(result: dict[str, Any]) -> None:
    error = answered(result)

    assert isinstance(error, apigateway._FailedFunctionError)
    render = apigateway._with_status_of_failed_function(
        lambda failure, _: (500, {}, str(vars(failure)).encode())
    )
    status, _, body = render(error, None)
    assert status == 502
    assert b"secret" not in body
    assert b"Internal server error" in body
