"""Calls to a SageMaker endpoint."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.session import get_session

from chalicelib.errors import EndpointMissing, EndpointNotReady, ModelFailed
from chalicelib.models.endpoint import Endpoint
from tests.sagemaker_runtime import FakeRuntime


def invoke(runtime: FakeRuntime) -> Any:
    return Endpoint(runtime, "my-endpoint").invoke("application/x-image", b"image")


def test_answer_is_json_with_the_variant() -> None:
    runtime = FakeRuntime({"answer": 1})

    assert invoke(runtime) == ({"answer": 1}, "blue")
    assert runtime.requests == [
        {
            "EndpointName": "my-endpoint",
            "ContentType": "application/x-image",
            "Accept": "application/json",
            "Body": b"image",
        }
    ]
    assert invoke(FakeRuntime([1], variant=None)) == ([1], "")


def client_error(code: str, **members: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "raw text of the service"}, **members}
    return ClientError(response, "InvokeEndpoint")


def test_every_error_of_the_service_is_translated() -> None:
    """All errors that botocore describes are classified by what the caller can do."""
    operation = get_session().get_service_model("sagemaker-runtime").operation_model("InvokeEndpoint")
    endpoint = Endpoint(None, "e")
    passing = {
        shape.name
        for shape in operation.error_shapes
        if isinstance(endpoint._translate(client_error(shape.name)), EndpointNotReady)
    }

    assert {shape.name for shape in operation.error_shapes} - passing == {"ModelError"}


@pytest.mark.parametrize(
    ("failure", "error", "advice"),
    [
        (client_error("ValidationError"), EndpointNotReady, "not in service"),
        (client_error("ThrottlingException"), EndpointNotReady, "in a minute"),
        (client_error("ServiceUnavailable"), EndpointNotReady, "in a minute"),
        (client_error("ModelNotReadyException"), EndpointNotReady, "in a minute"),
        (client_error("InternalFailure"), EndpointNotReady, "in a minute"),
        (client_error("InternalDependencyException"), EndpointNotReady, "in a minute"),
        (client_error("TooManyRequestsException"), EndpointNotReady, "in a minute"),
        (client_error("ModelError"), ModelFailed, "CloudWatch"),
        (client_error("ModelError", OriginalStatusCode=500), ModelFailed, "CloudWatch"),
        (client_error("ModelError", OriginalStatusCode=503), EndpointNotReady, "in a minute"),
        (client_error("ModelError", OriginalStatusCode=504), EndpointNotReady, "in a minute"),
        (client_error("AccessDeniedException"), ModelFailed, "Deploy the stage again"),
        (ReadTimeoutError(endpoint_url="https://x"), EndpointNotReady, "in a minute"),
        (ConnectionResetError(), EndpointNotReady, "in a minute"),
        (b"<html>busy</html>", ModelFailed, "did not answer with JSON"),
        (b"\xff\xfe", ModelFailed, "did not answer with JSON"),
        (b"", ModelFailed, "did not answer with JSON"),
    ],
)
def test_failures_are_distinguished(failure: Any, error: type[Exception], advice: str) -> None:
    with pytest.raises(error, match=advice) as caught:
        invoke(FakeRuntime(failure))
    assert "my-endpoint" in str(caught.value)
    assert "raw text" not in str(caught.value)


def test_missing_endpoint_is_told_from_one_that_is_not_in_service() -> None:
    error: Any = {"Error": {"Code": "ValidationError", "Message": "Endpoint e of account 0 not found."}}
    with pytest.raises(EndpointMissing, match="my-endpoint"):
        invoke(FakeRuntime(ClientError(error, "InvokeEndpoint")))
